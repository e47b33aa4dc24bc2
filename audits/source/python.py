"""What does a Python file say, as far as that can be known without running it?

Names are followed to what was imported, and texts to what they are put together from: `"ht" + "tps://"`, f-strings,
`"".join([...])`, base64 and hex of constants, reversed texts.  Nothing is executed.
"""

from __future__ import annotations

import ast
import base64
import binascii
import codecs
from collections.abc import Iterator
from dataclasses import dataclass, field

from audits.source.findings import PERSON, SourceFinding, excerpt
from audits.source.tree import SourceFile, Tree

LONGEST_FOLDED = 20_000
DEEPEST_FOLD = 40
IMPORTERS = ("__import__", "importlib.import_module")
SAYS = (ast.Constant, ast.BinOp, ast.JoinedStr, ast.Call, ast.Subscript)
LOADERS = frozenset(
    {
        "json.load",
        "json.loads",
        "pickle.load",
        "pickle.loads",
        "numpy.load",
        "yaml.safe_load",
        "yaml.load",
        "csv.reader",
        "csv.DictReader",
        "torch.load",
        "joblib.load",
        "tomllib.load",
        "tomllib.loads",
        "msgpack.load",
        "marshal.load",
        "shelve.open",
        "sqlite3.connect",
        "pandas.read_csv",
        "pandas.read_json",
        "pandas.read_parquet",
    }
)


@dataclass
class Module:
    """One parsed file.  `constants` are names that are given one value, once; `tables` names of data that the
    repository brings along: literal collections, or something loaded from a file."""

    source: SourceFile
    tree: ast.Module
    imports: dict[str, str] = field(default_factory=dict)
    constants: dict[str, ast.expr] = field(default_factory=dict)
    tables: set[str] = field(default_factory=set)
    docstrings: set[int] = field(default_factory=set)

    def finding(self, node: ast.AST, *, severity: str, rule: str, sentence: str) -> SourceFinding:
        line = getattr(node, "lineno", 1)
        lines = self.source.lines()
        shown = excerpt(lines[line - 1]) if 0 < line <= len(lines) else ""
        return SourceFinding(
            severity=severity, rule=rule, sentence=sentence, file=self.source.path, line=line, excerpt=shown
        )

    def name(self, node: ast.AST | None) -> str:
        """The dotted name that an expression stands for, imports followed: `rq.get` is requests.get.  "" if none."""
        if isinstance(node, ast.Name):
            return self.imports.get(node.id, node.id)
        if isinstance(node, ast.Attribute):
            inner = self.name(node.value)
            return f"{inner}.{node.attr}" if inner else f"?.{node.attr}"
        if not isinstance(node, ast.Call):
            return ""
        called = self.name(node.func)
        first = self.text(node.args[0]) if node.args else None
        if called in IMPORTERS and first:
            return first
        second = self.text(node.args[1]) if len(node.args) > 1 else None
        if called == "getattr" and second:
            return f"{self.name(node.args[0])}.{second}"
        return f"{called}()" if called else ""

    def text(self, node: ast.AST | None, depth: int = 0) -> str | None:
        """The text that an expression is, where that can be known."""
        value = self.value(node, depth)
        if isinstance(value, bytes):
            return value.decode("latin-1")
        return value if isinstance(value, str) else None

    def value(self, node: ast.AST | None, depth: int = 0) -> object:
        if node is None or depth > DEEPEST_FOLD:
            return None
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, ast.Name):
            known = self.constants.get(node.id)
            return self.value(known, depth + 1) if known is not None else None
        folded = self._folded(node, depth + 1)
        return folded if not isinstance(folded, str | bytes) or len(folded) <= LONGEST_FOLDED else None

    def _folded(self, node: ast.AST, depth: int) -> object:
        if isinstance(node, ast.JoinedStr):
            return "".join(self.text(part, depth) or "\u2026" for part in node.values)
        if isinstance(node, ast.FormattedValue):
            return self.text(node.value, depth)
        if isinstance(node, ast.BinOp):
            left, right = self.text(node.left, depth), self.text(node.right, depth)
            if isinstance(node.op, ast.Add) and left is not None:
                return left + (right if right is not None else "\u2026")
            if isinstance(node.op, ast.Mod | ast.Div) and left is not None:  # "…%s" % x, and Path("a") / "b"
                return left + ("/" + right if isinstance(node.op, ast.Div) and right else "")
            return None
        if isinstance(node, ast.Subscript):
            backwards = isinstance(node.slice, ast.Slice) and self.value(node.slice.step, depth) == -1
            text = self.text(node.value, depth)
            return text[::-1] if backwards and text else None
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            number = self.value(node.operand, depth)
            return -number if isinstance(number, int | float) else None
        return self._decoded(node, depth) if isinstance(node, ast.Call) else None

    def _decoded(self, node: ast.Call, depth: int) -> object:
        called, given = self.name(node.func), node.args[0] if node.args else None
        try:
            if called.endswith(".join") and isinstance(given, ast.List | ast.Tuple):
                return (self.text(_owner(node), depth) or "").join(self.text(e, depth) or "" for e in given.elts)
            if called in ("base64.b64decode", "base64.urlsafe_b64decode"):
                return base64.b64decode((self.text(given, depth) or "").encode())
            if called in ("bytes.fromhex", "binascii.unhexlify"):
                return bytes.fromhex(self.text(given, depth) or "")
            if (
                called == "codecs.decode"
                and len(node.args) > 1
                and self.text(node.args[1], depth) in ("rot13", "rot_13")
            ):
                return codecs.decode(self.text(given, depth) or "", "rot13")
            if called == "chr":
                code = self.value(given, depth)
                return chr(code) if isinstance(code, int) else None
        except (ValueError, binascii.Error, OverflowError):
            return None
        if called.rpartition(".")[2] in ("decode", "encode", "strip", "lower", "format") and _owner(node) is not None:
            return self.text(_owner(node), depth)
        return self.text(given, depth) if called.rpartition(".")[2] in ("str", "Path", "Request", "bytes") else None

    def calls(self) -> Iterator[tuple[ast.Call, str]]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call):
                yield node, self.name(node.func)

    def imported(self) -> Iterator[tuple[ast.AST, str]]:
        """Every module that is imported, by whichever words."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield node, alias.name
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield node, node.module
                for alias in node.names:
                    yield node, f"{node.module}.{alias.name}"
            elif isinstance(node, ast.Call) and self.name(node.func) in IMPORTERS:
                named = self.text(node.args[0]) if node.args else None
                if named:
                    yield node, named

    def texts(self) -> Iterator[tuple[ast.AST, str]]:
        """Every text that the file says or puts together, without its docstrings."""
        for node in ast.walk(self.tree):
            if isinstance(node, SAYS) and id(node) not in self.docstrings:
                text = self.text(node)
                if text:
                    yield node, text


def _owner(node: ast.Call) -> ast.expr | None:
    return node.func.value if isinstance(node.func, ast.Attribute) else None


def modules(tree: Tree) -> Iterator[Module]:
    """The Python files that can be read; the others are `unreadable`."""
    for source in tree.files:
        if is_python(source):
            parsed = parse(source)
            if parsed is not None:
                yield parsed


def unreadable(tree: Tree) -> Iterator[SourceFinding]:
    for source in tree.files:
        if is_python(source) and parse(source) is None:
            why = "This file is no Python that we can read, so no rule was applied to it: a person must."
            yield SourceFinding(severity=PERSON, rule="unreadable_python", sentence=why, file=source.path, line=1)


def is_python(source: SourceFile) -> bool:
    first = (source.text or "")[:100].partition("\n")[0]
    return source.path.endswith((".py", ".pyw")) or (first.startswith("#!") and "python" in first)


def parse(source: SourceFile) -> Module | None:
    if source.text is None:
        return None
    try:
        module = Module(source=source, tree=ast.parse(source.text))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    # what the names of the file stand for: imports, constants (given once), and tables
    given: dict[str, list[ast.expr]] = {}
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            module.imports |= _imports(node)
        elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            for name in _targets(node):
                given.setdefault(name, []).append(node.value)
        elif isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            bare = [s for s in node.body if isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant)]
            module.docstrings |= {id(statement.value) for statement in bare}
    module.constants |= {name: values[0] for name, values in given.items() if len(values) == 1}
    module.tables |= {name for name, values in given.items() if any(_is_table(module, value) for value in values)}
    return module


def _imports(node: ast.Import | ast.ImportFrom) -> dict[str, str]:
    """name -> what it stands for."""
    if isinstance(node, ast.Import):
        first = {alias.name.partition(".")[0] for alias in node.names if not alias.asname}
        return dict(zip(first, first, strict=True)) | {a.asname: a.name for a in node.names if a.asname}
    if node.level or not node.module:
        return {}
    return {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}


def _targets(node: ast.Assign | ast.AnnAssign) -> Iterator[str]:
    for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
        if isinstance(target, ast.Name):
            yield target.id
        elif isinstance(target, ast.Attribute):
            yield target.attr


def _is_table(module: Module, value: ast.expr) -> bool:
    """Data that came with the code: a literal collection of constants, or something that is read from a file."""
    if isinstance(value, ast.Dict):
        return any(isinstance(key, ast.Constant) for key in value.keys)
    if isinstance(value, ast.List | ast.Set | ast.Tuple):
        return any(isinstance(element, ast.Constant) for element in value.elts)
    calls = [node for node in ast.walk(value) if isinstance(node, ast.Call)]
    return any(module.name(call.func) in LOADERS for call in calls)
