"""Which bars serve a judge best?  Picked on one half of the assets, and measured on the other.

Bars that are praised on the very pairs that they were picked on are praised for luck, so no asset is in both halves.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from competition.decisions.rates import Rate
from judging.decisions import cascade
from judging.decisions.ballots import Ballot, Outcome
from judging.decisions.cascade import AnswersSoFar, Bars

GRID = tuple(range(50_000, 850_000, 50_000))  # millionths
PICKED = ("likeness", "lean", "artifacts", "checklist", "detail", "gray", "side_guard")
PRICE_OF_WRONG = 2  # a wrong winner costs two right ones: a draw can be judged again, a title cannot be taken back
MOST_PASSES = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class CalibrationCase:
    """A duel whose right outcome is known, with every answer there is.  `answers`: all of `cascade.QUESTIONS` that the
    pictures allow, the good asset defending; `equal`: both sides look the same, so that it must be a draw."""

    asset: str
    answers: AnswersSoFar
    equal: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class BarsMeasured:
    """`pairs`: a worse copy must lose; `equals`: a copy that looks the same must draw."""

    right: Rate
    wrong: Rate
    equals_drawn: Rate

    @property
    def worth(self) -> int:
        """Right pairs, less what wrong winners cost."""
        false_wins = self.equals_drawn.rounds - self.equals_drawn.hits
        return self.right.hits - PRICE_OF_WRONG * (self.wrong.hits + false_wins)


@dataclass(frozen=True, kw_only=True, slots=True)
class Calibrated:
    """`before`, `after`: on the half that the bars were not picked on."""

    bars: Bars
    picked_on: int
    before: BarsMeasured
    after: BarsMeasured


def in_picking_half(asset: str, *, seed: int) -> bool:
    """By the asset's name, so that all its pairs are on one side."""
    return hashlib.sha256(f"{seed} {asset}".encode()).digest()[0] % 2 == 0


def calibrated(cases: Iterable[CalibrationCase], *, bars: Bars, seed: int) -> Calibrated:
    """Raises ValueError where a half is empty."""
    halves: dict[bool, list[CalibrationCase]] = {True: [], False: []}
    for case in cases:
        halves[in_picking_half(case.asset, seed=seed)].append(case)
    if not all(halves.values()):
        raise ValueError("both halves need assets: name more of them, or another seed")
    picked = pick(halves[True], bars=bars)
    return Calibrated(
        bars=picked,
        picked_on=len(halves[True]),
        before=measured(halves[False], bars=bars),
        after=measured(halves[False], bars=picked),
    )


def pick(cases: Sequence[CalibrationCase], *, bars: Bars, grid: Sequence[int] = GRID) -> Bars:
    """One bar after the other, until none can be bettered; of equally good values the one nearest to today's.

    Never worse than `bars` on these cases, for what stands is among the values that are tried.
    """
    best, worth = bars, measured(cases, bars=bars).worth
    for _ in range(MOST_PASSES):
        start = worth
        for name in PICKED:
            for tried in _moved(best, name, grid=grid):
                reached = measured(cases, bars=tried).worth
                best, worth = (tried, reached) if reached > worth else (best, worth)
        if worth == start:
            break
    return best


def _moved(bars: Bars, name: str, *, grid: Sequence[int]) -> list[Bars]:
    """The bars with another value of this one, the nearest first.

    A lean above the likeness is left out: what forbids a verdict would be harder to reach than the verdict.
    """
    today = getattr(bars, name)
    tried = [replace(bars, **{name: value}) for value in sorted(grid, key=lambda value: (abs(value - today), value))]
    return [each for each in tried if each.lean <= each.likeness]


def measured(cases: Iterable[CalibrationCase], *, bars: Bars) -> BarsMeasured:
    outcomes = [(case.equal, outcome_under(case.answers, bars=bars)) for case in cases]
    pairs = [outcome for equal, outcome in outcomes if not equal]
    equals = [outcome for equal, outcome in outcomes if equal]
    return BarsMeasured(
        right=Rate(pairs.count("defender"), len(pairs)),
        wrong=Rate(pairs.count("challenger"), len(pairs)),
        equals_drawn=Rate(equals.count("draw"), len(equals)),
    )


def outcome_under(answers: AnswersSoFar, *, bars: Bars) -> Outcome:
    """The cascade's verdict on answers that are all there; a question that nobody could ask decides nothing."""
    return cascade.verdict(_complete(answers), bars=bars).outcome


def _complete(answers: AnswersSoFar) -> AnswersSoFar:
    pairs = [kind for kind in cascade.QUESTIONS if kind not in cascade.SIDES.values()]
    ballots: Mapping[str, Ballot] = {kind: Ballot(kind, ab=0, ba=0) for kind in pairs}
    spoiled = dict.fromkeys(cascade.SIDES, 0)
    return replace(answers, ballots={**ballots, **answers.ballots}, spoiled={**spoiled, **answers.spoiled})
