"""What does a body hold?  One JSON object, small, flat enough, without doubled names or numbers that are none."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import IO, Any

from rest_framework.parsers import BaseParser

from dashboard.api.errors import RequestRefused, bad, too_large

MOST_BYTES = 16_384
DEEPEST = 8
LARGEST = 2**53 - 1  # of JSON: beyond it, programs read different numbers
SURROGATE = re.compile("[\ud800-\udfff]")


class StrictJson(BaseParser):
    media_type = "application/json"

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        return read(stream.read(MOST_BYTES + 1))


def read(raw: bytes) -> dict[str, Any]:
    """The object in these bytes.  Raises RequestRefused."""
    if len(raw) > MOST_BYTES:
        raise too_large(MOST_BYTES)
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise _unreadable("The body is not UTF-8 text.") from None
    if depth(text) > DEEPEST:
        raise _unreadable(f"The body nests deeper than {DEEPEST} levels.")
    try:
        value = json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise _unreadable("The body is not JSON.") from None
    if not isinstance(value, dict):
        raise _unreadable("The body is not a JSON object.")
    if not all(map(fits, values_in(value))):
        raise _unreadable(f"The body holds NUL, half a character, or a number beyond {LARGEST}.")
    return value


def values_in(value: Any) -> Iterator[Any]:
    """All names, texts, numbers and constants, however deep."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from values_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from values_in(inner)
    else:
        yield value


def fits(value: Any) -> bool:
    """Can this be kept in a column, signed in its RFC 8785 form, and read by any other program?"""
    if isinstance(value, str):
        return "\0" not in value and not SURROGATE.search(value)
    if isinstance(value, int | float):
        return -LARGEST <= value <= LARGEST
    return True


def depth(text: str) -> int:
    """How deep brackets nest, those in texts counted too: an upper bound that costs one look."""
    deepest = level = 0
    for letter in text:
        if letter in "[{":
            level += 1
            deepest = max(deepest, level)
        elif letter in "]}":
            level -= 1
    return deepest


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise bad(twice[:80], "A name stands twice in one object.", fix="Give each name once.", code="unreadable")
    return dict(pairs)


def _no_constant(name: str) -> Any:
    raise bad("", f"{name} is no JSON number.", fix="Send a finite number.", code="unreadable")


def _unreadable(sentence: str) -> RequestRefused:
    return bad("", sentence, fix="Send one JSON object, as the documentation shows.", code="unreadable")
