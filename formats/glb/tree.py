"""Is a value of the file's JSON what the standard says it is?  Every reader refuses by name instead of raising."""

import json
import math
import re
from typing import Any

from formats.rules import MOST_JSON_DEPTH, refusal

Json = dict[str, Any]

_STRINGS = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_BRACKETS = re.compile(rb"[\[\]{}]")


def parse(text: bytes) -> Json:
    """The JSON object in `text`; depth is measured before anything is built."""
    depth = 0
    for bracket in _BRACKETS.finditer(_STRINGS.sub(b"", text)):
        depth += 1 if bracket.group() in b"[{" else -1
        if depth > MOST_JSON_DEPTH:
            raise refusal("JSON_TOO_DEEP", limit=MOST_JSON_DEPTH)
    try:
        tree = json.loads(text.decode("utf-8"), parse_constant=_no_constant, object_pairs_hook=_each_name_once)
    except (ValueError, RecursionError) as error:
        raise refusal("BAD_JSON", why=str(error)) from None
    if not isinstance(tree, dict):
        raise refusal("WRONG_SHAPE", where="the JSON chunk", wanted="an object")
    return tree


def _each_name_once(pairs: list[tuple[str, Any]]) -> Json:
    """Which of two entries of one name counts is each reader's own choice, so there must be one."""
    entries = dict(pairs)
    if len(entries) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the name {twice!r} stands twice in one object")
    return entries


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def entries(tree: Json, key: str, *, limit: int) -> list[Json]:
    """A list of objects, empty when missing."""
    listed = tree.get(key, [])
    if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in listed):
        raise refusal("WRONG_SHAPE", where=key, wanted="a list of objects")
    if len(listed) > limit:
        raise refusal("TOO_MANY_ENTRIES", where=key, count=len(listed), limit=limit)
    return listed


def item(entry: Json, key: str, *, where: str) -> Json:
    """An object, empty when missing."""
    value = entry.get(key, {})
    if not isinstance(value, dict):
        raise refusal("WRONG_SHAPE", where=f"{where}.{key}", wanted="an object")
    return value


def whole(entry: Json, key: str, *, where: str, default: int | None = None) -> int:
    """A non-negative integer.  JSON writers may say 3.0; sizes beyond 2^53 are nobody's."""
    value = entry.get(key, default)
    if isinstance(value, float) and value.is_integer():
        value = entry[key] = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**53:
        raise refusal("WRONG_SHAPE", where=f"{where}.{key}", wanted="a whole number, 0 or more")
    return value


def reference(entry: Json, key: str, *, where: str, count: int) -> int:
    """An index into a list of `count` entries."""
    index = whole(entry, key, where=where)
    if index >= count:
        raise refusal("BAD_REFERENCE", where=f"{where}.{key}", index=index, count=count)
    return index


def references(entry: Json, key: str, *, where: str, count: int) -> list[int]:
    listed = entry.get(key, [])
    if not isinstance(listed, list):
        raise refusal("WRONG_SHAPE", where=f"{where}.{key}", wanted="a list")
    return [reference({key: index}, key, where=where, count=count) for index in listed]


def numbers(entry: Json, key: str, *, where: str, width: int, most: float = 1e6) -> list[float] | None:
    """`width` finite numbers of modest size, or None when missing."""
    if key not in entry:
        return None
    listed = entry[key]
    fine = isinstance(listed, list) and len(listed) == width and all(is_number(value, most=most) for value in listed)
    if not fine:
        raise refusal("WRONG_SHAPE", where=f"{where}.{key}", wanted=f"{width} finite numbers")
    return [float(value) for value in listed]


def number(entry: Json, key: str, *, where: str, most: float = 1e6) -> None:
    if key in entry and not is_number(entry[key], most=most):
        raise refusal("WRONG_SHAPE", where=f"{where}.{key}", wanted="a finite number")


def is_number(value: Any, *, most: float) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value) and abs(value) <= most if isinstance(value, float) else abs(value) <= most


def choice(entry: Json, key: str, *, where: str, among: tuple[Any, ...]) -> None:
    if key in entry and (isinstance(entry[key], list | dict | bool) or entry[key] not in among):
        raise refusal("WRONG_SHAPE", where=f"{where}.{key}", wanted=f"one of {among}")


def flag(entry: Json, key: str, *, where: str) -> None:
    if not isinstance(entry.get(key, False), bool):
        raise refusal("WRONG_SHAPE", where=f"{where}.{key}", wanted="true or false")
