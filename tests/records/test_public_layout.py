"""The layout of June 2026, imported and exported; and what an import says of rounds that came to nothing."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from audits.models import Audit
from competition.models import Competition, Round
from dashboard.models import RecordFile, VerifierFinding
from tests.records import june
from tests.records.importing import imported
from tests.records.test_exporting import bytes_of
from tests.records.test_sources import committed, git
from tests.verify import made_records

pytestmark = pytest.mark.django_db


def test_a_round_in_the_public_layout_is_imported_with_its_audits(tmp_path: Path) -> None:
    outcome = imported(june.copied(tmp_path / "june"))
    assert (outcome.troubles, outcome.unknown, outcome.disagreeing) == ([], [], 0)
    assert outcome.duels == 32
    assert "2 matches, 6 matches of audits, 32 duels, all margins agree" in outcome.rounds[0]
    round_ = Round.objects.get(number=0)
    assert round_.source["era"] == 2
    assert round_.source["winner"] == {"recorded": june.ADA, "recomputed": june.ADA}
    assert not VerifierFinding.objects.exists()
    margins = Audit.objects.get(kind="generation").numbers["margins"]
    assert margins["submitted_1"] == 0.0
    assert margins["leader_3"] == 0.5


def test_a_match_of_an_audit_that_says_another_margin_is_counted_as_disagreeing(tmp_path: Path) -> None:
    root = june.copied(tmp_path / "june")
    june.edit(root, f"{june.ROUND}/{june.ADA}/audit_leader_2.json", margin=0.75)
    outcome = imported(root)
    assert outcome.disagreeing == 1
    assert "1 margins disagree" in outcome.rounds[0]
    assert set(VerifierFinding.objects.values_list("kind", flat=True)) == {"margin"}


def test_it_is_exported_as_it_was_read(tmp_path: Path) -> None:
    root = june.copied(tmp_path / "june")
    imported(root)
    call_command("export_records", str(tmp_path / "out"), "--competition", "proc", stdout=StringIO())
    assert bytes_of(tmp_path / "out") == bytes_of(root)


def test_its_pages_answer(tmp_path: Path) -> None:
    imported(june.copied(tmp_path / "june"))
    for page in ("", "r/0/", "findings/", "r/0/audits/"):
        assert Client().get(f"/c/proc/{page}").status_code in (200, 404), page
    assert Client().get("/c/proc/r/0/").status_code == 200


def test_a_rejected_report_leaves_the_leader(tmp_path: Path) -> None:
    imported(june.rejected_by_report(tmp_path / "june"))
    assert Round.objects.get(number=0).source["winner"] == {"recorded": "leader", "recomputed": "leader"}
    assert not VerifierFinding.objects.exists()


def test_a_founded_competition_is_imported_without_a_round(tmp_path: Path) -> None:
    files = {path: made_records.era_1()[path] for path in ("config.json", "leader.json")}
    files["state.json"] = {"current_round": -1, "stage": "open"}
    files["leader.json"] = []
    root = made_records.write(files, tmp_path / "founded")
    outcome = imported(root)
    assert (outcome.troubles, outcome.rounds) == ([], [])
    assert Competition.objects.get().slug == "made"
    for page in ("", "rounds/", "findings/", "leader/"):
        assert Client().get(f"/c/made/{page}").status_code < 500, page
    imported(committed(root))
    imported(made_records.write(made_records.era_1(), tmp_path / "later"))
    assert Round.objects.count() == 4


def test_of_a_commit_with_a_missing_file_everything_else_is_imported(tmp_path: Path) -> None:
    """As after a partial clone: git knows the file's name and does not have its content."""
    root = june.copied(tmp_path / "june")
    june.write(root, "prompts.txt", "https://prompts.example.org/1.png\n")
    committed(root)
    key = git(root, "rev-parse", "HEAD:prompts.txt")
    (root / ".git" / "objects" / key[:2] / key[2:]).unlink()
    err = StringIO()
    with pytest.raises(CommandError) as ended:
        call_command("import_records", str(root), stdout=StringIO(), stderr=err)
    assert ended.value.returncode == 1
    assert "prompts.txt: not read: git does not have its content" in err.getvalue()
    assert Round.objects.get(number=0).state == "finished"
    assert not RecordFile.objects.filter(path="prompts.txt").exists()
    assert not VerifierFinding.objects.filter(severity="error").exists()


def test_git_that_cannot_be_read_at_all_is_said_to_be_so(tmp_path: Path) -> None:
    root = committed(june.copied(tmp_path / "june"))
    key = git(root, "rev-parse", "HEAD^{tree}")
    (root / ".git" / "objects" / key[:2] / key[2:]).unlink()
    err = StringIO()
    with pytest.raises(CommandError) as ended:
        call_command("import_records", str(root), stdout=StringIO(), stderr=err)
    assert ended.value.returncode == 1
    assert "git cannot read its commit HEAD" in err.getvalue()
