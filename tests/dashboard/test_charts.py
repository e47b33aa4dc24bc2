"""Charts that can be explored: a sketch, a table and plotly's data, all of the same numbers."""

from __future__ import annotations

import json
import zlib
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from audits.models import Audit, PodRun
from competition.models import Round
from dashboard.facts import chart_data, chart_pages
from dashboard.facts.plots import Axis, Group, Limit, Plot, Point
from dashboard.models import RecordFile
from judging.models import Match
from tests.dashboard import made_round
from tests.dashboard.made_round import Made
from tests.dashboard.test_pages import facts, html
from tests.dashboard.test_pages_served import HOSTILE, queries_for

VENDOR = Path(settings.BASE_DIR) / "dashboard" / "static" / "vendor"
APART = Group(key="b", words="bs", colour="gray", symbol="cross", apart=True)
GROUPS = (Group(key="a", words="as", colour="blue"), APART)


def plot(*points: Point, **more: Any) -> Plot:
    axes = {"x": Axis(words="x"), "y": Axis(words="y", shape="share")}
    return Plot(**{"name": "n", "title": "T", "caption": "It.", "groups": GROUPS, "points": points, **axes, **more})


def audit_chart(made: Made, name: str) -> str:
    return reverse("audit-chart", args=["made", 1, made.miners[1].hotkey, name])


def inked(value: Any) -> Any:
    """With a plain colour where a name of this site's stands."""
    if isinstance(value, dict):
        return {name: inked(each) for name, each in value.items()}
    if isinstance(value, list):
        return [inked(each) for each in value]
    return "red" if isinstance(value, str) and value.startswith("var(--") else value


def test_the_bundle_is_the_version_that_the_python_package_speaks() -> None:
    from plotly.offline import get_plotlyjs_version

    (bundle,) = VENDOR.glob("plotly-basic-*.min.js")
    version = get_plotlyjs_version()
    assert bundle.name == f"plotly-basic-{version}.min.js"
    assert f"plotly.js (basic - minified) v{version}" in bundle.read_text()[:200]
    assert f"vendor/{bundle.name}" in (settings.BASE_DIR / "templates" / "parts" / "plot.html").read_text()


@pytest.mark.django_db
def test_plotly_accepts_every_word_of_a_chart(client: Client, made: Made) -> None:
    import plotly.graph_objects as plotly

    urls = [reverse("chart", args=["made", name]) for name in chart_pages.PLOTS]
    for url in [*urls, audit_chart(made, "distances")]:
        told = client.get(url).json()
        assert plotly.Figure(inked(told)).data, url
        assert {trace["type"] for trace in told["data"]} <= {"scatter", "bar"}, "the basic bundle draws no other"


def test_plotly_gets_the_points_of_the_table_and_the_sketch() -> None:
    drawn = plot(*(Point(x=n, y=n / 10, group="a", words=f"p{n}") for n in range(5)))
    (trace,) = drawn.figure["data"]
    assert list(zip(trace["x"], trace["y"], strict=True)) == [(n, n / 10) for n in range(5)]
    assert [row[:4] for row in drawn.rows][1] == ("p1", "as", "1", "+10.0 %")
    marks = list(drawn.marks)
    assert [mark.x for mark in marks] == sorted(mark.x for mark in marks)
    assert [mark.y for mark in marks] == sorted((mark.y for mark in marks), reverse=True), "up is more"
    assert all(0 <= at <= 100 for mark in marks for at in (mark.x, mark.y))


def test_what_stands_apart_is_in_the_table_and_not_in_the_sketch() -> None:
    drawn = plot(Point(x=1, y=0.1, group="a", words="in"), Point(x=2, y=-1, group="b", words="out"))
    assert len(list(drawn.rows)) == 2
    assert [mark.group.key for mark in drawn.marks] == ["a"]
    assert [trace["visible"] for trace in drawn.figure["data"]] == [True, "legendonly"]


def test_a_limit_is_always_in_the_picture() -> None:
    (line,) = plot(Point(x=0, y=0, group="a", words=""), limits=(Limit(at=5.0, words="far"),)).lines
    assert 0 <= line.y1 == line.y2 <= 100
    (upright,) = plot(Point(x=0, y=0, group="a", words=""), limits=(Limit(at=9, words="far", upright=True),)).lines
    assert 0 <= upright.x1 == upright.x2 <= 100


def test_a_name_is_text_to_plotly_too() -> None:
    (trace,) = plot(Point(x=1, y=1, group="a", words='<a href="//evil">x</a>')).figure["data"]
    assert "<a" not in trace["text"][0]


@pytest.mark.django_db
def test_charts_say_what_the_rounds_say(client: Client, made: Made) -> None:
    url = reverse("charts", args=["made"])
    told = facts(client, url)
    decided = Match.objects.filter(state="decided").exclude(kind="audit")
    assert len(told["margins"]) == decided.count()
    winner = made.miners[1].hotkey
    (won,) = [row for row in told["margins"] if row["state"] == "won"]
    assert won["challenger"]["hotkey"] == winner
    assert {row["state"] for row in told["margins"]} == {"won", "below", "nothing"}
    (time,) = told["times"]
    assert (time["seconds"], time["limit_s"], time["miner"]["hotkey"]) == (42, 600, winner)
    text = html(client, url)
    assert text.count("<figure") == 3
    assert text.count("The same numbers as a table") == 3
    assert " style=" not in text
    assert "plotly-basic" in text
    assert text.count("<script") == 2, "the keys, and what waits for a click"
    assert "margin_rounded" in client.get(reverse("charts-csv", args=["made"])).content.decode()


@pytest.mark.django_db
def test_the_margins_are_the_numbers_of_their_matches_pages(client: Client, made: Made) -> None:
    rows = facts(client, reverse("charts", args=["made"]))["margins"]
    assert rows and any(row["forfeits_challenger"] for row in rows)
    for row in rows:
        tally = facts(client, row["url"])["tally"]
        counts = [name for name in row if name in tally]
        assert len(counts) == 9 and {"won", "drawn", "lost", "margin_rounded"} <= set(counts)
        assert {name: row[name] for name in counts} == {name: tally[name] for name in counts}, row["url"]


@pytest.mark.django_db
def test_a_competition_without_a_match_has_nothing_to_draw(client: Client, made: Made) -> None:
    assert facts(client, f"{reverse('charts', args=['made'])}?before=1")["margins"] == []
    assert "No match is decided yet" in html(client, f"{reverse('charts', args=['made'])}?before=1")
    assert client.get(reverse("chart", args=["made", "horoscope"])).status_code == 404


@pytest.mark.django_db
def test_old_rounds_are_a_page_further(client: Client, made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    Match.objects.filter(round=made.running).update(state="decided", margin_micro=0)
    monkeypatch.setattr(chart_data, "MOST_MATCHES", 4)
    newest = facts(client, reverse("charts", args=["made"]))
    assert {row["round"] for row in newest["margins"]} == {2}, "whole rounds"
    assert newest["older"] == 2
    before = client.get(f"{reverse('charts', args=['made'])}.json".replace("/.json", ".json"), {"before": 2}).json()
    assert {row["round"] for row in before["margins"]} == {1}
    assert before["older"] is None


@pytest.mark.django_db
def test_an_audit_shows_how_far_each_output_was(client: Client, made: Made) -> None:
    text = html(client, reverse("audit", args=["made", 1, made.miners[1].hotkey]))
    assert 'aria-labelledby="plot-distances"' in text
    told = client.get(audit_chart(made, "distances")).json()
    judged = Match.objects.get(kind="audit").duels.filter(state="judged").count()
    assert sum(len(trace["x"]) for trace in told["data"]) == judged
    assert client.get(audit_chart(made, "times")).status_code == 404, "nothing was kept of single prompts"


@pytest.mark.django_db
def test_an_audit_elsewhere_shows_its_distances_and_times(client: Client, made: Made) -> None:
    Round.objects.filter(pk=made.finished.pk).update(source={"era": 1})
    hotkey = made.miners[1].hotkey
    Audit.objects.filter(kind="generation").update(
        numbers={"critical_prompts": ["p-3"]}, limits={"generation_time_s": 90}
    )
    told: dict[str, Any] = {f"p-{n}": {"distance": n / 20, "generation_time": 60 + 50 * n} for n in range(4)}
    told |= {"odd": {"distance": "far"}, "none": None, "huge": {"distance": 1e300}}
    content = json.dumps(told).encode()
    RecordFile.objects.create(
        competition=made.competition,
        number=1,
        path=f"rounds/1/{hotkey}/generated.json",
        bytes=len(content),
        sha256=sha256(content).hexdigest(),
        content=zlib.compress(content),
    )
    far = client.get(audit_chart(made, "distances")).json()
    assert {trace["name"]: trace["y"] for trace in far["data"]} == {
        "within the limit": [0, 0.05, 0.1],
        "critical, over the limit": [0.15],
    }
    slow = client.get(audit_chart(made, "times")).json()
    assert [sum(trace["y"]) for trace in slow["data"]] == [3, 1]
    assert [note["text"] for note in slow["layout"]["annotations"]] == ["limit of one prompt", "limit of the median"]


@pytest.mark.django_db
def test_records_that_mean_harm_draw_nothing(client: Client, made: Made) -> None:
    Round.objects.filter(pk=made.finished.pk).update(source={"era": 1})
    hotkey = made.miners[1].hotkey
    for n, content in enumerate((b"[" * 100_000, b"[1]", b'{"a": {"distance": NaN}}')):
        RecordFile.objects.all().delete()
        RecordFile.objects.create(
            competition=made.competition,
            number=1,
            path=f"rounds/1/{hotkey}/generated.json",
            bytes=len(content),
            sha256=f"{n}" * 64,
            content=zlib.compress(content),
        )
        assert client.get(audit_chart(made, "distances")).status_code == 404
        assert client.get(reverse("audit", args=["made", 1, hotkey])).status_code == 200


@pytest.mark.django_db
def test_what_a_miner_wrote_is_text_in_charts(client: Client, db: None) -> None:
    made = made_round.make(hostile=HOSTILE)
    for miner in made.miners:
        miner.label = "<u>x</u>"
        miner.save()
    assert "<u>" not in html(client, reverse("charts", args=["made"]))
    assert "<u>" not in client.get(reverse("chart", args=["made", "margins"])).content.decode()


@pytest.mark.usefixtures("clock_measured")
@pytest.mark.django_db
def test_twice_the_miners_and_prompts_cost_no_further_query(client: Client, db: None) -> None:
    made_round.make(slug="few", miners=5, prompts=6)
    made_round.make(slug="many", miners=10, prompts=12)
    asked = [queries_for(client, reverse("charts", args=[slug])) for slug in ("few", "many")]
    assert asked[0] == asked[1] <= 9


def test_a_rerun_of_an_audit_is_an_audit_by_whatever_number(client: Client, made: Made) -> None:
    run = PodRun.objects.get(purpose="audit")
    limits = {"generation_s": 600}
    Audit.objects.filter(submission=run.submission, kind="generation").update(limits=limits)
    PodRun.objects.create(
        submission=run.submission,
        purpose="audit_1",
        seed=8,
        provider="local",
        isolation=[],
        generated_s=50,
        state="done",
        since=run.since,
    )
    rows = [row for row in client.get("/c/made/charts.json").json()["times"] if row["what"].startswith("audit")]
    assert {row["limit_s"] for row in rows} == {600.0}
    assert {row["url"] for row in rows} == {f"/c/made/r/1/audits/{run.submission.miner.hotkey}/"}
    assert [row["what"] for row in rows] == ["audit, all prompts", "audit again, 1, all prompts"]
