"""How the site is heard of elsewhere: feeds, badge, embedded round, picture, crawlers."""

from __future__ import annotations

import io
from xml.etree import ElementTree

import pytest
from django.test import Client
from django.urls import reverse
from PIL import Image

from audits.models import Audit, Correction
from competition.models import Attempt, Miner, Round
from tests.dashboard import made_round
from tests.dashboard.made_round import Made
from tests.dashboard.test_pages import html
from tests.dashboard.test_pages_served import HOSTILE, queries_for

pytestmark = pytest.mark.django_db
LOC = "{http://www.sitemaps.org/schemas/sitemap/0.9}loc"
ATOM = "{http://www.w3.org/2005/Atom}"


def test_a_feed_tells_the_decision_each_audit_and_the_stage(client: Client, made: Made) -> None:
    answer = client.get("/feeds/made.atom")
    assert answer.headers["Content-Type"].startswith("application/atom+xml")
    titles = [entry.findtext(f"{ATOM}title") for entry in ElementTree.fromstring(answer.content).iter(f"{ATOM}entry")]
    winner = made.miners[1]
    assert f"Round 1: source audit of {winner.label} ({winner.hotkey[:8]}…{winner.hotkey[-6:]}) passed" in titles
    assert "Round 2: Duels" in titles
    assert any("takes the lead" in title for title in titles)
    told = client.get("/feeds/made.json").json()
    assert [item["title"] for item in told["items"]] == titles
    assert {item["tags"][0] for item in told["items"]} == {"decision", "audit", "stage"}
    ids = [item["id"] for item in told["items"]]
    assert len(set(ids)) == len(ids) == 4
    for item in told["items"]:
        assert client.get(item["url"].partition("testserver")[2]).status_code == 200


def test_a_verdict_that_is_not_in_force_is_in_no_feed(client: Client, made: Made) -> None:
    """What a correction found is told once it is applied, and then in place of the verdict before."""
    old = Audit.objects.filter(round=made.finished, kind="source", state="passed").first()
    assert old is not None
    asked = Attempt.objects.create(round=made.finished, of="decision", number=2, cause="correction")
    correction = Correction.objects.create(
        round=made.finished, number=1, scope="source", attempt=asked, state="staged", since=old.since
    )
    Audit.objects.create(
        round=made.finished,
        submission=old.submission,
        kind="source",
        attempt=asked,
        correction=correction,
        state="rejected",
        since=old.since,
    )
    verdicts = [title.rpartition(" ")[2] for title in titles(client) if "source audit of" in title]
    assert verdicts == ["passed"]
    Correction.objects.update(state="applied")
    verdicts = [title.rpartition(" ")[2] for title in titles(client) if "source audit of" in title]
    assert verdicts == ["rejected"]


def titles(client: Client) -> list[str]:
    return [item["title"] for item in client.get("/feeds/made.json").json()["items"]]


def test_a_hostile_headline_is_text_in_every_reader(client: Client, db: None) -> None:
    made = made_round.make(hostile=HOSTILE)
    Round.objects.filter(pk=made.finished.pk).update(headline=f"{HOSTILE}\x1b")
    entry = ElementTree.fromstring(client.get("/feeds/made.atom").content)
    summaries = [summary.text for summary in entry.iter(f"{ATOM}summary")]
    assert any("&lt;script&gt;" in text for text in summaries), "a summary is HTML to a reader"
    assert not any("<script>" in text for text in summaries)
    Miner.objects.update(label="<u>x</u>")
    assert "<u>" not in html(client, "/embed/made/round/1/")
    assert "<script>alert" not in html(client, "/embed/made/round/1/")


def test_the_badge_says_who_leads_and_that_it_is_simulated(client: Client, made: Made) -> None:
    answer = client.get("/badge/made/leader.svg")
    assert answer.headers["Content-Type"] == "image/svg+xml"
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    ElementTree.fromstring(answer.content)
    winner = made.miners[1].hotkey
    assert f"{winner[:8]}…{winner[-6:]} · 1.00" in answer.content.decode()
    assert "leader, simulated" in answer.content.decode()


def test_only_the_embedded_round_may_be_framed(client: Client, made: Made) -> None:
    answer = client.get("/embed/made/round/1/")
    assert "frame-ancestors *" in answer.headers["Content-Security-Policy"]
    assert "X-Frame-Options" not in answer.headers
    assert not answer.cookies
    assert "<script" not in answer.content.decode()
    assert "perceptual-v1" in answer.content.decode(), "what is embedded says so in a frame too"
    page = client.get(reverse("round", args=["made", 1]))
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    assert page.headers["X-Frame-Options"] == "DENY"


def poster_url(client: Client, number: int) -> str:
    text = html(client, reverse("round", args=["made", number]))
    return text.partition('og:image" content="http://testserver')[2].partition('"')[0]


def test_a_link_to_a_round_has_a_picture_whose_name_changes_with_it(client: Client, made: Made) -> None:
    for number in (1, 2):
        url = poster_url(client, number)
        answer = client.get(url)
        assert Image.open(io.BytesIO(answer.content)).size == (1200, 630)
        assert len(answer.content) < 150_000
        assert "immutable" in answer.headers["Cache-Control"]
    before = poster_url(client, 1)
    Round.objects.filter(pk=made.finished.pk).update(headline="Another one leads.")
    assert poster_url(client, 1) != before
    assert client.get(before).status_code == 404
    assert client.get(poster_url(client, 1)).status_code == 200


def test_crawlers_are_told_what_there_is(client: Client, made: Made) -> None:
    robots = html(client, "/robots.txt")
    assert "Disallow: /admin/" in robots
    assert "Sitemap: http://testserver/sitemap.xml" in robots
    places = [loc.text for loc in ElementTree.fromstring(client.get("/sitemap.xml").content).iter(LOC)]
    assert "http://testserver/c/made/r/1/" in places
    for place in places:
        assert client.get(place.partition("testserver")[2]).status_code == 200, place


@pytest.mark.usefixtures("clock_measured")
def test_twice_the_miners_and_prompts_cost_no_further_query(client: Client, db: None) -> None:
    names = {"feed": "/feeds/{}.atom", "badge": "/badge/{}/leader.svg", "embed": "/embed/{}/round/1/"}
    made_round.make(slug="few", miners=5, prompts=6)
    few = {name: queries_for(client, url.format("few")) for name, url in names.items()}
    made_round.make(slug="many", miners=10, prompts=12)
    many = {name: queries_for(client, url.format("many")) for name, url in names.items()}
    assert few == many
    most = {"feed": 8, "badge": 4, "embed": 17}  # the chain's block, and what is signed, for the weight in force
    assert {name: count for name, count in many.items() if count > most[name]} == {}
