"""Who won a duel, given the judge's answers?  Same answers, same verdict, for ever.

Each question is asked in both orders, and the two answers are one ballot, s = (s_AB - s_BA) / 2: a liking for the
first or the second place cancels exactly, and so do answers that contradict each other.  Scores are integers in
millionths, positive for the challenger; dividing rounds toward zero, so that swapping the sides negates exactly.

The front and the sides weigh the same, and the sides are always looked at: they may decide what the front leaves open,
they may outweigh it, and whoever wins while clearly worse at the sides wins nothing (side guard).
Each question is about all views of its stage together: no verdict comes from one angle of four.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

MICRO = 1_000_000
Outcome = Literal["defender", "challenger", "draw"]


@dataclass(frozen=True)
class Thresholds:
    """In millionths.  `draw_band`: below it there is nothing to choose; above the noise of a self-duel.

    `side_guard`: this much worse at the sides, and the front no longer wins.  `least_mass`: with less of a judge's
    probability on allowed answers than this it has not answered.
    """

    draw_band: int = 80_000
    side_guard: int = 250_000
    least_mass: int = 900_000


STANDARD = Thresholds()


@dataclass(frozen=True)
class Ballot:
    """One question in both orders.  `ab`: the defender was shown first; `ba`: the challenger was.

    Both as the judge gave them: positive when whoever came second is better.
    """

    kind: str
    ab: int
    ba: int

    @property
    def score(self) -> int:
        return toward_zero(self.ab - self.ba, 2)

    def consistent(self, *, thresholds: Thresholds = STANDARD) -> bool:
        """False when both orders clearly name the same place instead of the same asset."""
        return min(self.ab, self.ba) <= thresholds.draw_band and max(self.ab, self.ba) >= -thresholds.draw_band


@dataclass(frozen=True)
class Verdict:
    """`decided_by`: the kind of question that settled it, `side_guard`, or `draw_band` when nothing did.

    `families`: where two judged it, what each came to; `stages` are then theirs, and `decided_by` is a word of
    `two_families`.
    """

    outcome: Outcome
    score_micro: int
    decided_by: str
    stages: tuple[Ballot, ...]
    families: "tuple[FamilyVerdict, ...]" = ()

    @property
    def ballots(self) -> tuple[Ballot, ...]:
        """All that were taken, of a panel those of both families."""
        return self.stages + tuple(ballot for each in self.families for ballot in each.verdict.stages)

    def detail(self) -> dict[str, Any]:
        """For showing and storing: JSON without floats."""
        stages = [
            {"kind": b.kind, "ab": b.ab, "ba": b.ba, "score": b.score, "consistent": b.consistent()}
            for b in self.stages
        ]
        families = {"families": [each.row() for each in self.families]} if self.families else {}
        return {"decided_by": self.decided_by, "stages": stages} | families


@dataclass(frozen=True)
class FamilyVerdict:
    """What one model of a panel came to.  `model`: with its revision, as its answers name it."""

    family: str
    model: str
    verdict: Verdict

    def row(self) -> dict[str, Any]:
        """For showing and storing: JSON without floats."""
        own = {"outcome": self.verdict.outcome, "score_micro": self.verdict.score_micro}
        return {"family": self.family, "model": self.model, **own, **self.verdict.detail()}


def toward_zero(value: int, by: int) -> int:
    """value / by without its fraction, so that toward_zero(-v) == -toward_zero(v)."""
    return value // by if value >= 0 else -(-value // by)


def next_kind(taken: Mapping[str, Ballot], *, thresholds: Thresholds = STANDARD) -> str | None:
    """The question to ask next; None when no answer could change the verdict any more."""
    if "front" not in taken:
        return "front"
    if "gray" not in taken and abs(taken["front"].score) < thresholds.draw_band:
        return "gray"
    return "around" if "around" not in taken else None


def verdict(taken: Mapping[str, Ballot], *, thresholds: Thresholds = STANDARD) -> Verdict:
    """The verdict on a complete set of ballots.  Raises ValueError while a question is still open."""
    missing = next_kind(taken, thresholds=thresholds)
    if missing is not None:
        raise ValueError(f"no verdict before question {missing!r} is answered")
    front_by = "gray" if "gray" in taken else "front"
    front, around = taken[front_by].score, taken["around"].score
    score = max(-MICRO, min(MICRO, front + around))
    stages = tuple(taken.values())
    if abs(score) < thresholds.draw_band:
        return Verdict("draw", score, "draw_band", stages)
    sign = 1 if score > 0 else -1
    if sign * around <= -thresholds.side_guard:
        return Verdict("draw", score, "side_guard", stages)
    decided_by = front_by if sign * front >= thresholds.draw_band else "around"
    return Verdict("challenger" if sign > 0 else "defender", score, decided_by, stages)
