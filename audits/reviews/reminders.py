"""Who is told that a case nears its deadline?  Whoever asked for such letters, once a case.

The reminder is an event of the ledger, so its letters are written, sent and logged like all others.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from audits.models import Reminder
from audits.reviews import appeals, waiting_cases
from audits.reviews.waiting_cases import Waiting
from core import ledger


def remind(now: datetime) -> None:
    for row in waiting_cases.everything():
        if now >= row.deadline - before(row):
            tell(row, now=now)


def before(row: Waiting) -> timedelta:
    return timedelta(hours=appeals.hours_of(row.round.competition).remind_hours)


def tell(row: Waiting, *, now: datetime) -> bool:
    """False: it was told already, perhaps by another process."""
    case = row.case
    with transaction.atomic():
        ledger.hold(case.competition_pk())
        _, made = Reminder.objects.get_or_create(case=row.kind, row=case.pk, defaults={"told_at": now})
        if made:
            late = "is over" if now > row.deadline else "nears"
            body = {
                **case.describe(),
                "case": row.kind,
                "decide_by": ledger.stamp(row.deadline),
                "because": f"The deadline {late}; it waits for {row.waits_for}.",
            }
            ledger.append(case.competition_pk(), kind="review.due", body=body, at=now)
    return bool(made)
