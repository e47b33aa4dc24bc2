"""When does the leader's code run once more, beside a winner's that is audited, and how long is it waited for?

It runs for its time alone: it brings no files, and whatever becomes of it, nobody loses by it.  Without its time speed
is no basis, and what the duels say stands.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from audits.decisions import rentals
from audits.decisions.lifecycle import PodFailure, PodProgress
from audits.decisions.rentals import PodRental
from audits.models import PodRun
from competition import attempts
from competition.models import Attempt, Submission
from core.machine import engine
from core.machine.outcomes import Move, StepFailure
from core.machine.stateful import FailureClass

LEAST_WAITED = timedelta(minutes=10)
LATE = PodFailure(
    failure_class=FailureClass.INFRASTRUCTURE,
    code="not_in_time",
    sentence="The leader's code was not done in time to be compared. Nobody must act: speed is no basis.",
)
UNPAIRED = PodFailure(
    failure_class=FailureClass.INFRASTRUCTURE,
    code="unpaired",
    sentence="The code beside which the leader's was to be timed came to no end. Nobody must act: speed is no basis.",
)


def want(run: PodRun, leader: Submission, *, now: datetime) -> PodRun:
    """The run of the leader's code beside this one, on the same prompts in the same batches.  It is made once."""
    if made := PodRun.objects.filter(beside=run).first():
        return made
    number = leader.pod_runs.filter(purpose=PodRun.Purpose.BESIDE).count() + 1
    attempt = attempts.nth(leader.round, number, of="run beside", entry=leader, cause=Attempt.Cause.POD)
    made, _ = PodRun.objects.get_or_create(
        beside=run,
        defaults={
            "submission": leader,
            "purpose": PodRun.Purpose.BESIDE,
            "attempt": attempt,
            "seed": run.seed,
            "provider": run.provider,
            **PodRun.born(now=now),
        },
    )
    return made


def still_waited_for(made: PodRun, run: PodRun, *, now: datetime) -> bool:
    """Is the leader's code still to come to an end, beside a `run` that has?

    As long again as that run took, LEAST_WAITED at least: a leader whose code takes longer is not the faster one.  Then
    it is ended.
    """
    if made.settled:
        return False
    begun = rentals.begun_at([PodRental.from_json(row) for row in run.rentals])
    took = run.since - begun if begun else timedelta(0)
    if run.state == "done" and now - run.since < max(took, LEAST_WAITED):
        return True
    return not end(made, LATE if run.state == "done" else UNPAIRED, now=now)


def end(made: PodRun, cause: PodFailure, *, now: datetime) -> bool:
    """Its pod is ended by the next sweep.  False: it moved meanwhile."""
    pods = rentals.ended([PodRental.from_json(row) for row in made.rentals], at=now)
    started = PodProgress.from_json(made.progress).pods if made.progress else 0
    sets = {"rentals": [row.to_json() for row in pods], "usd": rentals.total_usd(pods, pods=started)}
    failure = StepFailure(cause.failure_class, cause.code, cause.sentence)
    return engine.move(made, Move("failed", because=cause.sentence, sets=sets, failure=failure), now=now)
