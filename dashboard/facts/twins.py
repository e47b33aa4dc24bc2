"""How do a page's facts read as JSON?  Fractions stay exact, and a rounded number stands beside each of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

DIGITS = 6


def twin(facts: Any) -> Any:
    """Lists, texts and numbers only.  A field `margin` that is a Fraction gives `margin: "7/128"` and
    `margin_rounded: 0.054688`; a field whose name begins with an underscore is the page's own and stays out."""
    if dataclasses.is_dataclass(facts) and not isinstance(facts, type):
        return _object({f.name: getattr(facts, f.name) for f in dataclasses.fields(facts)})
    if isinstance(facts, Mapping):
        return _object(facts)
    if isinstance(facts, list | tuple):
        return [twin(item) for item in facts]
    if isinstance(facts, Fraction):
        return str(facts)
    if isinstance(facts, float):
        return round(facts, DIGITS)
    if isinstance(facts, datetime):
        return facts.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return facts


def _object(pairs: Mapping[Any, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for name, value in pairs.items():
        if str(name).startswith("_"):
            continue
        shown[str(name)] = twin(value)
        if isinstance(value, Fraction):
            shown[f"{name}_rounded"] = round(float(value), DIGITS)
    return shown
