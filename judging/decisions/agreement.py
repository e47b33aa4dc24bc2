"""How often do two judges say the same of the same duels?  Counted as a matrix, with an interval and Cohen's kappa."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from competition.decisions.rates import Rate

OUTCOMES = ("defender", "draw", "challenger")
"""Of one duel: the left side, neither, the right side."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeAgreement:
    """`counts`: (the first judge's outcome, the second's) -> how many duels."""

    counts: Mapping[tuple[str, str], int]

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, str]]) -> JudgeAgreement:
        counted = Counter(pairs)
        return cls(counts={(one, other): counted[one, other] for one in OUTCOMES for other in OUTCOMES})

    @property
    def duels(self) -> int:
        return sum(self.counts.values())

    @property
    def alike(self) -> int:
        return sum(self.counts[outcome, outcome] for outcome in OUTCOMES)

    @property
    def opposite(self) -> int:
        """One judge lets the left side win, the other the right."""
        return self.counts["defender", "challenger"] + self.counts["challenger", "defender"]

    @property
    def share(self) -> Fraction | None:
        """None where no duel was judged by both."""
        return Fraction(self.alike, self.duels) if self.duels else None

    @property
    def interval95(self) -> tuple[float, float]:
        """Wilson's, the duels taken as a random sample."""
        return Rate(self.alike, self.duels).interval

    @property
    def kappa(self) -> Fraction | None:
        """J. Cohen, A coefficient of agreement for nominal scales, 1960: 1 always alike, 0 no more than by chance.

        None where it is not defined: no duels, or both judges gave one and the same outcome to all of them.
        """
        if not self.duels:
            return None
        first = {outcome: sum(self.counts[outcome, other] for other in OUTCOMES) for outcome in OUTCOMES}
        second = {outcome: sum(self.counts[other, outcome] for other in OUTCOMES) for outcome in OUTCOMES}
        by_chance = Fraction(sum(first[outcome] * second[outcome] for outcome in OUTCOMES), self.duels**2)
        return None if by_chance == 1 else (Fraction(self.alike, self.duels) - by_chance) / (1 - by_chance)
