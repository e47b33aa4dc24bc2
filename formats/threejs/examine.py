"""threejs: a module of JavaScript that builds a scene.  May its text be run?

It takes what the subnet's public checker takes, and more; `docs/formats.md` says where a rule differs, and why.
The walls hold without this (see baking.py); it is here so that a miner learns at once, with a line, what is not
offered, and so that nobody spends a browser on what is no generator.  tree-sitter only parses; it runs nothing.
"""

import functools
import re
from typing import NoReturn

import tree_sitter_javascript
from tree_sitter import Language, Node, Parser

from formats.facts import FileFacts
from formats.rules import refusal
from formats.threejs import module_names as names
from formats.threejs.literals import constant, literal_bytes
from formats.threejs.module_scopes import BoundNames, Declared, SyntaxStep, text_of, walk

MOST_BYTES, MOST_LITERALS = 1 << 20, 50 << 10
MOST_NODES, MOST_DEPTH = 1_500_000, 20_000

FORBIDDEN = {
    "with_statement": "`with`",
    "decorator": "a decorator",
    "hash_bang_line": "a hash-bang line",
    "html_comment": "an HTML comment",
    "jsx_element": "JSX",
    "jsx_self_closing_element": "JSX",
    "using_declaration": "`using`",
}
NAMES = {
    "identifier",
    "property_identifier",
    "private_property_identifier",
    "shorthand_property_identifier",
    "shorthand_property_identifier_pattern",
    "statement_identifier",
}
KNOWN_THERE = names.THREE | names.ABSENT
EXPORTED = {"function_declaration", "function_expression", "arrow_function"}
# What stands in these may hold any character: nobody takes it for code.
WORDS = {"comment", "string_fragment", "regex"}
BLANKS = str.maketrans("\v\f", "  ")  # JavaScript's, though not tree-sitter's
CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")  # shows a text in another order than it runs
INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060-\u2064]")


def examine(data: bytes) -> FileFacts:
    """Raises Refused with the first rule the text breaks.  Counts and bounds show only when it runs."""
    check(data)
    return FileFacts(count=0, bounds=None)


def check(data: bytes) -> None:
    if not data:
        raise refusal("FILE_EMPTY")
    if len(data) > MOST_BYTES:
        raise refusal("MODULE_TOO_LARGE", bytes=len(data), limit=MOST_BYTES)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise refusal("MODULE_NOT_TEXT", line=data[: error.start].count(b"\n") + 1, why="this is not UTF-8") from error
    _refuse_character(CONTROL, text, "is no text")
    _refuse_character(TURNING, text, "turns the text round")
    root = _parser().parse(text.translate(BLANKS).encode()).root_node
    declared, code = Declared(), bytearray(data)
    for count, step in enumerate(walk(root)):
        if count > MOST_NODES or step.depth > MOST_DEPTH:
            why = "there is more code" if count > MOST_NODES else "code is nested deeper than is read"
            _refuse("MODULE_TOO_COMPLEX", step.node, why=why)
        _check_syntax(step)
        declared.note(step)
        if step.node.type in WORDS:
            code[step.node.start_byte : step.node.end_byte] = b" " * (step.node.end_byte - step.node.start_byte)
    _refuse_character(INVISIBLE, code.decode("utf-8", "replace"), "is invisible")
    _check_exports(root)
    known, literals = BoundNames(declared), 0
    for step in walk(root):
        known.move(step)
        _check_names(step, known)
        literals += literal_bytes(step.node)
        if literals > MOST_LITERALS:
            _refuse("MODULE_LITERALS", step.node, limit=MOST_LITERALS)


@functools.cache
def _parser() -> Parser:
    return Parser(Language(tree_sitter_javascript.language()))


def _refuse(code: str, node: Node, **seen: object) -> NoReturn:
    raise refusal(code, line=node.start_point.row + 1, **seen)


def _refuse_character(wanted: re.Pattern[str], text: str, what: str) -> None:
    if match := wanted.search(text):
        line = text.count("\n", 0, match.start()) + 1
        raise refusal("MODULE_NOT_TEXT", line=line, why=f"the character U+{ord(match.group()):04X} {what}")


def _check_syntax(step: SyntaxStep) -> None:
    node, kind = step.node, step.node.type
    if node.is_error or node.is_missing:
        _refuse("MODULE_SYNTAX", node, text=text_of(node)[:40] or f"{kind} is missing")
    if kind in FORBIDDEN:
        _refuse("MODULE_SYNTAX_FORBIDDEN", node, what=FORBIDDEN[kind])
    if kind == "import_statement":
        _refuse("MODULE_IMPORT", node, what="an import")
    if (kind == "import" and node.is_named) or (kind == "meta_property" and text_of(node).startswith("import")):
        _refuse("MODULE_IMPORT", node, what="import() or import.meta")
    if kind == "await_expression" or (kind in ("async", "await") and not node.is_named):
        _refuse("MODULE_ASYNC", node, what="`async`" if kind == "async" else "`await`")
    if kind in NAMES and "\\" in text_of(node):
        _refuse("MODULE_SYNTAX_FORBIDDEN", node, what="an escape in a name")


def _check_exports(root: Node) -> None:
    exports = [node for node in root.named_children if node.type == "export_statement"]
    if not exports:
        _refuse("MODULE_EXPORT", root, why="nothing is exported")
    if len(exports) > 1:
        _refuse("MODULE_EXPORT", exports[1], why="there is a second export")
    made = exports[0].child_by_field_name("value") or exports[0].child_by_field_name("declaration")
    default = any(child.type == "default" for child in exports[0].children)
    if not default or made is None or made.type not in EXPORTED:
        _refuse("MODULE_EXPORT", exports[0], why="the export is no default function")


def _check_names(step: SyntaxStep, known: BoundNames) -> None:
    """What is asked about a node that names something, by its kind."""
    node, kind, parent = step.node, step.node.type, step.parent
    if kind in ("identifier", "shorthand_property_identifier", "shorthand_property_identifier_pattern"):
        _check_identifier(step, known)
    if kind == "property_identifier" or kind.startswith("shorthand"):
        read = kind == "shorthand_property_identifier_pattern" or _reads(parent)
        _check_property(node, text_of(node), read=read)
    elif kind == "string" and step.field == "key":
        _check_property(node, constant(node), read=_reads(parent))
    elif kind == "computed_property_name" and node.named_children:
        _check_property(node, constant(node.named_children[0]), read=_reads(parent))
    elif kind == "subscript_expression":
        _check_brackets(node)
    if kind == "member_expression":
        _check_member(node)
    elif kind in ("variable_declarator", "assignment_expression", "assignment_pattern"):
        fields = ("name", "value") if kind == "variable_declarator" else ("left", "right")
        _check_taken_apart(*(node.child_by_field_name(field) for field in fields))


def _reads(parent: Node | None) -> bool:
    """Does a property's name stand where it is taken from something, and not where it is made?"""
    return parent is not None and parent.type in ("member_expression", "pair_pattern")


def _check_property(node: Node, name: str | None, *, read: bool) -> None:
    if name is not None and (name in names.HOOKS or (read and name in names.WAYS_OUT)):
        _refuse("MODULE_PROPERTY", node, name=name)


def _check_brackets(node: Node) -> None:
    owner, key = node.child_by_field_name("object"), node.child_by_field_name("index")
    if owner is not None and owner.type == "identifier" and text_of(owner) in names.WRITTEN_OUT:
        _refuse("MODULE_COMPUTED_NAME", node, name=text_of(owner))
    if key is not None:
        _check_property(node, constant(key), read=True)


def _check_identifier(step: SyntaxStep, known: BoundNames) -> None:
    node, name = step.node, text_of(step.node)
    if name in known:
        return
    if name not in names.GLOBALS:
        _refuse("MODULE_GLOBAL", node, name=name)
    if step.parent is not None and _is_assigned(step, step.parent.type):
        _refuse("MODULE_ASSIGNED_GLOBAL", node, name=name)


def _is_assigned(step: SyntaxStep, above: str) -> bool:
    """Is the name itself given a value?"""
    if above in ("assignment_expression", "augmented_assignment_expression", "for_in_statement", "assignment_pattern"):
        return step.field == "left"
    if above == "pair_pattern":
        return step.field == "value"
    pattern = step.node.type == "shorthand_property_identifier_pattern"
    return pattern or above in ("update_expression", "array_pattern", "rest_pattern")


def _check_member(node: Node) -> None:
    owner, taken = node.child_by_field_name("object"), node.child_by_field_name("property")
    if owner is not None and taken is not None and owner.type in ("identifier", "member_expression"):
        _check_offered(_source(owner), taken, text_of(taken))


def _check_taken_apart(pattern: Node | None, source: Node | None) -> None:
    """`const { Mesh } = THREE` names what it takes, as `THREE.Mesh` does."""
    if pattern is None or source is None or pattern.type != "object_pattern":
        return
    waiting = [(pattern, _source(source))]
    while waiting:
        taken_apart, owner = waiting.pop()
        for part in taken_apart.named_children if owner else ():
            key = part.child_by_field_name("key") or part.child_by_field_name("left") or part
            if key.type == "computed_property_name":
                _refuse("MODULE_COMPUTED_NAME", key, name=owner)
            name = constant(key) or text_of(key)
            _check_offered(owner, part, name)
            inner = part.child_by_field_name("value")
            if owner == "THREE" and name == "MathUtils" and inner is not None and inner.type == "object_pattern":
                waiting.append((inner, "MathUtils"))


def _source(node: Node) -> str:
    """`THREE`, `Math` or `MathUtils`, if that is what is read; else ""."""
    name = text_of(node) if node.type == "identifier" else ""
    if node.type == "member_expression" and (last := node.child_by_field_name("property")) is not None:
        name = text_of(last) if text_of(last) == "MathUtils" else ""
    return name if name in ("THREE", "Math", "MathUtils") else ""


def _check_offered(owner: str, node: Node, name: str) -> None:
    if owner == "THREE" and name not in KNOWN_THERE and node.type != "comment":
        _refuse("MODULE_THREE", node, name=name)
    if owner == "Math" and name == "random":
        _refuse("MODULE_MATH", node, name=name)
    if owner == "MathUtils" and name in names.CHANCE:
        _refuse("MODULE_CHANCE", node, name=name)
