"""A case that nears its deadline is told of, once, to whoever asked for such letters."""

from __future__ import annotations

from datetime import timedelta

import pytest

from audits.models import Audit, Reminder
from audits.reviews import reminders, waiting_cases
from competition.models import LedgerEvent, Round
from competition.notices import steps as letters
from competition.notices import subscribing
from competition.notices.models import Delivery
from dashboard.management.commands.notify import QUEUE
from tests.audits import appealing
from tests.audits.appealing import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def audit() -> Audit:
    _, round_ = appealing.a_round()
    return appealing.audit(appealing.entered(round_, "Ann"), state="reviewing")


def told() -> list[dict[str, object]]:
    return [event.body for event in LedgerEvent.objects.filter(kind="review.due")]


def test_nobody_is_reminded_while_there_is_time(audit: Audit) -> None:
    reminders.remind(NOW + timedelta(hours=40))
    assert not told() and not Reminder.objects.exists()


def test_a_day_before_the_deadline_it_is_told_once(audit: Audit) -> None:
    (row,) = waiting_cases.everything()
    for hours in (23, 20, 1, -5):
        reminders.remind(row.deadline - timedelta(hours=hours))
    (body,) = told()
    assert (body["case"], body["entry"], body["audit"]) == ("audit", audit.submission.key, "source")
    assert "nears" in str(body["because"]) and "anybody with the role" in str(body["because"])


def test_two_processes_tell_it_once(audit: Audit) -> None:
    (row,) = waiting_cases.everything()
    late = row.deadline + timedelta(hours=1)
    assert reminders.record_reminder(row, now=late) and not reminders.record_reminder(row, now=late)
    (body,) = told()
    assert "is over" in str(body["because"])


def test_when_is_the_competitions_to_say(audit: Audit) -> None:
    competition = Round.objects.get().competition
    competition.config = {**competition.config, "appeals": {"decide_hours": 10, "remind_hours": 2}}
    competition.save()
    reminders.remind(NOW + timedelta(hours=7))
    assert not told()
    reminders.remind(NOW + timedelta(hours=8, minutes=1))
    assert len(told()) == 1


def test_the_reviewers_letters_cover_it(audit: Audit) -> None:
    subscribing.subscribe(channel="email", address="reviewers@example.org", kinds=QUEUE, owner="platform", now=NOW)
    (row,) = waiting_cases.everything()
    reminders.remind(row.deadline)
    letters.write_letters(row.deadline)
    assert Delivery.objects.filter(event__kind="review.due").count() == 1
