"""threejs: a module of JavaScript that builds a scene.  May its text be run?  An allow-list of syntax and names.

The walls hold without this list (see baking.py); it is here so that a miner learns at once, with a line, what is not
offered, and so that nobody spends a browser on what is no generator.  tree-sitter only parses; it runs nothing.
"""

import functools
from collections.abc import Callable, Iterator, Mapping
from typing import NoReturn

import tree_sitter_javascript
from tree_sitter import Language, Node, Parser

from formats.facts import FileFacts
from formats.rules import refusal
from formats.threejs import module_names as names
from formats.threejs.module_scopes import Scopes

MOST_BYTES, MOST_LITERALS = 1 << 20, 50 << 10
MOST_NODES, MOST_DEPTH = 400_000, 250

TOP = {
    "export_statement",
    "function_declaration",
    "lexical_declaration",
    "class_declaration",
    "comment",
    "empty_statement",
}
IMPORTS = {
    "import_statement": "an import",
    "import": "import() or import.meta",
    "meta_property": "import.meta or new.target",
}
FORBIDDEN = {
    "with_statement": "`with`",
    "debugger_statement": "`debugger`",
    "decorator": "a decorator",
    "hash_bang_line": "a hash-bang line",
    "html_comment": "an HTML comment",
    "jsx_element": "JSX",
    "jsx_self_closing_element": "JSX",
    "labeled_statement": "a label",
    "using_declaration": "`using`",
    "class_static_block": "a static block",
    "variable_declaration": "`var`",
}
WAITING = {
    "await_expression": "`await`",
    "yield_expression": "`yield`",
    "generator_function": "a generator",
    "generator_function_declaration": "a generator",
}
LITERALS = {"string", "template_string", "number", "regex"}
KEYED = {"subscript_expression", "computed_property_name", "pair", "method_definition", "pair_pattern"}
OFFERED = {"THREE": (names.THREE, "MODULE_THREE"), "Math": (names.MATH, "MODULE_MATH")}
INVISIBLE = {*range(0x200B, 0x2010), *range(0x2028, 0x202F), *range(0x2060, 0x2070), 0xFEFF, 0x00AD}


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
    for line, words in enumerate(text.split("\n"), start=1):
        odd = next((c for c in words if ord(c) in INVISIBLE or (ord(c) < 32 and c not in "\t\r") or c == "\x7f"), None)
        if odd is not None:
            raise refusal("MODULE_NOT_TEXT", line=line, why=f"the character U+{ord(odd):04X} is invisible")
    root = _parser().parse(data).root_node
    nodes = list(_walk(root))
    for node in nodes:
        _check_syntax(node)
    _check_exports(root)
    literals = 0
    scopes = Scopes(root)
    for node in nodes:
        for check_names in NAMED_IN.get(node.type, ()):
            check_names(node, scopes)
        literals += node.end_byte - node.start_byte if node.type in LITERALS else 0
        if literals > MOST_LITERALS:
            _refuse("MODULE_LITERALS", node, limit=MOST_LITERALS)


@functools.cache
def _parser() -> Parser:
    return Parser(Language(tree_sitter_javascript.language()))


def _refuse(code: str, node: Node, **seen: object) -> NoReturn:
    raise refusal(code, line=node.start_point.row + 1, **seen)


def _walk(root: Node) -> Iterator[Node]:
    """Every node, parents first, without recursion."""
    cursor, depth, count, going = root.walk(), 0, 0, True
    while going:
        node = cursor.node or root
        count += 1
        if count > MOST_NODES or depth > MOST_DEPTH:
            _refuse(
                "MODULE_TOO_COMPLEX",
                node,
                why="there is more code" if count > MOST_NODES else "code is nested deeper than is read",
            )
        yield node
        if cursor.goto_first_child():
            depth += 1
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                going = False
                break
            depth -= 1


def _check_syntax(node: Node) -> None:
    kind = node.type
    if node.is_error or node.is_missing:
        _refuse("MODULE_SYNTAX", node, text=_text(node)[:40] or f"{kind} is missing")
    if kind in IMPORTS and node.is_named:
        _refuse("MODULE_IMPORT", node, what=IMPORTS[kind])
    if kind in FORBIDDEN:
        _refuse("MODULE_SYNTAX_FORBIDDEN", node, what=FORBIDDEN[kind])
    if kind in WAITING or (kind in ("async", "await") and not node.is_named):
        _refuse("MODULE_ASYNC", node, what=WAITING.get(kind, f"`{kind}`"))
    if (
        kind in ("get", "set")
        and not node.is_named
        and node.parent
        and node.parent.type in ("method_definition", "pair")
    ):
        _refuse("MODULE_ACCESSOR", node)
    if kind == "*" and node.parent and node.parent.type == "method_definition":
        _refuse("MODULE_ASYNC", node, what="a generator")
    if kind == "call_expression" and (last := node.child_by_field_name("arguments")) and last.type == "template_string":
        _refuse("MODULE_SYNTAX_FORBIDDEN", node, what="a tagged template")
    if node.parent is not None and node.parent.type == "program" and node.is_named and kind not in TOP:
        _refuse("MODULE_TOP_LEVEL", node, what=f"`{_text(node)[:30]}`")
    if "\\" in _text(node) and kind in (
        "identifier",
        "property_identifier",
        "shorthand_property_identifier",
        "private_property_identifier",
    ):
        _refuse("MODULE_SYNTAX_FORBIDDEN", node, what="an escape in a name")


def _check_exports(root: Node) -> None:
    exports = [node for node in root.named_children if node.type == "export_statement"]
    if not exports:
        _refuse("MODULE_EXPORT", root, why="nothing is exported")
    if len(exports) > 1:
        _refuse("MODULE_EXPORT", exports[1], why="there is a second export")
    made = exports[0].child_by_field_name("value") or exports[0].child_by_field_name("declaration")
    default = any(child.type == "default" for child in exports[0].children)
    if not default or made is None or made.type not in ("function_declaration", "function_expression"):
        _refuse("MODULE_EXPORT", exports[0], why="the export is no default function")
    parameters = made.child_by_field_name("parameters")
    if (
        parameters is None
        or [child.type for child in parameters.named_children] != ["identifier"]
        or _text(parameters.named_children[0]) != "THREE"
    ):
        _refuse("MODULE_EXPORT", made, why="the function's one parameter is not THREE")


def _check_property(node: Node, scopes: Scopes) -> None:
    """Is the name of a property, written out or in quotes, one that leads out of plain data?"""
    name, parent = _text(node), node.parent
    if node.type == "string":
        if parent is None or parent.type not in KEYED:
            return
        name = name[1:-1]
    plain = name.encode().decode("unicode_escape", "replace") if "\\" in name else name
    inside_class = parent is not None and parent.type == "method_definition" and plain == "constructor"
    if plain in names.PROPERTIES and not inside_class:
        _refuse("MODULE_PROPERTY", node, name=plain)
    if plain in names.CHANCE and parent is not None and parent.type in ("member_expression", "subscript_expression"):
        _refuse("MODULE_CHANCE", node, name=plain)


def _check_computed_name(node: Node, scopes: Scopes) -> None:
    """`list[i + 1]` holds no text that is computed, `list["a" + b]` does."""
    key = node.child_by_field_name("index") if node.type == "subscript_expression" else node.named_children[0]
    if key is None or key.type in ("string", "number", "identifier"):
        return
    if any(each.type in ("string", "template_string") for each in _walk(key)):
        _refuse("MODULE_COMPUTED_NAME", node)


def _check_identifier(node: Node, scopes: Scopes) -> None:
    name = _text(node)
    if scopes.is_declaration(node):
        if name in ("THREE", "Math", "Object", "undefined", "eval", "arguments") and not scopes.is_parameter(node):
            _refuse("MODULE_ASSIGNED_GLOBAL", node, name=name)
        return
    if scopes.declares(node):
        return
    if name not in names.GLOBALS:
        _refuse("MODULE_GLOBAL", node, name=name)
    if scopes.is_assigned(node):
        _refuse("MODULE_ASSIGNED_GLOBAL", node, name=name)


def _check_taken(node: Node, scopes: Scopes) -> None:
    """`THREE.Mesh` names what it takes, and so does `const { Mesh } = THREE`."""
    kind = node.type
    fields = {"member_expression": ("property", "object"), "variable_declarator": ("name", "value")}
    taken, owner = (node.child_by_field_name(part) for part in fields.get(kind, ("left", "right")))
    if taken is None or owner is None or owner.type != "identifier" or _text(owner) not in OFFERED:
        return
    if kind == "member_expression":
        keys = [] if _text(owner) == "Math" and scopes.declares(owner) else [taken]
    else:
        parts = taken.named_children if taken.type == "object_pattern" else []
        keys = [part.child_by_field_name("key") or part for part in parts]
    allowed, code = OFFERED[_text(owner)]
    for key in keys:
        if _text(key) not in allowed:
            _refuse(code, key, name=_text(key))


NAMED_IN: Mapping[str, tuple[Callable[[Node, Scopes], None], ...]] = {
    "identifier": (_check_identifier,),
    "property_identifier": (_check_property,),
    "shorthand_property_identifier": (_check_property, _check_identifier),
    "shorthand_property_identifier_pattern": (_check_property,),
    "string": (_check_property,),
    "subscript_expression": (_check_computed_name,),
    "computed_property_name": (_check_computed_name,),
    "member_expression": (_check_taken,),
    "variable_declarator": (_check_taken,),
    "assignment_pattern": (_check_taken,),
}
"""What is asked about a node that names something, by its kind."""


def _text(node: Node) -> str:
    return node.text.decode("utf-8", "replace") if node.text is not None else ""
