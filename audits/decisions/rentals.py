"""What did the pods of a run cost, and on which card, from when on, was its code timed?

Observed: each pod's kind of card and price an hour as its provider stated them when it was made, and our clock from
its start to its end.  Derived: the sum.  Where one pod has no price the sum is unknown, which is never zero.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from audits.decisions.lifecycle import PodProgress
from competition.rulesets.speed import TimedRun

HOUR_S = 3600


@dataclass(frozen=True, kw_only=True)
class PodRental:
    """One pod.  `card`: its kind of machine, "" where nobody said; `usd_per_hour`: None where it has no price;
    `until`: None while it runs."""

    card: str
    usd_per_hour: float | None
    since: datetime
    until: datetime | None = None

    @property
    def usd(self) -> float | None:
        """None while it runs, or where it has no price."""
        if self.usd_per_hour is None or self.until is None:
            return None
        return self.usd_per_hour * max(0.0, (self.until - self.since).total_seconds()) / HOUR_S

    def to_json(self) -> dict[str, Any]:
        until = self.until.isoformat() if self.until else None
        return {**dataclasses.asdict(self), "since": self.since.isoformat(), "until": until}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        until = value["until"]
        return cls(
            card=value["card"],
            usd_per_hour=value["usd_per_hour"],
            since=datetime.fromisoformat(value["since"]),
            until=datetime.fromisoformat(until) if until else None,
        )


def ended(rentals: Sequence[PodRental], *, at: datetime) -> tuple[PodRental, ...]:
    """The pods once the one that runs, if any does, has been given up."""
    return tuple(row if row.until else dataclasses.replace(row, until=at) for row in rentals)


def total_usd(rentals: Sequence[PodRental], *, pods: int) -> float | None:
    """Of all `pods` that a run had; None where one is not written down, runs, or has no price."""
    costs = [row.usd for row in rentals]
    known = [cost for cost in costs if cost is not None]
    return sum(known) if pods and len(known) == len(costs) == pods else None


def card_of(rentals: Sequence[PodRental]) -> str:
    """The kind of card that all its pods had; "" where they differ, or nobody said."""
    cards = {row.card for row in rentals}
    return cards.pop() if len(cards) == 1 else ""


def timed_run(rentals: Sequence[PodRental], progress: PodProgress) -> TimedRun | None:
    """How fast a run was, by its mean; None where no pod of it is written down."""
    if (begun := begun_at(rentals)) is None:
        return None
    return TimedRun(
        generated_ms=round(progress.generation_s * 1000),
        outputs=len(progress.output_s),
        card=card_of(rentals),
        begun_s=int(begun.timestamp()),
    )


def begun_at(rentals: Sequence[PodRental]) -> datetime | None:
    """When its first pod was started: our doing, so no service can move it."""
    return min((row.since for row in rentals), default=None)
