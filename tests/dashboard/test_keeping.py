"""When is a page answered with what was written a moment ago?"""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from competition.models import Round
from core import ledger
from tests.dashboard.made_round import Made
from tests.dashboard.test_pages import match_url
from tests.dashboard.test_pages_served import CaptureQueriesContext, connection

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock_measured")]
ROUND = "/c/made/r/1/"


@pytest.fixture(autouse=True)
def keeping(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "PAGES_KEPT_SECONDS", 30)


def queries(client: Client, url: str, **more: Any) -> int:
    with CaptureQueriesContext(connection) as seen:
        assert client.get(url, **more).status_code == 200
    return len(seen)


def test_a_settled_page_is_written_once(client: Client, made: Made) -> None:
    for url in (ROUND, match_url(made), f"{match_url(made)}prompt-000/"):
        first = client.get(url)
        assert queries(client, url) == 1, "where does its ledger stand?"
        again = client.get(url)
        assert again.content == first.content
        assert {name: again.headers.get(name) for name in first.headers} == dict(first.headers)


def test_an_event_of_its_ledger_makes_it_anew(client: Client, made: Made) -> None:
    client.get(ROUND)
    Round.objects.filter(pk=made.finished.pk).update(headline="Corrected.")
    assert b"Corrected." not in client.get(ROUND).content
    ledger.append(made.competition.pk, kind="correction", at=timezone.now(), body={"round": 1})
    assert b"Corrected." in client.get(ROUND).content


def test_what_still_moves_is_never_kept(client: Client, made: Made) -> None:
    for url in ("/c/made/r/2/", "/c/made/", match_url(made, number=2, miner=2)):
        client.get(url)
        assert queries(client, url) > 1, url


def test_a_visitor_who_is_signed_in_gets_their_own_page(client: Client, made: Made, admin_client: Client) -> None:
    client.get(ROUND)
    assert queries(admin_client, ROUND) > 2
    assert queries(client, ROUND) == 1


def test_each_theme_and_each_question_has_a_page_of_its_own(client: Client, made: Made) -> None:
    client.get(ROUND)
    assert queries(client, f"{ROUND}?order=reveal") > 1
    client.get(reverse("theme", args=["dark"]))
    assert b'data-theme="dark"' in client.get(ROUND).content


def test_an_unchanged_kept_page_costs_no_body(client: Client, made: Made) -> None:
    tag = client.get(ROUND).headers["ETag"]
    assert client.get(ROUND, headers={"If-None-Match": tag}).status_code == 304
