"""Which audits does the list show?"""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from audits.models import Audit, Finding
from competition import attempts
from competition.models import Attempt
from dashboard.facts import audit_lists
from tests.dashboard import made_round
from tests.dashboard.made_round import NOW, Made
from tests.dashboard.test_over_rounds import table
from tests.dashboard.test_pages import facts, html
from tests.dashboard.test_pages_served import HOSTILE, queries_for

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock_measured")]
LIST = "/c/made/audits/"


def test_every_audit_in_force_is_listed_with_its_numbers(client: Client, made: Made) -> None:
    told = facts(client, LIST)
    assert sum(told["outcomes"].values()) == Audit.objects.count() == len(told["audits"])
    row = next(row for row in told["audits"] if row["kind"] == "generation")
    assert row["url"] == reverse("audit", args=["made", 1, row["miner"]["hotkey"]])
    text = html(client, LIST)
    assert told["sentence"] in text
    assert all(row["url"] in text for row in told["audits"])
    assert len(table(client, reverse("audits-csv", args=["made"]))) == len(told["audits"])


def test_an_outcome_is_chosen_by_a_link_and_stays_in_the_twin(client: Client, made: Made) -> None:
    passed = facts(client, f"{LIST}?outcome=passed")
    assert {row["verdict"] for row in passed["audits"]} == {"passed"}
    assert "?outcome=passed" in html(client, LIST)
    assert "No audit with this outcome" in html(client, f"{LIST}?outcome=reviewing")


def test_a_verdict_that_was_superseded_is_not_among_them(client: Client, made: Made) -> None:
    before = facts(client, LIST)
    old = Audit.objects.filter(state="passed").first()
    Audit.objects.create(
        round=old.round,
        submission=old.submission,
        kind=old.kind,
        attempt=attempts.later(old.round, 2, of=old.kind, entry=old.submission, cause=Attempt.Cause.CORRECTION),
        state="rejected",
        since=NOW,
        reason="Anew.",
    )
    after = facts(client, LIST)
    assert len(after["audits"]) == len(before["audits"])
    assert after["outcomes"]["rejected"] == before["outcomes"]["rejected"] + 1
    assert "Anew." in html(client, f"{LIST}?outcome=rejected")


def test_many_audits_are_sheets(client: Client, made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dashboard.pages.over_rounds.PER_PAGE", 1)
    whole = Audit.objects.count()
    first, last = facts(client, LIST), facts(client, f"{LIST}?page={whole}")
    assert (first["sheets"], last["sheet"], len(last["audits"])) == (whole, whole, 1)
    assert first["audits"] != last["audits"]
    assert 'rel="next"' in html(client, LIST)
    assert facts(client, f"{LIST}?page=999")["sheet"] == whole


def test_an_empty_list_says_when_audits_come(client: Client, made: Made) -> None:
    Finding.objects.all().delete()
    Audit.objects.all().delete()
    assert "No entry was audited yet" in html(client, LIST)


def test_what_a_miner_or_a_tool_wrote_is_text(client: Client, db: None) -> None:
    made_round.make(hostile=HOSTILE)
    Audit.objects.update(reason="<u>x</u>")
    assert "<u>" not in html(client, LIST)


def test_more_audits_cost_no_further_query(client: Client, db: None) -> None:
    few, many = made_round.make(slug="few", miners=5, prompts=6), made_round.make(slug="many", miners=10, prompts=12)
    at = [reverse("audits", args=[made.competition.slug]) for made in (few, many)]
    assert queries_for(client, at[0]) == queries_for(client, at[1]) <= 8


def test_every_verdict_has_a_place_in_the_filter() -> None:
    assert set(audit_lists.OUTCOMES) == set(audit_lists.VERDICTS)
