"""When is a match decided, and what becomes of duels about which the judge stays silent?

A duel that was asked about as often as its state allows goes on being asked about, quietly.  When few of a match are
like that (`MOST_VOID_PERCENT`), they are void as soon as nothing else is open; when there are more, the judge is out of
order: nothing is decided, the round pauses, and `manage.py resume` asks again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

from competition.decisions import screening, stopping
from competition.decisions.repeats import plain
from competition.decisions.tally import DuelResult, Tally
from competition.models import Round
from competition.rounds import rules_of
from competition.steps import pause
from core.machine import engine
from core.machine.outcomes import Failure, Move, Outcome, Wait
from core.machine.stateful import FailureClass
from judging import matches, recorded, titles
from judging.models import Duel, Match

SOON = timedelta(seconds=2)
MOST_VOID_PERCENT = 5


@engine.step(Match, "judging")
def decide(match: Match, now: datetime) -> Outcome:
    """A match is decided by the first prefix of its duels, in seed order, that settles it: from these very rows, if
    they say what the ledger told of them."""
    duels = list(match.duels.select_related("prompt").order_by("position"))
    outcome = _outcome(match, duels, now=now)
    edited = recorded.edited_duels(match, duels) if isinstance(outcome, Move) else []
    return recorded.refuse(match, edited, now=now) if edited else outcome


def _outcome(match: Match, duels: list[Duel], *, now: datetime) -> Outcome:
    if match.kind == Match.Kind.TITLE:
        return _title(match, duels, now=now)
    results = [matches.result_of(duel) for duel in duels]
    length = _length(match, results)
    if length is None and bearable(duels):
        results = [DuelResult.VOID if duel.exhausted else result for duel, result in zip(duels, results, strict=True)]
        length = _length(match, results)
    if length is None:
        return Wait(SOON, f"{sum(result is None for result in results)} of {len(results)} duels are open")
    if _screened(match):
        return _screen(match, duels, results, now=now)
    return _decided(match, duels, results, length=length, now=now)


def bearable(duels: Sequence[Duel]) -> bool:
    """May the match be decided without the duels that the judge is silent about?"""
    return sum(duel.exhausted for duel in duels) * 100 <= MOST_VOID_PERCENT * len(duels)


def _length(match: Match, results: Sequence[DuelResult | None]) -> int | None:
    if plain(match.kind) == Match.Kind.AUDIT:
        return len(results) if all(results) else None
    if _screened(match):
        stop = screening.stop(results, rules=rules_of(match.round))
        return stop.after if stop else None
    return stopping.stop_index(results, rules=rules_of(match.round))


def _screened(match: Match) -> bool:
    """A screen whose hopeless rest is not judged: its forfeits count wherever they stand."""
    return match.kind == Match.Kind.SCREEN and rules_of(match.round).title is not None


def _screen(match: Match, duels: list[Duel], results: Sequence[DuelResult | None], *, now: datetime) -> Move:
    stop = screening.stop(results, rules=rules_of(match.round))
    if stop is None:
        raise ValueError("an open screen is not decided")
    return _decision(match, duels, stop.tally, stopped=stop.because, length=stop.after, now=now)


def _title(match: Match, duels: list[Duel], *, now: datetime) -> Outcome:
    """Decided when the bankroll is; until then the next prompts are judged, or asked for."""
    open_ = [duel for duel in duels if not duel.settled]
    if open_ and all(duel.exhausted for duel in open_) and bearable(duels):
        for duel in open_:
            engine.move(duel, _void(duel), now=now)
        duels[:] = match.duels.select_related("prompt").order_by("position")
    standing = titles.standing(match, duels)
    if standing.ending == "open":
        return Wait(SOON, titles.go_on(match, duels, now=now))
    tally = Tally.of(result for duel in duels[: standing.duels] if (result := matches.result_of(duel)))
    return _decision(match, duels, tally, stopped=standing.ending, length=standing.duels, now=now)


def _decided(
    match: Match, duels: list[Duel], results: Sequence[DuelResult | None], *, length: int, now: datetime
) -> Move:
    tally = Tally.of(result for result in results[:length] if result)
    certainty = stopping.certain([r for r in results[:length] if r], len(results), rules=rules_of(match.round)) or ""
    stopped = certainty if length < len(results) else ""
    return _decision(match, duels, tally, stopped=stopped, length=length, now=now)


def _decision(match: Match, duels: list[Duel], tally: Tally, *, stopped: str, length: int, now: datetime) -> Move:
    return Move(
        "decided",
        because=f"{tally.wins} won, {tally.drawn} drawn, {tally.losses} lost, {tally.void} void of {length}",
        sets={
            "won": tally.won,
            "drawn": tally.drawn,
            "lost": tally.lost,
            "void": tally.void,
            "forfeits_challenger": tally.forfeits_challenger,
            "forfeits_defender": tally.forfeits_defender,
            "margin_micro": tally.margin_micro(),
            "stopped": stopped,
            "stopped_after": length,
            "duels_made": len(duels),
        },
        facts={"margin_micro": tally.margin_micro(), "counted": tally.counted, "stopped_after": length},
        also=partial(_settle, duels, length=length, now=now),
    )


def _settle(duels: Sequence[Duel], *, length: int, now: datetime) -> None:
    """What was counted as void becomes so; what nobody needs any more is dropped, whoever holds it."""
    for duel in duels[:length]:
        if not duel.settled and not engine.move(duel, _void(duel), now=now):
            raise RuntimeError(f"{duel} was answered meanwhile")  # undone as a whole, and decided anew
    for duel in duels[length:]:
        duel.refresh_from_db()
        if not duel.settled:
            engine.move(duel, Move("unneeded", because="the match was certain before this duel"), now=now)


def _void(duel: Duel) -> Move:
    failure = Failure(FailureClass.JUDGE, duel.failure_code, duel.failure_reason)
    return Move("void", because=f"no answer after {duel.attempts} tries: {duel.failure_reason}", failure=failure)


def silence(round_: Round) -> Move | None:
    """A pause when the judge is silent about more duels than a match may do without."""
    for match in round_.matches.filter(state="judging", duels__failure_class=FailureClass.JUDGE).distinct():
        duels = list(match.duels.all())
        if not bearable(duels):
            mute = [duel for duel in duels if duel.exhausted]
            why = (
                f"The judge gives no answer to {len(mute)} of {len(duels)} duels against {match.challenger.key} "
                f"(at most {MOST_VOID_PERCENT} % may be void): {mute[0].failure_reason}"
            )
            return pause(round_, why, code="JUDGE", failure_class=FailureClass.JUDGE)
    return None
