"""Does the code look at where and when it runs?  Code that recognises an audit could behave only there.

Reading a setting such as PORT is usual.  Deciding by a host name, a provider's variable, the machine's identity, the
date or the hour is not.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from audits.source import python
from audits.source.findings import NOTICE, PERSON, SourceFinding, excerpt
from audits.source.python import Module
from audits.source.tree import Tree

SETTINGS = re.compile(
    r"(?:PORT|HOST|HOSTNAME_BIND|LOG_?LEVEL|LOGLEVEL|DEBUG|SEED|DEVICE|DTYPE|BATCH_?SIZE|WORKERS|THREADS|TMPDIR|TMP|TEMP"
    r"|HOME|PATH|PWD|LANG|LC_\w+|TERM|PYTHON\w*|VIRTUAL_ENV|OMP_\w+|MKL_\w+|OPENBLAS_\w+|NUMBA_\w+|NUMEXPR_\w+|KMP_\w+"
    r"|CUDA_(?!VISIBLE_DEVICES_UUID)\w+|NVIDIA_(?:VISIBLE_DEVICES|DRIVER_CAPABILITIES)|TORCH\w*|PYTORCH_\w+|XFORMERS_\w+"
    r"|TRITON_\w+|ATTN_\w+|HF_\w+|HUGGINGFACE_\w+|TRANSFORMERS_\w+|DIFFUSERS_\w+|TOKENIZERS_\w+|SAFETENSORS_\w+|NCCL_\w+"
    r"|EGL_\w+|PYOPENGL_\w+|MESA_\w+|DISPLAY|BLENDER_\w+|OPENCV_\w+|TRIMESH_\w+|XDG_\w+|SPCONV_\w+|\w*MODEL\w*|\w*WEIGHTS?\w*"
    r"|\w*CHECKPOINT\w*|\w*CACHE(?:_DIR)?|\w*TIMEOUT\w*|\w*RESOLUTION\w*|\w*STEPS|\w*_DIR|\w*_PATH)"
)
IDENTITY = re.compile(
    r"(?:socket\.(?:gethostname|getfqdn)|platform\.(?:node|uname)|os\.uname|uuid\.getnode|getpass\.getuser|os\.getlogin"
    r"|psutil\.(?:boot_time|users|net_if_addrs|net_connections|process_iter|pids)|locale\.getlocale)(?:\(\).*)?"
)
HARDWARE = re.compile(
    r"(?:torch\.cuda\.(?:get_device_name|get_device_properties)|pynvml\.\w+|psutil\.(?:cpu_count|virtual_memory)"
    r"|os\.cpu_count|multiprocessing\.cpu_count|platform\.(?:processor|machine))(?:\(\).*)?"
)
PLACES = re.compile(
    r"(?:/proc/(?:1|self)/(?:cgroup|environ|mountinfo|sched)|/\.dockerenv|/run/\.containerenv|/etc/(?:hostname|machine-id"
    r"|resolv\.conf)|/sys/(?:class/dmi|hypervisor|devices/virtual/dmi|class/net)|/var/run/secrets|/proc/uptime"
    r"|169\.254\.169\.254|/var/lib/cloud)"
)
CLOCKS = re.compile(
    r"(?:(?:datetime\.)?(?:datetime|date)\.(?:now|utcnow|today)|time\.(?:time|time_ns|localtime|gmtime|strftime|ctime))"
    r"(?:\(\).*)?"
)
CALENDAR = frozenset(
    {
        "year",
        "month",
        "day",
        "hour",
        "minute",
        "weekday",
        "isoweekday",
        "tm_hour",
        "tm_mday",
        "tm_mon",
        "tm_year",
        "tm_wday",
        "tm_yday",
        "isocalendar",
    }
)
EPOCH_NOW = 1_500_000_000  # a number this large beside a clock is a date
DATE = re.compile(r"20\d\d-?\d\d(?:-?\d\d.*)?|\d{1,2}:\d\d")
READS = ("os.getenv", "os.environ.get", "os.environ.pop", "os.environ.setdefault", "os.getenvb", "decouple.config")


def check(tree: Tree) -> Iterator[SourceFinding]:
    for module in python.modules(tree):
        for probe in PROBES:
            yield from probe(module)


def environment_variables(module: Module) -> Iterator[SourceFinding]:
    """A variable whose name is a setting's is a setting; any other one may tell where the code runs."""
    for node in ast.walk(module.tree):
        name = _variable(module, node)
        if name is None or SETTINGS.fullmatch(name):
            continue
        shown = excerpt(name) or "a variable whose name it puts together"
        why = f"It reads {shown} from the environment, which may tell it where it runs. Settings have usual names."
        yield module.finding(node, severity=PERSON, rule="environment_sniffing", sentence=why)


WHOLE_ENVIRONMENT = ("os.environ", "os.environ.items", "os.environ.keys")


def _variable(module: Module, node: ast.AST) -> str | None:
    """The variable that this expression reads; "" if its name cannot be known; None if it reads none."""
    if isinstance(node, ast.Call) and module.name(node.func) in READS and node.args:
        return module.text(node.args[0]) or ""
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load) and module.name(node.value) == "os.environ":
        return module.text(node.slice) or ""
    if isinstance(node, ast.Compare) and any(module.name(other) == "os.environ" for other in node.comparators):
        return module.text(node.left) or ""
    if isinstance(node, ast.For | ast.comprehension):
        return "" if module.name(node.iter).removesuffix("()") in WHOLE_ENVIRONMENT else None
    return None


def machine_files(module: Module) -> Iterator[SourceFinding]:
    """Files in which a machine says what it is; one finding a line."""
    lines: set[int] = set()
    for node, text in module.texts():
        line = getattr(node, "lineno", 0)
        if line not in lines and (place := PLACES.search(text)):
            lines.add(line)
            why = f"It names {excerpt(place[0])}, where a machine says what it is. A generator has no use for that."
            yield module.finding(node, severity=PERSON, rule="environment_sniffing", sentence=why)


def machine_identity(module: Module) -> Iterator[SourceFinding]:
    """Who the machine is, and what hardware it has; above all where a comparison decides by it."""
    decided = _compared_with_text(module, HARDWARE)
    for node, name in module.calls():
        if IDENTITY.fullmatch(name):
            why = f"It asks who the machine is ({excerpt(name)}). A generator has no use for that."
            yield module.finding(node, severity=PERSON, rule="environment_sniffing", sentence=why)
        elif HARDWARE.fullmatch(name) and id(node) not in decided:
            why = f"It asks for the hardware ({excerpt(name)})."
            yield module.finding(node, severity=NOTICE, rule="hardware", sentence=why)
    for call in decided.values():
        why = "It compares the hardware's name with a text of its own: does it make something else elsewhere?"
        yield module.finding(call, severity=PERSON, rule="hardware_sniffing", sentence=why)


def _compared_with_text(module: Module, calls: re.Pattern[str]) -> dict[int, ast.AST]:
    """Calls whose answer is compared with a text: a GPU's name, not its memory."""
    named = _assigned_from(module, calls)
    compared: dict[int, ast.AST] = {}
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.Compare):
            continue
        sides = [node.left, *node.comparators]
        probes = [part for side in sides for part in ast.walk(side) if _is_from(module, part, calls, named)]
        if probes and any(isinstance(module.value(side), str) for side in sides):
            compared |= {id(part): node for part in probes}
    return compared


def _assigned_from(module: Module, calls: re.Pattern[str]) -> set[str]:
    """Names whose value comes from such a call, directly or by way of another such name."""
    named: set[str] = set()
    for _ in range(3):
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Assign) and any(_is_from(module, p, calls, named) for p in ast.walk(node.value)):
                named |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return named


def _is_from(module: Module, node: ast.AST, calls: re.Pattern[str], named: set[str]) -> bool:
    if isinstance(node, ast.Call):
        return bool(calls.fullmatch(module.name(node.func)))
    return isinstance(node, ast.Name) and node.id in named


def clock(module: Module) -> Iterator[SourceFinding]:
    """Measuring how long something took is usual; deciding by the date or the hour is not."""
    named = _assigned_from(module, CLOCKS)
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Compare) and _by_date(module, node, named):
            why = "It decides by the date or the time of day: does it make something else on another day?"
            yield module.finding(node, severity=PERSON, rule="clock_sniffing", sentence=why)
        elif isinstance(node, ast.Subscript | ast.BinOp) and _picks_by_clock(module, node, named):
            why = "It chooses by the date or the time of day: does it make something else on another day?"
            yield module.finding(node, severity=PERSON, rule="clock_sniffing", sentence=why)


def _by_date(module: Module, node: ast.Compare, named: set[str]) -> bool:
    sides = [node.left, *node.comparators]
    clocked = [side for side in sides if _has_clock(module, side, named)]
    if not clocked:
        return False
    if any(_calendar(part) for side in clocked for part in ast.walk(side)):
        return True
    return any(_is_date(module, side) for side in sides if side not in clocked)


def _has_clock(module: Module, side: ast.AST, named: set[str]) -> bool:
    return any(_is_from(module, part, CLOCKS, named) for part in ast.walk(side))


def _calendar(part: ast.AST) -> bool:
    return isinstance(part, ast.Attribute) and part.attr in CALENDAR


def _is_date(module: Module, side: ast.expr) -> bool:
    for part in ast.walk(side):
        value = module.value(part) if isinstance(part, ast.Constant | ast.Name) else None
        if isinstance(value, int | float) and not isinstance(value, bool) and value >= EPOCH_NOW:
            return True
        if isinstance(value, str) and DATE.fullmatch(value):
            return True
        if isinstance(part, ast.Call) and module.name(part.func).rpartition(".")[2] in (
            "datetime",
            "date",
            "fromisoformat",
        ):
            return True
    known = module.constants.get(side.id) if isinstance(side, ast.Name) else None
    return known is not None and _is_date(module, known)


def _picks_by_clock(module: Module, node: ast.Subscript | ast.BinOp, named: set[str]) -> bool:
    """`TABLE[now.hour]`, `now.day % 2`."""
    inside = node.slice if isinstance(node, ast.Subscript) else node.left
    if isinstance(node, ast.BinOp) and not isinstance(node.op, ast.Mod):
        return False
    return any(_calendar(part) and _has_clock(module, part, named) for part in ast.walk(inside))


PROBES = (environment_variables, machine_files, machine_identity, clock)
"""What is looked for in each Python file."""
