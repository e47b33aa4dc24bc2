"""How do a page's facts read as JSON?  Fractions stay exact, and a rounded number stands beside each of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

from dashboard.facts.borders import field_names

DIGITS = 6
PLAIN = (str, int)  # as they are, truth values too


def twin(facts: Any) -> Any:
    """Lists, texts and numbers only.  A field `margin` that is a Fraction gives `margin: "7/128"` and
    `margin_rounded: 0.054688`; a field whose name begins with an underscore is the page's own and stays out."""
    if facts is None or isinstance(facts, PLAIN):
        return facts
    if isinstance(facts, Fraction):
        return str(facts)
    if isinstance(facts, float):
        return round(facts, DIGITS)
    if isinstance(facts, list | tuple):
        return [twin(item) for item in facts]
    if isinstance(facts, datetime):
        return facts.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(facts, Mapping):
        return _object(facts.items())
    if dataclasses.is_dataclass(facts) and not isinstance(facts, type):
        return _object((name, getattr(facts, name)) for name in field_names(type(facts)))
    return facts


def _object(pairs: Iterable[tuple[Any, Any]]) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for key, value in pairs:
        name = str(key)
        if name[:1] == "_":
            continue
        shown[name] = twin(value)
        if isinstance(value, Fraction):
            shown[f"{name}_rounded"] = round(float(value), DIGITS)
    return shown
