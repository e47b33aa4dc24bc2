"""When is a match decided, how does one on fresh prompts go on, and what of duels that the judge gives no answer to?

A duel that was asked about as often as its state allows is asked about again, at long intervals.  Where few duels of a
match are like that (`MOST_VOID_PERCENT`), they become void once nothing else is open.  Where more are, the judge is out
of order: nothing is decided, the round pauses, and `manage.py resume` asks again.

Outputs on fresh prompts come batch by batch: the match makes its duels as both sides' files are rendered, and asks for
the next batch once every duel it has is settled and the match is still open.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

from competition import prompts
from competition.models import Asset, FreshPrompt, Round, Submission
from competition.rounds import ruleset_of
from competition.rulesets.base import MatchEnd
from competition.rulesets.tally import DuelResult
from competition.steps import pause
from core.machine import engine
from core.machine.outcomes import Move, Outcome, StepFailure, Wait
from core.machine.stateful import FailureClass
from judging import integrity_outcomes, matches, recorded, sides
from judging.models import Duel, Match, Rendering
from judging.shadow.models import ShadowDuel

SOON = timedelta(seconds=2)
MOST_VOID_PERCENT = 5


def decide(match: Match, now: datetime) -> Outcome:
    """Decides a match by the first prefix of its duels, in seed order, that settles it.

    Decides from the rows themselves, and only where they agree with the ledger.
    """
    duels = list(match.duels.select_related("prompt").order_by("position"))
    outcome: Outcome
    if matches.kind_of(match.round, match.kind).fresh:
        outcome = _on_fresh_prompts(match, duels, now=now)
    else:
        results, ruleset = [matches.result_of(duel) for duel in duels], ruleset_of(match.round)
        end = ruleset.match_end(match.kind, results, total=len(results))
        if end is None and bearable(duels):
            silent_as_void = zip(duels, results, strict=True)
            results = [DuelResult.VOID if duel.exhausted else result for duel, result in silent_as_void]
            end = ruleset.match_end(match.kind, results, total=len(results))
        still_open = f"{sum(result is None for result in results)} of {len(results)} duels are open"
        outcome = Wait(SOON, still_open) if end is None else _decision(duels, end, now=now)
    edited = recorded.edited_duels(match, duels) if isinstance(outcome, Move) else []
    return recorded.refuse(match, edited, now=now) if edited else outcome


def bearable(duels: Sequence[Duel] | Sequence[ShadowDuel]) -> bool:
    """Are so few duels without an answer that the match may be decided without them?"""
    return sum(duel.exhausted for duel in duels) * 100 <= MOST_VOID_PERCENT * len(duels)


def _on_fresh_prompts(match: Match, duels: list[Duel], *, now: datetime) -> Outcome:
    """Until the ruleset ends it the next prompts are judged, or asked for."""
    open_ = [duel for duel in duels if not duel.settled]
    if open_ and all(duel.exhausted for duel in open_) and bearable(duels):
        for duel in open_:
            engine.move(duel, _void(duel), now=now)
        duels[:] = match.duels.select_related("prompt").order_by("position")
    end = ruleset_of(match.round).match_end(
        match.kind,
        matches.results_on_fresh_prompts(duels),
        total=match.round.fresh.count(),
        carried=matches.carried_into(match),
    )
    if end is None:
        return Wait(SOON, _make_fresh_duels(match, duels, now=now))
    return _decision(duels, end, now=now)


def _make_fresh_duels(match: Match, duels: Sequence[Duel], *, now: datetime) -> str:
    """Makes the duels whose files are there, and requests the next batch once all that was requested is judged.

    Returns what the match waits for, in words.
    """
    ruled, most = ruleset_of(match.round).fresh_prompts, match.round.fresh.count()
    if ruled is None:
        raise ValueError(f"{match.round} draws no fresh prompts")
    both = (match.defender, match.challenger)
    generated = {"origin": Asset.Origin.GENERATED, "prompt__fresh_draws__round": match.round_id}
    requested = min(side.assets.filter(**generated).count() for side in both)
    ready = _ready(match)
    have = {duel.prompt_id for duel in duels}
    new = [f for f in ready if f.prompt_id not in have]
    Duel.objects.bulk_create(
        (Duel(match=match, prompt_id=f.prompt_id, position=f.position, **Duel.born(now=now)) for f in new),
        ignore_conflicts=True,
    )
    if new:
        engine.announce(Duel, now=now)
    open_ = len(new) + sum(not duel.settled for duel in duels)
    if len(ready) == requested and not open_ and requested < most:
        requested = min(most, requested + ruled.batch)
        wanted = [f.prompt for f in match.round.fresh.select_related("prompt")[:requested]]
        for side in both:
            prompts.expect_generated(side, wanted, now=now)
    return f"{len(ready)} of {requested} fresh prompts are generated and rendered, {open_} duels are open"


def _ready(match: Match) -> list[FreshPrompt]:
    """The fresh prompts on which both sides' files are rendered (and measured, where the rules go by that), refused, or
    known to be missing."""
    rendered = sides.renderings(match.round.competition).filter(state__in=Rendering.graph.settled())
    shas = set(rendered.values_list("sha256", flat=True))
    done: dict[int, set[int]] = {}
    both: tuple[Submission, ...] = (match.defender, match.challenger)
    for side in both:
        assets = side.assets.filter(origin=Asset.Origin.GENERATED, state__in=("stored", "failed"))
        drawn = rendered.filter(state="rendered").values("sha256")
        stored = assets.filter(state="stored", sha256__in=drawn)
        unmeasured = set(integrity_outcomes.waited_for(match.round, stored).values_list("sha256", flat=True))
        for asset in assets:
            if asset.state == "failed" or asset.sha256 in shas - unmeasured:
                done.setdefault(asset.prompt_id, set()).add(side.pk)
    return [f for f in match.round.fresh.all() if len(done.get(f.prompt_id, ())) == len(both)]


def _decision(duels: list[Duel], end: MatchEnd, *, now: datetime) -> Move:
    tally, length = end.tally, end.after
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
            "stopped": end.because,
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
    failure = StepFailure(FailureClass.JUDGE, duel.failure_code, duel.failure_reason)
    return Move("void", because=f"no answer after {duel.attempts} tries: {duel.failure_reason}", failure=failure)


def silence(round_: Round, *, now: datetime) -> Move | None:
    """A pause when the judge is silent about more duels than a match may do without."""
    for match in round_.matches.filter(state="judging", duels__failure_class=FailureClass.JUDGE).distinct():
        duels = list(match.duels.all())
        if not bearable(duels):
            mute = [duel for duel in duels if duel.exhausted]
            why = (
                f"The judge gives no answer to {len(mute)} of {len(duels)} duels against {match.challenger.key} "
                f"(at most {MOST_VOID_PERCENT} % may be void): {mute[0].failure_reason}"
            )
            return pause(round_, why, code="JUDGE", failure_class=FailureClass.JUDGE, now=now)
    return None
