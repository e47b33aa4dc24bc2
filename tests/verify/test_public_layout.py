"""Public state repositories as the subnet's code of June 2026 writes them, and rounds that came to nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.records import june
from tests.records.june import ADA, AUDITS, BEN, ROUND
from tests.verify import made_records
from tests.verify.ways_to_break import BEN as MADE_BEN
from verify.findings import VerifierReport
from verify.records.repository import examine

AUDIT = f"{ROUND}/{ADA}/audit_submitted_2.json"


def kinds(root: Path) -> set[tuple[str, str]]:
    return {(finding.severity, finding.kind) for finding in examine(root).findings}


def summed_up(report: VerifierReport) -> str:
    return " ".join(report.rounds)


def test_a_round_in_the_public_layout_has_no_findings_and_its_audits_are_examined(tmp_path: Path) -> None:
    report = examine(june.copied(tmp_path / "june"))
    assert report.findings == []
    assert report.counts["matches recomputed"] == 8
    assert report.counts["audits recomputed"] == 1
    assert "2 matches, 6 matches of audits" in summed_up(report)


def test_where_config_names_no_number_of_repeats_there_are_three(tmp_path: Path) -> None:
    root = june.copied(tmp_path / "june")
    config = json.loads((root / "config.json").read_text())
    del config["audit_repeats"]
    june.write(root, "config.json", config)
    assert examine(root).findings == []
    matrix = (root / ROUND / "audit_matrix.csv").read_text().splitlines()
    june.write(root, f"{ROUND}/audit_matrix.csv", "\n".join(row for row in matrix if "_3" not in row))
    assert ("error", "audit-repeat-missing") in kinds(root)


def remove(root: Path) -> None:
    (root / AUDIT).unlink()


def turn(root: Path) -> None:
    duels = json.loads((root / AUDIT).read_text())["duels"]
    duels[0]["winner"] = "left"
    june.edit(root, AUDIT, duels=duels)


def misname(root: Path) -> None:
    (root / AUDIT).rename(root / ROUND / ADA / "audit_submitted_4.json")


def of_another(root: Path) -> None:
    june.edit(root, AUDIT, left=BEN)


def other_file(root: Path) -> None:
    duels = json.loads((root / AUDIT).read_text())["duels"]
    duels[0]["right_js"] = "https://out.example.org/elsewhere.js"
    june.edit(root, AUDIT, duels=duels)


def other_sheet(root: Path) -> None:
    duels = json.loads((root / AUDIT).read_text())["duels"]
    duels[0]["right_png"] = duels[0]["right_png"].replace("grid.png", "other.png")
    june.edit(root, AUDIT, duels=duels)


def row_left_out(root: Path) -> None:
    matrix = (root / ROUND / "audit_matrix.csv").read_text().splitlines()
    june.write(root, f"{ROUND}/audit_matrix.csv", "\n".join(row for row in matrix if "submitted_2" not in row))


def prompt_left_out(root: Path) -> None:
    duels = json.loads((root / AUDIT).read_text())["duels"]
    june.edit(root, AUDIT, duels=duels[:-1])


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (remove, "match-file-missing"),
        (turn, "matrix-margin"),
        (turn, "score"),
        (misname, "matrix-row-missing"),
        (of_another, "match-misplaced"),
        (other_file, "judged-other-file"),
        (other_sheet, "judged-other-file"),
        (row_left_out, "matrix-row-missing"),
        (row_left_out, "audit-repeat-missing"),
        (prompt_left_out, "duel-missing"),
    ],
)
def test_a_changed_match_of_an_audit_is_found_out(change: Callable[[Path], None], kind: str, tmp_path: Path) -> None:
    root = june.copied(tmp_path / "june")
    change(root)
    assert ("error", kind) in kinds(root)


def test_audits_without_published_matches_are_not_said_to_be_recomputed(tmp_path: Path) -> None:
    root = june.copied(tmp_path / "june")
    for name in AUDITS:
        (root / ROUND / ADA / name).unlink()
    report = examine(root)
    assert [(finding.severity, finding.kind) for finding in report.findings] == [("notable", "audit-unverifiable")]
    assert report.counts["audits recomputed"] == 0


@pytest.mark.parametrize("detail", [None, {}, {"s1": None, "decided_by": ""}, {"issues": "Internal error"}])
def test_a_draw_without_a_word_of_the_judge_is_still_an_outage(detail: Any, tmp_path: Path) -> None:
    root = june.copied(tmp_path / "june")
    file = f"{ROUND}/{BEN}/duels_leader.json"
    duels = json.loads((root / file).read_text())["duels"]
    drawn = next(duel for duel in duels if duel["winner"] == "draw")
    drawn["detail"] = detail
    june.edit(root, file, duels=duels)
    found = [finding for finding in examine(root).findings if finding.kind == "outage-as-draw"]
    assert [finding.found for finding in found] == [1]


def test_a_rejected_report_is_a_reason_of_its_own(tmp_path: Path) -> None:
    report = examine(june.rejected_by_report(tmp_path / "june"))
    assert report.findings == []
    assert "winner leader, as recorded" in summed_up(report)


def test_an_audit_that_failed_beside_a_completed_report_needs_its_numbers(tmp_path: Path) -> None:
    root = june.copied(tmp_path / "june")
    june.write(root, f"{ROUND}/generation_audits.json", {ADA: {"hotkey": ADA, "verdict": "failed", "reason": "no"}})
    assert ("error", "audit-verdict") in kinds(root)


def test_a_round_in_which_no_build_succeeded_has_one_notable_finding(tmp_path: Path) -> None:
    found = examine(june.no_build_succeeded(tmp_path / "june")).findings
    assert [(finding.severity, finding.kind, finding.round) for finding in found] == [
        ("notable", "no-build-succeeded", 0)
    ]


def test_an_unfinished_round_is_summed_up_as_unfinished(tmp_path: Path) -> None:
    """The judge has got as far as to Ben, who leads: nothing is decided, and nothing contradicts anything."""
    files = made_records.era_0()
    kept = {path: content for path, content in files.items() if not path.startswith(("rounds/1/", "rounds/2/"))}
    kept["state.json"] = {"current_round": 0, "stage": "duels"}
    kept["leader.json"] = files["leader.json"][:1]
    kept["rounds/0/judge_progress.json"] = {"leader": "leader", "completed_hotkeys": [made_records.hotkey("Ada")]}
    del kept[f"rounds/0/{made_records.hotkey('Cleo')}/duels.json"]
    report = examine(made_records.write(kept, tmp_path))
    assert "it is not finished" in summed_up(report)
    assert "the files say" not in summed_up(report)
    assert [(finding.kind, finding.severity) for finding in report.findings] == [("match-not-listed", "notable")]


def test_a_round_that_has_begun_with_nothing_but_its_schedule_is_summed_up_as_unfinished(tmp_path: Path) -> None:
    report = examine(june.unfinished(tmp_path / "june"))
    assert report.findings == []
    assert "it is not finished" in summed_up(report)


def test_a_founded_competition_has_no_round_and_no_findings(tmp_path: Path) -> None:
    files = {path: made_records.era_1()[path] for path in ("config.json", "leader.json")}
    files["leader.json"] = []
    report = examine(made_records.write(files | {"state.json": {"current_round": -1, "stage": "open"}}, tmp_path))
    assert report.findings == []
    assert report.rounds == []


def test_a_match_report_that_the_progress_does_not_list_is_notable(tmp_path: Path) -> None:
    files = made_records.era_0()
    files["rounds/0/judge_progress.json"]["completed_hotkeys"].remove(MADE_BEN)
    found = examine(made_records.write(files, tmp_path)).findings
    assert [(finding.severity, finding.kind, finding.found) for finding in found] == [
        ("notable", "match-not-listed", MADE_BEN)
    ]
