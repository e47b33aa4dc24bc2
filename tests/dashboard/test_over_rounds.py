"""What is said of a competition over all its rounds: its leaders and its prompts."""

from __future__ import annotations

import csv
import io

import pytest
from django.core.cache import cache
from django.db.models import Count, Sum
from django.test import Client
from django.urls import reverse

from competition.models import Miner, Prompt
from dashboard.facts import prompt_counts
from dashboard.models import PromptCount
from dashboard.pages.answers import twin_url
from dashboard.pages.csv_tables import written
from judging.models import Duel, Match
from tests.dashboard import made_round
from tests.dashboard.made_round import Made
from tests.dashboard.test_pages import facts, html, match_url
from tests.dashboard.test_pages_served import HOSTILE, queries_for

pytestmark = pytest.mark.django_db


def pages(slug: str) -> dict[str, str]:
    return {
        "leaders": reverse("leaders", args=[slug]),
        "prompts": reverse("prompt-gallery", args=[slug]),
        "prompt": reverse("prompt", args=[slug, "prompt-000"]),
    }


def table(client: Client, url: str) -> list[dict[str, str]]:
    answer = client.get(url)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/csv; charset=utf-8")
    return list(csv.DictReader(io.StringIO(answer.content.decode())))


def test_each_has_a_twin_and_nothing_inline(client: Client, made: Made) -> None:
    for name, url in pages("made").items():
        text = html(client, url)
        assert facts(client, url)["url"] == url
        assert f'href="{twin_url(url)}"' in text
        assert " style=" not in text
        scripts = 2 if name == "leaders" else 1
        assert text.count("<script") == scripts, "the keys; on leaders what waits for a click; and nothing else"
        assert "perceptual-v1" in text, "what is embedded is labelled"


def test_what_a_miner_wrote_is_text_here_too(client: Client, db: None) -> None:
    made_round.make(hostile=HOSTILE)
    Miner.objects.update(label="<u>x</u>")
    for url in pages("made").values():
        assert "<u>" not in html(client, url)


@pytest.mark.usefixtures("clock_measured")
def test_twice_the_miners_and_prompts_cost_no_further_query(client: Client, db: None) -> None:
    made_round.make(slug="few", miners=5, prompts=6)
    made_round.make(slug="many", miners=10, prompts=12)
    few = {name: queries_for(client, url) for name, url in pages("few").items()}
    many = {name: queries_for(client, url) for name, url in pages("many").items()}
    assert few == many
    # leaders: two more for the field of all leaders, the entries with which they lead and what these were judged to be
    most = {"leaders": 6, "prompts": 5, "prompt": 6}
    assert {name: count for name, count in many.items() if count > most[name]} == {}


def test_a_term_lasts_from_winning_to_the_next_winner(client: Client, made: Made) -> None:
    page = facts(client, reverse("leaders", args=["made"]))
    newest, first = page["terms"]
    assert newest["miner"]["hotkey"] == made.miners[1].hotkey
    assert (newest["won_in"], newest["until_block"], newest["defences"]) == (1, None, 0)
    assert (first["from_block"], first["until_block"]) == (0, 2099)
    assert [step["weight"] for step in page["steps"]] == ["1", "1"], "oldest first"
    text = html(client, reverse("leaders", args=["made"]))
    assert text.count("<rect class=") == 2, "a column for each step"
    assert "2 leaders so far; none has defended the lead yet." in text


def test_a_prompt_counts_judged_duels_only(client: Client, made: Made) -> None:
    """The winner's screen: W D W L V D …; the loser's, stopped after 6 of 12: L D L L L D."""
    rows = {row["prompt"]: row for row in facts(client, reverse("prompt-gallery", args=["made"]))["prompts"]}
    first, fifth, last = rows["prompt-000"], rows["prompt-004"], rows["prompt-011"]
    assert (first["judged"], first["won"], first["lost"], first["forfeited"]) == (2, 1, 1, 1)
    assert first["decisive"] == "1"
    assert first["discrimination"] == "1", "both went the way of their match"
    assert (fifth["void"], fifth["judged"]) == (1, 1)
    assert (last["judged"], last["won"], last["lost"]) == (1, 0, 0), "what was not needed does not count"


def test_copies_do_not_count_twice(client: Client, made: Made) -> None:
    rows = facts(client, reverse("prompt-gallery", args=["made"]))["prompts"]
    assert sum(row["forfeited"] for row in rows) == 12, "two entries forfeited all; one is a copy"


def test_prompts_can_be_put_in_order(client: Client, made: Made) -> None:
    url = reverse("prompt-gallery", args=["made"])
    named = [row["prompt"] for row in table(client, f"{url[:-1]}.csv?sort=name")]
    assert named == sorted(named)
    shares = [float(row["decisive_rounded"]) for row in table(client, f"{url[:-1]}.csv") if row["decisive"]]
    assert shares == sorted(shares, reverse=True)
    least = [float(row["decisive_rounded"]) for row in table(client, f"{url[:-1]}.csv?sort=least") if row["decisive"]]
    assert least == sorted(least)
    assert facts(client, url)["order"] == "decisive"
    for odd in (
        "?page=99999999999",
        "?page=-1",
        "?page=2",
        "?round=1&sort=discrimination",
    ):
        html(client, url + odd)
    assert client.get(f"{url}?round=77").status_code == 404


def test_a_prompt_nobody_drew_is_not_shown_before_its_time(client: Client, made: Made) -> None:
    Prompt.objects.create(competition=made.competition, stem="secret", sha256="5e" * 32, bytes=1)
    cache.clear()
    assert "secret" not in html(client, reverse("prompt-gallery", args=["made"]))
    assert client.get(reverse("prompt", args=["made", "secret"])).status_code == 404


def test_a_prompt_leads_to_every_duel_on_it(client: Client, made: Made) -> None:
    url = reverse("prompt", args=["made", "prompt-000"])
    duels = facts(client, url)["duels"]
    assert {duel["round"] for duel in duels} == {1, 2}
    assert f"{match_url(made)}prompt-000/" in html(client, url)


def test_tables_open_in_a_spreadsheet(client: Client, made: Made) -> None:
    matches = table(client, "/c/made/r/1.csv")
    assert {row["challenger_hotkey"] for row in matches} == {miner.hotkey for miner in made.miners[1:5]}
    duels = table(client, f"{match_url(made)[:-1]}.csv")
    assert [row["result"] for row in duels][:3] == ["won", "drawn", "won"]
    assert table(client, "/c/made/leaders.csv")[1]["won_in"] == "1"


def test_a_text_never_becomes_a_formula() -> None:
    rows = [{"repo": "=HYPERLINK(1)", "margin": "-1/2", "net": -3, "note": "@x", "plain": "a, b"}]
    assert written(rows) == "repo,margin,net,note,plain\n'=HYPERLINK(1),-1/2,-3,'@x,\"a, b\"\n"


def test_counts_that_are_kept_are_those_of_the_duels(client: Client, db: None) -> None:
    made = made_round.make(miners=8, prompts=10)
    live = prompt_counts.over(prompt_counts.newest(made.competition))
    assert sum(counts["judged"] for counts in live.values()) > 0
    assert not PromptCount.objects.exists(), "nothing is published yet"
    prompt_counts.keep(made.finished)
    prompt_counts.keep(made.finished)
    kept = {row.prompt_id: row for row in PromptCount.objects.filter(round=made.finished)}
    again = prompt_counts.counted([made.finished.pk])[made.finished.pk]
    assert {pk: {name: getattr(row, name) for name in prompt_counts.COUNTS} for pk, row in kept.items()} == again
    cache.clear()
    assert prompt_counts.over(prompt_counts.newest(made.competition)) == live, (
        "from the rows, with the running round's duels beside them"
    )


def test_a_correction_counts_anew(db: None) -> None:
    made = made_round.make(miners=6, prompts=6)
    prompt_counts.keep(made.finished)
    before = PromptCount.objects.filter(round=made.finished).aggregate(n=Sum("won"))["n"]
    Duel.objects.filter(match__round=made.finished, match__kind="screen", outcome="challenger").update(outcome="draw")
    prompt_counts.keep(made.finished)
    assert before > PromptCount.objects.filter(round=made.finished).aggregate(n=Sum("won"))["n"]


def test_a_decided_match_knows_how_many_duels_it_has(made: Made) -> None:
    rows = Match.objects.annotate(n=Count("duels"))
    assert all(row.duels_made == (row.n if row.state == "decided" else 0) for row in rows)


def test_the_beginning_of_a_prompts_name_leads_to_the_prompt(client: Client, made: Made) -> None:
    Prompt.objects.filter(stem="prompt-003").update(stem="0fa427a2b5")
    at = reverse("prompt", args=["made", "0fa427a2b5"])
    for ending in ("/", ".json"):
        moved = client.get(f"/c/made/prompts/0fa427{ending}")
        assert (moved.status_code, moved.headers["Location"]) == (302, at.rstrip("/") + ending)
    assert client.get("/c/made/prompts/0fa42/").status_code == 404, "five characters are too few"
    assert client.get(f"{match_url(made)}0fa427/").headers["Location"] == f"{match_url(made)}0fa427a2b5/"
    text = html(client, "/c/made/prompts/prompt-00/", status=300)
    assert reverse("prompt", args=["made", "prompt-001"]) in text
    assert reverse("prompt", args=["made", "prompt-001"]) in html(client, "/search/?q=prompt-001")
    assert at in html(client, "/search/?q=0fa427")


def test_a_prompt_of_the_pool_is_found_by_nobody(client: Client, made: Made) -> None:
    Prompt.objects.create(competition=made.competition, stem="secret-0001", sha256="5" * 64, bytes=1)
    assert client.get("/c/made/prompts/secret-/").status_code == 404
    assert "Nothing found" in html(client, "/search/?q=secret-0")
