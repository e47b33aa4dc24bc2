"""What does a literal of JavaScript stand for, and how many bytes is that?  Counted by value, as the subnet does."""

import re

from tree_sitter import Node

from formats.threejs.module_scopes import text_of

MOST_FOLDED = 400  # bytes: no property's name is spelt in more
ESCAPE = re.compile(r"\\(?:u\{([0-9a-fA-F]+)\}|u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(\r\n|[^ux])|)", re.DOTALL)
SHORT = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0"}
CONTINUED = {"\n", "\r", "\r\n", "\u2028", "\u2029"}


def literal_bytes(node: Node) -> int:
    """Bytes of the value of a text, of the digits of a number; 0 for anything else.  A regular expression is code."""
    if node.type == "number":
        return node.end_byte - node.start_byte
    if node.type == "string":
        return len(cooked(text_of(node)[1:-1]).encode())
    if node.type == "template_string":
        return sum(len(cooked(text_of(part)).encode()) for part in node.named_children if part.type in TEMPLATE_TEXT)
    return 0


TEMPLATE_TEXT = {"string_fragment", "escape_sequence"}


def constant(node: Node) -> str | None:
    """The text that an expression of nothing but literal texts stands for."""
    if node.end_byte - node.start_byte > MOST_FOLDED:
        return None
    kind, parts = node.type, node.named_children
    if kind == "string":
        return cooked(text_of(node)[1:-1])
    if kind == "template_string" and all(part.type in TEMPLATE_TEXT for part in parts):
        return cooked(text_of(node)[1:-1])
    if kind in ("parenthesized_expression", "computed_property_name") and len(parts) == 1:
        return constant(parts[0])
    if kind == "binary_expression" and len(parts) == 2 and any(each.type == "+" for each in node.children):
        left, right = constant(parts[0]), constant(parts[1])
        return None if left is None or right is None else left + right
    return None


def cooked(written: str) -> str:
    """A text as JavaScript reads it; half of a pair of surrogates becomes U+FFFD."""
    if "\\" not in written:
        return written
    return ESCAPE.sub(_unescaped, written).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _unescaped(escape: re.Match[str]) -> str:
    digits = escape.group(1) or escape.group(2) or escape.group(3)
    if digits:
        number = int(digits, 16)
        return chr(number) if number < 0x110000 else "\ufffd"
    one = escape.group(4) or ""
    return "" if one in CONTINUED else SHORT.get(one, one)
