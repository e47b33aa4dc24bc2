"""Whoever asked hears of an event, once it is in the ledger, however often the receiver has to be asked."""

from __future__ import annotations

import base64
import hmac
import json
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import transaction

from competition import ledger
from competition.decisions import notices
from competition.machine import engine
from competition.models import Competition
from competition.notices import channels, steps, subscribing
from competition.notices.models import Delivery, Subscription
from tests.competition import made
from tests.competition.receiving import receiver

pytestmark = pytest.mark.django_db

NOW = made.after(100)


@pytest.fixture
def competition(settings: Any) -> Competition:
    settings.DEMO = True  # receivers on loopback
    return made.competition()


def tell(competition: Competition, kind: str, at: Any = NOW, **body: Any) -> None:
    with transaction.atomic():
        ledger.append(competition.pk, kind=kind, body=body, at=at)


def asked(address: str, *kinds: str, channel: str = "webhook", **more: Any) -> Subscription:
    return subscribing.subscribe(
        channel=channel, address=address, kinds=kinds or ["*"], owner="lead", now=NOW, **more
    )[0]  # fmt: skip


def work(now: Any = NOW) -> list[Delivery]:
    """What the reconciler and a worker do."""
    steps.write_letters(now)
    for row in Delivery.objects.filter(engine.due(Delivery, now=now)):
        engine.advance("competition.Delivery", row.pk, now=now)
    return list(Delivery.objects.order_by("pk"))


def test_an_event_arrives_signed_so_that_the_receiver_can_check_it(competition: Competition) -> None:
    with receiver() as at:
        subscription, secret = subscribing.subscribe(
            channel="webhook", address=at.url, kinds=["audit.*"], owner="lead", now=NOW
        )
        tell(competition, "audit.reviewing", round=1, entry="5Abc", because="A licence needs a person.")
        tell(competition, "match.decided", round=1)
        (delivery,) = work()
    assert delivery.state == "delivered" and delivery.tried.get().status == 204
    ((headers, body),) = at.letters
    told = json.loads(body)
    assert (told["event"]["kind"], told["id"]) == ("audit.reviewing", headers["webhook-id"])
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    good = base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
    assert headers["webhook-signature"] == f"v1,{good}"
    assert str(subscription.public_id) not in secret


def test_a_letter_is_written_once_however_often_the_ledger_is_read(competition: Competition) -> None:
    with receiver() as at:
        asked(at.url)
        tell(competition, "appeal.lodged", round=1)
        work()
        Delivery.objects.all()  # a second look finds nothing new
        work()
    assert len(at.letters) == Delivery.objects.count() == 1


def test_what_was_told_before_the_subscription_is_no_news(competition: Competition) -> None:
    tell(competition, "appeal.lodged", at=NOW - timedelta(seconds=1))
    asked("https://example.org/hook")
    steps.write_letters(NOW)
    assert not Delivery.objects.exists()


def test_a_busy_receiver_is_asked_again_later_and_each_try_is_kept(competition: Competition) -> None:
    with receiver(503, 429) as at:
        asked(at.url)
        tell(competition, "appeal.lodged", round=1)
        (delivery,) = work()
        assert (delivery.state, delivery.failure_code) == ("waiting", "HTTP_503")
        assert work(NOW + timedelta(seconds=1))[0].tried.count() == 1  # not yet
        first_due = delivery.due_at
        Delivery.objects.update(due_at=NOW)
        work(NOW)
        Delivery.objects.update(due_at=NOW)
        (delivery,) = work(NOW)
    assert first_due is not None and first_due > NOW
    assert delivery.state == "delivered"
    assert [one.status for one in delivery.tried.all()] == [503, 429, 204]
    assert len({headers["webhook-id"] for headers, _ in at.letters}) == 1


@pytest.mark.parametrize("status", [302, 400, 404])
def test_a_receiver_that_refuses_or_redirects_is_not_asked_again(competition: Competition, status: int) -> None:
    with receiver(status) as at:
        asked(at.url)
        tell(competition, "appeal.lodged", round=1)
        (delivery,) = work()
    assert (delivery.state, delivery.failure_class) == ("failed", "miner")
    assert len(at.letters) == 1


def test_a_receiver_that_is_gone_gets_no_more_letters(competition: Competition) -> None:
    with receiver(410) as at:
        subscription = asked(at.url)
        tell(competition, "appeal.lodged")
        work()
        tell(competition, "appeal.upheld")
        work()
    subscription.refresh_from_db()
    assert not subscription.active and len(at.letters) == 1


def test_a_name_that_leads_inside_is_never_dialled(competition: Competition, monkeypatch: pytest.MonkeyPatch) -> None:
    def inside(host: str, port: int, *_: Any) -> list[Any]:
        return [(2, 1, 6, "", ("169.254.169.254", port))]

    monkeypatch.setattr(channels, "RESOLVER", inside)
    asked("https://rebound.example.org/latest")
    tell(competition, "appeal.lodged")
    (delivery,) = work()
    assert (delivery.state, delivery.failure_code) == ("failed", "PRIVATE_ADDRESS")


@pytest.mark.parametrize(
    ("field", "more"),
    [
        ("address", {"address": "http://example.org/"}),
        ("address", {"address": "https://example.org:8443/"}),
        ("address", {"address": "https://10.0.0.1/"}),
        ("address", {"address": "https://user:word@example.org/"}),
        ("address", {"channel": "discord", "address": "https://example.org/api/webhooks/1/x"}),
        ("address", {"channel": "email", "address": "nobody"}),
        ("channel", {"channel": "pigeon"}),
        ("kinds", {"kinds": []}),
        ("kinds", {"kinds": ["audit;drop"]}),
    ],
)
def test_a_subscription_that_cannot_work_is_refused_by_the_name_of_its_field(
    settings: Any, field: str, more: Any
) -> None:
    settings.DEMO = False
    asked_for = {"channel": "webhook", "address": "https://example.org/hook", "kinds": ["*"], **more}
    with pytest.raises(subscribing.BadSubscription) as refused:
        subscribing.subscribe(owner="lead", now=NOW, **asked_for)
    assert refused.value.field == field


def test_a_letter_goes_out_by_mail(competition: Competition, settings: Any) -> None:
    asked("reviewers@example.org", "appeal.*", channel="email")
    tell(competition, "appeal.lodged", round=1, because="The licence allows it.")
    (delivery,) = work()
    assert (delivery.failure_code, delivery.failure_class) == ("NO_MAIL_SERVER", "infrastructure")
    settings.EMAIL_SENDER = "gauntlet@example.org"
    Delivery.objects.update(due_at=NOW)
    assert work()[0].state == "delivered"
    (sent,) = mail.outbox
    assert sent.subject == "[small round 1] appeal.lodged" and "The licence allows it." in sent.body


def test_letters_leave_no_event(competition: Competition) -> None:
    """Else every letter would be news, and be sent."""
    with receiver() as at:
        asked(at.url)
        tell(competition, "appeal.lodged")
        before = competition.events.count()
        work()
        work()
    assert competition.events.count() == before


def test_pauses_grow_and_end() -> None:
    pauses = [notices.pause_s(n) for n in range(1, notices.MOST_TRIES + 1)]
    assert pauses == sorted(pauses) and pauses[0] == 10 and pauses[-1] == notices.LONGEST_PAUSE_S == max(pauses)
    assert 12 * 3600 < sum(pauses) < 3 * 86400
    assert notices.given_up(notices.MOST_TRIES, permanent=False) and not notices.given_up(1, permanent=False)


@pytest.mark.parametrize(
    ("kind", "kinds", "miner", "wanted"),
    [
        ("audit.passed", ["audit.*"], "", True),
        ("audit.passed", ["appeal.*"], "", False),
        ("audit.passed", ["*"], "5A", True),
        ("audit.passed", ["*"], "5B", False),
        ("round.open", ["*"], "5A", False),
    ],
)
def test_who_is_told(kind: str, kinds: list[str], miner: str, wanted: bool) -> None:
    body = {"entry": "5A"} if kind.startswith("audit") else {}
    assert notices.asks_for(kind, body, kinds=kinds, miner=miner) is wanted
