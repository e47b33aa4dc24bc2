"""When may a screen of title-1 end before its last duel?  Only downward: those who qualify are ranked by whole matches.

Observed: every forfeit (which files are missing is known before anything is judged), and the gap-free prefix of the
judged duels in seed order.  A screen ends when the bar is out of reach, or hopelessly far.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from competition.rulesets.bankroll import titled
from competition.rulesets.rules import Rules
from competition.rulesets.tally import DuelResult, Tally

Why = Literal["", "below", "hopeless"]
FORFEITS = (DuelResult.FORFEIT_CHALLENGER, DuelResult.FORFEIT_DEFENDER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """The first `after` duels in seed order, and every forfeit beyond them, are the match.

    because: "" played to the end · below: not even winning the rest would do · hopeless: too far behind the bar.
    """

    after: int
    because: Why
    tally: Tally


def stop(results: Sequence[DuelResult | None], *, rules: Rules) -> Stop | None:
    """The match of all `results` in seed order, None where a duel is not judged yet.  None: it is still open."""
    ahead = [result for result in results if result in FORFEITS]
    seen: list[DuelResult] = []
    for after, result in enumerate([*results, None]):
        tally = Tally.of([*seen, *ahead])
        because = _because(tally, left=len(results) - after - len(ahead), rules=rules)
        if because or after == len(results):
            return Stop(after=after, because=because, tally=tally)
        if result is None:
            return None
        seen.append(result)
        if result in FORFEITS:
            ahead.remove(result)
    raise AssertionError("unreachable: the last turn always returns")


def _because(tally: Tally, *, left: int, rules: Rules) -> Why:
    if left == 0:
        return ""
    best = tally.net + left - rules.win_margin * (tally.counted + left)
    if best < 0 or tally.counted + left < rules.least_counted:
        return "below"
    return "hopeless" if hopeless(tally, left=left, rules=rules) else ""


def hopeless(tally: Tally, *, left: int, rules: Rules) -> bool:
    """Would a match that ends exactly at the bar hardly ever begin so badly?

    n duels are to be judged, k of them are; the bar leaves `need` net wins to be judged (forfeits are settled).  Of a
    match that ends there, the first k hold need k/n on average, with a variance of k (n-k)/n times the share of
    decisive duels, taken as (decisive + 2) / (k + 4).  Hopeless: z standard deviations below that.
    """
    judged = tally.won + tally.drawn + tally.lost
    n, forfeited = judged + left, tally.forfeits_defender - tally.forfeits_challenger
    if not judged or not left:
        return False
    need = rules.win_margin * (tally.counted + left) - forfeited
    gap = need * judged / n - (tally.won - tally.lost)
    variance = Fraction(judged * left, n) * Fraction(tally.won + tally.lost + 2, judged + 4)
    return gap > 0 and gap**2 >= titled(rules).futility_z ** 2 * variance
