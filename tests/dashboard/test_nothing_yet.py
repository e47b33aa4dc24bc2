"""What does each page say where there is nothing to show yet?  A sentence, and what comes next: no empty frame."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from competition.models import Competition, Miner, Round
from dashboard.pages.answers import twin_url
from tests.dashboard.made_round import NOW, hotkey
from tests.dashboard.test_pages import html

pytestmark = pytest.mark.django_db


@pytest.fixture
def bare() -> Competition:
    """A competition in which nothing has happened."""
    return Competition.objects.create(
        slug="bare",
        name="Bare",
        ruleset="margin-1",
        judge="perceptual-v1",
        renderer="raycast",
        chain="simulated:none",
        pods="local",
        config={"format": "glb", "rules": {"win_margin": "1/20"}},
        created_at=NOW,
    )


def opened(competition: Competition) -> Round:
    return Round.objects.create(
        competition=competition,
        number=1,
        ruleset="margin-1",
        rules={"name": "margin-1", "win_margin": "1/20"},
        state="open",
        since=NOW,
        earliest_reveal_block=1,
        latest_reveal_block=99,
        seed_block=102,
        generation_deadline_block=400,
    )


def test_a_site_without_a_competition_says_so(client: Client) -> None:
    assert client.get("/").status_code == 200
    for name in ("status", "method", "data", "changelog", "reviews", "rules"):
        assert client.get(reverse(name)).status_code == 200, name
    assert client.get("/compare/").status_code == 404


SAYS = {
    "competition": ("Nobody leads yet.", "No round is decided yet.", "No round has been announced."),
    "leaders": ("Nobody has led yet.", "The first leader is set when the competition is seeded."),
    "audits": ("No entry was audited yet: audits come once a challenger qualifies.",),
    "prompt-gallery": ("0 prompts so far", "No round has drawn prompts yet."),
    "charts": ("No match is decided yet.", "Nothing to draw yet."),
}


@pytest.mark.parametrize("name", sorted(SAYS))
def test_a_competition_in_which_nothing_happened_says_what_is_awaited(
    client: Client, bare: Competition, name: str
) -> None:
    url = reverse(name, args=["bare"])
    text = html(client, url)
    assert [sentence for sentence in SAYS[name] if sentence not in text] == []
    assert client.get(twin_url(url)).status_code == 200


def test_a_window_that_just_opened_says_when_it_closes(client: Client, bare: Competition) -> None:
    opened(bare)
    text = html(client, reverse("round", args=["bare", 1]))
    for sentence in (
        "takes reveals: 0 miners so far",
        "No challenger yet. The window closes at block 99.",
        "It begins when the first matches against the leader are decided.",
        "Winners of the ladder are audited before the round is decided.",
    ):
        assert sentence in text
    assert client.get(reverse("prompts", args=["bare", 1])).status_code == 404


def test_a_miner_who_has_done_nothing_is_told_so(client: Client, bare: Competition) -> None:
    Miner.objects.create(hotkey=hotkey(7))
    text = html(client, reverse("miner", args=[hotkey(7)]))
    assert "This miner has not entered a round." in text
    assert "No submission yet." in text
