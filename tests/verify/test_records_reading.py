"""Damaged and hostile files are told, with their place; everything else is read on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.verify import made_records
from verify import reading
from verify.findings import FindingLog, LoggedFinding
from verify.reading import Repository
from verify.records.repository import check


def of_kind(found: list[LoggedFinding], kind: str) -> list[LoggedFinding]:
    return [finding for finding in found if finding.kind == kind]


def good(root: Path) -> Path:
    return made_records.write(made_records.era_1(), root)


def test_a_file_that_is_no_text_is_told(tmp_path: Path) -> None:
    (good(tmp_path) / "rounds/1/seed.json").write_bytes(b"\xff\xfe{}")
    found = of_kind(check(tmp_path), "unreadable-file")
    assert [finding.file for finding in found] == ["rounds/1/seed.json"]


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret.json"
    secret.write_text('{"seed": 1001}')
    link = good(tmp_path / "repository") / "rounds/1/seed.json"
    link.unlink()
    link.symlink_to(secret)
    assert of_kind(check(tmp_path / "repository"), "unreadable-file")


def test_a_file_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LARGEST_BYTES", 10)
    (tmp_path / "a.json").write_text('{"a": "long enough"}')
    log = FindingLog()
    assert Repository(tmp_path, log=log).row("a.json") is None
    assert of_kind(log.findings, "unreadable-file")


def test_malformed_json_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{\n "a": 1,\n "b": ]\n}')
    log = FindingLog()
    Repository(tmp_path, log=log).row("a.json")
    assert [finding.field for finding in log.findings] == ["line 3, column 7"]


def test_a_file_that_says_null_is_not_taken_for_absent(tmp_path: Path) -> None:
    (good(tmp_path) / "rounds/1/seed.json").write_text("null")
    assert of_kind(check(tmp_path), "wrong-type")


def test_one_bad_row_does_not_hide_the_others(tmp_path: Path) -> None:
    files = made_records.era_1()
    submissions = files["rounds/1/submissions.json"]
    submissions[made_records.hotkey("Cleo")]["revealed_at_block"] = 9999
    submissions["junk"] = 5
    found = check(made_records.write(files, tmp_path))
    assert of_kind(found, "wrong-type")
    assert of_kind(found, "reveal-outside-window")


def test_a_finding_is_told_once(tmp_path: Path) -> None:
    found = check(good(tmp_path))
    assert len(found) == len(set(found))


def test_an_empty_folder_has_no_rules_to_check(tmp_path: Path) -> None:
    assert [finding.file for finding in check(tmp_path)] == ["config.json"]
