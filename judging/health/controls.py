"""Is the judge of this round well?  Controls among its duels, and a pause while they say that it is not.

Only judges that deliberate have controls: one that computes gives the same answer for ever.  The controls are chosen by
the round's own seed order, are judged like any duel, by nobody's memory, and are told of in the ledger.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from fractions import Fraction

from django.db.models import Count, F, Max, QuerySet, Sum

from competition.models import Round, RoundPrompt
from competition.steps import pause
from core import store
from core.machine import engine
from core.machine.outcomes import Failure, Move, Outcome, Retry, Wait
from core.machine.stateful import FailureClass
from judging import matches, sides
from judging.backends import judge_named
from judging.backends.base import NoAnswer, Side
from judging.decisions import health
from judging.decisions.ballots import Ballot, Verdict
from judging.models import Control, Duel, Match
from judging.panel.answer_rows import asked_in, let_go
from judging.panel.answer_store import Remembered
from judging.panel.duel_verdict import verdict_of
from judging.panel.vlm_panel import Deliberates

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
    return isinstance(judge_named(round_.competition.judge), Deliberates)


def current(round_: Round) -> QuerySet[Control]:
    """The controls that count: those of the last take."""
    last = round_.controls.aggregate(last=Max("take"))["last"] or 0
    return round_.controls.filter(take=last)


def ensure(round_: Round, *, now: datetime) -> None:
    """The controls of the round, prompt by prompt in its seed order; anew when it goes on after a failed gate."""
    last = list(current(round_))
    if last and not _outlived(round_, last):
        return
    for control in last:
        if not control.settled:
            engine.move(control, Move("unneeded", because="the controls are made anew"), now=now)
    drawn = list(round_.drawn.select_related("prompt").order_by("position"))
    plan = health.planned(len(drawn) * len(matches.challengers(round_)), share=SHARE, least=GATES.least)
    take = last[0].take + 1 if last else 1
    rows = [
        Control(round=round_, kind=kind, prompt=d.prompt, variant=variant, take=take, **Control.born(now=now))
        for kind, number in plan.items()
        for d, variant in chosen(kind, drawn, number=number)
    ]
    Control.objects.bulk_create(rows, ignore_conflicts=True)
    engine.announce(Control, now=now)


def _outlived(round_: Round, last: Sequence[Control]) -> bool:
    """Did they fail a gate, and did the round go on since?"""
    return bool(_failing(round_)) and all(control.since < round_.since for control in last if control.settled)


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
        return pause(round_, why, code="JUDGE", failure_class=FailureClass.JUDGE)
    failing = _failing(round_)
    if failing:
        told = "; ".join(f"{f.gate}: {f.measured} of {f.of}, needed {f.needed}" for f in failing)
        why = f"The judge is not well enough for its verdicts to stand ({told})."
        return pause(round_, why, code="JUDGE_HEALTH", failure_class=FailureClass.JUDGE)
    return None


def _failing(round_: Round) -> list[health.GateFinding]:
    """The gates that fail.  A kind of control says so as soon as all of its kind are judged: repeats come last, and
    until then nobody should go on asking a judge that fails its canaries."""
    open_ = set(current(round_).filter(state="judging").values_list("kind", flat=True))
    if not open_:
        return list(measured(round_).failing)
    early = [finding for finding in measured(round_).failing if finding.gate in health.KINDS]
    return [finding for finding in early if finding.gate not in open_]


def first(round_: Round, outcome: Outcome) -> Outcome:
    """`outcome`, but no round leaves its duels before its controls are judged."""
    if not isinstance(outcome, Move) or not wanted(round_):
        return outcome
    left = current(round_).filter(state="judging").count()
    if left:
        return Wait(SOON, f"{left} controls of the judge are open")
    told = [{"gate": f.gate, "state": f.state, "measured": f.measured, "of": f.of} for f in measured(round_).findings]
    return replace(outcome, facts={**outcome.facts, "health": told})


def measured(round_: Round) -> health.Health:
    kinds: dict[str, health.Kind] = {kind: kind for kind in health.KINDS}
    told = [
        health.Control(kinds[c.kind], c.prompt.stem, c.score_micro or 0, c.before_micro or 0, ballots(c.detail))
        for c in current(round_).filter(state="judged").select_related("prompt").order_by("pk")
    ]
    attempts, failed = _attempts(round_)
    return health.health(told, calls=attempts, failed_calls=failed, gates=GATES)


def _attempts(round_: Round) -> tuple[int, int]:
    """(all, those that failed) since the round came, or came back, to its duels: what an operator mended is over."""
    since = asked_in(round_).filter(made_at__gte=round_.since)
    calls = since.aggregate(answers=Count("pk"), attempts=Sum("attempt"))
    own = [
        reply["attempt"] for answers in current(round_).values_list("answers", flat=True) for reply in answers.values()
    ]
    attempts = (calls["attempts"] or 0) + sum(own)
    return attempts, attempts - calls["answers"] - len(own)


def ballots(detail: dict[str, list[dict[str, object]]]) -> tuple[Ballot, ...]:
    return tuple(Ballot(str(s["kind"]), ab=int(str(s["ab"])), ba=int(str(s["ba"]))) for s in detail.get("stages", []))


@engine.step(Control, "judging")
def judge_control(control: Control, now: datetime) -> Outcome:
    """Asked afresh: an answer that is kept would only agree with itself."""
    if control.kind == "repeat" and _screens_open(control.round):
        return Wait(SOON, "repeats come when the screens are over")
    repeated = _repeated(control) if control.kind == "repeat" else None
    if control.kind == "repeat" and repeated is None:
        return Move("unneeded", because="no duel on this prompt was judged")
    pair = _pair(control, repeated)
    if pair is None:
        return Move("unneeded", because="there is no file to ask about")
    let_go()
    book = Remembered()
    try:
        found = verdict_of(
            judge_named(control.round.competition.judge),
            reference=store.default().path(control.prompt.sha256),
            reference_sha256=control.prompt.sha256,
            defender=pair[0],
            challenger=pair[1],
            book=book,
        )
    except NoAnswer as silence:
        return Retry(engine.backoff(control.attempts), Failure(FailureClass.JUDGE, silence.code, silence.sentence))
    return _judged(found, book, pair=pair, kind=control.kind, repeated=repeated)


def _judged(found: Verdict, book: Remembered, *, pair: tuple[Side, Side], kind: str, repeated: Duel | None) -> Move:
    facts = {
        "score_micro": health.score_of(kind, found),
        "before_micro": repeated.score_micro if repeated else None,
        "left_sha256": pair[0].sha256,
        "right_sha256": pair[1].sha256,
    }
    doctored = {} if repeated else {name: path.name for name, path in pair[1].views.items()}
    kept = {"views": doctored, "answers": book.as_json()}
    sets = {**facts, **kept, "detail": found.detail()}
    return Move("judged", because=f"decided by {found.decided_by}", sets=sets, facts=facts)


def _screens_open(round_: Round) -> bool:
    """Repeats come when the screens are over: so they tell of any drift, and what they repeat is nobody's luck."""
    screens = round_.matches.filter(kind=Match.Kind.SCREEN)
    return not screens.exists() or screens.exclude(state="decided").exists()


def _repeated(control: Control) -> Duel | None:
    """Of the screens in reveal order, the first duel on this prompt that counted and that somebody was asked about."""
    judged = Duel.objects.filter(
        match__round=control.round, match__version=1, match__kind=Match.Kind.SCREEN, prompt=control.prompt
    )
    told = judged.filter(state="judged", position__lt=F("match__stopped_after")).select_related("match")
    told = told.exclude(detail__decided_by="same_file")
    order = ("reveal_block", "extrinsic_index", "miner__hotkey")
    return told.order_by(*(f"match__challenger__{name}" for name in order)).first()


def _pair(control: Control, repeated: Duel | None) -> tuple[Side, Side] | None:
    from judging.health.control_images import doctored  # loads OpenCV, which the web process must not

    if repeated is not None:
        match = repeated.match
        left = sides.of(match.defender, match.defender_origin, control.prompt)
        right = sides.of(match.challenger, match.challenger_origin, control.prompt)
        return (left, right) if left and right else None
    leader = matches.leader(control.round)
    left = sides.of(leader, matches.GENERATED, control.prompt) if leader else None
    return (left, doctored(left, control.variant)) if left else None
