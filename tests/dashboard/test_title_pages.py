"""Do the pages of a round of title-1 say what decided it: credits on fresh prompts, not the margin of the screen?"""

from __future__ import annotations

from fractions import Fraction

import pytest
from django.test import Client
from django.urls import reverse

from competition.models import Bankroll, FreshPrompt, Prompt, Round
from judging.models import Duel, Match
from tests.dashboard.made_round import Made
from tests.dashboard.test_pages import facts, html

pytestmark = pytest.mark.django_db
RULES = {"name": "title-1", "title": {"bar": "10", "stakes": ["1/2"], "prompts": 12, "out": "1/10"}}
RESULTS = ("challenger", "draw", "challenger", "defender", *("challenger",) * 6)


@pytest.fixture
def titled(made: Made) -> Match:
    """The winner of round 1 played for the title: 8 won, 1 drawn, 1 lost, and two prompts were left."""
    screen = made.matches[made.miners[1].hotkey + "screen"]
    told = [{"challenger": screen.challenger.key, "defender": "leader", "verdict": "advanced", "reason": "Won 8."}]
    Round.objects.filter(pk=made.finished.pk).update(ruleset="title-1", rules=RULES, decision={"ladder": told})
    prompts = list(Prompt.objects.filter(competition=made.competition).order_by("stem"))[:12]
    FreshPrompt.objects.bulk_create(
        FreshPrompt(round=made.finished, prompt=prompt, position=place) for place, prompt in enumerate(prompts)
    )
    match = Match.objects.create(
        round=made.finished,
        kind="title",
        defender=screen.defender,
        challenger=screen.challenger,
        state="decided",
        since=screen.since,
        defender_origin="generated",
        challenger_origin="generated",
        judge=screen.judge,
        judge_name=screen.judge_name,
        won=8,
        drawn=1,
        lost=1,
        margin_micro=700_000,
        stopped="title",
        stopped_after=10,
    )
    Duel.objects.bulk_create(
        Duel(match=match, prompt=prompt, position=place, since=screen.since, **_ended(place))
        for place, prompt in enumerate(prompts)
    )
    return match


def _ended(place: int) -> dict[str, str]:
    return {"state": "judged", "outcome": RESULTS[place]} if place < len(RESULTS) else {"state": "unneeded"}


def test_a_title_match_shows_its_credits_after_each_duel(client: Client, titled: Match) -> None:
    url = reverse("title", args=["made", 1, titled.challenger.miner.hotkey])
    page = client.get(url).context["page"]
    stake = Fraction(1, 2)
    assert page.credits.path[:4] == (1, 1 + stake, 1 + stake, (1 + stake) ** 2)
    assert page.credits.path[-1] == (1 + stake) ** 8 * (1 - stake)
    steps = page.credits.steps
    assert [step.side for step in steps] == ["won", "drawn", "won", "lost", *["won"] * 6]
    assert all((b.y2 < b.y1) == (b.side == "won") and (b.y2 > b.y1) == (b.side == "lost") for b in steps)
    heights = page.credits.heights
    assert heights["bar"] < heights["one"] < heights["out"] and steps[-1].y2 < heights["bar"]
    assert steps[0].y1 == heights["one"] and steps[-1].x2 == pytest.approx(100 * 10 / 12, abs=0.01)
    text = html(client, url)
    assert "From 1 credit to 12.81 in 10 duels; the title takes 10 and 5 %, below 0.1 it is out." in text
    assert facts(client, url)["credits"]["prompts"] == 12


def test_what_an_earlier_round_left_is_where_the_line_begins(client: Client, titled: Match, made: Made) -> None:
    pair = {"commit": titled.challenger.commit, "leader_commit": made.finished.defending.commit}
    before = Round.objects.get(pk=made.finished.pk)
    before.pk, before.number = None, 0
    before.save()
    Bankroll.objects.create(round=before, won=1, drawn=2, lost=0, out=False, **pair)
    url = reverse("title", args=["made", 1, titled.challenger.miner.hotkey])
    assert client.get(url).context["page"].credits.path[0] == Fraction(3, 2)
    assert "From 1.50 credits, from 3 duels of earlier rounds to" in html(client, url)


def test_a_round_of_title_1_tells_its_title_matches_and_its_screen_apart(client: Client, titled: Match) -> None:
    url = reverse("round", args=["made", 1])
    text = html(client, url)
    ladder, _, screen = text.partition('id="matches-title"')
    assert "earned the title" in ladder and f'<a href="{titled_url(titled)}">The match</a>' in ladder
    assert "The screen" in screen and titled_url(titled) not in screen.partition("</table>")[0]
    assert "<dt>Bar</dt><dd>10 credits and 5 %</dd>" in text
    assert "<dt>title.stakes</dt><dd>1/2</dd>" in text
    told = facts(client, url)["receipt"]
    assert {link["step"]: link["words"] for link in told["chain"]} | {"weight": ""} == {
        "margin": "+70.00 %",
        "bar": "10 credits and 5 %, reached",
        "ladder": "title match on fresh prompts",
        "audits": "passed",
        "weight": "",
    }
    assert told["flip_distance"] == 1 and told["distance"].endswith("would have left it short of the title.")


def test_a_screen_has_no_credits(client: Client, titled: Match) -> None:
    url = reverse("match", args=["made", 1, "leader", titled.challenger.miner.hotkey])
    assert facts(client, url)["credits"] is None
    assert "stakes.css" not in html(client, url)


def titled_url(match: Match) -> str:
    return reverse("title", args=["made", 1, match.challenger.miner.hotkey])
