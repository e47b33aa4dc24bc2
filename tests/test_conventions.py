"""The habits of the house, each with its reason in the failure text."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
APPS = ("competition", "judging", "audits", "dashboard")
GROUND = ("core", "formats")
FLOORS = (("core",), ("formats", "competition"), ("judging",), ("audits",), ("dashboard",))
LONGEST_FUNCTION = 60
LONGEST_TEMPLATE_LINE = 120


def sources(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from (p for p in sorted((ROOT / folder).rglob("*.py")) if "migrations" not in p.parts)


@cache
def parsed(path: Path) -> ast.Module:
    """Read once for all habits; nobody changes it."""
    return ast.parse(path.read_text())


def imports(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.lineno, node.module


def at(path: Path, line: int) -> str:
    return f"{path.relative_to(ROOT)}:{line}"


def test_a_lower_floor_never_imports_a_higher_one() -> None:
    wrong = [
        f"{at(path, line)} imports {module}"
        for rank, floor in enumerate(FLOORS)
        for path in sources(*floor)
        for line, module in imports(path)
        if module.split(".")[0] in {name for higher in FLOORS[rank + 1 :] for name in higher}
    ]
    law = "core <- formats, competition <- judging <- audits <- dashboard keeps the game free of its watchers"
    assert not wrong, f"{law}, and the ground floor free of the game: {wrong}"


def test_the_ground_floor_knows_nothing_of_the_game() -> None:
    wrong = [
        f"{at(path, line)} imports {module}"
        for path in sources(*GROUND)
        for line, module in imports(path)
        if module.split(".")[0] in APPS
    ]
    assert not wrong, (
        f"core and formats serve any platform of rounds; what they need of the game is handed to them: {wrong}"
    )


# Which parts of core a part of core may import, also inside a function; what else it needs is handed to it.
CORE_LAW = {
    "machine": {"clock", "ledger", "store"},  # how a worker is told of a row is handed over: registry.connect
    "queue": {"clock", "machine", "postgres"},
    "net": {"store"},
    "postgres": {"secret"},
    "web": {"environment"},
}


def test_the_parts_of_the_core_import_each_other_one_way() -> None:
    wrong = [
        f"{at(path, line)} imports core.{part}"
        for path in sources("core")
        for own in (path.relative_to(ROOT).with_suffix("").parts[1],)
        for line, part in parts_of_core(path)
        if part not in {own, *CORE_LAW.get(own, ())}
    ]
    assert not wrong, (
        f"the engine knows no queue, the sandbox and the client know nothing: hand it over, as `registry` does: {wrong}"
    )
    TopologicalSorter(CORE_LAW).prepare()  # raises CycleError for a law that goes in a circle


def parts_of_core(path: Path) -> Iterator[tuple[int, str]]:
    """`core.machine` and `from core import machine` alike, wherever in the file they stand."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, a.name.split(".")[1]) for a in node.names if a.name.startswith("core."))
        elif isinstance(node, ast.ImportFrom) and node.module == "core":
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("core."):
            yield node.lineno, str(node.module).split(".")[1]


def test_no_two_modules_of_the_ground_floor_need_each_other() -> None:
    names = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in sources(*GROUND)}
    needs: dict[str, set[str]] = {}
    for name, path in names.items():
        froms = [node for node in ast.walk(parsed(path)) if isinstance(node, ast.ImportFrom)]
        wanted = {f"{node.module}.{alias.name}" for node in froms for alias in node.names}
        needs[name] = (wanted | {str(node.module) for node in froms}) & names.keys()
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as circle:
        pytest.fail(f"what both need belongs in a module of its own, hidden imports too: {' -> '.join(circle.args[1])}")


# What else than core/net opens a connection, or tells git or a library to, and why it is no second HTTP client.
DOORS = {
    "audits/source/origins/git.py": "git fetches one commit in the sandbox: no redirects, one protocol, bounded bytes",
    "competition/records/publishing.py": "git pushes an export of our own to the operator's own address",
    "competition/chain/bittensor.py": "the chain's own client: a websocket to nodes that the operator names",
    "competition/notices/channels.py": "Django's SMTP, to the mail server that the operator names",
    "core/queue/broker.py": "the operator's own Redis or RabbitMQ, through dramatiq",
    "judging/panel/transformers_model.py": "weights of a pinned revision, from the model hub or its cache",
    "judging/panel/transformers_words.py": "words of the same pinned revision",
    "audits/pods/control_service.py": "runs in a pod, which sees this one file and the standard library",
    "audits/pods/bridge.py": "runs in a pod: from its socket to its own service, by loopback",
    "audits/pods/keeper.py": "binds a port of loopback, to see whether it is free",
    "competition/management/commands/run.py": "binds the address of the pages, to see whether it is free",
    "core/postgres/ports.py": "binds a port of this machine, to see whether it is free",
    "core/sandbox/forkserver.py": "takes requests over the socket that its starter made and left open",
    "core/sandbox/namespaces.py": "turns loopback on in a network of its own",
    "verify/bundles/web.py": "the verifier stands alone; asks only addresses that its user types",
    "clients/python/src/gauntlet_client/client.py": "the miners' client, on a miner's machine",
    "clients/python/src/gauntlet_client/requests.py": "the miners' client",
    "clients/python/src/gauntlet_client/downloading.py": "the miners' client",
    "clients/python/src/gauntlet_client/receiving.py": "the miners' client: how long and how many bytes",
}
CLIENTS = re.compile(
    r"(httpx|requests|aiohttp|urllib3|urllib\.request|http\.client|httplib2|pycurl|xmlrpc|ssl"
    r"|smtplib|poplib|imaplib|ftplib|telnetlib|paramiko|websockets?|playwright|selenium|grpc|boto3|botocore|docker"
    r"|bittensor|redis|pika|django\.core\.mail|dramatiq\.brokers\.(redis|rabbitmq))(\..*)?"
)
OPENERS = re.compile(
    r"socket\.(socket|create_connection)|(asyncio|loop)\.(open_connection|create_connection|create_datagram_endpoint)"
    r"|(\w+\.)*(urlopen|urlretrieve|from_pretrained|snapshot_download|hf_hub_download)"
)
GIT_VERBS = ("fetch", "push", "pull", "clone", "ls-remote")


def opens_a_door(node: ast.AST) -> bool:
    """Is it the import of a network client, or a call that opens a connection or has git open one?"""
    if isinstance(node, ast.Import):
        return any(CLIENTS.fullmatch(alias.name) for alias in node.names)
    if isinstance(node, ast.ImportFrom) and node.level == 0:
        names = [str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)]
        return any(CLIENTS.fullmatch(name) or OPENERS.fullmatch(name) for name in names)
    if not isinstance(node, ast.Call):
        return False
    called = ast.unparse(node.func)
    if OPENERS.fullmatch(called) or called in ("import_module", "importlib.import_module", "__import__"):
        named = [arg.value for arg in node.args if isinstance(arg, ast.Constant)]
        return bool(OPENERS.fullmatch(called)) or any(CLIENTS.fullmatch(str(name)) for name in named)
    return called.endswith(("git", ".run")) and any(
        isinstance(arg, ast.Constant) and arg.value in GIT_VERBS for arg in node.args
    )


def test_whatever_leaves_this_machine_goes_through_the_one_client() -> None:
    """A second client would have second rules: which addresses, how long, how many bytes."""
    opening = {
        str(path.relative_to(ROOT))
        for path in sources(*GROUND, *APPS, "verify", "clients/python/src")
        if not path.is_relative_to(ROOT / "core" / "net") and any(opens_a_door(node) for node in ast.walk(parsed(path)))
    }
    wrong, gone = sorted(opening - DOORS.keys()), sorted(DOORS.keys() - opening)
    assert not wrong, (
        f"ask by core.net.http_client (or fetch, or connection_pool), which bounds address, time, size: {wrong}"
    )
    assert not gone, f"they open nothing any more: take them off the list: {gone}"


@pytest.mark.parametrize(
    "line",
    [
        "import httpx",
        "import smtplib",
        "import urllib.request as web",
        "from urllib import request",
        "from urllib.request import urlopen",
        "from http import client",
        "import http.client",
        "import ssl",
        "from websockets.asyncio.client import connect",
        "from playwright.sync_api import sync_playwright",
        "from asyncio import open_connection",
        "asyncio.open_connection(host, 80)",
        "from socket import create_connection",
        "socket.socket()",
        "import_module('requests')",
        "self.run('fetch', url)",
    ],
)
def test_a_second_client_is_seen_however_it_is_written(line: str) -> None:
    assert any(opens_a_door(node) for node in ast.walk(ast.parse(line)))


def test_the_architecture_names_each_other_door_once() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text().split("## What leaves this machine")[1].split("\n## ")[0]
    wrong = sorted(path for path in DOORS if text.count(f"`{path}`") != 1)
    more = sorted(
        {path for path in re.findall(r"^\| `([\w/]+\.py)`", text, re.MULTILINE) if not path.startswith("core/net/")}
        - DOORS.keys()
    )
    assert not wrong and not more, f"docs/architecture.md, What leaves this machine: each of DOORS once; {wrong} {more}"


# Who starts processes, and for what: no bytes of strangers, or the sandbox itself.
STARTERS = {
    "core/sandbox/processes.py": "the one way to start what is not ours",
    "core/sandbox/launch.py": "becomes the program that `processes` starts, behind its walls",
    "core/sandbox/forkserver.py": "forks a walled child for each file",
    "core/sandbox/service.py": "forks a miner's service into its walls",
    "core/sandbox/service_probe.py": "tries those walls on nothing",
    "core/postgres/server.py": "PostgreSQL, our own database",
    "core/queue/processes.py": "the platform's own parts",
    "competition/management/commands/play.py": "the demo's own parts",
    "competition/management/commands/run.py": "our own look at a judge, which gives the memory of a model back",
    "competition/publication/bundle_verifier.py": "our verifier on our own bundle, in bounded memory and time",
    "competition/records/publishing.py": "git on an export of our own, which it pushes",
    "audits/pods/local.py": "our keeper, which alone starts a service",
    "audits/pods/keeper.py": "leaves the process group of its starter",
    "clients/python/src/gauntlet_client/platform_code.py": "the platform's own programs on a miner's machine",
}
STARTING = re.compile(r"(fork|forkpty|exec[lv]p?e?|spawn[lv]p?e?|posix_spawnp?|system|popen)")


def test_whatever_is_not_ours_is_started_by_the_sandbox() -> None:
    starting = {
        str(path.relative_to(ROOT))
        for path in sources(*GROUND, *APPS, "verify", "clients/python/src")
        if any(starts_processes(node) for node in ast.walk(parsed(path)))
    }
    wrong, gone = sorted(starting - STARTERS.keys()), sorted(STARTERS.keys() - starting)
    assert not wrong, f"start it by core.sandbox.processes and a SandboxPolicy; a second way has second rules: {wrong}"
    assert not gone, f"they start nothing any more: take them off the list: {gone}"


def starts_processes(node: ast.AST) -> bool:
    if isinstance(node, ast.Import):
        return any(alias.name.split(".")[0] in ("subprocess", "multiprocessing", "pty") for alias in node.names)
    if isinstance(node, ast.ImportFrom):
        return str(node.module).split(".")[0] in ("subprocess", "multiprocessing", "pty")
    if not isinstance(node, ast.Attribute) or not isinstance(node.value, ast.Name):
        return False
    return (node.value.id == "os" and STARTING.fullmatch(node.attr) is not None) or (
        node.value.id == "asyncio" and node.attr.startswith("create_subprocess")
    )


def test_decisions_import_the_standard_library_only() -> None:
    pure = re.compile(r"(competition|judging|audits)\.decisions\b|competition\.rulesets\b")
    wrong = [
        f"{at(path, line)} imports {module}"
        for folder in ("competition/rulesets", *(f"{app}/decisions" for app in APPS))
        for path in sources(folder)
        for line, module in imports(path)
        if module.split(".")[0] not in sys.stdlib_module_names and not pure.match(module)
    ]
    assert not wrong, f"what moves money must be readable, and repeatable, without the platform: {wrong}"


DRAWING = "verify/second_opinion/sheets.py"


def test_verify_imports_nothing_of_the_platform() -> None:
    """One module draws pictures, and is loaded by `--ask` alone."""
    plain = {*sys.stdlib_module_names, "verify", "rfc8785", "bittensor_core"}
    wrong = [
        f"{at(path, line)} imports {module}"
        for path in sources("verify")
        for line, module in imports(path)
        if module.split(".")[0] not in plain | ({"cv2", "numpy", "PIL"} if path == ROOT / DRAWING else set())
    ]
    assert not wrong, f"a verifier that shares code with what it checks repeats its mistakes: {wrong}"


def _writes_state(node: ast.AST) -> bool:
    if isinstance(node, ast.Assign):
        return any(isinstance(t, ast.Attribute) and t.attr == "state" for t in node.targets)
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("update", "bulk_update")
    ):
        named = {keyword.arg for keyword in node.keywords}
        return "state" in named
    return False


OWN_CLOCK = {
    "core/clock.py": "reads it to compare it with the database's",
    "competition/management/commands/run.py": "prints lines before there is a database",
    "dashboard/reviewing/sessions.py": "compares with rows that Django writes by this clock",
    "dashboard/reviewing/signing_in.py": "compares with rows that django-axes writes by this clock",
    "dashboard/api/throttles.py": "counts requests of a minute, on this machine alone",
}


def test_the_databases_clock_decides_and_no_other_is_read() -> None:
    own = re.compile(r"\btimezone\.now\b|\btime\.time\(|\bdatetime\.now\(")
    reads = {str(path.relative_to(ROOT)) for path in sources(*GROUND, *APPS) if own.search(path.read_text())}
    assert reads == {*OWN_CLOCK}, "ask `core.clock.now`: a wrong clock must not decide; or say here why"


def test_only_the_engine_writes_a_state() -> None:
    engine = ROOT / "core" / "machine" / "engine.py"
    wrong = [
        at(path, node.lineno)
        for path in sources(*GROUND, *APPS)
        if path != engine
        for node in ast.walk(parsed(path))
        if _writes_state(node)
    ]
    assert not wrong, f"a state written past the engine leaves no event, no lease and no reason: {wrong}"


LIMITS_OF_OTHERS = {"TROUBLED": "from so many tries on people are shown the row; the row goes on"}


def limits_of_tries(node: ast.AST) -> list[ast.expr]:
    """What a row's `attempts` are compared with, in a condition or a query."""
    if isinstance(node, ast.Compare):
        sides = [node.left, *node.comparators]
        counted = [side for side in sides if isinstance(side, ast.Attribute) and side.attr == "attempts"]
        return [side for side in sides if side not in counted] if counted else []
    if isinstance(node, ast.keyword) and re.fullmatch(r"(\w+__)?attempts(__[gl]te?)?", node.arg or ""):
        return [node.value] if "__" in str(node.arg) else []
    return []


def written_down(limit: ast.expr) -> bool:
    """A figure, or a constant that stands for one; zero asks whether it was tried at all."""
    if isinstance(limit, ast.Constant):
        return limit.value != 0
    name = limit.id if isinstance(limit, ast.Name) else limit.attr if isinstance(limit, ast.Attribute) else ""
    return name.isupper() and name not in LIMITS_OF_OTHERS


def test_how_often_a_row_is_tried_stands_in_its_states_declaration() -> None:
    wrong = [
        f"{at(path, limit.lineno)} {ast.unparse(limit)}"
        for path in sources(*GROUND, *APPS)
        for node in ast.walk(parsed(path))
        for limit in limits_of_tries(node)
        if written_down(limit)
    ]
    assert not wrong, (
        f"write State(tries=…, looks=…), and ask `exhausted`, `out_of_tries()` or `declared`; "
        f"a second figure differs: {wrong}"
    )


@pytest.mark.parametrize(
    "line", ["row.attempts > 3", "LOOKS <= row.attempts", "q(attempts__gte=n.MOST)", "q(of__attempts__lt=3)"]
)
def test_a_figure_beside_the_declaration_is_seen_under_any_name(line: str) -> None:
    assert any(written_down(limit) for node in ast.walk(ast.parse(line)) for limit in limits_of_tries(node))


KIND_COMPARED = re.compile(
    r"""Kind\.TITLE|Purpose\.TITLE|[!=]= ?["']title["']|\bin [(\[{][^)\]}]*["']title["']|\.title is |\bTitle1\b"""
)
# The two that own the answer: the rulesets, and the declaration of what a pod run is for.
OWNERS_OF_KINDS = ("competition/rulesets/", "audits/models.py")


def test_nobody_but_the_rulesets_compares_a_kind_of_match_by_its_name() -> None:
    files = [*sources(*APPS), *sorted((ROOT / "templates").rglob("*.html"))]
    outside = [path for path in files if not str(path.relative_to(ROOT)).startswith(OWNERS_OF_KINDS)]
    compared = [
        at(path, number)
        for path in outside
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if KIND_COMPARED.search(line)
    ]
    assert not compared, (
        "a new kind of match would have to be added here, too: use the property that is meant "
        f"(rulesets.match_words, rulesets.match_kind, PodRun.on_fresh_prompts): {compared}"
    )


@pytest.mark.parametrize(
    "line",
    [
        "if match.kind == Match.Kind.TITLE:",
        "{% if row.kind == 'title' %}",
        'x.stopped != "title"',
        'if kind not in ("audit", "again", "title"):',
        "Title1(rules).title",
        "rules.title is None",
    ],
)
def test_a_kind_that_is_compared_is_seen(line: str) -> None:
    assert KIND_COMPARED.search(line)


def test_functions_hold_one_idea() -> None:
    long_functions = [
        f"{at(path, node.lineno)} {node.name} ({length} lines)"
        for path in sources(*GROUND, *APPS, "verify")
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := (node.end_lineno or 0) - node.lineno + 1) > LONGEST_FUNCTION
    ]
    assert not long_functions, f"a longer function does two things: give the second one a name: {long_functions}"


MOST_NESTING = 3
BLOCKS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.Match)


def nesting(node: ast.AST, depth: int = 0) -> int:
    """How many blocks lie around the innermost statement; an `elif` lies beside its `if`, a function starts anew."""
    deepest = depth
    for field, value in ast.iter_fields(node):
        children = [each for each in value if isinstance(each, ast.AST)] if isinstance(value, list) else []
        alone = isinstance(node, ast.If) and field == "orelse" and len(children) == 1
        for child in children:
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                continue
            beside = alone and isinstance(child, ast.If)
            deepest = max(deepest, nesting(child, depth + (isinstance(child, BLOCKS) and not beside)))
    return deepest


def test_no_function_nests_deeper_than_a_reader_can_hold() -> None:
    deep = [
        f"{at(path, node.lineno)} {node.name}"
        for path in sources(*GROUND, *APPS, "verify")
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and nesting(node) > MOST_NESTING
    ]
    assert not deep, f"more than {MOST_NESTING} blocks deep: leave early, or give the inner part a name: {deep}"


def test_every_module_says_which_question_it_answers() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in sources(*GROUND, *APPS, "verify")
        if path.read_text().strip() and not ast.get_docstring(parsed(path))
    ]
    assert not silent, f"a reader opens a module to get an answer: {silent}"


def test_the_web_process_never_loads_a_model_or_a_chain_client() -> None:
    program = (
        "import os, sys; os.environ['DJANGO_SETTINGS_MODULE'] = 'competition.settings'\n"
        "from competition.wsgi import application\n"
        "from django.urls import get_resolver; get_resolver().url_patterns\n"
        "banned = {'torch', 'transformers', 'bittensor', 'trimesh', 'cv2', 'embreex'}\n"
        "heavy = sorted({m.split('.')[0] for m in sys.modules} & banned)\n"
        "sys.exit(f'loaded: {heavy}' if heavy else 0)"
    )
    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, f"the web process must stay small and quick to start; {ran.stderr[-500:]}"


def test_models_and_migrations_agree() -> None:
    command = [sys.executable, "manage.py", "makemigrations", "--check", "--dry-run"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, f"a model without its migration breaks the next deployment: {ran.stdout}{ran.stderr}"


@pytest.mark.django_db
def test_every_command_is_documented() -> None:
    documented = (ROOT / "docs" / "commands.md").read_text()
    commands = {p.stem for app in APPS for p in (ROOT / app / "management" / "commands").glob("[a-z]*.py")}
    missing = sorted(name for name in commands if f"`{name}" not in documented)
    assert not missing, f"a command nobody can find is not there; name it in docs/commands.md: {missing}"


def test_no_command_takes_a_method_away_from_django_s() -> None:
    """A shell runs Django's `check` before a command, `call_command` in a test does not: a test alone would not see."""
    from django.core.management import load_command_class
    from django.core.management.base import BaseCommand

    ours = {
        "__module__",
        "__doc__",
        "help",
        "add_arguments",
        "handle",
        "requires_system_checks",
        "__static_attributes__",
    }
    taken = {
        f"{app}: {path.stem}.{name}"
        for app in APPS
        for path in (ROOT / app / "management" / "commands").glob("[a-z]*.py")
        for name in set(vars(type(load_command_class(app, path.stem)))) & set(dir(BaseCommand)) - ours
    }
    assert not taken, f"these would run in place of Django's own: {taken}"


def test_every_page_is_documented() -> None:
    from django.urls import get_resolver

    told = [ROOT / "docs" / "pages.md", *(ROOT / "docs" / "api").glob("*.md")]
    documented = "".join(path.read_text() for path in told)
    names = {str(key) for key in get_resolver().reverse_dict if isinstance(key, str)}
    missing = sorted(name for name in names if f"`{name}`" not in documented)
    assert not missing, f"a page nobody can find is not there; name it in docs/pages.md or docs/api: {missing}"


def test_every_ruleset_is_documented() -> None:
    from competition.rulesets import RULESETS

    documented = (ROOT / "docs" / "rules.md").read_text()
    missing = sorted(name for name in RULESETS if f"`{name}`" not in documented)
    assert not missing, f"miners must be able to read the rules they are judged by: {missing}"


def test_a_line_of_a_template_can_be_read_without_scrolling() -> None:
    """No formatter may do it: those there are put a space before a comma that follows `{% endif %}`."""
    sent_to_a_model = ROOT / "templates" / "judging"  # to the letter: they are part of a judge's version
    long_lines = [
        at(path, number)
        for path in sorted((ROOT / "templates").rglob("*"))
        if path.is_file() and not path.is_relative_to(sent_to_a_model)
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if len(line) > LONGEST_TEMPLATE_LINE
    ]
    assert not long_lines, (
        f"over {LONGEST_TEMPLATE_LINE} characters; break it where there is a space already, or beside a block "
        f"element's tag, and indent by two: {long_lines}"
    )


def unlabelled_cells(text: str) -> Iterator[int]:
    """Lines of such cells in tables that become cards on a phone, where there is no head row."""
    for table in re.finditer(r'<table class="[^"]*\bcards\b[^"]*".*?</table>', text, re.DOTALL):
        for cell in re.finditer(r"<td\b[^>]*>", table[0]):
            if "data-label=" not in cell[0] and 'class="chart"' not in cell[0]:
                yield text.count("\n", 0, table.start() + cell.start()) + 1


def test_each_cell_of_a_table_has_its_name_on_a_phone_too() -> None:
    nameless = [
        at(path, number)
        for path in sorted((ROOT / "templates").rglob("*.html"))
        for number in unlabelled_cells(path.read_text())
    ]
    assert not nameless, f'give it data-label="…", which a phone shows beside the value: {nameless}'


def unexplained_imports(tree: ast.AST, lines: list[str]) -> Iterator[int]:
    """Lines of imports inside functions without a comment: on the line, above it, or at the import right before."""
    inside = {
        node.lineno: node
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    explained: set[int] = set()
    for first, node in sorted(inside.items()):
        last = node.end_lineno or first
        if first - 1 in explained or "  # " in lines[last - 1] or lines[first - 2].lstrip().startswith("# "):
            explained.add(last)
        else:
            yield first


def test_an_import_inside_a_function_says_why_it_is_not_at_the_top() -> None:
    """Django's own way, `ready` of an app, says it by its name."""
    wrong = [
        at(path, line)
        for path in sources(*GROUND, *APPS, "verify", "clients/python/src")
        if path.name != "apps.py"
        for text in (path.read_text(),)
        for line in unexplained_imports(ast.parse(text), text.splitlines())
    ]
    assert not wrong, f"a hidden import hides a circle or a cost: move it up, or name the reason beside it: {wrong}"
