"""What is done again for each scope of a correction, and what happens to it when that is applied or discarded?

Nothing of it counts before the correction is applied, and nothing is deleted when it is discarded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial

from django.db.models import Q

from audits.models import Audit, Correction, PodRun
from audits.reviews import in_force
from competition.decisions.attempts import number_of, numbered, regeneration_of
from competition.models import Attempt, Round
from competition.rounds import ruleset_of
from core.machine import engine
from core.machine.outcomes import Move, StepFailure
from core.machine.stateful import FailureClass
from judging import matches, rejudging
from judging.decisions import affected
from judging.decisions.affected import Place
from judging.models import DescribedJudge, Duel, Match, StoredAnswer
from judging.panel import cited_answers
from judging.panel.questions.version import versions_of

CORRECTION = Attempt.Cause.CORRECTION
DISCARDED = "The correction that asked for it is discarded."


class NothingToRerun(Exception):
    """There is nothing to rerun, or it cannot be rerun; `field`: of the form, where one is at fault."""

    def __init__(self, sentence: str, *, field: str = "") -> None:
        super().__init__(sentence)
        self.field = field


def begin(correction: Correction, *, now: datetime) -> list[str]:
    """Ask for the whole set of its scope; says what that is, in order.  Raises Nothing."""
    return SETS[correction.scope](correction, now)


def audit_again(correction: Correction, now: datetime, *, kind: str) -> list[str]:
    """Every audit of this kind that counts, in a fixed order: nobody chooses among them."""
    old = [a for (_, k), a in in_force.verdicts(correction.round).items() if k == kind]
    ordered = sorted(old, key=lambda audit: audit.submission.key)
    made = [in_force.another(audit, cause=CORRECTION, correction=correction, now=now, due=True) for audit in ordered]
    return [f"{audit.submission.key} {audit.kind} {number_of(audit.attempt)}" for audit in made]


def generate_again(correction: Correction, now: datetime) -> list[str]:
    if ruleset_of(correction.round).regenerations > 1:
        name = correction.round.ruleset
        raise NothingToRerun(
            f"The regenerations of {name} are numbered by its rules, and are not run again.", field="scope"
        )
    audits = audit_again(correction, now, kind=Audit.Kind.GENERATION)
    if not audits:
        raise NothingToRerun("No code of this round was generated again.", field="scope")
    return audits


def judge_again(correction: Correction, now: datetime) -> list[str]:
    places = touched(correction.round, correction.choice)
    if not places:
        raise NothingToRerun("The judge was asked about nothing there.", field="what")
    rejudging.begin(correction.round, attempt=correction.attempt, affected=places, now=now)
    return sorted(map(str, places))


SETS: Mapping[str, Callable[[Correction, datetime], list[str]]] = {
    "decision": lambda correction, now: [],
    "source": partial(audit_again, kind=Audit.Kind.SOURCE),
    "generation": generate_again,
    "duels": judge_again,
}


def touched(round_: Round, choice: affected.Choice) -> frozenset[Place]:
    """The whole set of what a fault touched, and of whatever asked the same."""
    citing = duels_citing(round_, choice["answer"]) if choice["what"] == "answer" else frozenset()
    return affected.whole(rejudging.heard(round_), choice=choice, cited=citing)


def duels_citing(round_: Round, key: str) -> frozenset[Place]:
    """The duels whose verdict rests on the answer of this key.

    An answer is about one prompt, so only the duels on that prompt are worked out again.
    """
    answer = StoredAnswer.objects.filter(key=key).select_related("asked_for").first()
    if answer is None or answer.asked_for is None:
        return frozenset()
    judges = DescribedJudge.objects.filter(version__in=matches.in_force(round_).values("judge"))
    name = round_.competition.judge.partition(":")[2]
    by_judge = {row.version: versions_of(name, row.described) for row in judges}
    judge = next((key for key, parts in by_judge.items() if answer.judge in {part.digest for part in parts}), None)
    if judge is None:
        return frozenset()
    in_force_ = matches.in_force(round_).filter(judge=judge)
    rows = Duel.objects.filter(match__in=in_force_, state="judged", prompt=answer.asked_for.prompt_id)
    named = list(
        rows.select_related("prompt", "attempt", "match__round__competition", "match__defender", "match__challenger")
    )
    return frozenset(
        map(rejudging.place_of, cited_answers.duels_citing(named, answer=answer, versions=by_judge[judge]))
    )


def regeneration_for(audit: Audit) -> int:
    """Under which number the code is run again for this audit; 0: for the first time, or as its rules count."""
    correction = audit.correction
    if correction is None or correction.scope != Correction.Scope.GENERATION or audit.attempt_id is None:
        return 0
    return regeneration_of(correction.attempt)


def match_of(audit: Audit, *, regeneration: int, now: datetime) -> Match:
    """Submitted outputs against those generated again: another attempt at the match where a correction asks for it."""
    entry, rerun = audit.submission, regeneration_for(audit)
    if not rerun or audit.correction is None:
        kind = Match.Kind.AUDIT
        return matches.ensure(
            audit.round, kind=kind, defender=entry, challenger=entry, now=now, regeneration=regeneration
        )
    made, new = Match.objects.get_or_create(
        round=audit.round,
        kind=Match.Kind.AUDIT,
        defender=entry,
        challenger=entry,
        attempt=audit.correction.attempt,
        defaults={
            "defender_origin": matches.SUBMITTED,
            "challenger_origin": numbered(matches.GENERATED, rerun),
            "counts": False,
            **Match.born(now=now),
        },
    )
    if new:
        engine.announce(Match, now=now)
    return made


def put_in_force(correction: Correction) -> None:
    rejudging.put_in_force(correction.round, attempt=correction.attempt)


def drop(correction: Correction, *, now: datetime) -> None:
    """What is still on its way is not waited for; what was made stays to be seen."""
    rejudging.drop(correction.round, attempt=correction.attempt, now=now)
    for audit in correction.audits.filter(state__in=("gathering", "reviewing")):
        if not engine.move(audit, Move("dropped", because=DISCARDED), now=now):
            raise RuntimeError(f"{audit} moved meanwhile")  # undone as a whole, and tried again
    failure = StepFailure(FailureClass.INFRASTRUCTURE, "DISCARDED", DISCARDED)
    purpose = numbered(PodRun.Purpose.AUDIT, regeneration_of(correction.attempt))
    ours = PodRun.objects.filter(submission__round=correction.round, state__in=PodRun.graph.active())
    for run in ours.filter(Q(purpose=purpose) | Q(beside__purpose=purpose)):
        engine.move(run, Move("failed", because=DISCARDED, failure=failure), now=now)
