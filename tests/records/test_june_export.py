"""Rounds of Three.js modules are exported in the layout of June 2026: whoever reads that layout reads what was decided
here, from the same files, fields and numbers."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import Client

from competition.models import Competition, Round
from competition.records import june_2026
from competition.records.tree import write_repository
from dashboard.models import VerifierFinding
from dashboard.records import exporting
from tests.records import june
from tests.records.importing import imported
from tests.records.june import ADA
from tests.records.own import competition
from tests.records.test_exporting import bytes_of
from tests.verify.conftest import Played
from tests.verify.conftest import played as played  # a fixture
from tests.verify.test_repeats_played import LATE, two
from verify.records.repository import check, examine

pytestmark = pytest.mark.django_db

OUTPUT = {"js", "views", "failure_reason", "size"}
DUEL = {"name", "prompt", "left_js", "left_png", "right_js", "right_png", "winner", "detail"}
CONFIG = {"name", "description", "first_evaluation_date", "last_competition_date", "generation_stage_minutes"}
CONFIG |= {"win_margin", "weight_decay", "weight_floor", "prompts_per_round", "carryover_prompts", "audit_repeats"}
REPORT = {"hotkey", "outcome", "repeats", "reason"}


def of_modules() -> Competition:
    own = competition()
    own.config |= {"format": "threejs"}
    own.save()
    return own


def written(own: Competition, into: Path) -> Path:
    write_repository(into, exporting.pieces(own))
    return into


def read(path: Path) -> Any:
    return json.loads(path.read_text())


def errors_in(root: Path) -> list[str]:
    return [finding.line() for finding in check(root) if finding.severity == "error"]


def export_beside_the_bundles() -> None:
    written(Competition.objects.get(slug="played"), Path(settings.BUNDLE_DIR).parent / "records")


def test_files_and_fields_are_those_of_the_layout(tmp_path: Path) -> None:
    """Of everything that the round of the subnet's own making has, by name; and nothing else but our rules."""
    root = written(of_modules(), tmp_path / "own")
    at = root / "rounds/1"
    (winner,) = read(at / "generation_audits.json")
    theirs = {path.name for path in (june.FOLDER / june.ROUND).iterdir() if path.is_file()}
    assert {path.name for path in at.iterdir() if path.is_file()} == theirs | {"rules.json"}
    assert {path.name for path in (at / "leader").iterdir()} == {"generated_1.json"}
    names = {"submitted.json", "generated_1.json", "duels_leader.json", "audit_submitted_1.json"}
    assert {path.name for path in (at / winner).iterdir()} == names
    for file in (*at.glob("*/generated_1.json"), *at.glob("*/submitted.json")):
        assert all(row.keys() == OUTPUT for row in read(file).values())
    for file in (*at.glob("*/duels_*.json"), *at.glob("*/audit_*.json")):
        assert all(duel.keys() == DUEL for duel in read(file)["duels"])
    assert read(root / "config.json").keys() >= CONFIG
    assert read(at / "require_audit.json") == [{"hotkey": winner, "latest_defender": "leader"}]
    report = read(at / "generation_reports.json")[winner]
    assert report.keys() == REPORT and report["outcome"] == "completed"
    numbers = {"generated_prompts": 12, "failed_prompts": 0, "generation_time": 700.0}
    assert report["repeats"] == [{"repeat_index": 1, **numbers}]
    assert read(at / winner / "audit_submitted_1.json")["left"] == "submitted"
    assert (at / "audit_matrix.csv").read_text().splitlines()[1].startswith(f"submitted_1,{winner},")


def test_a_duel_shows_the_sheet_of_its_side_s_folder_of_views_and_says_how_it_came_out(tmp_path: Path) -> None:
    at = written(of_modules(), tmp_path / "own") / "rounds/1"
    states: Counter[tuple[str, str]] = Counter()
    for file in at.glob("5*/duels_leader.json"):
        made = {"left": read(at / "leader/generated_1.json"), "right": read(file.parent / "submitted.json")}
        for duel in read(file)["duels"]:
            for side, outputs in made.items():
                output = outputs[duel["name"]]
                sheet = output["views"] and f"{output['views']}/grid.png"
                assert (duel[f"{side}_js"], duel[f"{side}_png"]) == (output["js"], sheet)
            states[duel["detail"]["state"], duel["winner"]] += 1
            assert ("reason" in duel["detail"]) == (duel["detail"]["state"] != "judged")
    assert {winner for state, winner in states if state in ("void", "unneeded")} == {"skipped"}
    assert {state for state, _ in states} == {"judged", "forfeited", "void", "unneeded"}
    failed = [row for file in at.glob("5*/submitted.json") for row in read(file).values() if row["js"] is None]
    assert failed and all(
        row == {"js": None, "views": None, "failure_reason": "NOT_FOUND", "size": 0} for row in failed
    )


def test_a_folder_of_views_has_its_pictures_by_background(tmp_path: Path, client: Client) -> None:
    at = written(of_modules(), tmp_path / "own") / "rounds/1"
    folder = next(iter(read(at / "leader/generated_1.json").values()))["views"].removeprefix(settings.ORIGIN)
    for name in ("grid.png", "white/front_left.png", "white/back.png", "gray/front_left.png"):
        answer = client.get(f"{folder}/{name}", follow=True)
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/png"), name
    for name in ("white/gray_front_left.png", "gray/back.png", "embeddings.npz"):
        assert client.get(f"{folder}/{name}").status_code == 404, name


def test_the_verifier_and_an_import_read_it_as_they_read_the_subnet_s(tmp_path: Path) -> None:
    """Matches of audits count as such, a duel's state is known, and what was read is written again to the byte."""
    root = written(of_modules(), tmp_path / "own")
    assert errors_in(root) == []
    assert any("1 matches of audits" in line for line in examine(root).rounds)
    bytes_ = bytes_of(root)
    Competition.objects.update(slug="elsewhere")
    imported(root)
    assert not VerifierFinding.objects.filter(severity="error").exists()
    again = Competition.objects.get(slug="own")
    assert Round.objects.filter(competition=again, state="finished").exists()
    assert all(mark["agrees"] for mark in Round.objects.get(competition=again, number=1).source["matches"].values())
    call_command("export_records", str(tmp_path / "out"), competition="own", stdout=StringIO())
    assert bytes_of(tmp_path / "out") == bytes_


OTHER = "https://files.example.org/0.js"
TAMPERED: dict[str, tuple[str, Any, str]] = {
    "another score": ("audit_submitted_1.json", lambda d: d.update(score=9), "score"),
    "another file": ("audit_submitted_1.json", lambda d: d["duels"][0].update(right_js=OTHER), "judged-other-file"),
    "another picture": ("duels_leader.json", lambda d: d["duels"][0].update(left_png=OTHER), "judged-other-file"),
    "another repeat": ("../audit_matrix.csv", lambda t: t.replace("d_1", "d_2"), "audit-repeat-missing"),
    "no repeat": ("../audit_matrix.csv", lambda t: t.split("\n")[0], "matrix-row-missing"),
}


@pytest.mark.parametrize("what", TAMPERED)
def test_a_tampered_file_is_found(what: str, tmp_path: Path) -> None:
    file, edit, kind = TAMPERED[what]
    root = written(of_modules(), tmp_path / "own")
    (winner,) = read(root / "rounds/1/generation_audits.json")
    path = root / "rounds/1" / winner / file
    content = path.read_text() if file.endswith(".csv") else read(path)
    changed = edit(content)
    path.write_text(changed if file.endswith(".csv") else json.dumps(content))
    assert kind in {finding.kind for finding in check(root) if finding.severity == "error"}


def margins(path: Path) -> dict[tuple[str, str], float]:
    rows = csv.DictReader(path.read_text().splitlines())
    return {(row["left"], row["right"]): float(row["margin"]) for row in rows}


def folded(at: Path, *, config: Mapping[str, Any]) -> tuple[str, list[str]]:
    """Who leads, and who was rejected, by the rules of competition 2, from the round's files alone."""
    met, again = margins(at / "matches_matrix.csv"), margins(at / "audit_matrix.csv")
    submissions, reports = read(at / "submissions.json"), read(at / "generation_reports.json")
    source = {row["hotkey"]: row["verdict"] for row in read(at / "source_audit.json")}
    bar, repeats = config["win_margin"], range(1, config["audit_repeats"] + 1)
    defender, rejected = "leader", []
    for hotkey in sorted(submissions, key=lambda key: submissions[key]["revealed_at_block"]):
        if met.get(("leader", hotkey), -1) < bar or met.get((defender, hotkey), -1) < bar:
            continue
        submitted = [again.get((f"submitted_{r}", hotkey)) for r in repeats]
        against = [again.get((f"{defender}_{r}", hotkey)) for r in repeats]
        missed = any(margin is not None and margin < -bar for margin in submitted)
        missed |= any(margin is not None and margin < bar for margin in against)
        if missed or source[hotkey] == "failed" or reports[hotkey]["outcome"] == "rejected":
            rejected.append(hotkey)
            continue
        assert None not in [*submitted, *against] and source[hotkey] == "passed", "its audit is whole"
        defender = hotkey
    return defender, rejected


@pytest.mark.parametrize(
    ("verdict", "repeats", "margins", "outcome"),
    [
        ("passed", 3, {"submitted_3": 0.0, "leader_3": 0.05}, "completed"),
        ("rejected", 3, {"submitted_3": 0.0, "leader_3": 0.04}, "completed"),
        ("rejected", 1, {"submitted_1": 0.0, "leader_1": 0.04}, "pending"),
        ("rejected", 2, {"submitted_2": -0.06}, "pending"),
        ("rejected", 2, {"submitted_1": 0.0, "leader_1": 0.05, "submitted_2": -0.05}, "rejected"),
        ("rejected", 0, {}, "rejected"),
    ],
)
def test_a_report_is_rejected_where_no_margin_says_it(
    verdict: str, repeats: int, margins: dict[str, float], outcome: str
) -> None:
    """A reader that knows margins and reports rejects whom the audit rejected, and nobody else."""
    audit = {"entry": ADA, "kind": "generation", "verdict": verdict, "reason": "why", "numbers": {"generation_s": 61}}
    origins = [("generated", "generated_1", "generated_2")[number] for number in range(repeats)]
    outputs = {(ADA, origin, "p1"): {"js": "a.js" if origin == "generated" else None} for origin in origins}
    rules = {"win_margin": "1/20", "audit_repeats": 3}
    rows = [(left, ADA, margin) for left, margin in margins.items()]
    report = june_2026._report(audit, outputs, rows, rules=rules)
    assert (report["outcome"], report["reason"]) == (outcome, "why" if outcome == "rejected" else "")
    assert [row["repeat_index"] for row in report["repeats"]] == list(range(1, repeats + 1))
    assert [row["failed_prompts"] for row in report["repeats"]] == [0, 1, 1][:repeats]
    assert [row["generation_time"] for row in report["repeats"]] == [None, None, 61.0][3 - repeats :]


@pytest.mark.long
@pytest.mark.parametrize(("seed", "honest", "ends"), [(2, True, "completed"), (LATE, False, "rejected")])
def test_what_the_files_fold_to_is_what_was_decided(seed: int, honest: bool, ends: str, played: Played) -> None:
    """A round of today's game, played by our engine: the verifier recomputes its winner from the records, too."""
    more = {"ruleset": "margin-2", "file_format": "threejs", "also": export_beside_the_bundles}
    root = played(seed=seed, rounds=(1,), reveals=two, honest=honest, **more).parent.parent / "records"
    at = root / "rounds/1"
    winner, rejected = folded(at, config=read(root / "config.json"))
    audits = read(at / "generation_audits.json")
    assert read(at / "winner.json")["winner_hotkey"] == winner
    generated = {hotkey for hotkey, audit in audits.items() if audit["verdict"] == "failed"}
    sources = {row["hotkey"] for row in read(at / "source_audit.json") if row["verdict"] == "failed"}
    assert generated <= set(rejected) <= generated | sources, "whose source failed is not run, and has no report"
    assert ends in {report["outcome"] for report in read(at / "generation_reports.json").values()}
    assert errors_in(root) == []
    kinds = Counter(finding.kind for finding in check(root))
    assert not kinds["winner-not-recomputed"] and not kinds["audit-unverifiable"]
