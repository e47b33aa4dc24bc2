"""How sound the files of an entry are, beside the leader's: on a match, a miner's page, a round, and in the API."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any

import pyarrow.parquet as pq
import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils.html import escape
from hypothesis import given
from hypothesis import strategies as st

from competition.models import Asset, Round, Submission
from competition.queries import entry_rows
from dashboard.facts import charts
from dashboard.facts.integrity import number_words
from dashboard.facts.integrity_summary import STEPS, integrity_summary
from dashboard.pages import inline_svg
from formats.integrity.measures import MESH_MEASURES, VERSION
from judging import queries
from judging.models import Duel, Measurement
from tests.dashboard import made_round
from tests.dashboard.made_round import Made
from tests.dashboard.test_pages import facts, html, match_url
from tests.dashboard.test_pages_served import queries_for


def files_of(entry: Submission, origin: str) -> list[Asset]:
    return list(Asset.objects.filter(submission=entry, origin=origin, state="stored").order_by("prompt__stem"))


@pytest.fixture
def measured(made: Made) -> Made:
    """Of the finished round's leader and winner; of the loser nothing is measured."""
    leader, winner = (made.finished.submissions.get(miner=miner) for miner in made.miners[:2])
    for entry, origin in ((leader, "generated"), (winner, "submitted")):
        made_round.measure(files_of(entry, origin))
    return made


def by_name(summary: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in summary["numbers"]}


@pytest.mark.django_db
def test_a_match_shows_both_sides_files_by_median_largest_and_how_they_lie(client: Client, measured: Made) -> None:
    url = match_url(measured)
    summary, text = facts(client, url)["integrity"], html(client, url)
    assert summary["version"] == VERSION
    assert [(side["role"], side["files"], side["measured"], side["defective"]) for side in summary["sides"]] == [
        ("defender", 12, 12, 9),
        ("challenger", 12, 12, 9),
    ]
    assert [row["name"] for row in summary["numbers"]] == [measure.name for measure in MESH_MEASURES]
    edges, overlap = by_name(summary)["open_edges"], by_name(summary)["uv_overlap"]
    assert edges["fault"] and edges["edges"][0] == 3 and edges["edges"][-1] == 9
    for side in edges["sides"]:
        assert (side["files"], side["median"], side["largest"]) == (12, 4.5, 9)
        assert side["steps"][0] == 3 and sum(side["steps"]) == 12
    assert [(side["files"], side["median"]) for side in overlap["sides"]] == [(6, 0.25), (6, 0.25)]
    assert "How sound the files are" in text and text.count('class="spread"') == 2, "open edges and triangles differ"
    assert "<b>4.5 · 9</b>" in text and "105.5 · 111" in text and "non-manifold edges" in text


@pytest.mark.django_db
def test_a_side_of_which_nothing_is_measured_says_so_and_nothing_measured_shows_nothing(
    client: Client, measured: Made
) -> None:
    page = facts(client, match_url(measured, miner=2))["integrity"]
    assert [(side["role"], side["measured"]) for side in page["sides"]] == [("defender", 12), ("challenger", 0)]
    assert "none of 12 files is measured" in html(client, match_url(measured, miner=2))
    Measurement.objects.update(state="unmeasured", numbers={})
    cache.clear()
    assert facts(client, match_url(measured))["integrity"] is None
    assert "How sound the files are" not in html(client, match_url(measured))


@pytest.mark.django_db
def test_numbers_of_two_versions_of_the_measure_are_not_compared(client: Client, measured: Made) -> None:
    leader = measured.finished.submissions.get(miner=measured.miners[0])
    few = [asset.sha256 for asset in files_of(leader, "generated")[:3]]
    Measurement.objects.filter(sha256__in=few).update(version="integrity-0")
    summary = facts(client, match_url(measured))["integrity"]
    assert summary["version"] == VERSION
    assert [(side["files"], side["measured"]) for side in summary["sides"]] == [(12, 9), (12, 12)]


@pytest.mark.django_db
def test_a_miner_s_page_shows_its_newest_measured_entry_beside_the_leader(client: Client, measured: Made) -> None:
    url = reverse("miner", args=[measured.miners[1].hotkey])
    entry, text = facts(client, url)["measured"], html(client, url)
    assert (entry["competition"], entry["round"], entry["role"]) == ("made", 1, "challenger"), "of round 2 nothing is"
    assert [side["role"] for side in entry["integrity"]["sides"]] == ["leader", "challenger"]
    assert entry["round_url"] in text and "beside the leader" in text and 'class="spread"' in text
    took = next(row for row in facts(client, url)["rounds"] if row["round"] == 1)
    assert (took["measured_files"], took["defect_share"], took["median_triangles"]) == (12, 0.75, 105.5)
    assert "75.0 % of 12 measured files" in text


@pytest.mark.django_db
def test_the_leader_s_own_page_shows_its_files_alone(client: Client, measured: Made) -> None:
    url = reverse("miner", args=[measured.miners[0].hotkey])
    assert [side["role"] for side in facts(client, url)["measured"]["integrity"]["sides"]] == ["leader"]
    assert "downwards" not in html(client, url)


@pytest.mark.django_db
def test_a_round_has_for_each_entry_the_share_of_its_files_with_a_defect_and_its_triangles(
    client: Client, measured: Made
) -> None:
    url = reverse("round", args=["made", 1])
    rows = {row["miner"]["hotkey"]: row for row in facts(client, url)["entries"]}
    for miner, expected in zip(
        measured.miners[:3], [(12, 0.75, 105.5), (12, 0.75, 105.5), (0, None, None)], strict=True
    ):
        row = rows[miner.hotkey]
        assert (row["measured_files"], row["defect_share"], row["median_triangles"]) == expected
    text = html(client, url)
    assert "Files with a defect" in text and "105.5" in text
    sheet_url = "/api/v1/measurements?competition=made&amp;round=1&amp;limit=200&amp;format=csv"
    assert sheet_url in text and client.get(sheet_url.replace("&amp;", "&")).status_code == 200
    answer = client.get("/api/v1/submissions?competition=made&round=1&format=csv").content.decode()
    sheet = {line["miner_hotkey"]: line for line in csv.DictReader(io.StringIO(answer))}
    assert sheet[measured.miners[1].hotkey]["defect_share"] == "0.75"
    assert sheet[measured.miners[2].hotkey]["median_triangles"] == ""


@pytest.mark.django_db
def test_an_entry_s_numbers_are_those_of_its_own_files_by_the_newest_measure(measured: Made) -> None:
    winner = measured.finished.submissions.get(miner=measured.miners[1])
    made_round.measure(files_of(winner, "generated"))
    first = files_of(winner, "submitted")[0]
    newer = {"version": "integrity-2", "numbers": {"triangles": 5000, "open_edges": 1, "needles": 0}}
    Measurement.objects.create(
        competition=measured.competition, sha256=first.sha256, state="measured", since=made_round.NOW, **newer
    )
    assert entry_rows(Submission.objects.filter(pk=winner.pk)).get().integrity == {
        "measured": 12,
        "defective": 10,
        "median_triangles": 106.5,
    }


@pytest.mark.django_db
def test_what_the_database_counts_of_an_entry_is_what_a_page_counts_of_its_files(measured: Made) -> None:
    for entry in entry_rows(measured.finished.submissions.filter(miner__in=measured.miners[:2])):
        files = {"own": [a.sha256 for a in files_of(entry, "generated" if entry.role == "leader" else "submitted")]}
        version, numbers = queries.measured_numbers(files["own"])
        summary = integrity_summary(files, version=version, numbers=numbers, decides="")
        assert summary is not None
        (side,), counted = summary.sides, entry.integrity
        assert (side.measured, side.defective) == (counted["measured"], counted["defective"])
        triangles = next(row for row in summary.numbers if row.name == "triangles")
        assert triangles.sides[0].median == counted["median_triangles"]


@pytest.mark.django_db
def test_splats_are_counted_where_there_are_no_triangles(measured: Made) -> None:
    Measurement.objects.update(numbers={"splats": 700, "floaters": 0, "needles": 3, "faint": 0, "opacity": 0.5})
    entry = entry_rows(measured.finished.submissions.filter(miner=measured.miners[1])).get()
    assert entry.integrity == {"measured": 12, "defective": 12, "median_triangles": 700}


@pytest.mark.django_db
def test_more_files_and_more_entries_ask_no_further_query(client: Client, measured: Made) -> None:
    few, many = (made_round.make(slug=f"of-{n}", miners=n, prompts=n) for n in (5, 12))
    for made in (few, many):
        made_round.measure(Asset.objects.filter(submission__round=made.finished, state="stored"))
    pages: list[Callable[[Made], str]] = [
        lambda made: f"/c/{made.competition.slug}/r/1/leader-vs-{made.miners[1].hotkey}/",
        lambda made: reverse("miner", args=[made.miners[1].hotkey]),
        lambda made: reverse("round", args=[made.competition.slug, 1]),
        lambda made: f"/api/v1/measurements?competition={made.competition.slug}",
        lambda made: f"/api/v1/submissions?competition={made.competition.slug}",
    ]
    for page in pages:
        first, second = (queries_for(client, page(made)) for made in (few, many))
        assert first == second, page(few)


@pytest.mark.django_db
def test_the_api_has_a_row_for_each_measured_file_and_a_column_for_each_number(client: Client, measured: Made) -> None:
    address = f"/api/v1/measurements?competition=made&hotkey={measured.miners[1].hotkey}"
    rows = client.get(address).json()["results"]
    assert [row["prompt"] for row in rows] == [f"prompt-{n:03}" for n in range(12)]
    second = rows[1]
    assert (second["entry"], second["origin"]) == (measured.miners[1].hotkey, "submitted")
    assert (second["state"], second["version"], second["open_edges"], second["uv_overlap"]) == (
        "measured",
        VERSION,
        3,
        0.25,
    )
    assert second["splats"] is None and second["picture_url"] == ""
    lines = list(csv.DictReader(io.StringIO(client.get(f"{address}&format=csv").content.decode())))
    table = pq.read_table(io.BytesIO(client.get(f"{address}&format=parquet").content))
    assert [line["triangles"] for line in lines] == [str(row["triangles"]) for row in rows]
    assert table.column("triangles").to_pylist() == [100 + n for n in range(12)]
    assert {measure.name for measure in MESH_MEASURES} <= set(table.column_names)


@pytest.mark.django_db
def test_a_file_that_could_not_be_measured_is_in_the_table_with_the_reason(client: Client, measured: Made) -> None:
    why = "It is too slow. Nothing depends on it; an operator can look at the worker's log."
    Measurement.objects.update(state="unmeasured", numbers={}, failure_reason=why, failure_class="infrastructure")
    row = client.get("/api/v1/measurements?competition=made&limit=1").json()["results"][0]
    assert (row["state"], row["reason"], row["triangles"]) == ("unmeasured", why, None)


numbers = st.dictionaries(
    st.sampled_from(["open_edges", "triangles", "uv_overlap", "a_number_of_tomorrow"]),
    st.none() | st.integers(0, 10**9) | st.floats(0, 1e6, allow_subnormal=False),
)


@given(sides=st.dictionaries(st.sampled_from(["defender", "challenger"]), st.lists(numbers, max_size=20), min_size=1))
def test_every_file_lies_at_one_step_of_each_of_its_numbers(sides: dict[str, list[dict[str, Any]]]) -> None:
    known = {f"{role} {place}": row for role, rows in sides.items() for place, row in enumerate(rows)}
    files = {role: [f"{role} {place}" for place in range(len(rows))] for role, rows in sides.items()}
    summary = integrity_summary(files, version="x", numbers=known, decides="")
    if summary is None:
        assert not any(known.values())
        return
    for row in summary.numbers:
        assert list(row.edges) == sorted(row.edges) and len(row.edges) in (0, 2, STEPS + 1)
        for side in row.sides:
            values = [each[row.name] for each in sides[side.role] if each.get(row.name) is not None]
            assert side.files == sum(side.steps) == len(values)
            assert side.steps[0] == sum(value == 0 for value in values)
            assert side.largest == max(values, default=None)
        for bar in charts.spread(row).bars:
            assert 0 <= bar.x < 100 and bar.y >= 0 and bar.y + bar.height <= 2 * charts.SPREAD_HEIGHT + 0.01


@pytest.mark.parametrize(
    ("value", "words"),
    [(None, "none"), (0, "0"), (0.0, "0"), (12345, "12,345"), (4.5, "4.5"), (0.125, "0.125"), (1000.0, "1,000")],
)
def test_a_number_is_written_without_what_says_nothing(value: float | None, words: str) -> None:
    assert number_words(value) == words


def test_a_measured_text_is_escaped_in_a_chart() -> None:
    summary = integrity_summary({"<b>": ["a"]}, version="x", numbers={"a": {"open_edges": 1}}, decides="")
    assert summary is not None
    drawn = inline_svg.spread(charts.spread(summary.numbers[0]))
    assert "<b>" not in drawn and escape("<b>") in drawn


def gated(measured: Made) -> str:
    """The hash of a file with six open edges for its 102 triangles, where a gate allows one for twenty."""
    rule = {"mode": "gate", "measure": VERSION, "bounds": {"open_edges": "1/20"}}
    made, rounds = measured.competition, Round.objects.filter(competition=measured.competition)
    rounds.update(rules={**measured.finished.rules, "integrity": rule})
    made.config["rules"] = {"integrity": rule}
    made.save()
    duel = measured.matches[measured.miners[1].hotkey + "screen"].duels.get(position=0)
    numbers = Measurement.objects.get(sha256=duel.right_sha256).numbers | {"open_edges": 6}
    Measurement.objects.filter(sha256=duel.right_sha256).update(numbers=numbers)
    Duel.objects.filter(pk=duel.pk).update(state="forfeited", outcome="defender", right_sha256="", detail={})
    cache.clear()
    return str(duel.right_sha256)


@pytest.mark.django_db
def test_a_gate_is_shown_beforehand_and_a_forfeit_says_why_and_who_must_act(client: Client, measured: Made) -> None:
    sha256, url = gated(measured), f"{match_url(measured)}prompt-000/"
    words = "A file with more than this is a forfeit: open edges 5.00% of its triangles."
    slug = measured.competition.slug
    for address in (reverse("competition", args=[slug]), reverse("round", args=[slug, 2]), match_url(measured), url):
        assert words in html(client, address), address
    side = facts(client, url)["challenger"]
    assert (side["sha256"], side["failure_class"], side["failure_code"]) == (sha256, "miner", "INTEGRITY_GATE")
    assert "and at most 5.00% are allowed." in side["failure_reason"] and side["who_must_act"]
    assert escape(side["failure_reason"]) in html(client, url)


@pytest.mark.django_db
def test_a_broken_tie_is_told_from_the_judge_s_verdict(client: Client, measured: Made) -> None:
    gated(measured)
    duel = measured.matches[measured.miners[1].hotkey + "screen"].duels.get(position=1)
    broken = {"decided_by": "draw_band", "stages": [], "tie_broken_by": "integrity"}
    Duel.objects.filter(pk=duel.pk).update(state="judged", outcome="challenger", detail=broken)
    cache.clear()
    assert facts(client, f"{match_url(measured)}prompt-001/")["decided_by"] == (
        "draw_band, a draw; then integrity: the sounder file"
    )
