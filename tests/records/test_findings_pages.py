"""Findings are listed with their evidence, filtered by round, kind and severity, as a page and as JSON."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from pytest_django.asserts import assertNumQueries

from dashboard.facts import finding_pages
from dashboard.models import VerifierFinding
from tests.records.importing import imported, made
from tests.verify import made_records
from tests.verify.ways_to_break import ADA, BEN, EVE

pytestmark = pytest.mark.django_db
BAD = "<script>alert(1)</script>"


@pytest.fixture
def broken(tmp_path: Path) -> None:
    """Three things wrong in three rounds, a file nobody announced and one that cannot be read."""
    files = made_records.era_1()
    files[f"rounds/0/{ADA}/duels_leader.json"]["score"] = 9
    files["rounds/0/generation_audits.json"][EVE]["failed_prompts"] = 7
    files["rounds/1/submissions.json"][BEN]["revealed_at_block"] = 1000
    files["rounds/1/builds.json"][BEN]["revealed_at_block"] = 1000
    files["rounds/2/notes.txt"] = BAD
    files["rounds/2/seed.json"] = '{\n"seed": '
    imported(made_records.write(files, tmp_path))


def told(query: str = "") -> dict[str, Any]:
    answer = Client().get(f"/c/made/findings.json{query}")
    assert answer.status_code == 200
    return dict(answer.json())


def kinds(query: str = "") -> set[str]:
    return {row["kind"] for row in told(query)["findings"]}


def test_every_finding_is_listed_with_where_to_look(broken: None) -> None:
    page = told()
    assert page["total"] == VerifierFinding.objects.count() == len(page["findings"])
    for row in page["findings"]:
        assert Client().get(row["evidence_url"]).status_code == 200, row
        assert not row["file_url"] or Client().get(row["file_url"]).status_code in (200, 404)
    by_kind = {row["kind"]: row for row in page["findings"]}
    assert by_kind["score"]["evidence_url"] == f"/c/made/r/0/leader-vs-{ADA}/"
    assert by_kind["audit-numbers"]["evidence_url"] == f"/c/made/r/0/audits/{EVE}/"
    assert by_kind["reveal-outside-window"]["evidence_url"] == f"/miners/{BEN}/"
    assert (by_kind["score"]["found"], by_kind["score"]["expected"]) == (9, 5)


def test_filters_leave_what_they_say(broken: None) -> None:
    assert kinds("?kind=score") == {"score"}
    assert kinds("?round=1&severity=error") == {"reveal-outside-window"}
    assert {row["severity"] for row in told("?severity=notable")["findings"]} == {"notable"}
    assert {row["round"] for row in told("?round=0")["findings"]} == {0}
    assert told("?round=77")["findings"] == told("?round=x")["findings"] == told("?kind=none")["findings"] == []


def test_each_choice_says_how_many_it_leaves(broken: None) -> None:
    page = told("?severity=error")
    for choice in page["rounds"]:
        assert choice["findings"] == told(f"?severity=error&round={choice['value']}")["total"]
    assert [choice["chosen"] for choice in page["severities"]] == [
        choice["value"] == "error" for choice in page["severities"]
    ]


def test_the_page_says_what_its_twin_says(broken: None) -> None:
    body = Client().get("/c/made/findings/").content.decode()
    for row in told()["findings"]:
        assert row["evidence_url"] in body
    assert "What could not be read" in body
    assert "rounds/2/notes.txt" in body
    assert "line 2: not JSON" in body
    assert f"{told()['total']} findings" in body


def test_long_lists_come_in_pages(broken: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding_pages, "MOST", 2)
    whole = VerifierFinding.objects.count()
    pages = [told(f"?page={number}") for number in range(1, told()["pages"] + 1)]
    assert sum(len(page["findings"]) for page in pages) == whole
    body = Client().get("/c/made/findings/?severity=error&page=1").content.decode()
    assert 'rel="next" href="?severity=error&amp;page=2"' in body
    assert told("?page=999999999999")["findings"] == told("?page=-1&round=77")["findings"] == []


def test_an_imported_file_is_shown_as_it_was_and_runs_nothing(broken: None) -> None:
    answer = Client().get("/c/made/records/rounds/2/notes.txt")
    assert answer.content.decode() == BAD
    assert answer["Content-Type"].startswith("text/plain")
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer["X-Content-Type-Options"] == "nosniff"
    again = Client().get("/c/made/records/rounds/2/notes.txt", headers={"if-none-match": answer["ETag"]})
    assert again.status_code == 304
    assert Client().get("/c/made/records/../settings.py").status_code == 404
    assert Client().get("/c/made/records/rounds/2/nothing.txt").status_code == 404


def test_a_good_repository_has_a_page_that_says_so(tmp_path: Path) -> None:
    imported(made(1, tmp_path))
    assert "finds nothing wrong" in told()["sentence"]
    assert 'href="/c/made/findings/"' in Client().get("/c/made/r/0/").content.decode(), "it can be found"
    assert Client().get("/c/made/findings/").status_code == 200


@pytest.mark.parametrize(
    "era", [pytest.param(era, marks=[] if era == 1 else pytest.mark.long) for era in made_records.ERAS]
)
def test_every_page_of_an_imported_round_answers_and_loads_nothing_from_elsewhere(era: int, tmp_path: Path) -> None:
    files = made_records.ERAS[era]()
    path = next(path for path in files if "duels" in path)
    files[path]["duels"][0]["issues"] = BAD
    imported(made_records.write(files, tmp_path))
    seen, waiting = set(), ["/c/made/"]
    while waiting:
        address = waiting.pop()
        seen.add(address)
        answer = Client().get(address)
        assert answer.status_code == 200, address
        body = answer.content.decode()
        assert BAD not in body
        assert not re.findall(r'<(?:img|script|link|iframe|source)[^>]+(?:src|href)="https?:', body), address
        found = {link.split("?")[0] for link in re.findall(r'href="(/(?:c|miners)/[^"#]*/)(?:\?[^"]*)?"', body)}
        waiting += [link for link in sorted(found - seen - set(waiting))[:12] if len(seen) + len(waiting) < 90]
    assert len(seen) > 20


def test_a_duel_links_the_files_it_was_judged_on(tmp_path: Path) -> None:
    files = made_records.era_1()
    duel = files[f"rounds/0/{ADA}/duels_leader.json"]["duels"][0]
    duel["right_glb"] = "javascript:alert(1)"
    imported(made_records.write(files, tmp_path))
    body = Client().get(f"/c/made/r/0/leader-vs-{ADA}/{duel['name']}/").content.decode()
    assert f'href="{duel["left_glb"]}" rel="external noreferrer nofollow"' in body
    assert "javascript:" not in body


def test_the_ladder_of_an_imported_round_is_that_of_its_era(tmp_path: Path) -> None:
    imported(made(1, tmp_path))
    rungs = Client().get("/c/made/r/0.json").json()["ladder"]
    assert [(r["challenger"]["hotkey"], r["verdict"]) for r in rungs] == [
        (ADA, "rejected"),
        (BEN, "advanced"),
        (EVE, "advanced"),
    ]


def test_a_match_says_whether_its_margin_was_recomputed_equal(broken: None) -> None:
    twin = Client().get(f"/c/made/r/0/leader-vs-{ADA}.json").json()
    assert twin["stated"]["agrees"] is False
    assert Client().get(f"/c/made/r/0/leader-vs-{BEN}.json").json()["stated"]["agrees"] is True


@pytest.mark.usefixtures("clock_measured")
def test_the_number_of_queries_does_not_grow_with_the_findings(broken: None) -> None:
    Client().get("/c/made/findings.json")
    with assertNumQueries(5):
        Client().get("/c/made/findings.json")
    assert json.dumps(told())
