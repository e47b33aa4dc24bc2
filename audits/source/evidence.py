"""On which bytes, and on which tools, does a verdict about code rest?  As the ledger and the bundle show it."""

from __future__ import annotations

from typing import Any

from django.db.models import F, Q

from audits.models import Audit, CheckRun, SourceCopy
from competition.decisions.attempts import number_of


def checks_of(audit: Audit) -> list[CheckRun]:
    """The checks behind a verdict; behind one that an appeal turned, those of the verdict it turned."""
    if audit.kind != Audit.Kind.SOURCE:
        return []
    until = Q(audit__attempt=None) | Q(audit__attempt__number__lte=number_of(audit.attempt))
    rows = CheckRun.objects.filter(until, audit__submission=audit.submission_id, audit__kind=audit.kind)
    last_first = F("audit__attempt__number").desc(nulls_last=True)
    newest = rows.order_by(last_first).values_list("audit", flat=True).first()
    return list(rows.filter(audit=newest).order_by("check_name"))


def archive_of(audit: Audit) -> str:
    """SHA-256 of our own tar of the commit; "" where it could not be had."""
    entry = audit.submission
    rows = SourceCopy.objects.filter(repo=entry.repo, commit=entry.commit) if audit.kind == Audit.Kind.SOURCE else None
    copy = rows.first() if rows is not None else None
    return copy.archive if copy else ""


def summary(audit: Audit) -> dict[str, Any]:
    """The archive, and of each check which tool in which version by which rules of ours, and how it ended."""
    names = ("tool", "tool_version", "ruleset", "outcome")
    checks = [{"check": row.check_name, **{name: getattr(row, name) for name in names}} for row in checks_of(audit)]
    return {"archive": archive_of(audit), "checks": checks}
