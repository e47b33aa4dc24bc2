"""Runs a winner's code again, as often as its ruleset asks, and judges what it generates.

One regeneration after the other: which matches are played follows from what was judged, not from who was quick.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from audits.models import Audit, PodRun
from audits.pods import runs
from audits.reviews import in_force, reruns
from competition import prompts
from competition.decisions.attempts import numbered
from competition.rounds import ruleset_of
from competition.rulesets.regenerations import AuditVerdict, Regeneration
from core.machine.outcomes import Wait
from core.machine.stateful import FailureClass
from judging import matches, observed
from judging.models import Match

SOON = timedelta(seconds=2)


def verdict(audit: Audit, *, now: datetime) -> AuditVerdict | Wait:
    """What the regenerations so far say, or what is waited for."""
    ruleset, rows = ruleset_of(audit.round), list[Regeneration]()
    defender = None
    if ruleset.wins_again:  # the defender of the rung that this entry won
        decision = observed.decide(audit.round, audits=in_force.audited(audit.round))
        key = decision.defender_of(audit.submission.key)
        if key is None:
            return Wait(SOON, "the ladder is climbed anew")
        defender = {entry.key: entry for entry in audit.round.submissions.select_related("miner")}[str(key)]
    for regeneration in range(ruleset.regenerations):
        run = _run(audit, regeneration=regeneration, now=now)
        if isinstance(run, Wait):
            return run
        row = _regenerated(audit, run, regeneration=regeneration, now=now)
        if isinstance(row, Wait):
            return row
        limit_s = runs.limits_of(run).generation_s
        result = ruleset.regeneration_verdict([*rows, row], generation_s=limit_s)
        if result is None and defender is not None:
            match = matches.ensure(
                audit.round,
                kind=Match.Kind.AGAIN,
                defender=defender,
                challenger=audit.submission,
                now=now,
                regeneration=regeneration,
            )
            if match.state != "decided":
                what = "the regenerated outputs are judged against the defender"
                return Wait(SOON, f"{what}{_time(regeneration)}: {match.state}")
            row = replace(row, defender=matches.tally_of(match))
            result = ruleset.regeneration_verdict([*rows, row], generation_s=limit_s)
        if result is not None:
            return result
        rows.append(row)
    raise AssertionError("unreachable: a ruleset gives a verdict on the last regeneration")


def _run(audit: Audit, *, regeneration: int, now: datetime) -> PodRun | Wait:
    entry, number = audit.submission, reruns.regeneration_for(audit) + regeneration
    drawn = (row.prompt for row in audit.round.drawn.select_related("prompt"))
    prompts.expect_generated(entry, drawn, now=now, regeneration=number)
    run = runs.want(entry, purpose=numbered(PodRun.Purpose.AUDIT, number), now=now)
    if not run.settled:
        return Wait(
            SOON, f"the platform runs the code again{_time(regeneration)}: {run.state}, {run.waiting_for or 'starting'}"
        )
    if run.state == "failed" and run.failure_class == FailureClass.INFRASTRUCTURE:
        return Wait(SOON, "the pod was lost through a fault of ours: an operator must mend the cause")
    return run


def _regenerated(audit: Audit, run: PodRun, *, regeneration: int, now: datetime) -> Regeneration | Wait:
    """One regeneration, judged against the submitted outputs."""
    match = reruns.match_of(audit, regeneration=regeneration, now=now)
    if match.state != "decided":
        what = "the regenerated outputs are judged against the submitted ones"
        return Wait(SOON, f"{what}{_time(regeneration)}: {match.state}")
    results = (matches.result_of(duel) for duel in match.duels.order_by("position"))
    return Regeneration(
        submitted=matches.tally_of(match),
        generated_s=run.generated_s,
        results=tuple(result for result in results if result),
        failure=(run.failure_class, run.failure_code, run.failure_reason) if run.state == "failed" else None,
    )


def _time(regeneration: int) -> str:
    return f", time {regeneration + 1}" if regeneration else ""
