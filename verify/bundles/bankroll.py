"""When does a screen of title-1 end, and when a title match?  Written a second time, from docs/rules.md.

Pure: results in seed order in, endings out.  A result is won, drawn, lost, void, forfeits_challenger or
forfeits_defender; None is a duel that was not needed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import partial
from typing import Any

NET = {"won": 1, "forfeits_defender": 1, "lost": -1, "forfeits_challenger": -1, "drawn": 0}
Row = dict[str, Any]


def held(won: int, lost: int, *, title: Row) -> Fraction:
    """The credits in all purses together after so many wins and losses."""
    shares = [Fraction(stake) for stake in title["stakes"]]
    return sum((1 + s) ** won * (1 - s) ** lost for s in shares) / Fraction(len(shares))


def earned(won: int, drawn: int, lost: int, *, rules: Row) -> bool:
    counted = won + drawn + lost
    if counted < max(1, rules["least_counted"]) or won - lost < Fraction(rules["win_margin"]) * counted:
        return False
    return held(won, lost, title=rules["title"]) >= Fraction(rules["title"]["bar"])


def play(results: Sequence[str | None], start: Row, *, rules: Row, total: int | None = None) -> tuple[Row, str, int]:
    """(what is left, ending, after how many duels) of a title match that begins with `start`."""
    title = rules["title"]
    total = title["prompts"] if total is None else total
    count, out = {name: start[name] for name in ("won", "drawn", "lost")}, start["out"]
    if out:
        return {**count, "out": True}, "out", 0
    for number, result in enumerate(results[:total], 1):
        if result is None:
            return {**count, "out": False}, "open", number - 1
        if result not in NET:
            continue
        count[("drawn", "won", "lost")[NET[result]]] += 1
        if held(count["won"], count["lost"], title=title) < Fraction(title["out"]):
            return {**count, "out": True}, "out", number
        if earned(**count, rules=rules):
            return {**count, "out": False}, "title", number
    return {**count, "out": False}, "exhausted" if len(results) >= total else "open", min(len(results), total)


def flips(left: Row, *, rules: Row) -> int | None:
    """The fewest of these duels that would have to end otherwise for the title to be missed, or earned."""
    return fewest_changes(left | {"void": 0}, partial(earned, rules=rules), least=0)


def fewest_changes(counts: Row, holds: Callable[[int, int, int], bool], *, least: int) -> int | None:
    """So many changes are tried: to the other side's win (decisive duels first, for one turned round is worth most),
    and, to miss, to void; `holds`: of so many won, drawn and lost."""
    won, drawn, lost, void = (counts[name] for name in ("won", "drawn", "lost", "void"))
    had = holds(won, drawn, lost)
    for changes in range(1, won + drawn + lost + void + 1):
        if had and won + drawn + lost - changes < least:
            return changes
        for voids in range(min(changes, void) + 1):
            full = min(changes - voids, won if had else lost)
            half = min(changes - voids - full, drawn)
            more = full + half + voids
            now = (won - full, lost + more) if had else (won + more, lost - full)
            if holds(now[0], drawn - half, now[1]) != had:
                return changes
    return None


def screened(results: Sequence[str | None], *, rules: Row) -> tuple[int, str]:
    """(after how many duels a screen ends, why).  Forfeits count wherever they stand; they are known beforehand."""
    bar, total = Fraction(rules["win_margin"]), len(results)
    forfeits = [result for result in results if result and result.startswith("forfeits")]
    behind = sum(NET[result] for result in forfeits)
    won = lost = drawn = void = 0
    passed = 0
    for after in range(total + 1):
        judged, left = won + drawn + lost, total - after - (len(forfeits) - passed)
        if left == 0:
            return total, ""
        counted = judged + len(forfeits)
        if won - lost + behind + left < bar * (counted + left) or counted + left < rules["least_counted"]:
            return after, "below"
        if _hopeless(won, drawn, lost, left=left, need=bar * (counted + left) - behind, rules=rules):
            return after, "hopeless"
        result = results[after]
        won, drawn, lost = won + (result == "won"), drawn + (result == "drawn"), lost + (result == "lost")
        void, passed = void + (result == "void"), passed + (result in forfeits)
    return total, ""


def _hopeless(won: int, drawn: int, lost: int, *, left: int, need: Fraction, rules: Row) -> bool:
    """z standard deviations behind where a match stands on average that ends at the bar."""
    seen, decisive = won + drawn + lost, won + lost
    everything = seen + left
    gap = need * seen / everything - (won - lost)
    spread = Fraction(seen * left * (decisive + 2), everything * (seen + 4))
    return seen > 0 and gap > 0 and gap * gap >= Fraction(rules["title"]["futility_z"]) ** 2 * spread
