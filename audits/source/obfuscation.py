"""Is there something that a reader of the code would not see?  Code made at run time, packed data, programs.

Entropy says how much a text or a file looks like noise: packed or encrypted data comes near 8 bits a byte, base64 near
6 a letter, prose and code stay below 5.
"""

from __future__ import annotations

import ast
import math
import re
from collections import Counter
from collections.abc import Iterator

from audits.source import python
from audits.source.findings import NOTICE, PERSON, SourceFinding, excerpt
from audits.source.python import Module
from audits.source.tree import SourceFile, Tree

RUNS = frozenset(
    {
        "exec",
        "eval",
        "compile",
        "builtins.exec",
        "builtins.eval",
        "builtins.compile",
        "__builtins__.exec",
        "__builtins__.eval",
        "types.FunctionType",
        "types.CodeType",
        "marshal.loads",
        "runpy.run_path",
        "code.InteractiveInterpreter",
    }
)
UNPICKLES = frozenset(
    {
        "pickle.load",
        "pickle.loads",
        "dill.load",
        "dill.loads",
        "cloudpickle.load",
        "cloudpickle.loads",
        "joblib.load",
        "shelve.open",
    }
)
DECODERS = re.compile(
    r"(?:base64\.\w*decode\w*|zlib\.decompress|gzip\.decompress|lzma\.decompress|bz2\.decompress"
    r"|binascii\.\w+|bytes\.fromhex|codecs\.decode|marshal\.loads|.*\.decrypt)"
)
LIBRARIES = re.compile(r"(?:ctypes\.(?:CDLL|cdll\.LoadLibrary|PyDLL|WinDLL)|cffi\.FFI.*\.dlopen)")
HIDES = frozenset({"exec", "eval", "system", "popen", "__import__", "compile"})
PROGRAMS = (
    (b"\x7fELF", "a Linux program or library"),
    (b"MZ", "a Windows program"),
    (b"\xfe\xed\xfa", "a macOS program"),
    (b"\xcf\xfa\xed\xfe", "a macOS program"),
    (b"\xca\xfe\xba\xbe", "a macOS program or Java class"),
    (b"\x00asm", "a WebAssembly program"),
)
PICTURES = ((b"\x89PNG\r\n\x1a\n", b"IEND\xaeB`\x82"), (b"\xff\xd8\xff", b"\xff\xd9"), (b"GIF8", b"\x00;"))
KNOWN = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"wOFF", b"wOF2", b"OTTO", b"\x00\x01\x00\x00", b"ID3", b"%PDF")
PACKED = (
    (b"\x1f\x8b", "gzip"),
    (b"PK\x03\x04", "zip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ", "xz"),
    (b"7z\xbc\xaf", "7z"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"Rar!", "rar"),
)
WEIGHTS = (
    ".pt",
    ".pth",
    ".bin",
    ".ckpt",
    ".onnx",
    ".npz",
    ".h5",
    ".gguf",
    ".engine",
    ".trt",
    ".pkl",
    ".pickle",
    ".joblib",
)
LONG_TEXT, NOISY_TEXT = (
    600,
    5.6,
)  # letters, bits a letter: scripts in a template have up to 5.5, base 64 5.9
LONG_FILE, NOISY_FILE = 4096, 7.3  # bytes, bits a byte
LONG_LINE, NOISY_LINE = 2000, 5.2  # letters without a space, bits a letter
HIDDEN_TAIL = 512


def check(tree: Tree) -> Iterator[SourceFinding]:
    yield from python.unreadable(tree)
    for module in python.modules(tree):
        yield from code_at_run_time(module)
        yield from packed_texts(module)
    for source in tree.files:
        data = source.data
        if kind := next((what for magic, what in PROGRAMS if data.startswith(magic)), None):
            yield _of_file(source, PERSON, "program", f"It is {kind}: nobody can read what it does.")
        elif source.path.endswith((".pyc", ".pyo", ".so", ".dll", ".dylib", ".jar", ".whl", ".egg")):
            yield _of_file(source, PERSON, "program", "It is compiled or built code: nobody can read what it does.")
        elif source.path.lower().endswith(WEIGHTS):
            yield _of_file(
                source, PERSON, "data_in_code", "Weights or pickled data in the repository: what is in them?"
            )
        elif kind := next((what for magic, what in PACKED if data.startswith(magic)), None):
            yield _of_file(source, PERSON, "packed", f"It is a {kind} archive: its content was not audited.")
        elif source.text is None and data:
            yield from packed_file(source)
        elif source.text is not None and not python.is_python(source):
            yield from long_lines(source)


def code_at_run_time(module: Module) -> Iterator[SourceFinding]:
    """Calls that run what cannot be read here: made, unpickled, loaded, or reached by a name that is put together."""
    for node, name in module.calls():
        if name in RUNS:
            why = f"It runs code that is made at run time ({excerpt(name)}): what that is cannot be read here."
            yield module.finding(node, severity=PERSON, rule="code_at_run_time", sentence=why)
        elif name in UNPICKLES:
            why = "A pickle runs code while it is read; use safetensors, JSON or arrays."
            yield module.finding(node, severity=PERSON, rule="pickle", sentence=why)
        elif LIBRARIES.fullmatch(name):
            why = "It loads a library by itself: is it one of the system, or one that came with the code?"
            yield module.finding(node, severity=_of_library(module, node), rule="native_library", sentence=why)
        elif name in ("getattr", "builtins.getattr") and _hides(module, node):
            why = "It reaches a function by a name that it puts together: what for?"
            yield module.finding(node, severity=PERSON, rule="hidden_call", sentence=why)
        elif name in ("__import__", "importlib.import_module") and _decodes(module, node):
            why = "It imports what it decodes: what is that?"
            yield module.finding(node, severity=PERSON, rule="hidden_call", sentence=why)


def _of_library(module: Module, node: ast.Call) -> str:
    named = (module.text(node.args[0]) or "") if node.args else ""
    known = (
        not node.args or module.value(node.args[0]) is None or re.match(r"(?:lib)?(?:c|m|cuda\w*|GL|EGL)\.so", named)
    )
    return NOTICE if known and not isinstance(node.args[0] if node.args else None, ast.Name | ast.Call) else PERSON


def _hides(module: Module, node: ast.Call) -> bool:
    """`getattr(os, "sys" + "tem")`: put together, or a call that hides behind its name."""
    if len(node.args) < 2 or isinstance(node.args[1], ast.Name | ast.Attribute | ast.Subscript):
        return False
    named = module.text(node.args[1])
    return named in HIDES or (named is not None and not isinstance(node.args[1], ast.Constant | ast.JoinedStr))


def _decodes(module: Module, node: ast.Call) -> bool:
    if not node.args or isinstance(node.args[0], ast.Constant):
        return False
    parts = [part for part in ast.walk(node.args[0]) if isinstance(part, ast.Call | ast.BinOp)]
    known = isinstance(node.args[0], ast.Name) and isinstance(
        module.constants.get(node.args[0].id), ast.Call | ast.BinOp
    )
    called = [module.name(part.func) for part in parts if isinstance(part, ast.Call)]
    return known or any(DECODERS.fullmatch(name) or name.endswith((".join", ".decode", "chr")) for name in called)


def packed_texts(module: Module) -> Iterator[SourceFinding]:
    """Long texts in the code that look packed or encrypted."""
    for node in ast.walk(module.tree):
        value = node.value if isinstance(node, ast.Constant) else None
        if not isinstance(value, str | bytes) or len(value) < LONG_TEXT or id(node) in module.docstrings:
            continue
        letters = value if isinstance(value, bytes) else value.encode("utf-8", "replace")
        packed = re.fullmatch(rb"[0-9a-fA-F\s]+|[A-Za-z0-9+/=_\s-]+", letters) is not None
        if entropy(letters) > NOISY_TEXT or (packed and b" " not in letters.strip()):
            why = f"A text of {len(value)} letters looks like packed data ({entropy(letters):.1f} bits a letter)."
            yield module.finding(node, severity=PERSON, rule="high_entropy", sentence=why)


def packed_file(source: SourceFile) -> Iterator[SourceFinding]:
    """A picture with something behind it, or a file of no known kind that looks packed or encrypted."""
    for start, end in PICTURES:
        if source.data.startswith(start):
            tail = len(source.data) - source.data.rfind(end) - len(end) if end in source.data else len(source.data)
            if tail > HIDDEN_TAIL:
                why = f"The picture is followed by {tail} bytes that no viewer shows."
                yield _of_file(source, PERSON, "hidden_data", why)
            return
    noise = entropy(source.data[: 1 << 20])
    if not source.data.startswith(KNOWN) and source.size >= LONG_FILE and noise > NOISY_FILE:
        why = f"{source.size} bytes that look packed or encrypted ({noise:.1f} bits a byte), of no kind we know."
        yield _of_file(source, PERSON, "high_entropy", why)


def long_lines(source: SourceFile) -> Iterator[SourceFinding]:
    """One line of thousands of letters in a script, or in a text that is no data: packed, not written."""
    if source.path.endswith((".svg", ".json", ".lock", ".csv", ".ipynb", ".min.js", ".txt", ".md", ".toml", ".yaml")):
        threshold = 4 * LONG_LINE
    else:
        threshold = LONG_LINE
    for number, line in enumerate((source.text or "").splitlines(), start=1):
        words = line[:100_000].encode("utf-8", "replace")
        if len(line) > threshold and b" " not in words.strip() and entropy(words) > NOISY_LINE:
            why = f"A line of {len(line)} letters without a space looks like packed data."
            yield SourceFinding(
                severity=PERSON,
                rule="high_entropy",
                sentence=why,
                file=source.path,
                line=number,
                excerpt=excerpt(line[:60]),
            )
            return


def _of_file(source: SourceFile, severity: str, rule: str, why: str) -> SourceFinding:
    return SourceFinding(severity=severity, rule=rule, sentence=why, file=source.path)


def entropy(data: bytes) -> float:
    """Shannon's, in bits a byte."""
    if not data:
        return 0.0
    return -sum(n / len(data) * math.log2(n / len(data)) for n in Counter(data).values())
