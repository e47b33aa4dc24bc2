"""Is the judge of this round reliable?  Puts controls among its duels, and pauses the round when they fail.

Only judges that deliberate have controls: one that computes always gives the same answer.  The controls are chosen in
the round's own seed order, are judged like any duel but without stored answers, and stand in the ledger.

No miner's bytes can fail a gate that pauses a round.  All controls but repeats show the prompts' own pictures and
changed copies of them.  A repeat asks again about miners' files, which miners can make hard to tell apart: where only
repeats fail, all controls are made once more, and the judge counts as unreliable only if it fails at the prompts'
pictures, then or before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

from django.db.models import F, Max, QuerySet

from competition import attempts
from competition.decisions.attempts import number_of
from competition.models import Attempt, Competition, Prompt, Round, RoundPrompt
from competition.steps import pause
from core import store
from core.machine import engine
from core.machine.outcomes import Move, Outcome, Retry, StepFailure, Wait
from core.machine.stateful import FailureClass
from judging import matches, sides
from judging.backends import judge_named
from judging.backends.base import NoAnswer, Side
from judging.decisions import health, silence
from judging.decisions.ballots import Ballot, FamilyVerdict, Verdict
from judging.health.silence import ABOUT_PICTURES
from judging.models import Control, Duel, Match
from judging.panel.answer_rows import let_go
from judging.panel.answer_store import Remembered
from judging.panel.duel_verdict import verdict_of
from judging.panel.vlm_panel import members_of

SOON = timedelta(seconds=2)
SHARE: dict[health.Kind, Fraction] = {
    "self": Fraction(1, 100),
    "canary": Fraction(2, 100),
    "injection": Fraction(1, 100),
    "repeat": Fraction(2, 100),
}
VARIANTS: dict[str, tuple[str, ...]] = {
    "self": ("twin",),
    "canary": ("blurred", "other_colour", "half_missing", "empty"),
    "injection": ("painted",),
    "repeat": ("again",),
}
GATES = health.Gates()


def wanted(round_: Round) -> bool:
    return bool(members_of(judge_named(round_.competition.judge)))


def current(round_: Round) -> QuerySet[Control]:
    """The controls that count: those of the last attempt."""
    last = round_.controls.aggregate(last=Max("attempt__number"))["last"]
    return round_.controls.filter(attempt__number=last).select_related("prompt", "attempt").order_by("pk")


def ensure(round_: Round, *, now: datetime) -> None:
    """Makes the round's controls, prompt by prompt in its seed order.

    They are made anew when the round goes on after a failed gate, and once where only its repeats fail.
    """
    last = list(current(round_))
    resumed = all(control.since < round_.since for control in last if control.settled)
    if last and not (resumed and failing(round_)) and not _unclear(last):
        return
    for control in last:
        if not control.settled:
            engine.move(control, Move("unneeded", because="the controls are made anew"), now=now)
    drawn = list(round_.drawn.select_related("prompt").order_by("position"))
    plan = health.planned(len(drawn) * len(matches.challengers(round_)), share=SHARE, least=GATES.least)
    number = number_of(last[0].attempt) + 1 if last else 1
    attempt = attempts.nth(round_, number, of="controls", cause=Attempt.Cause.HEALTH)
    rows = [
        Control(round=round_, kind=kind, prompt=d.prompt, variant=variant, attempt=attempt, **Control.born(now=now))
        for kind, number in plan.items()
        for d, variant in chosen(kind, drawn, number=number)
    ]
    Control.objects.bulk_create(rows, ignore_conflicts=True)
    engine.announce(Control, now=now)


def _unclear(first: Sequence[Control]) -> bool:
    """Do the round's first controls fail where miners' files are shown, and nowhere else?"""
    if not first or first[0].attempt_id or not all(control.settled for control in first):
        return False
    return bool(_health(first).failing) and not _own(first).failing


def chosen(kind: str, drawn: Sequence[RoundPrompt], *, number: int) -> list[tuple[RoundPrompt, str]]:
    """Each prompt with one way of doctoring, the ways in turn; more than one way only where prompts are short."""
    ways = VARIANTS[kind]
    turns = [(d, ways[(place + turn) % len(ways)]) for turn in range(len(ways)) for place, d in enumerate(drawn)]
    return turns[:number]


def trouble(round_: Round, *, now: datetime) -> Move | None:
    """A pause when a gate fails, or when the judge gives no answer to its controls."""
    if not wanted(round_):
        return None
    ensure(round_, now=now)
    silent = [control for control in current(round_).filter(state="judging") if control.exhausted]
    if silent:
        why = f"The judge gives no answer to {len(silent)} of its controls: {silent[0].failure_reason}"
        return pause(round_, why, code="JUDGE", failure_class=FailureClass.JUDGE, now=now)
    if failed := failing(round_):
        gates = "; ".join(f"{f.label}: {f.measured} of {f.of}, needed {f.needed}" for f in failed)
        why = f"The judge is not well enough for its verdicts to stand ({gates})."
        return pause(round_, why, code="JUDGE_HEALTH", failure_class=FailureClass.JUDGE, now=now)
    return None


def failing(round_: Round) -> list[health.GateFinding]:
    """The gates that show that the judge is unreliable.

    A gate counts as soon as all controls of its kind are judged: repeats come last, and a judge that fails its canaries
    should not be asked any further until then.
    """
    controls = list(current(round_))
    open_ = {control.kind for control in controls if control.state == "judging"}
    failed = _own(controls).failing
    if open_:
        return [finding for finding in failed if finding.gate in health.KINDS and finding.gate not in open_]
    return list(failed or (_health(controls).failing if _unwell_before(round_) else ()))


def _unwell_before(round_: Round) -> bool:
    """Did the judge fail at the prompts' pictures in this round, in controls that have been made anew since?"""
    by_attempt: dict[int, list[Control]] = {}
    for control in round_.controls.select_related("prompt", "attempt").order_by("pk"):
        by_attempt.setdefault(number_of(control.attempt), []).append(control)
    return any(_own(by_attempt[number]).failing for number in sorted(by_attempt)[:-1])


def first(round_: Round, outcome: Outcome) -> Outcome:
    """`outcome`, but no round leaves its duels before its controls are judged, and what they come to is looked at."""
    if not isinstance(outcome, Move) or not wanted(round_):
        return outcome
    last = list(current(round_))
    left = sum(not control.settled for control in last)
    if left:
        return Wait(SOON, f"{left} controls of the judge are open")
    if failing(round_) or _unclear(last):  # the last of them was judged after `trouble` had looked
        return Wait(SOON, "gates fail: see the next look")
    gates = [
        {"gate": f.gate, "state": f.state, "measured": f.measured, "of": f.of}
        | ({"family": f.family} if f.family else {})
        for f in measured(round_).findings
    ]
    return replace(outcome, facts={**outcome.facts, "health": gates})


def measured(round_: Round) -> health.GateReport:
    """The gates' results for the controls that count, repeats included."""
    return _health(list(current(round_)))


def _own(controls: Sequence[Control]) -> health.GateReport:
    """Of those that show nothing of a miner's."""
    return _health([control for control in controls if control.kind != "repeat"])


def _health(controls: Sequence[Control]) -> health.GateReport:
    """Calls are counted of what shows nothing of a miner's: a picture may be made to be hard to answer about."""
    models = {row["family"]: row["model"] for c in controls for row in c.detail.get("families", [])} or {"": ""}
    judged = [row for c in controls if c.state == "judged" for row in _judged_rows(c, list(models))]
    calls = {}
    for family, model in models.items():
        own = [
            reply["attempt"]
            for c in controls
            if c.kind != "repeat"
            for reply in c.answers.values()
            if not model or reply["raw"].get("model") == model
        ]
        calls[family] = (sum(own), sum(own) - len(own))
    return health.health_by_family(judged, calls=calls, gates=GATES)


def _judged_rows(control: Control, families: Sequence[str]) -> list[health.JudgedControl]:
    """One for each family; a repeat that silenced a panel came to nothing with each of them."""
    kinds: dict[str, health.Kind] = {kind: kind for kind in health.KINDS}
    kind, name, detail = kinds[control.kind], control.prompt.stem, control.detail
    before = detail.get("before", {})
    if families == [""]:
        return [health.JudgedControl(kind, name, control.score_micro or 0, control.before_micro or 0, ballots(detail))]
    verdicts = tuple(_family_verdict(row) for row in detail.get("families", []))
    if not verdicts:
        return [health.JudgedControl(kind, name, 0, before.get(family, 0), (), family) for family in families]
    return list(health.judged_control(kind, name, Verdict("draw", 0, "", (), verdicts), before=before))


def _family_verdict(row: dict[str, Any]) -> FamilyVerdict:
    own = Verdict(row["outcome"], row["score_micro"], row["decided_by"], ballots(row))
    return FamilyVerdict(row["family"], row["model"], own)


def ballots(detail: dict[str, Any]) -> tuple[Ballot, ...]:
    return tuple(Ballot(str(s["kind"]), ab=int(str(s["ab"])), ba=int(str(s["ba"]))) for s in detail.get("stages", []))


def judge_control(control: Control, now: datetime) -> Outcome:
    """Judge one control without stored answers: a stored answer would only agree with itself."""
    repeated = None
    if control.kind == "repeat":
        # repeats come when the screens are over: so they show any drift, and what they repeat is nobody's luck
        screens = control.round.matches.filter(kind=Match.Kind.SCREEN)
        if not screens.exists() or screens.exclude(state="decided").exists():
            return Wait(SOON, "repeats come when the screens are over")
        repeated = repeated_duel(control)
        if repeated is None:
            return Move("unneeded", because="no duel on this prompt was judged")
    pair = _pair(control, repeated)
    if pair is None:
        return Move("unneeded", because="there is no file to ask about")
    let_go()
    answers = Remembered()
    try:
        verdict = verdict_of(
            judge_named(control.round.competition.judge),
            reference=store.default().path(control.prompt.sha256),
            reference_sha256=control.prompt.sha256,
            defender=pair[0],
            challenger=pair[1],
            answers=answers,
        )
    except NoAnswer as no_answer:
        if repeated is None or not control.on_last_try or no_answer.code not in ABOUT_PICTURES:
            return retry_unanswered(control, no_answer)
        # miners' files may be why there is no answer: a repeat then counts as one that came to nothing, and fails its
        # gate where the duel had come to something
        verdict = silence.verdict(defender_silences=False, challenger_silences=False)
        answers = Remembered()
    facts = {
        "score_micro": health.score_of(control.kind, verdict),
        "before_micro": repeated.score_micro if repeated else None,
        "left_sha256": pair[0].sha256,
        "right_sha256": pair[1].sha256,
    }
    doctored = {} if repeated else {name: path.name for name, path in pair[1].views.items()}
    before = {row["family"]: row["score_micro"] for row in repeated.detail.get("families", [])} if repeated else {}
    detail = verdict.detail() | ({"before": before} if before else {})
    sets = {**facts, "views": doctored, "answers": answers.as_json(), "detail": detail}
    return Move("judged", because=f"decided by {verdict.decided_by}", sets=sets, facts=facts)


def retry_unanswered(row: Control | Duel, no_answer: NoAnswer) -> Retry:
    """The judge gave no answer: it is asked again, with pauses that grow."""
    return Retry(engine.backoff(row.attempts), StepFailure(FailureClass.JUDGE, no_answer.code, no_answer.sentence))


def repeated_duel(control: Control) -> Duel | None:
    """Of the screens in reveal order, the first duel on this prompt that counted and that somebody was asked about."""
    judged = Duel.objects.filter(
        match__round=control.round, match__attempt=None, match__kind=Match.Kind.SCREEN, prompt=control.prompt
    )
    counted = judged.filter(state="judged", position__lt=F("match__stopped_after")).select_related("match")
    answered = counted.exclude(detail__decided_by__in=("same_file", silence.KIND))
    order = ("reveal_block", "extrinsic_index", "miner__hotkey")
    return answered.order_by(*(f"match__challenger__{name}" for name in order)).first()


def _pair(control: Control, repeated: Duel | None) -> tuple[Side, Side] | None:
    if repeated is not None:
        match = repeated.match
        left = sides.of(match.defender, match.defender_origin, control.prompt)
        right = sides.of(match.challenger, match.challenger_origin, control.prompt)
        return (left, right) if left and right else None
    return pair_on(control.round.competition, control.prompt, variant=control.variant)


def pair_on(competition: Competition, prompt: Prompt, *, variant: str = "blurred") -> tuple[Side, Side]:
    """The prompt's own picture and a doctored copy of it: nothing of a miner's."""
    from judging.health.control_images import doctored  # loads OpenCV, which the web process must not

    left = sides.of_prompt(competition, prompt)
    return left, doctored(left, variant)
