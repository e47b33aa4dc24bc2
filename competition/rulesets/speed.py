"""Whose code was faster, and may anything rest on it?

Observed: of each run the time that it generated, the outputs it brought, and where and when the platform started it.
Derived: everything else, exactly, from the mean: a service's own reports move time between outputs, and never the sum.
Two runs are compared on the same kind of card, begun within the same hour; anything else is told, and rests nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

SAME_HOUR_S = 3600
UNTIMED, CARD_UNKNOWN, CARDS_DIFFER, HOURS_APART = "untimed", "card_unknown", "cards_differ", "hours_apart"
WHY_NOT = {
    UNTIMED: "one of them was not timed output by output",
    CARD_UNKNOWN: "it is not known that each ran on one kind of card",
    CARDS_DIFFER: "they ran on different kinds of card",
    HOURS_APART: "they were begun more than an hour apart",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedRun:
    """`generated_ms`: all that it generated, lost attempts included; `card`: "" where its pods had several kinds, or
    nobody said; `begun_s`: when its first pod was started, in seconds since 1970."""

    generated_ms: int
    outputs: int
    card: str
    begun_s: int

    @property
    def mean_s(self) -> Fraction | None:
        """Seconds an output; None where it brought none."""
        return Fraction(self.generated_ms, 1000 * self.outputs) if self.outputs > 0 else None


def why_incomparable(one: TimedRun, other: TimedRun) -> str:
    """A key of `WHY_NOT`; "" where the two may be compared."""
    if not one.mean_s or not other.mean_s:
        return UNTIMED
    if not one.card or not other.card:
        return CARD_UNKNOWN
    if one.card != other.card:
        return CARDS_DIFFER
    return HOURS_APART if abs(one.begun_s - other.begun_s) > SAME_HOUR_S else ""


def faster_by(one: TimedRun, other: TimedRun) -> Fraction | None:
    """The share of the other's mean that the first one saves, below zero where it is slower; None where either brought
    nothing.  Whether anything may rest on it says `why_incomparable`."""
    return 1 - one.mean_s / other.mean_s if one.mean_s is not None and other.mean_s else None


def nearest(run: TimedRun, others: Sequence[TimedRun]) -> TimedRun | None:
    """The one to compare with: on the same kind of card before any other, then begun nearest, then earliest."""
    return min(
        others,
        key=lambda other: (other.card != run.card, abs(other.begun_s - run.begun_s), other.begun_s),
        default=None,
    )
