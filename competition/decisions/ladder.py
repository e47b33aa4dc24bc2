"""Who leads after this round?  A fold over the qualified challengers in reveal order.

Observed: the screen of each entry, the matches that were played, the audits that were decided.  Derived: the rungs,
the leader, and what is wanted next.  The ladder always progresses: while it is not complete it names a screen, a match
or an audit that is missing, and each of those, once there, either moves the fold on or settles a rung for ever.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, TypeAlias

from competition.decisions.rulesets import Rules
from competition.decisions.tally import Tally, clears

Key: TypeAlias = str | int
Audited: TypeAlias = Literal["passed", "rejected"] | None
Verdict = Literal["advanced", "held", "pending", "rejected"]

LEADER = "leader"  # the key of the round's leader; no entry may use it


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A challenger and its place in the queue."""

    key: Key
    hotkey: str
    reveal_block: int
    extrinsic_index: int = 0

    @property
    def place(self) -> tuple[int, int, str]:
        return (self.reveal_block, self.extrinsic_index, self.hotkey)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """One qualified challenger met the defender of the moment.

    advanced: became the defender · held: the defender stays · pending: won, its audit is open · rejected: won, but its
    audit failed, so the defender stays.
    """

    challenger: Key
    defender: Key
    tally: Tally
    verdict: Verdict
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """`leader` is final only where `complete`; before that it supposes that every open audit passes."""

    rungs: tuple[Rung, ...]
    leader: Key
    wanted_screens: tuple[Key, ...]
    wanted_matches: tuple[tuple[Key, Key], ...]  # (defender, challenger)
    wanted_audits: tuple[Key, ...]

    @property
    def complete(self) -> bool:
        return not (self.wanted_screens or self.wanted_matches or self.wanted_audits)


def in_reveal_order(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    ordered = tuple(sorted(entries, key=lambda entry: entry.place))
    if len({entry.key for entry in ordered}) != len(ordered) or any(entry.key == LEADER for entry in ordered):
        raise ValueError("every entry needs a key of its own, and not the leader's")
    return ordered


def climb(
    entries: Iterable[Entry],
    *,
    screen: Mapping[Key, Tally | None],
    met: Mapping[tuple[Key, Key], Tally],
    audits: Mapping[Key, Audited],
    rules: Rules,
) -> Ladder:
    """The ladder of `margin-1` as far as it can be known: a challenger that meets the leader is taken at its screen.

    The fold goes on past an open audit as if it passed, so that matches and audits overlap; a rejection rebuilds it.
    """
    ordered = in_reveal_order(entries)
    unscreened = tuple(entry.key for entry in ordered if screen.get(entry.key) is None)
    names = {LEADER: LEADER} | {entry.key: entry.hotkey for entry in ordered}
    rungs: list[Rung] = []
    defender: Key = LEADER
    for entry in ordered:
        screened = screen.get(entry.key)
        if screened is None:
            return _so_far(rungs, defender, screens=unscreened)  # it may qualify: whom the next ones meet is open
        if not clears(screened, rules=rules):
            continue
        tally = screened if defender == LEADER else met.get((defender, entry.key))
        if tally is None:
            return _so_far(rungs, defender, screens=unscreened, matches=((defender, entry.key),))
        rungs.append(_rung(entry, defender, tally=tally, audited=audits.get(entry.key), names=names, rules=rules))
        if rungs[-1].verdict in ("advanced", "pending"):
            defender = entry.key
    return _so_far(rungs, defender)


def qualified(screened: Tally, *, rules: Rules) -> bool:
    return clears(screened, rules=rules)


def _so_far(
    rungs: list[Rung],
    defender: Key,
    *,
    screens: tuple[Key, ...] = (),
    matches: tuple[tuple[Key, Key], ...] = (),
) -> Ladder:
    return Ladder(
        rungs=tuple(rungs),
        leader=defender,
        wanted_screens=screens,
        wanted_matches=matches,
        wanted_audits=tuple(rung.challenger for rung in rungs if rung.verdict == "pending"),
    )


def _rung(
    entry: Entry, defender: Key, *, tally: Tally, audited: Audited, names: Mapping[Key, str], rules: Rules
) -> Rung:
    verdict = _verdict(tally, audited=audited, rules=rules)
    reason = f"{_counts(tally, against=names[defender], rules=rules)}{_ENDINGS[verdict]}"
    return Rung(challenger=entry.key, defender=defender, tally=tally, verdict=verdict, reason=reason)


def _verdict(tally: Tally, *, audited: Audited, rules: Rules) -> Verdict:
    if not clears(tally, rules=rules):
        return "held"
    if audited == "rejected":
        return "rejected"
    return "advanced" if audited == "passed" or not rules.audits else "pending"


_ENDINGS: Mapping[Verdict, str] = {
    "advanced": " Its audits passed: it is the defender now.",
    "held": " The defender stays.",
    "pending": " It is the defender if its audits pass.",
    "rejected": " Its audit was rejected: it does not advance, and the defender stays.",
}


def _counts(tally: Tally, *, against: str, rules: Rules) -> str:
    bar = f"the bar of {_percent(rules.win_margin)}"
    side = "reaches" if clears(tally, rules=rules) else "is short of"
    forfeits = tally.forfeits_challenger + tally.forfeits_defender
    asides = [f"{tally.void} void"] * bool(tally.void) + [f"{forfeits} by forfeit"] * bool(forfeits)
    return (
        f"Won {tally.wins}, drew {tally.drawn}, lost {tally.losses} of {tally.counted} against {against}"
        f"{' (' + ', '.join(asides) + ')' if asides else ''}: "
        f"a margin of {_percent(tally.margin)} {side} {bar}."
    )


def _percent(share: Fraction) -> str:
    return f"{float(share) * 100:.4g} %"
