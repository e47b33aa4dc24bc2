"""How did a match go, and how sure is that?  Exact counts; everything else is derived from them."""

from __future__ import annotations

import enum
import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Self

from competition.rulesets.rules import Rules

MICRO = 1_000_000
Z95 = 1.959963984540054


class DuelResult(enum.StrEnum):
    """What became of one duel, as the challenger sees it."""

    WON = "won"
    LOST = "lost"
    DRAWN = "drawn"
    VOID = "void"
    FORFEIT_CHALLENGER = "forfeit_challenger"  # the challenger failed to deliver: a loss
    FORFEIT_DEFENDER = "forfeit_defender"  # the defender failed to deliver: a win

    @property
    def counts(self) -> bool:
        return self is not DuelResult.VOID

    @property
    def forfeit(self) -> bool:
        """Known before anything is judged: one side delivered nothing."""
        return self in (DuelResult.FORFEIT_CHALLENGER, DuelResult.FORFEIT_DEFENDER)

    @property
    def net(self) -> int:
        """+1, 0 or -1 for the challenger."""
        return _NET[self]


_NET = {
    DuelResult.WON: 1,
    DuelResult.FORFEIT_DEFENDER: 1,
    DuelResult.DRAWN: 0,
    DuelResult.VOID: 0,
    DuelResult.LOST: -1,
    DuelResult.FORFEIT_CHALLENGER: -1,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """`won` and `lost` are judged duels only; what was not delivered stands apart, and a void duel never counts."""

    won: int = 0
    drawn: int = 0
    lost: int = 0
    void: int = 0
    forfeits_challenger: int = 0
    forfeits_defender: int = 0

    def __post_init__(self) -> None:
        for name in self.__slots__:
            if getattr(self, name) < 0:
                raise ValueError(f"{name} cannot be negative")

    @classmethod
    def of(cls, results: Iterable[DuelResult]) -> Self:
        seen = Counter(results)
        return cls(
            won=seen[DuelResult.WON],
            drawn=seen[DuelResult.DRAWN],
            lost=seen[DuelResult.LOST],
            void=seen[DuelResult.VOID],
            forfeits_challenger=seen[DuelResult.FORFEIT_CHALLENGER],
            forfeits_defender=seen[DuelResult.FORFEIT_DEFENDER],
        )

    @property
    def wins(self) -> int:
        """Judged wins and the defender's forfeits."""
        return self.won + self.forfeits_defender

    @property
    def losses(self) -> int:
        """Judged losses and the challenger's forfeits."""
        return self.lost + self.forfeits_challenger

    @property
    def counted(self) -> int:
        return self.wins + self.drawn + self.losses

    @property
    def decisive(self) -> int:
        return self.wins + self.losses

    @property
    def net(self) -> int:
        return self.wins - self.losses

    @property
    def margin(self) -> Fraction:
        """(W - L) / counted; 0 where nothing counted."""
        return Fraction(self.net, self.counted) if self.counted else Fraction(0)

    def margin_micro(self) -> int:
        """The margin in millionths, rounded half to even: what goes where floats may not."""
        return round(self.margin * MICRO)

    def swapped(self) -> Tally:
        """The same match as the defender sees it."""
        return Tally(
            won=self.lost,
            drawn=self.drawn,
            lost=self.won,
            void=self.void,
            forfeits_challenger=self.forfeits_defender,
            forfeits_defender=self.forfeits_challenger,
        )

    def interval95(self) -> tuple[float, float]:
        """The margin's 95 % interval, the prompts taken as a random sample: m -+ z sqrt(((w + l)/n - m^2)/n).

        Too narrow where almost no duel is decisive: show `sign_p` there.
        """
        n = self.counted
        if not n:
            return (-1.0, 1.0)
        variance = (Fraction(self.decisive, n) - self.margin**2) / n
        half = Z95 * math.sqrt(variance)
        return (max(-1.0, float(self.margin) - half), min(1.0, float(self.margin) + half))

    def sign_p(self) -> float:
        """Exact two-sided sign test on the decisive duels: how often would equals look at least this far apart?"""
        n = self.decisive
        tail = sum(math.comb(n, k) for k in range(max(self.wins, self.losses), n + 1))
        return float(min(Fraction(1), 2 * Fraction(tail, 2**n)))


def clears(tally: Tally, *, rules: Rules) -> bool:
    """A challenger must win by the margin, over enough duels; a draw keeps the defender."""
    return reaches(tally, win_margin=rules.win_margin, least_counted=rules.least_counted)


def reaches(tally: Tally, *, win_margin: Fraction, least_counted: int = 1) -> bool:
    return tally.counted >= max(1, least_counted) and tally.margin >= win_margin


def flip_distance(tally: Tally, *, win_margin: Fraction, least_counted: int = 1) -> int | None:
    """The fewest duels that would have to end otherwise to change whether the margin is reached.

    One change turns one duel into any other result, void included. None: no change of results could do it.
    """
    least = max(1, least_counted)
    if reaches(tally, win_margin=win_margin, least_counted=least):
        return _changes_to_miss(tally, win_margin=win_margin, least=least)
    return _changes_to_reach(tally, win_margin=win_margin, least=least)


def _surplus(tally: Tally, *, win_margin: Fraction) -> Fraction:
    """Net duels above the bar.  A duel adds 1 - bar (won), -bar (drawn), -1 - bar (lost) or 0 (void)."""
    return tally.net - win_margin * tally.counted


def _changes_to_miss(tally: Tally, *, win_margin: Fraction, least: int) -> int:
    too_few = tally.counted - least + 1
    # every duel to lost, those first that cost most; enough of them always miss a bar above -1
    costs = [Fraction(2)] * tally.wins + [Fraction(1)] * tally.drawn + [1 + win_margin] * tally.void
    below = _fewest(costs, need=_surplus(tally, win_margin=win_margin), strictly=True)
    return too_few if below is None else min(too_few, below)


def _changes_to_reach(tally: Tally, *, win_margin: Fraction, least: int) -> int | None:
    forced = max(0, least - tally.counted)  # too few duels counted: so many voids must become wins first
    if forced > tally.void:
        return None
    gains = [Fraction(2)] * tally.losses + [Fraction(1)] * tally.drawn + [1 - win_margin] * (tally.void - forced)
    need = -_surplus(tally, win_margin=win_margin) - forced * (1 - win_margin)
    more = _fewest(gains, need=need, strictly=False)
    return None if more is None else forced + more


def _fewest(steps: list[Fraction], *, need: Fraction, strictly: bool) -> int | None:
    """How many of the largest steps add up to `need` (or past it)?"""
    total = Fraction(0)
    for taken, step in enumerate([*sorted(steps, reverse=True), Fraction(0)]):
        if total > need or (total == need and not strictly):
            return taken
        total += step
    return None
