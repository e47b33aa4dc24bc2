"""What is known of a round that was played elsewhere, and does it agree with itself?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dashboard.models import VerifierFinding


@dataclass(frozen=True, kw_only=True)
class RecordFinding:
    """One disagreement (`error`) or one thing a reader should know (`notable`), with the value found and expected."""

    severity: str
    kind: str
    file: str
    field: str
    found: Any
    expected: Any
    sentence: str


def record_finding(row: VerifierFinding) -> RecordFinding:
    names = ("severity", "kind", "file", "field", "found", "expected", "sentence")
    return RecordFinding(**{name: getattr(row, name) for name in names})


@dataclass(frozen=True, kw_only=True)
class Stated:
    """What the records say of a match, beside what its duels give when they are counted again."""

    file: str
    margin: float | None
    matrix: float | None
    recomputed: float | None
    agrees: bool | None


def stated(source: Mapping[str, Any], *, defender: str, challenger: str) -> Stated | None:
    told = _matches(source).get(f"{defender}-vs-{challenger}")
    if not isinstance(told, Mapping):
        return None
    numbers = {name: _number(told.get(name)) for name in ("margin", "matrix", "recomputed")}
    agrees = told.get("agrees")
    return Stated(file=str(told.get("file", "")), agrees=agrees if isinstance(agrees, bool) else None, **numbers)


def summary(source: Mapping[str, Any]) -> dict[str, Any]:
    """The source without its matches, and how many of their margins agree."""
    if not source:
        return {}
    told = [match for match in _matches(source).values() if isinstance(match, Mapping)]
    agree = sum(match.get("agrees") is True for match in told)
    rest = {name: value for name, value in source.items() if name != "matches" and value not in ("", None)}
    return {**rest, "margins that agree": f"{agree} of {len(told)}"}


def _matches(source: Mapping[str, Any]) -> Mapping[str, Any]:
    told = source.get("matches")
    return told if isinstance(told, Mapping) else {}


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
