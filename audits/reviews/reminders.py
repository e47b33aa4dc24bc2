"""Writes one event to the ledger when a case of people nears its deadline; notices are sent from it, as from any."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from audits.models import Reminder
from audits.reviews import appeals, waiting_cases
from audits.reviews.waiting_cases import WaitingCase
from core import ledger


def remind(now: datetime) -> None:
    for row in waiting_cases.everything():
        if now >= row.deadline - before(row):
            record_reminder(row, now=now)


def before(row: WaitingCase) -> timedelta:
    return timedelta(hours=appeals.hours_of(row.round.competition).remind_hours)


def record_reminder(row: WaitingCase, *, now: datetime) -> bool:
    """Writes the event.  False where it was written before, perhaps by another process."""
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
