"""Are the colours a visitor chose kept, without a script and without leading anybody astray?"""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from tests.dashboard.made_round import Made
from tests.dashboard.test_pages import facts, html, match_url

pytestmark = pytest.mark.django_db


def test_a_chosen_theme_is_kept_and_forgotten(client: Client, made: Made) -> None:
    url = reverse("round", args=["made", 1])
    assert "data-theme" not in html(client, url)
    assert client.get(f"/theme/dark/?next={url}").headers["Location"] == url
    assert '<html lang="en" data-theme="dark">' in html(client, url)
    assert "Cookie" in client.get(url).headers["Vary"], "nobody else is served this visitor's colours"
    client.get("/theme/auto/")
    assert "data-theme" not in html(client, url)


def test_a_forged_theme_is_no_markup(client: Client, made: Made) -> None:
    client.cookies["theme"] = "<b>"
    assert "data-theme" not in html(client, "/")
    assert client.get("/theme/neon/").status_code == 404


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "", "x"])
def test_a_theme_never_leads_to_another_site(client: Client, made: Made, elsewhere: str) -> None:
    assert client.get("/theme/light/", {"next": elsewhere}).headers["Location"] == "/"


def test_only_a_published_match_can_be_counted_again(client: Client, made: Made) -> None:
    page = facts(client, match_url(made))
    assert page["bundle"]["hash"] == "f" * 64
    text = html(client, match_url(made))
    assert f'data-hash="{"f" * 64}"' in text
    assert "verify.js" in text
    running = match_url(made, number=2, miner=2)
    assert facts(client, running)["bundle"] is None
    assert "verify.js" not in html(client, running)
