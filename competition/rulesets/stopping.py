"""When can the rest of a match change nothing?

Asked of the gap-free prefix only, so the order in which answers arrive decides nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from competition.rulesets.rules import Rules
from competition.rulesets.tally import DuelResult, Tally

Certainty = Literal["qualified", "below"]


def certain(results_so_far: Sequence[DuelResult | None], total: int, *, rules: Rules) -> Certainty | None:
    """What the match of `total` duels will say, whatever the duels after the gap-free prefix give.

    Each of those may still be won, drawn, lost, forfeited or void.  None: it is open.
    """
    prefix = _gap_free(results_so_far)
    if len(prefix) > total:
        raise ValueError(f"{len(prefix)} results of a match of {total} duels")
    return _verdict(Tally.of(prefix), left=total - len(prefix), rules=rules)


def stop_index(results: Sequence[DuelResult | None], *, total: int | None = None, rules: Rules) -> int | None:
    """How many duels, in order, make the match: the first prefix after which its outcome is certain.

    `total` defaults to the length of `results`.  None: open, or an earlier duel is still missing.  What was judged
    beyond the index is left out, so late and early workers agree; with `stop_early` off it is always the whole match.
    """
    prefix = _gap_free(results)
    total = len(results) if total is None else total
    if not rules.stop_early:
        return total if len(prefix) == total else None
    for length in range(min(len(prefix), total) + 1):
        if _verdict(Tally.of(prefix[:length]), left=total - length, rules=rules):
            return length
    return None


def _verdict(tally: Tally, *, left: int, rules: Rules) -> Certainty | None:
    """Worst case: all that is left is lost, or void.  Best case: all of it is won."""
    surplus = tally.net - rules.win_margin * tally.counted
    if tally.counted >= rules.least_counted and surplus >= left * (1 + rules.win_margin):
        return "qualified"
    if tally.counted + left < rules.least_counted or surplus + left * (1 - rules.win_margin) < 0:
        return "below"
    return None


def _gap_free(results: Sequence[DuelResult | None]) -> list[DuelResult]:
    prefix: list[DuelResult] = []
    for result in results:
        if result is None:
            break
        prefix.append(result)
    return prefix
