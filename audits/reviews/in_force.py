"""Which verdict on an entry counts, where it was audited more than once?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import Q

from audits.models import Audit, Correction, Finding
from competition import attempts
from competition.decisions.attempts import FIRST, number_of
from competition.models import Attempt, Round, Submission
from competition.rounds import rules_of
from competition.rulesets.ladder import Audited, combined
from core.machine import engine

Key = tuple[str, str]


def verdicts(round_: Round, *, including: Correction | None = None) -> Mapping[Key, Audit]:
    """(entry, kind) -> its newest audit that counts.  `including`: as if this correction were applied."""
    counts = Q(correction=None) | Q(correction__state="applied")
    if including is not None:
        counts |= Q(correction=including)
    rows = round_.audits.filter(counts).select_related("submission__miner", "round", "attempt", "correction__attempt")
    return {(a.submission.key, a.kind): a for a in rows.prefetch_related("findings").order_by(attempts.FIRST_TO_LAST)}


def audited(round_: Round, *, including: Correction | None = None) -> dict[str | int, Audited]:
    """entry -> what its audits come to, of those of which that is known."""
    by_entry: dict[str, dict[str, str]] = {}
    for (entry, kind), audit in verdicts(round_, including=including).items():
        by_entry.setdefault(entry, {})[kind] = audit.state
    rules = rules_of(round_)
    results = {entry: combined(states, rules=rules) for entry, states in by_entry.items()}
    return {entry: result for entry, result in results.items() if result is not None}


def is_in_force(audit: Audit) -> bool:
    verdict = verdicts(audit.round).get((audit.submission.key, audit.kind))
    return verdict is not None and verdict.pk == audit.pk


def another(audit: Audit, *, cause: Attempt.Cause, correction: Correction | None, now: Any, due: bool) -> Audit:
    """A further attempt at an audit, to be decided; the older one stays as it is."""
    made = Audit.objects.create(
        round=audit.round,
        submission=audit.submission,
        kind=audit.kind,
        attempt=_next(audit.submission, kind=audit.kind, cause=cause),
        correction=correction,
        limits=audit.limits,
        numbers=audit.numbers,
        **Audit.born(now=now, due=due),
    )
    if due:
        engine.announce(Audit, now=now)
    return made


def _next(submission: Submission, *, kind: str, cause: Attempt.Cause) -> Attempt | None:
    """Of a verdict of this kind on the entry; None for the first."""
    rows = Audit.objects.filter(submission=submission, kind=kind).select_related("attempt")
    newest = rows.order_by(attempts.LAST_TO_FIRST).first()
    number = number_of(newest.attempt) + 1 if newest else FIRST
    return attempts.nth(submission.round, number, of=kind, entry=submission, cause=cause)


def copy_findings(source: Audit, *, to: Audit) -> None:
    """What was found stays beside the new verdict on it."""
    names = [f.name for f in Finding._meta.concrete_fields if f.name not in ("id", "audit")]
    Finding.objects.bulk_create(
        Finding(audit=to, **{name: getattr(finding, name) for name in names}) for finding in source.findings.all()
    )


def wanted(submission: Submission, *, kind: str, correction: Correction | None, now: Any) -> Audit:
    """The audit of this kind that counts, made where there is none."""
    verdict = verdicts(submission.round, including=correction).get((submission.key, kind))
    if verdict is not None:
        return verdict
    attempt = _next(submission, kind=kind, cause=Attempt.Cause.CORRECTION)
    made, _ = Audit.objects.get_or_create(
        submission=submission,
        kind=kind,
        attempt=attempt,
        defaults={"round": submission.round, "correction": correction, **Audit.born(now=now)},
    )
    return made
