"""A letter to any hostile receiver ends, in time, with a class and a code; an address that leads inside is refused."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from competition.notices import channels, subscribing
from competition.notices.models import Subscription
from core.net.limits import Patience
from tests.competition import made
from tests.hostile import webhooks

QUICK = Patience(total_s=0.6, connect_s=0.5, idle_s=0.25)
WAIT_S = 120.0  # on a busy machine; a letter that doesn't end fails its test
POST = ThreadPoolExecutor(1)
KINDS = sorted(webhooks.ANSWERS)
PARTS = 8


def test_there_are_two_hundred_kinds_and_more() -> None:
    assert len(webhooks.ANSWERS) + len(webhooks.ADDRESSES) >= 220
    assert len(webhooks.ANSWERS) >= 150


@pytest.mark.parametrize("part", range(PARTS))
def test_a_letter_ends_whatever_its_receiver_does(part: int, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.DEMO = True
    settings.SECRET_KEY = "of this test"
    monkeypatch.setattr(channels, "PATIENCE", QUICK)
    letter = channels.Letter("id", "subject", "text", {"event": "round.open"})
    for kind in KINDS[part::PARTS]:
        with webhooks.receiver(kind) as address:
            sending = POST.submit(channels.webhook, Subscription(address=address), letter, now=made.START)
            try:
                status = sending.result(timeout=WAIT_S)
                assert 200 <= status < 300, kind
            except channels.Undelivered as failed:
                assert failed.code and failed.sentence and failed.code != "NOT_SENT", kind
                assert failed.failure_class in ("miner", "infrastructure"), kind


@pytest.mark.django_db
@pytest.mark.parametrize("name", webhooks.ADDRESSES)
@pytest.mark.parametrize("demo", [False, True])
def test_a_hostile_address_is_refused_by_the_name_of_its_field(name: str, demo: bool, settings: Any) -> None:
    settings.DEMO = demo
    with pytest.raises(subscribing.BadSubscription) as refused:
        subscribing.subscribe(
            channel="webhook", address=webhooks.ADDRESSES[name], kinds=["*"], owner="lead", now=made.START
        )
    assert refused.value.field == "address"
