"""Does the receipt say why who leads leads, and prove each step?"""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from audits.models import Audit
from competition.models import Reign
from competition.rulesets import RULESETS, MatchWords
from judging.models import Match
from tests.dashboard.made_round import Made
from tests.dashboard.test_pages import facts, html, match_url

pytestmark = pytest.mark.django_db


def receipt(client: Client, made: Made) -> dict[str, object]:
    """The same on the round's page and on the front page."""
    told = facts(client, reverse("round", args=["made", 1]))["receipt"]
    assert facts(client, reverse("competition", args=["made"]))["receipt"] == told
    return told


def test_a_new_leaders_receipt_leads_from_margin_to_weight(client: Client, made: Made) -> None:
    told = receipt(client, made)
    assert "leads: 4 duels won, 4 drawn, 2 lost against the leader, +20.00 % where 5 % was needed." in told["sentence"]
    assert told["distance"] == "One duel that ended otherwise would have kept the leader ahead."
    assert told["flip_distance"] == 1
    steps = {link["step"]: link for link in told["chain"]}
    assert list(steps) == ["margin", "bar", "ladder", "audits", "weight"]
    assert steps["margin"]["url"] == match_url(made)
    assert steps["audits"]["words"] == "passed"
    for link in steps.values():
        assert client.get(link["url"].partition("#")[0]).status_code == 200, link
    text = html(client, reverse("competition", args=["made"]))
    assert "would have kept the leader ahead" in text
    assert f'<a href="{match_url(made)}">+20.00 %</a>' in text


def test_a_leader_who_defended_sees_who_came_closest(client: Client, made: Made) -> None:
    Reign.objects.filter(sequence=2).update(defence=True, miner=made.miners[0])
    screen = made.matches[made.miners[1].hotkey + "screen"]
    Match.objects.filter(pk=screen.pk).update(won=2, drawn=6, lost=2, margin_micro=0)
    told = receipt(client, made)
    assert "came closest: 2 duels won, 6 drawn, 2 lost against the leader, 0.00 %, 1 net duel short" in told["sentence"]
    assert told["distance"].endswith("otherwise would have brought it to the bar, and to its audits.")


def test_a_rejected_audit_is_the_reason(client: Client, made: Made) -> None:
    Reign.objects.filter(sequence=2).update(defence=True, miner=made.miners[0])
    Audit.objects.filter(kind="source").update(state="rejected")
    told = receipt(client, made)
    assert told["sentence"].endswith("had +20.00 % against the leader, and its audit rejected it.")
    assert told["distance"] == ""
    assert {link["step"]: link["words"] for link in told["chain"]}["audits"] == "rejected"


def test_without_a_won_duel_there_is_only_the_weight(client: Client, made: Made) -> None:
    Reign.objects.filter(sequence=2).update(defence=True, miner=made.miners[0])
    Match.objects.filter(round=made.finished).update(won=0, lost=4, margin_micro=-400_000)
    told = receipt(client, made)
    assert told["sentence"] == "No challenger won a duel."
    assert [link["step"] for link in told["chain"]] == ["weight"]


def test_a_running_round_has_no_receipt(client: Client, made: Made) -> None:
    assert facts(client, reverse("round", args=["made", 2]))["receipt"] is None


def test_a_kind_of_match_that_a_ruleset_adds_brings_its_words_along(
    client: Client, made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = MatchWords(weight=9, endings={"won": "takes the cup"}, earned="won", goal="the cup", order="on the beach")
    monkeypatch.setattr(RULESETS["margin-1"], "match_words", {"screen": words})
    Match.objects.filter(round=made.finished, kind="screen").update(stopped="won")
    told = receipt(client, made)
    assert told["distance"] == "One duel that ended otherwise would have left it short of the cup."
    assert {link["step"]: link["words"] for link in told["chain"]}["ladder"] == "on the beach"
    rows = facts(client, reverse("round", args=["made", 1]))["matches"]
    assert "takes the cup" in {row["verdict"] for row in rows if row["kind"] == "screen"}
