"""margin-2: how is a winner generated again, once more and once more, and judged against its defender each time?

One repeat after the other: which matches there are follows from what was judged, not from who was quick.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from fractions import Fraction

from audits.decisions import regenerations
from audits.decisions.verdicts import GenerationRules, Verdict
from audits.models import Audit, PodRun
from audits.pods import runs
from competition import prompts
from competition.decisions.repeats import numbered
from competition.models import Submission
from competition.rounds import rules_of
from core.machine.outcomes import Wait
from core.machine.stateful import FailureClass
from judging import matches
from judging.models import Match

SOON = timedelta(seconds=2)


def verdict(audit: Audit, *, defender: Submission, now: datetime) -> Verdict | Wait:
    """What the repeats so far say, or what is waited for.  `defender`: of the rung that this entry won."""
    rules = rules_of(audit.round)
    found: list[regenerations.Regenerated] = []
    limits: GenerationRules | None = None
    for repeat in range(rules.audit_repeats):
        run = _run(audit, repeat=repeat, now=now)
        if isinstance(run, Wait):
            return run
        limits = GenerationRules(
            win_margin=Fraction(rules.win_margin),
            least_counted=rules.least_counted,
            generation_s=runs.limits_of(run).generation_s,
        )
        said = _repeat(audit, found, run, repeat=repeat, defender=defender, limits=limits, now=now)
        if said is not None:
            return said
    raise AssertionError("unreachable: the last repeat always says something")


def _repeat(
    audit: Audit,
    found: list[regenerations.Regenerated],
    run: PodRun,
    *,
    repeat: int,
    defender: Submission,
    limits: GenerationRules,
    now: datetime,
) -> Verdict | Wait | None:
    """Judge one repeat, against the submitted outputs and then against the defender; None: the next one is wanted."""
    repeats = rules_of(audit.round).audit_repeats
    one = _match(audit, Match.Kind.AUDIT, against=audit.submission, repeat=repeat, now=now)
    if isinstance(one, Wait):
        return one
    failure = (run.failure_class, run.failure_code, run.failure_reason) if run.state == "failed" else None
    submitted = matches.tally_of(one)
    so_far = regenerations.Regenerated(submitted=submitted, generated_s=run.generated_s, failure=failure)
    said = regenerations.verdict([*found, so_far], repeats=repeats, rules=limits)
    if said is not None:
        return said
    other = _match(audit, Match.Kind.AGAIN, against=defender, repeat=repeat, now=now)
    if isinstance(other, Wait):
        return other
    met = matches.tally_of(other)
    found.append(regenerations.Regenerated(submitted=submitted, generated_s=run.generated_s, defender=met))
    return regenerations.verdict(found, repeats=repeats, rules=limits)


def _run(audit: Audit, *, repeat: int, now: datetime) -> PodRun | Wait:
    entry = audit.submission
    drawn = (row.prompt for row in audit.round.drawn.select_related("prompt"))
    prompts.expect_generated(entry, drawn, now=now, repeat=repeat)
    run = runs.want(entry, purpose=numbered(PodRun.Purpose.AUDIT, repeat), now=now)
    if not run.settled:
        what = f"the platform runs the code again, time {repeat + 1}: {run.state}, {run.waiting_for or 'starting'}"
        return Wait(SOON, what)
    if run.state == "failed" and run.failure_class == FailureClass.INFRASTRUCTURE:
        return Wait(SOON, "the round is paused: the pod was lost through a fault of ours")
    return run


def _match(audit: Audit, kind: str, *, against: Submission, repeat: int, now: datetime) -> Match | Wait:
    match = matches.ensure(
        audit.round, kind=kind, defender=against, challenger=audit.submission, now=now, repeat=repeat
    )
    if match.state == "decided":
        return match
    return Wait(SOON, f"what was generated again is judged, time {repeat + 1} ({kind}): {match.state}")
