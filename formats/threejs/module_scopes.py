"""Which names does a module declare itself, and where are they known?  Block by block, as JavaScript has it."""

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from tree_sitter import Node

FUNCTIONS = {
    "function_declaration",
    "function_expression",
    "generator_function_declaration",
    "generator_function",
    "arrow_function",
    "method_definition",
}
HOLDS_VAR = {*FUNCTIONS, "program", "class_static_block"}
SCOPES = {
    *HOLDS_VAR,
    "class_declaration",
    "class",
    "statement_block",
    "for_statement",
    "for_in_statement",
    "catch_clause",
    "switch_body",
}
NAMED_OUTSIDE = {"function_declaration", "generator_function_declaration", "class_declaration"}
NAMED_INSIDE = {"function_expression", "generator_function", "class"}
PATTERNS = {"object_pattern", "array_pattern", "rest_pattern", "formal_parameters"}


class SyntaxStep(NamedTuple):
    """One node of a walk, with what stands above it."""

    node: Node
    parent: Node | None
    field: str | None
    depth: int


def walk(root: Node) -> Iterator[SyntaxStep]:
    """Every node, parents first, without recursion: a text may be nested as deep as it likes."""
    cursor, path = root.walk(), [root]
    yield SyntaxStep(root, None, None, 0)
    while path:
        if not cursor.goto_first_child():
            path.pop()
            while path and not cursor.goto_next_sibling():
                cursor.goto_parent()
                path.pop()
        if path:
            node = cursor.node or root
            yield SyntaxStep(node, path[-1], cursor.field_name, len(path))
            path.append(node)


class Declared:
    """Names by the scope that declares them, in the order in which a walk enters the scopes."""

    def __init__(self) -> None:
        self.names: list[set[str]] = []
        self._open: list[tuple[int, int, int]] = []  # depth, scope, the scope that a `var` in it belongs to

    def note(self, step: SyntaxStep) -> None:
        """To be called with every step of a walk."""
        node, kind = step.node, step.node.type
        while self._open and self._open[-1][0] >= step.depth:
            self._open.pop()
        if kind in NAMED_OUTSIDE:
            self._add(node.child_by_field_name("name"), self._open[-1][1])
        if kind in SCOPES:
            scope, var_scope = len(self.names), self._open[-1][2] if self._open else 0
            self.names.append(set())
            self._open.append((step.depth, scope, scope if kind in HOLDS_VAR else var_scope))
        _, here, of_var = self._open[-1]
        if kind in NAMED_INSIDE:
            self._add(node.child_by_field_name("name"), here)
        if kind in FUNCTIONS:
            self._add(node.child_by_field_name("parameters") or node.child_by_field_name("parameter"), here)
        elif kind == "catch_clause":
            self._add(node.child_by_field_name("parameter"), here)
        elif kind == "for_in_statement" and (word := node.child_by_field_name("kind")) is not None:
            self._add(node.child_by_field_name("left"), of_var if word.type == "var" else here)
        elif kind in ("variable_declaration", "lexical_declaration"):
            for each in node.named_children:
                self._add(each.child_by_field_name("name"), of_var if kind == "variable_declaration" else here)

    def _add(self, pattern: Node | None, scope: int) -> None:
        """Every name that a pattern binds; what stands as a default or a key is no binding."""
        waiting = [] if pattern is None else [pattern]
        while waiting:
            node = waiting.pop()
            if node.type in ("identifier", "shorthand_property_identifier_pattern", "undefined"):
                self.names[scope].add(text_of(node))
            elif node.type in ("assignment_pattern", "object_assignment_pattern"):
                waiting += [part for part in (node.child_by_field_name("left"),) if part is not None]
            elif node.type == "pair_pattern":
                waiting += [part for part in (node.child_by_field_name("value"),) if part is not None]
            elif node.type in PATTERNS:
                waiting += node.named_children


class BoundNames:
    """Which declared names are known at the step that a second walk has reached?"""

    def __init__(self, declared: Declared) -> None:
        self._scopes = iter(declared.names)
        self._open: list[tuple[int, set[str]]] = []
        self._bound: Counter[str] = Counter()

    def move(self, step: SyntaxStep) -> None:
        """To be called with every step of a walk."""
        while self._open and self._open[-1][0] >= step.depth:
            self._bound.subtract(self._open.pop()[1])
        if step.node.type in SCOPES:
            names = next(self._scopes)
            self._open.append((step.depth, names))
            self._bound.update(names)

    def __contains__(self, name: str) -> bool:
        return self._bound[name] > 0


def text_of(node: Node) -> str:
    return node.text.decode("utf-8", "replace") if node.text is not None else ""
