"""One picture of the field: quality, speed and soundness of a round's entries, and of the leaders; nothing is nought
that was not measured."""

from __future__ import annotations

import csv
import io
from fractions import Fraction
from typing import Any

import plotly.graph_objects as plotly
import pytest
from django.core.cache import cache
from django.test import Client

from audits.models import PodRun
from competition.models import Asset, Reign, Round, Submission
from dashboard.facts.plots import LARGEST, Axis, Point
from judging.models import Match
from tests.dashboard import made_round
from tests.dashboard.made_round import NOW, Made
from tests.dashboard.test_charts import inked, plot
from tests.dashboard.test_pages import facts, html
from tests.dashboard.test_pages_served import HOSTILE, queries_for

pytestmark = pytest.mark.django_db
FIELD, LEADERS, ROUND = "/c/made/r/1/field/", "/c/made/leaders/", "/c/made/r/1/"


def ran(entry: Submission, *, mean_s: float) -> None:
    """The platform ran its code, so many seconds an output."""
    told = {"purpose": "leader", "seed": 1, "provider": "local", "isolation": [], "generated_s": 9, "state": "done"}
    PodRun.objects.create(submission=entry, mean_output_s=mean_s, since=NOW, **told)


def measure(entry: Submission, *, files: int, origin: str) -> None:
    stored = Asset.objects.filter(submission=entry, origin=origin, state="stored").order_by("prompt__stem")
    made_round.measure(list(stored)[:files])


def entries_of(made: Made) -> list[Submission]:
    """Of the finished round: the leader, the winner, who lost."""
    return [made.finished.submissions.get(miner=miner) for miner in made.miners[:3]]


@pytest.fixture
def measured(made: Made) -> Made:
    """Of the finished round: leader and winner are timed and measured; of the winner's files fewer have a defect."""
    leader, winner, _ = entries_of(made)
    ran(leader, mean_s=7.0)
    measure(leader, files=4, origin="generated")  # by their place 0, 3, 6 and 9 open edges
    measure(winner, files=2, origin="submitted")
    return made


def by_hotkey(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {row["miner"]["hotkey"]: row for row in rows}


def test_the_field_of_a_round_has_every_entry_with_its_three_numbers(client: Client, measured: Made) -> None:
    page = facts(client, FIELD)
    rows, (leader, winner, loser) = by_hotkey(page["entries"]), entries_of(measured)
    assert len(page["entries"]) == measured.finished.submissions.filter(objection="").count()
    screen = Match.objects.get(challenger=winner, kind="screen")
    assert Fraction(rows[winner.miner.hotkey]["margin"]) == Fraction(screen.margin_micro, 1_000_000).limit_denominator(
        20
    )
    assert (rows[winner.miner.hotkey]["output_s"], rows[winner.miner.hotkey]["defect_share"]) == (3.5, 0.5)
    assert (rows[leader.miner.hotkey]["output_s"], rows[leader.miner.hotkey]["defect_share"]) == (7.0, 0.75)
    assert [row["state"] for row in page["entries"]][:2] == ["leader", "sounder"], "the leader, then by margin"
    unmeasured = rows[loser.miner.hotkey]
    assert (unmeasured["output_s"], unmeasured["defect_share"], unmeasured["state"]) == (None, None, "unknown")
    assert page["sentence"] == "Of 5 entries, 4 have a margin, 2 a measured speed, 2 measured files."


def test_the_margin_in_the_field_is_that_of_the_charts_and_of_the_match_it_leads_to(
    client: Client, measured: Made
) -> None:
    margins = {row["url"]: row["margin"] for row in facts(client, "/c/made/charts/")["margins"]}
    rows = [row for row in facts(client, FIELD)["entries"] if row["state"] != "leader"]
    assert len(rows) == 4
    for row in rows:
        assert row["margin"] == margins[row["url"]] == facts(client, row["url"])["tally"]["margin"]


def test_the_field_compares_by_margins_against_the_leader_alone(client: Client, measured: Made) -> None:
    """On a ladder the winner has met somebody else, too, with another margin."""
    _, winner, other = entries_of(measured)
    before = by_hotkey(facts(client, FIELD)["entries"])[winner.miner.hotkey]
    screen = Match.objects.get(challenger=winner, kind="screen")
    screen.pk, screen.kind, screen.defender, screen.won, screen.lost = None, "ladder", other, 12, 0
    screen.save()
    cache.clear()
    page = facts(client, FIELD)
    assert by_hotkey(page["entries"])[winner.miner.hotkey] == before
    assert page["improved"]["quality"] == before["margin"]


def test_what_is_not_measured_is_called_so_and_never_nought(client: Client, measured: Made) -> None:
    text, loser = html(client, FIELD), entries_of(measured)[2]
    row = text[text.index("<tbody") :]
    row = row[row.index(f'title="{loser.miner.hotkey}"') :].partition("</tr>")[0]
    assert row.count("not measured") == 2 and "not known" in row
    figure = client.get("/c/made/r/1/charts/field.json").json()
    apart = [trace for trace in figure["data"] if trace.get("xaxis") == "x2"]
    assert apart and any("not measured" in words for trace in apart for words in trace["text"])
    assert "speed not measured" in [note["text"] for note in figure["layout"]["annotations"]]
    assert all(0 not in trace["x"] for trace in figure["data"] if "xaxis" not in trace)


def test_before_anything_is_judged_or_measured_the_field_says_what_will_be_here(client: Client, made: Made) -> None:
    page = facts(client, "/c/made/r/2/field/")
    assert all(row["output_s"] is None and row["defect_share"] is None for row in page["entries"])
    assert "a measured speed" in page["sentence"] and page["improved"] is None
    text = " ".join(html(client, "/c/made/r/2/field/").split())
    assert "no decided match" in text and "which is not decided yet" in text


def test_a_field_of_nobody_is_an_empty_state(client: Client, made: Made) -> None:
    made.running.state = "open"
    made.running.save()
    text = html(client, "/c/made/r/2/field/")
    assert "Nobody has entered yet." in text and "Nothing to draw yet." in text and "<table" not in text
    assert client.get("/c/made/r/2/charts/field.json").json()["data"] == []
    assert client.get("/c/made/r/2/field.csv").content == b"\n"


def test_the_field_is_a_picture_a_table_and_a_sheet_of_the_same_numbers(client: Client, measured: Made) -> None:
    page, text = facts(client, FIELD), html(client, FIELD)
    sheet = list(csv.DictReader(io.StringIO(client.get("/c/made/r/1/field.csv").content.decode())))
    assert [row["miner_hotkey"] for row in sheet] == [row["miner"]["hotkey"] for row in page["entries"]]
    assert [row["output_s"] for row in sheet][:2] == ["7.0", "3.5"]
    assert {row["margin"] for row in sheet if row["state"] == "leader"} == {""}
    figure = client.get("/c/made/r/1/charts/field.json").json()
    assert plotly.Figure(inked(figure)).data
    drawn = {url: y for trace in figure["data"] for url, y in zip(trace["customdata"], trace["y"], strict=True)}
    for row in page["entries"]:
        assert drawn[row["url"]] == pytest.approx(0 if row["state"] == "leader" else row["margin_rounded"])
    assert text.count('class="sketch"') == 1 and text.count("Explore (400 KB)") == 1 and " style=" not in text
    assert text.count("<table") == 1, "one table of it, with what the picture cannot show"
    assert "/c/made/r/1/field/" in html(client, ROUND)
    assert client.get("/c/made/r/1/charts/horoscope.json").status_code == 404


def test_the_leaders_stand_in_one_picture_by_how_they_took_the_lead(client: Client, measured: Made) -> None:
    leader, winner, _ = entries_of(measured)
    newest, first = facts(client, LEADERS)["field"]
    of_round = by_hotkey(facts(client, FIELD)["entries"])[winner.miner.hotkey]
    assert newest == of_round, "one row, wherever it is shown"
    assert (first["miner"]["hotkey"], first["margin"], first["state"]) == (leader.miner.hotkey, None, "unknown")
    assert (first["round"], first["output_s"], first["defect_share"]) == (1, 7.0, 0.75), "where it met challengers"
    figure = client.get("/c/made/leaders/charts/field.json").json()
    assert [trace["y"] for trace in figure["data"]] == [[of_round["margin_rounded"]]], (
        "who led from the start beat nobody"
    )
    assert "no decided match" in " ".join(html(client, LEADERS).split())
    sheet = client.get("/c/made/leaders/field.csv").content.decode()
    assert len(sheet.splitlines()) == 3


def test_who_has_never_been_challenged_is_in_the_table_of_leaders_with_nothing_known(
    client: Client, made: Made
) -> None:
    Round.objects.update(defending=Reign.objects.get(sequence=1))
    Reign.objects.filter(sequence=2).delete()
    (first,) = facts(client, LEADERS)["field"]
    known = {first[name] for name in ("round", "margin", "output_s", "defect_share")}
    assert known == {None} and first["measured_files"] == 0
    assert "Nothing to draw yet." in html(client, LEADERS)


@pytest.mark.parametrize("url", [ROUND, FIELD, "/c/made/"])
def test_a_new_leader_is_held_against_the_last_one_by_three_numbers(client: Client, measured: Made, url: str) -> None:
    improved, winner = facts(client, url)["improved"], entries_of(measured)[1]
    assert improved["leader"]["hotkey"] == winner.miner.hotkey and improved["round"] == 1
    assert improved["quality"] == by_hotkey(facts(client, FIELD)["entries"])[winner.miner.hotkey]["margin"]
    assert (improved["speed"], improved["output_s"], improved["output_s_before"]) == (0.5, 3.5, 7.0)
    assert (improved["defect_share"], improved["defect_share_before"]) == (0.5, 0.75)
    text = " ".join(html(client, url).split())
    for words in ("0.50 × the time", "3.50 s, before 7.00 s", "50.0 % with a defect", "50.0 %, before 75.0 %"):
        assert words in text, words


@pytest.mark.parametrize("url", [ROUND, FIELD, "/c/made/"])
def test_each_of_the_three_numbers_has_its_unknown(client: Client, made: Made, url: str) -> None:
    improved, text = facts(client, url)["improved"], " ".join(html(client, url).split())
    assert improved["quality"] and improved["speed"] is None and improved["defect_share"] is None
    assert (improved["output_s"], improved["output_s_before"]) == (3.5, None)
    part = text[text.index("What improved") :].partition("</section>")[0]
    assert part.count("not known") == 2 and "3.50 s, before not measured" in part
    assert "not measured, before not measured" in part


def test_a_defence_and_a_first_leader_improve_nothing(client: Client, made: Made) -> None:
    Reign.objects.filter(sequence=2).update(miner=made.miners[0], defence=True)
    for url in (ROUND, FIELD, "/c/made/"):
        assert facts(client, url)["improved"] is None
        assert "What improved" not in html(client, url)
    assert "no new leader whose quality, speed and soundness could have improved" in " ".join(
        html(client, ROUND).split()
    )


def test_what_a_miner_wrote_is_text_in_the_field(client: Client, db: None) -> None:
    made = made_round.make(hostile=HOSTILE)
    for miner in made.miners:
        miner.label = "<u>x</u>"
        miner.save()
    for url in (FIELD, LEADERS, "/c/made/r/1/charts/field.json", "/c/made/leaders/charts/field.json"):
        assert "<u>" not in client.get(url).content.decode()


def test_more_leaders_cost_no_further_query(client: Client, made: Made) -> None:
    before = queries_for(client, LEADERS)
    for sequence, place in ((3, 2), (4, 1), (5, 3)):
        named = {"miner": made.miners[place], "weight": "1", "effective_block": 3000 + sequence}
        Reign.objects.create(competition=made.competition, sequence=sequence, won_in=made.running, **named)
    assert queries_for(client, LEADERS) == before
    assert len(facts(client, LEADERS)["field"]) == 5


def test_marks_without_a_place_have_a_band_and_do_not_move_the_axis() -> None:
    across = Axis(words="x", shape="seconds", unknown="not measured")
    placed = [Point(x=n, y=n / 10, group="a", words="") for n in (2, 8)]
    drawn, alone = plot(*placed, Point(x=None, y=0.2, group="a", words=""), x=across), plot(*placed, x=across)
    assert drawn.ends == alone.ends and (drawn.band, alone.band) == (16, 0)
    *known, unknown = list(drawn.marks)
    assert all(mark.x > drawn.band for mark in known) and 0 < unknown.x < drawn.band
    only = plot(Point(x=None, y=0.1, group="a", words=""), x=across)
    assert only.band == 100 and only.ends[:2] == ("", "") and [mark.x for mark in only.marks] == [50]
    assert "xaxis2" not in only.figure["layout"] and plotly.Figure(inked(only.figure)).data
    assert plot(x=across).band == 0
    assert plot(placed[0], x=across).ends[0] == "1.5 s" and plot(Point(x=0.3, y=0, group="a", words="")).ends[0] == "0"


def test_a_mark_grows_by_area() -> None:
    sizes = [Point(x=1, y=0, group="a", words="", size=size) for size in (0, 0.5, 1)]
    small, half, large = [mark.scale for mark in plot(*sizes).marks]
    assert (small, large) == (1, LARGEST)
    assert half**2 - small**2 == pytest.approx(large**2 - half**2, abs=0.05)
    assert plot(*sizes).figure["data"][0]["marker"]["size"] == [9, 17.1, 22.5]


def test_a_line_leads_through_the_points_that_have_a_place_in_their_order() -> None:
    across = Axis(words="x", shape="seconds", unknown="not measured")
    points = [Point(x=x, y=0.1, group="a", words="", url="/") for x in (5, 1, None, 3)]
    drawn = plot(*points, x=across, joined=True)
    (first, second), places = drawn.joints, [mark.x for mark in drawn.marks]
    assert [first.x1, first.x2, second.x1, second.x2] == [places[0], places[1], places[1], places[3]]
    assert drawn.figure["data"][0]["mode"] == "lines" and drawn.figure["data"][0]["x"] == [5, 1, 3]
    assert plotly.Figure(inked(drawn.figure)).data
    assert list(plot(*points, x=across).joints) == [] and len(plot(points[0], joined=True).figure["data"]) == 1
