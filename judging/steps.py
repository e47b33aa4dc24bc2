"""What is done with a rendering, a duel, a match, and with a round while its duels are judged?"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.db.models import Exists, OuterRef, Q

from competition.models import Asset, Competition, Round, RoundPrompt, Submission
from competition.steps import pause
from core import store
from core.machine import engine
from core.machine.outcomes import Move, Outcome, Retry, StepFailure, Wait
from core.machine.stateful import FailureClass
from core.sandbox.metering import metered
from core.sandbox.outcomes import Refused, RendererFault
from formats import registry
from judging import integrity_outcomes, match_decision, matches, measurements, sides
from judging.backends import judge_named
from judging.backends.base import NoAnswer, Side
from judging.health import controls, silence
from judging.measurements import with_processor_time
from judging.models import Duel, Match, Rendering
from judging.panel.answer_rows import DuelAnswerStore, keep_described
from judging.panel.duel_verdict import verdict_of
from judging.panel.vlm_panel import Unwanted, members_of
from judging.renderers import renderer as renderer_named
from judging.sides import rig_of

SOON = timedelta(seconds=2)
ROWS_A_STATEMENT = 2000
UNWANTED = Wait(SOON, "somebody else has this duel, or nobody needs it any more")
MEND = "An operator must configure the round's judge, or two people discard the correction."


def want_renderings(now: datetime) -> None:
    """Renders every stored file of a round that runs, or that is decided again, once per content."""
    for competition in Competition.objects.filter(active=True):
        rig, renderer = rig_of(competition).digest(), renderer_named(competition.renderer).version
        rendered = Rendering.objects.filter(competition=competition, rig=rig, renderer=renderer)
        runs = Q(state__in=("miner_generation", "downloading", "duels", "finalizing"))
        active = Match.objects.filter(round=OuterRef("pk"), state__in=Match.graph.active())
        running = list(competition.rounds.filter(runs | Exists(active)).values_list("pk", flat=True))
        stored = Asset.objects.filter(submission__round__in=running, state="stored")
        unwanted = stored.filter(~Exists(rendered.filter(sha256=OuterRef("sha256")))).values_list("sha256", flat=True)
        named = {"competition": competition, "rig": rig, "renderer": renderer, **Rendering.born(now=now)}
        rows = (Rendering(sha256=sha256, **named) for sha256 in sorted(set(unwanted)))
        Rendering.objects.bulk_create(rows, batch_size=ROWS_A_STATEMENT, ignore_conflicts=True)


def render(rendering: Rendering, now: datetime) -> Outcome:
    """Check and draw one file in a limited process; the file may be refused, our renderer may fail."""
    with metered() as meter:
        outcome = _rendered(rendering)
    return with_processor_time(outcome, meter)


def _rendered(rendering: Rendering) -> Outcome:
    competition = rendering.competition
    with tempfile.TemporaryDirectory(prefix="gauntlet-render-") as out:
        try:
            drawn = renderer_named(competition.renderer).render(
                store.default().path(rendering.sha256),
                rig=rig_of(competition),
                out=Path(out),
                file_format=registry.of(competition.config).name,
            )
            views = {name: store.default().put(path) for name, path in sorted(drawn.views.items())}
        except Refused as refused:
            failure = StepFailure(FailureClass.MINER, refused.code, refused.sentence)
            return Move("refused", because=refused.sentence, failure=failure)
        except RendererFault as fault:
            why = f"{fault} This is our fault, not the miner's: it is retried, then the operator must look."
            failure = StepFailure(FailureClass.INFRASTRUCTURE, "RENDERER", why)
            return Retry(engine.backoff(rendering.attempts), failure)
    return Move(
        "rendered",
        because=f"{len(views)} views of {drawn.triangles} triangles",
        sets={"views": views, "triangles": drawn.triangles, "isolation": list(drawn.isolation)},
        facts={"views": views},
    )


def start_match(match: Match, now: datetime) -> Outcome:
    """A match begins when every file of both sides is rendered, refused, or known to be missing.

    One on fresh prompts begins at once: its files come while it is judged.
    """
    if match.attempt_id and match.judge not in ("", judge_named(match.round.competition.judge).version):
        why = "The judge of today is another than the one that judged this round: it cannot be asked again."
        return Retry(engine.backoff(match.attempts), StepFailure(FailureClass.JUDGE, "ANOTHER_JUDGE", f"{why} {MEND}"))
    if matches.kind_of(match.round, match.kind).fresh:
        return _begun(match, [], now=now)
    both = ((match.defender, match.defender_origin), (match.challenger, match.challenger_origin))
    if left := sum(_unrendered(entry, origin) for entry, origin in both):
        return Wait(SOON, f"{left} files are not rendered yet")
    if left := sum(_unmeasured(entry, origin) for entry, origin in both):
        return Wait(SOON, f"{left} files are not measured yet")
    return _begun(match, list(match.round.drawn.select_related("prompt")), now=now)


def _begun(match: Match, drawn: Sequence[RoundPrompt], *, now: datetime) -> Move:
    judge = judge_named(match.round.competition.judge)

    def begin() -> None:
        keep_described(judge)
        Duel.objects.bulk_create(
            (Duel(match=match, prompt=d.prompt, position=d.position, **Duel.born(now=now)) for d in drawn),
            ignore_conflicts=True,
        )
        if matches.kind_of(match.round, match.kind).forfeits_first:
            forfeit_at_once(match, now=now)
        engine.announce(Duel, now=now)

    because = f"{len(drawn)} duels to judge"
    return Move("judging", because=because, sets={"judge": judge.version, "judge_name": judge.name}, also=begin)


def forfeit_at_once(match: Match, *, now: datetime) -> None:
    """Which files are missing is known before anything is judged, and some kinds of match count it first."""
    for duel in match.duels.filter(state="judging").select_related("prompt"):
        left = sides.of(match.defender, match.defender_origin, duel.prompt)
        right = sides.of(match.challenger, match.challenger_origin, duel.prompt)
        if left is None or right is None:
            shas = {"left_sha256": left.sha256 if left else "", "right_sha256": right.sha256 if right else ""}
            engine.move(duel, _forfeit(left, right, sets=shas), now=now)


def _unrendered(entry: Submission, origin: str) -> int:
    """Files of one side that are on their way, or stored and not yet rendered or refused."""
    assets = entry.assets.filter(origin=origin)
    settled = sides.renderings(entry.round.competition).filter(state__in=Rendering.graph.settled())
    stored = assets.filter(state="stored")
    unsettled = stored.filter(~Exists(settled.filter(sha256=OuterRef("sha256"))))
    return assets.filter(state="downloading").count() + unsettled.count()


def _unmeasured(entry: Submission, origin: str) -> int:
    """Drawn files of one side that the rules go by, and that are not measured yet."""
    drawn = sides.renderings(entry.round.competition).filter(state="rendered").values("sha256")
    stored = entry.assets.filter(origin=origin, state="stored", sha256__in=drawn)
    return integrity_outcomes.waited_for(entry.round, stored).count()


def judge_duel(duel: Duel, now: datetime) -> Outcome:
    """Ask the judge about one prompt; who delivered nothing forfeits; no answer is retried."""
    match = duel.match
    left, right = (
        sides.of(match.defender, match.defender_origin, duel.prompt),
        sides.of(match.challenger, match.challenger_origin, duel.prompt),
    )
    shas = {"left_sha256": left.sha256 if left else "", "right_sha256": right.sha256 if right else ""}
    if left is None or right is None:
        return _forfeit(left, right, sets=shas)
    known = _known_verdict(match, duel, left, right)
    if known:
        outcome, own = integrity_outcomes.judges_own(known.outcome, known.detail)
        return _verdict(duel, outcome, known.score_micro, own, sets=shas, because="the same files, judged before")
    answers = DuelAnswerStore(duel)
    try:
        verdict = verdict_of(
            judge_named(match.round.competition.judge),
            reference=store.default().path(duel.prompt.sha256),
            reference_sha256=duel.prompt.sha256,
            defender=left,
            challenger=right,
            answers=answers,
            wanted=answers.wanted,
            answer_namespace=duel.answer_namespace,
        )
    except NoAnswer as no_answer:
        return _no_answer(duel, no_answer, left, right, sets=shas)
    except Unwanted:
        return UNWANTED
    because = f"decided by {verdict.decided_by}"
    return _verdict(duel, verdict.outcome, verdict.score_micro, verdict.detail(), sets=shas, because=because)


def _forfeit(left: Side | None, right: Side | None, *, sets: dict[str, str]) -> Move:
    outcome = forfeit_outcome(left, right)
    because = FORFEITS[outcome]
    return Move("forfeited", because=because, sets={**sets, "outcome": outcome}, facts={"outcome": outcome, **sets})


FORFEITS = {
    "draw": "neither side delivered a file for this prompt",
    "defender": "the challenger delivered no usable file for this prompt",
    "challenger": "the defender delivered no usable file for this prompt",
}


def forfeit_outcome(left: Side | None, right: Side | None) -> str:
    """Who wins a duel for which a side delivered nothing."""
    if left is None and right is None:
        return "draw"
    return "defender" if right is None else "challenger"


def _known_verdict(match: Match, duel: Duel, left: Side, right: Side) -> Duel | None:
    """A verdict of the same judge version on the same three contents: a question is asked once, and in a later attempt
    at the round's decision once more: what any other answered before is no answer there."""
    same = Duel.objects.filter(
        state="judged",
        match__judge=match.judge,
        prompt__sha256=duel.prompt.sha256,
        left_sha256=left.sha256,
        right_sha256=right.sha256,
        attempt=duel.attempt_id,
    )
    return same.order_by("pk").first()


def _verdict(
    duel: Duel, outcome: str, score: int | None, detail: Mapping[str, Any], *, sets: dict[str, str], because: str
) -> Move:
    """`outcome`: the judge's; a draw may be broken by the rules."""
    judged, (left, right) = outcome, (sets["left_sha256"], sets["right_sha256"])
    outcome, detail = integrity_outcomes.with_tie_broken(duel.match.round, judged, detail, left=left, right=right)
    because = because if outcome == judged else f"{because}; the draw goes to the sounder file"
    facts = {"outcome": outcome, "score_micro": score, **sets}
    values = {**sets, "outcome": outcome, "score_micro": score, "detail": detail}
    return Move("judged", because=because, sets=values, facts=facts)


def _no_answer(duel: Duel, no_answer: NoAnswer, left: Side, right: Side, *, sets: dict[str, str]) -> Outcome:
    """Retries with growing pauses.

    At the last try that its state allows, a side whose pictures keep the judge from answering loses; where the judge
    itself is out of order, `match_decision` decides.
    """
    judges = members_of(judge_named(duel.match.round.competition.judge))
    if not (duel.on_last_try and judges):
        return controls.retry_unanswered(duel, no_answer)
    try:
        verdict = silence.verdict_of_all(
            judges,
            reference=store.default().path(duel.prompt.sha256),
            control=controls.pair_on(duel.match.round.competition, duel.prompt),
            defender=left,
            challenger=right,
            wanted=DuelAnswerStore(duel).wanted,
        )
    except Unwanted:
        return UNWANTED
    if verdict is None:
        return controls.retry_unanswered(duel, no_answer)
    because = f"the judge answers about control pictures, and not about these: {no_answer.sentence}"
    return _verdict(duel, verdict.outcome, verdict.score_micro, verdict.detail(), sets=sets, because=because)


def duels(round_: Round, now: datetime) -> Outcome:
    """The matches that the ruleset wants before anybody is audited; audits follow in `finalizing`."""
    if not matches.challengers(round_):
        return Move("finalizing", because="nobody challenged: the leader defends")
    stop = trouble(round_, now=now) or controls.trouble(round_, now=now)
    if stop:
        return stop
    decision = matches.round_decision(round_, audits={})
    matches.want(round_, decision.wanted_matches, now=now)
    if decision.screening:
        return Wait(SOON, decision.screening)
    return controls.first(round_, Move("finalizing", because=decision.screened))


def trouble(round_: Round, *, now: datetime) -> Move | None:
    """Reasons that are ours for which no verdict may become official.  A leader gives none: see `downloading`."""
    if matches.leader(round_) is None:
        return pause(round_, "The round has challengers but no leader to meet.", code="NO_LEADER", now=now)
    ours = Rendering.objects.filter(competition=round_.competition, failure_class=FailureClass.INFRASTRUCTURE)
    stuck = ours.filter(Rendering.out_of_tries()).first()
    if stuck:
        return pause(round_, f"Files cannot be rendered: {stuck.failure_reason}", code="RENDERER", now=now)
    if unmeasured := measurements.stuck(round_):
        why = f"Files by which this round decides cannot be measured: {unmeasured.failure_reason}"
        return pause(round_, why, code="MEASUREMENT", now=now)
    return match_decision.silence(round_, now=now)
