"""Who leads after this round?  A fold over the qualified challengers in reveal order.

Observed: the screen of each entry, the matches that were played, the audits that were decided.  Derived: the rungs,
the leader, and what is wanted next.  The ladder always progresses: while it is not complete it names a screen, a match
or an audit that is missing, and each of those, once there, either moves the fold on or settles a rung for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, TypeAlias

from competition.rulesets.rules import Rules
from competition.rulesets.tally import Tally, clears

Key: TypeAlias = str | int
Audited: TypeAlias = Literal["passed", "rejected"] | None
Verdict = Literal["advanced", "held", "pending", "rejected"]

LEADER = "leader"  # the key of the round's leader; no entry may use it


@dataclass(frozen=True, slots=True, kw_only=True)
class LadderEntry:
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
class ClimbedLadder:
    """`leader` is final only where `complete`; before that it supposes that every open audit passes."""

    rungs: tuple[Rung, ...]
    leader: Key
    wanted_screens: tuple[Key, ...]
    wanted_matches: tuple[tuple[Key, Key], ...]  # (defender, challenger)
    wanted_audits: tuple[Key, ...]

    @property
    def complete(self) -> bool:
        return not (self.wanted_screens or self.wanted_matches or self.wanted_audits)


def in_reveal_order(entries: Iterable[LadderEntry]) -> tuple[LadderEntry, ...]:
    ordered = tuple(sorted(entries, key=lambda entry: entry.place))
    if len({entry.key for entry in ordered}) != len(ordered) or any(entry.key == LEADER for entry in ordered):
        raise ValueError("every entry needs a key of its own, and not the leader's")
    return ordered


def climb(
    entries: Iterable[LadderEntry],
    *,
    screen: Mapping[Key, Tally | None],
    met: Mapping[tuple[Key, Key], Tally],
    audits: Mapping[Key, Audited],
    rules: Rules,
) -> ClimbedLadder:
    """The ladder as far as it can be known: a challenger that meets the leader is taken at its screen.

    It goes on past an open audit as if it passed, so that matches and audits overlap; a rejection rebuilds it.  Where a
    screen or a match is missing it ends: whom the next ones meet is open.
    """
    ordered = in_reveal_order(entries)
    by_key = {entry.key: entry for entry in ordered}
    unscreened = tuple(entry.key for entry in ordered if screen.get(entry.key) is None)
    names = {LEADER: LEADER} | {entry.key: entry.hotkey for entry in ordered}
    missing: list[tuple[Key, Key] | None] = []  # the match that is, or None for a screen

    def tally_of(defender: Key, challenger: Key) -> Tally | None:
        screened = screen.get(challenger)
        if screened is None:
            missing.append(None)
        if missing or screened is None or not clears(screened, rules=rules):
            return None
        tally = screened if defender == LEADER else met.get((defender, challenger))
        if tally is None:
            missing.append((defender, challenger))
        return tally

    def verdict_of(challenger: Key, tally: Tally) -> Verdict:
        if not clears(tally, rules=rules):
            return "held"
        audited = audits.get(challenger)
        if audited == "rejected":
            return "rejected"
        return "advanced" if audited == "passed" or not rules.audits else "pending"

    rungs = list[Rung]()
    for one in fold(by_key, tally_of=tally_of, verdict_of=verdict_of):
        reason = f"{_counts(one.tally, against=names[one.defender], rules=rules)}{_ENDINGS[one.verdict]}"
        rung = Rung(
            challenger=one.challenger, defender=one.defender, tally=one.tally, verdict=one.verdict, reason=reason
        )
        rungs.append(rung)
    return ClimbedLadder(
        rungs=tuple(rungs),
        leader=next((r.challenger for r in reversed(rungs) if r.verdict in STANDS), LEADER),
        wanted_screens=unscreened,
        wanted_matches=tuple(pair for pair in missing if pair is not None),
        wanted_audits=tuple(rung.challenger for rung in rungs if rung.verdict == "pending"),
    )


STANDS = ("advanced", "pending")


@dataclass(frozen=True, slots=True, kw_only=True)
class Meeting:
    """A challenger met the defender of the moment."""

    challenger: Key
    defender: Key
    tally: Tally
    verdict: Verdict


def fold(
    queue: Iterable[Key],
    *,
    tally_of: Callable[[Key, Key], Tally | None],
    verdict_of: Callable[[Key, Tally], Verdict],
) -> Iterator[Meeting]:
    """Challengers in their order meet the defender of the moment; who wins is the next one's defender.

    `tally_of` (defender, challenger): None where the challenger has no turn.
    """
    defender: Key = LEADER
    for challenger in queue:
        tally = tally_of(defender, challenger)
        if tally is None:
            continue
        verdict = verdict_of(challenger, tally)
        yield Meeting(challenger=challenger, defender=defender, tally=tally, verdict=verdict)
        if verdict in STANDS:
            defender = challenger


def combined(verdicts: Mapping[str, str], *, rules: Rules) -> Audited:
    """What the audits of an entry come to (kind -> verdict): one rejection rejects, all that is asked for must pass."""
    if "rejected" in verdicts.values():
        return "rejected"
    return "passed" if all(verdicts.get(kind) == "passed" for kind in rules.audits) else None


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
