"""What does a bundle say of verdicts that were taken back, and of the decision that a corrected one replaces?"""

from __future__ import annotations

from typing import Any

from audits import correcting
from audits.models import Audit, Correction
from competition.models import Round
from dashboard import bundle_counts
from dashboard.models import Reissue


def audit_told(audit: Audit) -> dict[str, Any]:
    return {
        "entry": audit.submission.key, "kind": audit.kind, "verdict": audit.state, "code": audit.code,
        "reason": audit.reason, "version": audit.version, "people": audit.people,
        "numbers": audit.numbers, "limits": audit.limits,
        "findings": [
            {"severity": f.severity, "rule": f.rule, "file": f.file, "line": f.line, "sentence": f.sentence}
            for f in audit.findings.all()
        ],
    }  # fmt: skip


def document(round_: Round) -> dict[str, Any]:
    """Of the newest edition: why, what it replaces, and every verdict that counts no more."""
    correction = round_.corrections.filter(state="applied").order_by("-number")[0]
    reign, defended = correcting.last_reign(round_), round_.defending
    before = {name: correction.before[name] for name in ("winner", "leader", "weight", "effective_block", "headline")}
    return {
        "edition": correcting.edition(round_), "correction": correction.number, "scope": correction.scope,
        "code": correction.code, "reason": correction.sentence, "corrects": _replaced(correction),
        "defended": defended.sequence if defended else 0,
        "supersedes": reign.supersedes.sequence if reign and reign.supersedes else None,
        "before": {**before, "ladder": correction.before["ladder"]},
        "set_aside": [audit_told(audit) for audit in _set_aside(round_)],
    }  # fmt: skip


def _replaced(correction: Correction) -> str:
    """The hash of the bundle that this one replaces."""
    earlier = Reissue.objects.filter(correction__round=correction.round, correction__number__lt=correction.number)
    newest = earlier.order_by("-edition").first()
    return newest.bundle_hash if newest else str(correction.round.publication.bundle_hash)


def _set_aside(round_: Round) -> list[Audit]:
    """What was decided once, and does not count any more."""
    counting = {audit.pk for audit in bundle_counts.audits_of(round_)}
    once = round_.audits.exclude(correction__state__in=("staged", "ready", "discarded"))
    rows = once.filter(state__in=("passed", "rejected")).exclude(pk__in=counting)
    named = rows.select_related("submission__miner").prefetch_related("findings")
    return sorted(named, key=lambda audit: (audit.submission.key, audit.kind, audit.version))
