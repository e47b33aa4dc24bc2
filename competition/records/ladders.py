"""Who met whom on the ladder of an imported round, what followed, and does the recorded winner follow from it?

All eras share the fold of our own ladder: challengers in reveal order meet the defender of the moment, and a margin
of at least win_margin makes a new one.  From era 1 on a challenger must first have reached it against the leader, and
who was rejected by an audit does not advance.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from competition.records.audited import GENERATION
from competition.records.rounds import ReadRound
from competition.rulesets.ladder import Key, Verdict, fold
from competition.rulesets.tally import Tally, reaches
from verify.rounds import LEADER

Tallies = Mapping[tuple[str, str], Tally]


@dataclass(frozen=True, kw_only=True)
class RecordedRung:
    challenger: str
    defender: str
    verdict: str
    tally: Tally
    reason: str

    def as_json(self) -> dict[str, str]:
        return {name: getattr(self, name) for name in ("challenger", "defender", "verdict", "reason")}


def climb(round_: ReadRound, *, win_margin: Fraction) -> list[RecordedRung]:
    """Every rung; era 0, where all were on the ladder, leaves out those who met the leader and lost."""
    tallies = {(match.defender, match.challenger): match.tally for match in round_.matches}
    rungs = list(_fold(round_, tallies, win_margin=win_margin))
    return [rung for rung in rungs if round_.era > 0 or rung.defender != LEADER or rung.verdict != "held"]


def _fold(round_: ReadRound, tallies: Tallies, *, win_margin: Fraction) -> Iterator[RecordedRung]:
    states = standing(round_)

    def tally_of(defender: Key, challenger: Key) -> Tally | None:
        tally = tallies.get((str(defender), str(challenger)))
        return tally if tally and _has_a_turn(round_, str(challenger), tallies, win_margin=win_margin) else None

    def verdict_of(challenger: Key, tally: Tally) -> Verdict:
        if not reaches(tally, win_margin=win_margin):
            return "held"
        return "advanced" if round_.era == 0 else states.get(str(challenger), "pending")

    for one in fold([entry.hotkey for entry in round_.queue], tally_of=tally_of, verdict_of=verdict_of):
        challenger, defender = str(one.challenger), str(one.defender)
        against = "the leader" if defender == LEADER else defender
        side = "reaches" if reaches(one.tally, win_margin=win_margin) else "is short of"
        counts = f"Won {one.tally.wins}, drew {one.tally.drawn}, lost {one.tally.losses} of {one.tally.counted}"
        reason = (
            f"{counts} against {against}: a margin of {percent(one.tally.margin)} {side} the bar of "
            f"{float(win_margin) * 100:g} %. {ENDINGS[one.verdict]}"
        )
        yield RecordedRung(
            challenger=challenger, defender=defender, verdict=one.verdict, tally=one.tally, reason=reason
        )


def _has_a_turn(round_: ReadRound, hotkey: str, tallies: Tallies, *, win_margin: Fraction) -> bool:
    """In era 2 only the defender of the moment counts: who met another one was entitled to."""
    screened = tallies.get((LEADER, hotkey))
    if round_.era == 0 or (screened is not None and reaches(screened, win_margin=win_margin)):
        return True
    return round_.era == 2 and any(challenger == hotkey and defender != LEADER for defender, challenger in tallies)


def standing(round_: ReadRound) -> dict[str, Verdict]:
    """hotkey -> advanced | rejected: one rejection of either kind rejects, a passed generation audit passes."""
    rejected = {audit.hotkey for audit in round_.audits if audit.state == "rejected"}
    passed = {audit.hotkey for audit in round_.audits if audit.kind == GENERATION and audit.state == "passed"}
    advanced: dict[str, Verdict] = dict.fromkeys(passed, "advanced")
    return advanced | dict.fromkeys(rejected, "rejected")


def winner(rungs: list[RecordedRung]) -> str:
    """The last who advanced, else the leader."""
    return next((rung.challenger for rung in reversed(rungs) if rung.verdict == "advanced"), LEADER)


ENDINGS = {
    "advanced": "It is the defender now.",
    "held": "The defender stays.",
    "pending": "It would be the defender if its audits passed.",
    "rejected": "Its audit was rejected: it does not advance, and the defender stays.",
}


def percent(share: Fraction) -> str:
    """With a sign, and a minus that is one."""
    return f"{float(share) * 100:+.2f} %".replace("-", "−")
