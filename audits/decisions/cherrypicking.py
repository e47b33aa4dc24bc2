"""Was the best of many submitted?  Pure: what submitted outputs win against regenerated ones, and how likely that is.

Whoever generates often and submits the best wins prompt after prompt against an honest run of the same code.  An honest
generator that is not deterministic wins as often as it loses: submitted and regenerated are draws from one urn.  So the
test is the sign test over the decisive prompts, one-sided, exact.  Over several repeats a prompt still counts once, by
the sign of its sum: the submitted output is the same in each, so the repeats of a prompt are not independent.

A flag is evidence for a person.  It rejects nobody: whether the outputs are worse than submitted is the ruleset's test.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import comb

LEVEL = Fraction(1, 200)  # an honest generator is flagged at most so often
RULE = "best_of_many"


@dataclass(frozen=True, kw_only=True)
class Picked:
    """`won`: prompts where the submitted output is better; `chance`: how often an honest generator does as well."""

    won: int
    lost: int
    drawn: int
    chance: Fraction

    @property
    def flagged(self) -> bool:
        return self.chance <= LEVEL

    @property
    def sentence(self) -> str:
        odds = round(1 / self.chance)
        return (
            f"The submitted outputs are better than regenerated ones on {self.won} prompts and worse on {self.lost} "
            f"({self.drawn} alike): honest runs of one code do so once in {odds:,} times. Was the best of many "
            "submitted?"
        )


def signs(repeats: Iterable[Mapping[str, int]]) -> list[int]:
    """One sign a prompt, in the order of the prompts; +1: the submitted one won more repeats than it lost."""
    sums: dict[str, int] = {}
    for repeat in repeats:
        for prompt, result in repeat.items():
            sums[prompt] = sums.get(prompt, 0) + result
    return [(total > 0) - (total < 0) for _, total in sorted(sums.items())]


def picked(results: Sequence[int]) -> Picked:
    """`results`: +1 where the submitted output won, -1 where it lost, 0 for a draw."""
    won, lost = sum(r > 0 for r in results), sum(r < 0 for r in results)
    return Picked(won=won, lost=lost, drawn=len(results) - won - lost, chance=at_least(won, of=won + lost))


def at_least(won: int, *, of: int) -> Fraction:
    """How often a fair coin shows heads `won` times or more `of` times."""
    return Fraction(sum(comb(of, k) for k in range(won, of + 1)), 2**of)
