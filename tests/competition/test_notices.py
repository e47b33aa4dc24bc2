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

from competition.decisions import notices
from competition.models import Competition
from competition.notices import channels, steps, subscribing
from competition.notices.models import Delivery, Subscription
from competition.states import DeliveryStates
from core import ledger
from core.machine import engine
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
    return subscribing.subscribe(channel=channel, address=address, kinds=kinds or ["*"], owner="lead", now=NOW, **more)[
        0
    ]


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
    tries = DeliveryStates.states["waiting"].tries
    pauses = [notices.pause_s(n) for n in range(1, tries + 1)]
    assert pauses == sorted(pauses) and pauses[0] == 10 and pauses[-1] == notices.LONGEST_PAUSE_S == max(pauses)
    assert 12 * 3600 < sum(pauses) < 3 * 86400
    assert notices.given_up(tries, tries=tries, permanent=False)
    assert not notices.given_up(1, tries=tries, permanent=False)


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


DISCORD = "https://discord.com/api/webhooks/1/secret"
SLACK = "https://hooks.slack.com/services/T0/B0/secret"


@pytest.mark.parametrize("address", [DISCORD, DISCORD.replace("discord.com", "PTB.Discord.com")])
def test_a_discord_address_gets_what_discord_takes_however_it_was_subscribed(address: str) -> None:
    long = channels.Letter("id", "subject", "@everyone \U0001f600" * 900, {"our": "document"})
    told = channels.payload(address, long)
    assert set(told) == {"content", "allowed_mentions"} and told["allowed_mentions"] == {"parse": []}
    content = str(told["content"])
    assert 0 < len(content.encode("utf-16-le")) // 2 <= 2000 and content.endswith("…")


def test_a_slack_address_gets_what_slack_takes_and_nobody_is_called() -> None:
    told = channels.payload(SLACK, channels.Letter("id", "subject", "<!channel> a & b", {"our": "document"}))
    assert told == {"text": "&lt;!channel&gt; a &amp; b"}


@pytest.mark.parametrize("address", ["https://example.org/discord.com", "https://discord.com.example.org/api/webhooks"])
def test_any_other_address_gets_our_document(address: str) -> None:
    assert channels.payload(address, channels.Letter("id", "s", "t", {"our": "document"})) == {"our": "document"}


def test_letters_have_a_queue_that_nothing_of_a_round_shares() -> None:
    from competition.management.commands.run import parts
    from core.machine.engine import stateful_models

    ours = Delivery.graph.states["waiting"].queue
    others = {
        state.queue for model in stateful_models() if model is not Delivery for state in model.graph.states.values()
    }
    assert ours == "letters" and ours not in others
    programs = [one.argv for one in parts(host="127.0.0.1", port=1, workers=2, demo=True) if "worker" in one.argv]
    assert [argv for argv in programs if "letters" in argv] == [
        argv for argv in programs if not {"io", "cpu", "judge", "pods"} & set(argv)
    ]


def test_few_letters_of_one_owner_are_on_their_way_and_one_to_each_receiver(competition: Competition) -> None:
    for number in range(10):
        asked(f"https://hooks-{number}.example.org/")
    other = subscribing.subscribe(
        channel="webhook", address="https://example.org/", kinds=["*"], owner="another", now=NOW
    )[0]
    for _ in range(5):
        tell(competition, "round.open", round=1)
    steps.write_letters(NOW)
    steps.write_letters(NOW)
    on_their_way = Delivery.objects.filter(due_at__lte=NOW)
    assert on_their_way.filter(subscription__owner="lead").count() == notices.IN_FLIGHT
    assert on_their_way.filter(subscription=other).count() == 1
    assert Delivery.objects.count() > 50


def test_a_receiver_that_fails_for_an_hour_is_suspended_and_its_owner_switches_it_on_again(
    competition: Competition,
) -> None:
    with receiver(*[500] * 40) as at:
        subscription = asked(at.url)
        tell(competition, "appeal.lodged", round=1)
        tell(competition, "appeal.upheld", round=1)
        for minutes in (0, 10, 30, 59):
            Delivery.objects.filter(state="waiting").update(due_at=NOW)
            work(NOW + timedelta(minutes=minutes))
            subscription.refresh_from_db()
            assert subscription.suspended_at is None and subscription.failing_since == NOW
        Delivery.objects.filter(state="waiting").update(due_at=NOW)
        work(NOW + timedelta(minutes=61))
        subscription.refresh_from_db()
        assert subscription.suspended_at == NOW + timedelta(minutes=61)
        assert "500" in subscription.suspended_because
        Delivery.objects.filter(state="waiting").update(due_at=NOW)
        assert {row.failure_code for row in work(NOW + timedelta(minutes=62))} == {"SUSPENDED"}
        before = len(at.letters)
        tell(competition, "appeal.dismissed", round=1)
        work(NOW + timedelta(minutes=63))
        assert len(at.letters) == before and Delivery.objects.filter(state="waiting").count() == 0
    with receiver() as at:
        Subscription.objects.update(address=at.url)
        assert subscribing.switch_on(subscription) and not subscribing.switch_on(subscription)
        tell(competition, "appeal.lodged", at=NOW + timedelta(minutes=64), round=2)
        work(NOW + timedelta(minutes=65))
    assert len(at.letters) == 1
    subscription.refresh_from_db()
    assert (subscription.failing_since, subscription.failures, subscription.suspended_at) == (None, 0, None)


def test_one_letter_that_a_receiver_never_takes_does_not_suspend_it(competition: Competition) -> None:
    with receiver(*[500, 204] * 20) as at:
        subscription = asked(at.url)
        for minutes in range(0, 130, 10):
            tell(competition, "appeal.lodged", round=1, at=NOW + timedelta(minutes=minutes))
            Delivery.objects.filter(state="waiting", due_at__isnull=False).update(due_at=NOW)
            work(NOW + timedelta(minutes=minutes))
    subscription.refresh_from_db()
    assert subscription.suspended_at is None


def test_our_own_outage_suspends_nobody(competition: Competition, settings: Any) -> None:
    subscription = asked("reviewers@example.org", channel="email")
    tell(competition, "appeal.lodged", round=1)
    for hours in range(4):
        Delivery.objects.update(due_at=NOW)
        work(NOW + timedelta(hours=hours))
    subscription.refresh_from_db()
    assert subscription.suspended_at is None and subscription.failures == 0


def test_a_receiver_whose_letters_pile_up_is_suspended(
    competition: Competition, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notices, "MOST_WAITING", 3)
    subscription = asked("https://slow.example.org/")
    for _ in range(3):
        tell(competition, "appeal.lodged", round=1)
    steps.write_letters(NOW)
    tell(competition, "appeal.upheld", round=1)
    steps.write_letters(NOW)
    subscription.refresh_from_db()
    assert "too slowly" in subscription.suspended_because and Delivery.objects.count() <= 4
