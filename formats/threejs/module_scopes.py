"""Which names does a module declare itself, and where are they known?  Only as exact as refusing needs it to be.

Blocks are not told apart inside a function: a name declared anywhere in a function is known in all of it.  JavaScript
itself throws where that is wrong, so nothing of the browser's is reached through it.
"""

from tree_sitter import Node

FUNCTIONS = {"function_declaration", "function_expression", "arrow_function", "method_definition"}
PATTERNS = {
    "object_pattern",
    "array_pattern",
    "rest_pattern",
    "assignment_pattern",
    "object_assignment_pattern",
    "pair_pattern",
    "formal_parameters",
}


class Scopes:
    """Names by the function that declares them; the module itself is the outermost."""

    def __init__(self, root: Node) -> None:
        self.names: dict[int, set[str]] = {root.id: set()}
        self.declared: dict[int, bool] = {}  # node id of a declaring identifier: is it a parameter?
        waiting = [(root, root.id)]
        while waiting:
            node, scope = waiting.pop()
            inner = node.id if node.type in FUNCTIONS else scope
            self.names.setdefault(inner, set())
            kind, field = node.type, node.child_by_field_name
            if kind in ("function_declaration", "class_declaration", "function_expression", "class"):
                self._note(field("name"), scope if kind.endswith("declaration") else inner)
            if kind in FUNCTIONS:
                self._note(field("parameters") or field("parameter"), inner, parameter=True)
            if kind == "variable_declarator":
                self._note(field("name"), scope)
            if kind == "for_in_statement" and field("kind") is not None:
                self._note(field("left"), scope)
            if kind == "catch_clause":
                self._note(field("parameter"), scope)
            waiting += [(child, inner) for child in node.named_children]

    def declares(self, node: Node) -> bool:
        """Is the name known where `node` stands?"""
        name, at = _text(node), node.parent
        while at is not None:
            if name in self.names.get(at.id, ()):
                return True
            at = at.parent
        return False

    def is_declaration(self, node: Node) -> bool:
        return node.id in self.declared

    def is_parameter(self, node: Node) -> bool:
        return self.declared.get(node.id, False)

    def is_assigned(self, node: Node) -> bool:
        """Is the name itself given a value?"""
        above = node.parent
        if above is None:
            return False
        if above.type in ("assignment_expression", "augmented_assignment_expression"):
            return above.child_by_field_name("left") == node
        return above.type in ("update_expression", "for_in_statement")

    def _note(self, pattern: Node | None, scope: int, *, parameter: bool = False) -> None:
        """Every name that a pattern binds; what stands as a default or a key is no binding."""
        waiting = [] if pattern is None else [pattern]
        while waiting:
            node = waiting.pop()
            if node.type in ("identifier", "shorthand_property_identifier_pattern"):
                self.names[scope].add(_text(node))
                self.declared[node.id] = parameter
            elif node.type in ("assignment_pattern", "object_assignment_pattern"):
                waiting += [part for part in (node.child_by_field_name("left"),) if part is not None]
            elif node.type == "pair_pattern":
                waiting += [part for part in (node.child_by_field_name("value"),) if part is not None]
            elif node.type in PATTERNS:
                waiting += node.named_children


def _text(node: Node) -> str:
    return node.text.decode("utf-8", "replace") if node.text is not None else ""
