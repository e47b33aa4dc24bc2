"""Does the code bring outputs along, or look them up by a prompt's name or picture?

A generator makes its file from the picture.  It may check a prompt's name, and name its output by it; nothing else.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from audits.source import python
from audits.source.findings import NOTICE, PERSON, SourceFinding, excerpt
from audits.source.python import Module
from audits.source.tree import SourceFile, Tree

NAMES = re.compile(r"(?:prompt_)?stems?|prompt_?(?:name|id|key|stem)s?|(?:image|picture|file)_?(?:stem|id)")
KEYS = frozenset({"stem", "prompt_name", "prompt_id", "name_of_prompt"})
NAMED_BY = re.compile(r"(?:os\.path\.(?:basename|splitext)|.*\.(?:split|rsplit|rpartition|partition|removesuffix))")
URLS = re.compile(r"(?:image|prompt|picture)_?ur[li]|url")
DIGESTS = re.compile(r".*\.(?:hexdigest|digest)|imagehash\.\w+|zlib\.(?:crc32|adler32)|binascii\.crc32|xxhash\.\w+")
CHANGES = ("lower", "upper", "strip", "removesuffix", "replace", "encode", "casefold")
TESTS = frozenset({"startswith", "endswith", "find", "index", "count", "__contains__", "__eq__"})
OPENERS = re.compile(
    r"(?:open|io\.open|gzip\.open|numpy\.load|trimesh\.load(?:_mesh)?|torch\.load|json\.load|pickle\.load"
    r"|.*\.(?:read_bytes|read_text|open)|shutil\.copy\w*|open3d\.io\.read_\w+)"
)
MESHES = (
    ".glb",
    ".gltf",
    ".ply",
    ".obj",
    ".stl",
    ".fbx",
    ".usdz",
    ".usd",
    ".splat",
    ".spz",
    ".off",
    ".dae",
    ".3ds",
    ".blend",
)
MESH_MAGIC = (b"glTF", b"ply\n", b"ply\r", b"PXR-USDC", b"Kaydara FBX", b"BLENDER")
MESH_IN_BASE64 = re.compile(r"Z2xURg(?:[A-Za-z0-9+/]{40})|cGx5C(?:[A-Za-z0-9+/]{40})|H4sIA(?:[A-Za-z0-9+/]{400})")
SMALL_MESH, FEW_MESHES = 64 << 10, 3
MOST_NUMBERS = 1500
LARGE_TABLE = 64 << 10


def check(tree: Tree) -> Iterator[SourceFinding]:
    folders = {source.path.partition("/")[0] for source in tree.files if "/" in source.path}
    for module in python.modules(tree):
        yield from uses_of_names(module, folders=folders)
        yield from written_shapes(module)
    yield from mesh_files(tree)
    for source in tree.files:
        yield from data_as_text(source)


class _Traced:
    """Which names of a file hold a prompt's name, or a picture's hash?"""

    def __init__(self, module: Module) -> None:
        self.module = module
        self.names: set[str] = set()
        self.digests: set[str] = set()
        for _ in range(3):  # names that are given from names
            for node in ast.walk(module.tree):
                if not isinstance(node, ast.Assign | ast.AnnAssign | ast.NamedExpr) or node.value is None:
                    continue
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                names = {t.id for t in targets if isinstance(t, ast.Name)}
                if self.is_digest(node.value):
                    self.digests |= names
                elif self.is_name(node.value):
                    self.names |= names

    def is_name(self, node: ast.AST) -> bool:
        """Is this a prompt's name itself?  (Not: something that a name is only a part of.)"""
        module = self.module
        if isinstance(node, ast.Name):
            return node.id in self.names or bool(NAMES.fullmatch(node.id) and not node.id.endswith("s"))
        if isinstance(node, ast.Attribute):
            return node.attr in ("stem", "prompt_id", "prompt_name") or (node.attr == "name" and _is_url(node.value))
        if isinstance(node, ast.Subscript):
            split = isinstance(node.value, ast.Call) and NAMED_BY.fullmatch(module.name(node.value.func))
            of_url = split and any(_is_url(part) for part in ast.walk(node.value))  # its last part is a prompt's name
            return module.value(node.slice) in KEYS or self.is_name(node.value) or bool(of_url)
        if isinstance(node, ast.Call):
            owner = node.func.value if isinstance(node.func, ast.Attribute) else None
            called = module.name(node.func)
            if called.endswith(".get") and node.args and module.value(node.args[0]) in KEYS:
                return True
            if called.rpartition(".")[2] in CHANGES:
                return owner is not None and self.is_name(owner)
            return called in ("str", "hash") and bool(node.args) and self.is_name(node.args[0])
        return False

    def is_digest(self, node: ast.AST) -> bool:
        if isinstance(node, ast.Name):
            return node.id in self.digests
        if isinstance(node, ast.Subscript):
            return self.is_digest(node.value)
        if isinstance(node, ast.Call):
            called = self.module.name(node.func)
            inner = called in ("str", "int", "hex") and bool(node.args) and self.is_digest(node.args[0])
            return bool(DIGESTS.fullmatch(called)) or inner
        return False


def _is_url(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and bool(URLS.fullmatch(node.id))


def uses_of_names(module: Module, *, folders: set[str]) -> Iterator[SourceFinding]:
    """What the code does with a prompt's name or a picture's hash, beyond checking it; one finding a line."""
    traced = _Traced(module)
    lines: set[int] = set()
    for node in ast.walk(module.tree):
        use = _decides(module, node, traced) or _looks_up(module, node, traced) or _reads(module, node, traced, folders)
        line = getattr(node, "lineno", 0)
        if use and line not in lines:
            lines.add(line)
            rule, why = use
            yield module.finding(node, severity=PERSON, rule=rule, sentence=why)


def _subject(traced: _Traced, node: ast.AST) -> tuple[str, str] | None:
    if traced.is_digest(node):
        return "picture_lookup", "the hash of a picture"
    if traced.is_name(node):
        return "prompt_name", "a prompt's name"
    return None


def _decides(module: Module, node: ast.AST, traced: _Traced) -> tuple[str, str] | None:
    """`if stem == "…"`, `stem in TABLE`, `stem.startswith("…")`."""
    if isinstance(node, ast.Compare):
        sides = [node.left, *node.comparators]
        about = next((subject for side in sides if (subject := _subject(traced, side))), None)
        if about and any(_is_answer(module, side, op) for op, side in zip(node.ops, node.comparators, strict=True)):
            return about[0], f"It compares {about[1]} with something it brought along."
        reverse = about and isinstance(module.value(node.left), str) and len(str(module.value(node.left))) > 2
        return (about[0], f"It looks for a text in {about[1]}.") if about and reverse else None
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in TESTS and node.args:
        about, given = _subject(traced, node.func.value), module.value(node.args[0])
        if about and isinstance(given, str) and len(given) > 1 and not given.startswith("."):
            return about[0], f"It looks for a text in {about[1]}."
    if isinstance(node, ast.Match) and (about := _subject(traced, node.subject)):
        return about[0], f"It chooses by {about[1]}."
    return None


def _is_answer(module: Module, side: ast.expr, operator: ast.cmpop) -> bool:
    value = module.value(side)
    if isinstance(operator, ast.Eq | ast.NotEq):
        return isinstance(value, str | bytes | int) and len(str(value)) > 1
    if isinstance(side, ast.List | ast.Set | ast.Tuple):
        return any(isinstance(module.value(element), str | bytes) for element in side.elts)
    return _is_table(module, side)


def _is_table(module: Module, node: ast.AST) -> bool:
    if isinstance(node, ast.Dict):
        return any(isinstance(key, ast.Constant) for key in node.keys)
    if isinstance(node, ast.Call):
        return module.name(node.func) in python.LOADERS
    named = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
    return named in module.tables


def _looks_up(module: Module, node: ast.AST, traced: _Traced) -> tuple[str, str] | None:
    """`TABLE[stem]`, `TABLE.get(digest)`."""
    table, key = None, None
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
        table, key = node.value, node.slice
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("get", "pop"):
        table, key = node.func.value, node.args[0] if node.args else None
    about = _subject(traced, key) if key is not None else None
    if about and table is not None and _is_table(module, table):
        return about[0], f"It looks up {about[1]} in data it brought along."
    return None


def _reads(module: Module, node: ast.AST, traced: _Traced, folders: set[str]) -> tuple[str, str] | None:
    """A file of the repository that is chosen by the name."""
    if not isinstance(node, ast.Call) or not OPENERS.fullmatch(module.name(node.func)):
        return None
    mode = module.value(node.args[1]) if len(node.args) > 1 else "r"
    if isinstance(mode, str) and set(mode) & set("wax"):
        return None
    parts = [part for given in (*node.args[:1], node.func) for part in ast.walk(given)]
    about = next((subject for part in parts if (subject := _subject(traced, part))), None)
    placed = [part for part in parts if isinstance(part, ast.Constant | ast.Name | ast.JoinedStr | ast.BinOp)]
    texts = [text for part in placed if (text := module.text(part))]
    brought = any(piece in folders for text in texts for piece in re.split(r"[/\\]", text))
    if about and (brought or "__file__" in {part.id for part in parts if isinstance(part, ast.Name)}):
        return about[0], f"It opens a file of the repository that is chosen by {about[1]}."
    return None


def written_shapes(module: Module) -> Iterator[SourceFinding]:
    """Vertices written out.  Whole numbers alone may be a table of an algorithm; thousands of fractions are a shape."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.List | ast.Tuple) and len(node.elts) >= 3:
            numbers = sum(isinstance(part, ast.Constant) and isinstance(part.value, float) for part in ast.walk(node))
            if numbers >= MOST_NUMBERS:
                why = f"{numbers} fractions are written out in one list: is this a shape?"
                yield module.finding(node, severity=PERSON, rule="embedded_output", sentence=why)
                return


def mesh_files(tree: Tree) -> Iterator[SourceFinding]:
    """3D files in the repository, under their own name or another."""
    meshes = [
        source for source in tree.files if source.path.lower().endswith(MESHES) or source.data.startswith(MESH_MAGIC)
    ]
    many = len(meshes) > FEW_MESHES
    for source in meshes[:50]:
        disguised = not source.path.lower().endswith(MESHES)
        severity = PERSON if many or disguised or source.size > SMALL_MESH else NOTICE
        why = f"A 3D file of {source.size} bytes{' under another name' if disguised else ''}, one of {len(meshes)}."
        yield SourceFinding(severity=severity, rule="embedded_output", sentence=why, file=source.path)


def data_as_text(source: SourceFile) -> Iterator[SourceFinding]:
    """A 3D file in base64, and large files of numbers or answers."""
    if source.text is None:
        return
    for number, line in enumerate((source.text or "").splitlines(), start=1):
        if matched := MESH_IN_BASE64.search(line):
            why = "A 3D or compressed file is written out as text."
            yield SourceFinding(
                severity=PERSON,
                rule="embedded_output",
                sentence=why,
                file=source.path,
                line=number,
                excerpt=excerpt(matched[0][:60]),
            )
            break
    if source.path.endswith((".json", ".jsonl", ".csv", ".yaml", ".yml")) and source.size > LARGE_TABLE:
        words = source.text[:200_000].lower()
        if any(f'"{word}"' in words for word in ("vertices", "faces", "positions", "indices", "accessors", "stem")):
            why = f"A data file of {source.size} bytes about shapes or prompts: are these answers?"
            yield SourceFinding(severity=PERSON, rule="embedded_output", sentence=why, file=source.path)
