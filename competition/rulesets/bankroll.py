"""Has a challenger shown that it is better than the leader?  One credit, staked duel by duel, in exact fractions.

The credit lies in one purse or several of equal size.  Each purse stakes a share of itself on every prompt: won, it
grows by the stake; lost, it shrinks by it; drawn, it stays.  Against an equal no way of staking gains on average, so
whoever starts with one credit holds 40 at most once in 40 tries, whenever one stops and however long one goes on
(Ville's inequality).  Only the number of wins and losses counts, never their order: a purse of stake s holds
(1/purses) (1+s)^won (1-s)^lost.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from competition.rulesets.rules import Rules, TitleRules
from competition.rulesets.tally import DuelResult

Ending = Literal["title", "out", "exhausted", "open"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BankrollTally:
    """All counted duels of one commit against one leader's commit, over all rounds.  `out` is for ever."""

    won: int = 0
    drawn: int = 0
    lost: int = 0
    out: bool = False

    @property
    def counted(self) -> int:
        return self.won + self.drawn + self.lost

    @property
    def margin(self) -> Fraction:
        return Fraction(self.won - self.lost, self.counted) if self.counted else Fraction(0)

    def to_dict(self) -> dict[str, int | bool]:
        return {"won": self.won, "drawn": self.drawn, "lost": self.lost, "out": self.out}


@dataclass(frozen=True, slots=True, kw_only=True)
class TitleStanding:
    """Where a title match stands after its first `duels` duels.

    title: the bar is reached · out: below the floor · exhausted: every prompt is used · open: the next duel is missing.
    """

    bankroll: BankrollTally
    ending: Ending
    duels: int


def purses(bankroll: BankrollTally, *, title: TitleRules) -> tuple[Fraction, ...]:
    """In the order of the stakes."""
    share = Fraction(1, len(title.stakes))
    return tuple(share * (1 + stake) ** bankroll.won * (1 - stake) ** bankroll.lost for stake in title.stakes)


def credits(bankroll: BankrollTally, *, title: TitleRules) -> Fraction:
    return sum(purses(bankroll, title=title), Fraction(0))


def after(bankroll: BankrollTally, result: DuelResult, *, title: TitleRules) -> BankrollTally:
    """What a duel makes of it: a void duel nothing, a forfeit as much as a duel."""
    if not result.counts:
        return bankroll
    name = {1: "won", 0: "drawn", -1: "lost"}[result.net]
    moved = dataclasses.replace(bankroll, **{name: getattr(bankroll, name) + 1})
    return dataclasses.replace(moved, out=bankroll.out or credits(moved, title=title) < title.out)


def earned(bankroll: BankrollTally, *, rules: Rules) -> bool:
    """The bar, and the margin: much evidence of a small lead is not enough, nor is a large lead on few duels."""
    title = titled(rules)
    if bankroll.out or bankroll.counted < max(1, rules.least_counted) or bankroll.margin < rules.win_margin:
        return False
    return credits(bankroll, title=title) >= title.bar


def fold(
    results: Sequence[DuelResult | None], *, total: int, rules: Rules, start: BankrollTally | None = None
) -> TitleStanding:
    """A title match over `total` fresh prompts, in seed order; it ends with the first duel that decides it.

    Duels beyond that, and beyond a missing one, change nothing.  `start` is what earlier rounds left.
    """
    bankroll, title = start or BankrollTally(), titled(rules)
    if bankroll.out:
        return TitleStanding(bankroll=bankroll, ending="out", duels=0)
    for number, result in enumerate(results[:total]):
        if result is None:
            return TitleStanding(bankroll=bankroll, ending="open", duels=number)
        bankroll = after(bankroll, result, title=title)
        if bankroll.out:
            return TitleStanding(bankroll=bankroll, ending="out", duels=number + 1)
        if result.counts and earned(bankroll, rules=rules):
            return TitleStanding(bankroll=bankroll, ending="title", duels=number + 1)
    done = len(results) >= total
    return TitleStanding(bankroll=bankroll, ending="exhausted" if done else "open", duels=min(len(results), total))


def least_duels(title: TitleRules) -> int | None:
    """The fewest duels in which the bar can be reached at all; None where all its prompts would not do."""
    return next(
        (n for n in range(1, title.prompts + 1) if credits(BankrollTally(won=n), title=title) >= title.bar), None
    )


def path(results: Sequence[DuelResult], *, rules: Rules, start: BankrollTally | None = None) -> list[Fraction]:
    """The credits at the start and after each duel."""
    bankroll, title = start or BankrollTally(), titled(rules)
    held = [credits(bankroll, title=title)]
    for result in results:
        bankroll = after(bankroll, result, title=title)
        held.append(credits(bankroll, title=title))
    return held


def flip_distance(bankroll: BankrollTally, *, rules: Rules) -> int | None:
    """The fewest of these duels that would have to end otherwise for the title to be missed, or to be earned.

    None: no change of these duels alone could do it.
    """
    here = dataclasses.replace(bankroll, out=False)
    had = earned(bankroll, rules=rules)
    for changes in range(1, here.counted + 1):
        if earned(_changed(here, changes, worse=had), rules=rules) != had:
            return changes
    return None


def worse_than(results: Sequence[DuelResult], *, rules: Rules) -> TitleStanding:
    """The same test reversed: have these duels shown that the challenger is worse?  An ending of `title` says yes."""
    swapped = [DuelResult.LOST if r.net > 0 else DuelResult.WON if r.net < 0 else r for r in results]
    return fold(swapped, total=len(swapped), rules=rules)


def titled(rules: Rules) -> TitleRules:
    if rules.title is None:
        raise ValueError(f"{rules.name} has no title match")
    return rules.title


def _changed(bankroll: BankrollTally, changes: int, *, worse: bool) -> BankrollTally:
    """So many duels changed for the worst (won to lost first, then drawn to lost), or for the best."""
    won, lost = (bankroll.won, bankroll.lost) if worse else (bankroll.lost, bankroll.won)
    turned = min(changes, won)
    drawn = min(changes - turned, bankroll.drawn)
    won, lost = won - turned, lost + turned + drawn
    return BankrollTally(
        won=won if worse else lost, drawn=bankroll.drawn - drawn, lost=lost if worse else won, out=bankroll.out
    )
