"""The two real state repositories: what holds in them, and exactly what does not."""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from verify.findings import LoggedFinding, VerifierReport
from verify.records.repository import examine

RECORDS = Path(__file__).resolve().parents[3] / "shared" / "records"
pytestmark = pytest.mark.skipif(not RECORDS.is_dir(), reason="the real records are not beside this checkout")


@cache
def report(name: str) -> VerifierReport:
    return examine(RECORDS / name)


def errors(name: str) -> list[LoggedFinding]:
    return [finding for finding in report(name).findings if finding.severity == "error"]


def of_kind(name: str, kind: str) -> list[LoggedFinding]:
    return [finding for finding in report(name).findings if finding.kind == kind]


@pytest.mark.parametrize(("name", "matches"), [("competition-0", 59), ("competition-1", 208)])
def test_every_margin_is_recomputed_equal(name: str, matches: int) -> None:
    assert report(name).counts["matches recomputed"] == matches
    assert not {"score", "margin", "matrix-margin"} & {finding.kind for finding in report(name).findings}


@pytest.mark.parametrize(("name", "rounds"), [("competition-0", 2), ("competition-1", 4)])
def test_every_winner_and_reign_follows_from_the_files(name: str, rounds: int) -> None:
    counts = report(name).counts
    assert counts["winners recomputed"] == counts["reigns recomputed"] == rounds
    assert not [finding for finding in errors(name) if finding.kind.startswith(("winner", "reign", "ladder"))]


def test_competition_0_agrees_with_itself() -> None:
    assert errors("competition-0") == []


def test_competition_1_is_wrong_in_exactly_these_places() -> None:
    found = Counter((finding.round, finding.kind) for finding in errors("competition-1"))
    assert found == {(0, "audit-key"): 1, (0, "audit-numbers"): 3, (3, "judged-other-file"): 1}


def test_the_leaders_file_that_came_between_two_matches_is_found() -> None:
    (finding,) = of_kind("competition-1", "judged-other-file")
    assert finding.file == "rounds/3/leader/generated.json"
    assert "40 of 41 matches" in finding.sentence
    assert of_kind("competition-1", "judged-out-of-order")[0].found in finding.sentence


def test_the_critical_prompts_of_the_records_are_the_ones_the_seed_gives() -> None:
    assert not of_kind("competition-1", "critical-prompts-drawn")
    assert len(of_kind("competition-1", "critical-prompts-empty")) == 5


def test_the_rejection_for_a_failed_build_is_told_with_what_it_cost() -> None:
    (finding,) = of_kind("competition-1", "rejected-for-infrastructure")
    assert finding.round == 2
    assert "margin 0.328125" in finding.sentence
    assert "it would lead" in finding.sentence


def test_the_challenger_who_qualified_by_a_missing_leader_file_is_told() -> None:
    (finding,) = of_kind("competition-1", "qualified-by-missing-file")
    assert (finding.found, finding.expected) == (0.0546875, 0.046875)


def test_no_file_or_key_of_the_records_is_unknown() -> None:
    for name in ("competition-0", "competition-1"):
        assert not {"unknown-file", "unknown-key"} & {finding.kind for finding in report(name).findings}
