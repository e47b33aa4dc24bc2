"""Whatever tree is made against the checks, each check of it ends: done, or exhausted with a finding for a person."""

from dataclasses import replace
from pathlib import Path

import pytest

from audits.source import CHECKS, archive, linting, scanning
from tests.hostile.sources import KINDS

LIMITS = replace(scanning.LIMITS, cpu_seconds=6, wall_seconds=90.0)
SEEN = ("python_calls_5000", "python_hexadecimal_5000", "requirements_marker_depth_5000", "project_dotted_5000")
SAMPLE = (*SEEN, *list(KINDS)[7::80])


def test_there_are_enough_kinds_and_each_is_always_the_same():
    assert len(KINDS) >= 200
    assert all(KINDS[name]() == KINDS[name]() for name in SAMPLE)


def ends_for(name: str, folder: Path) -> None:
    files = [archive.File(path=path, content=content) for path, content in KINDS[name]().items()]
    path = folder / "archive"
    path.write_bytes(archive.pack(file for file in files if archive.objection(file.path) is None))
    found = [scanning.scan(check, path, commit="0" * 40, limits=LIMITS) for check in CHECKS]
    for scanned in (*found, linting.lint(path)):
        assert scanned.outcome in ("done", "exhausted", "unconfigured"), (name, scanned.check, scanned.why)
        weights = {finding.severity for finding in scanned.findings}
        assert scanned.outcome != "exhausted" or weights == {"person"}
        scanned.raw().decode()  # what is kept is text


@pytest.mark.parametrize("name", SAMPLE)
def test_every_check_ends_on_a_hostile_tree(name, tmp_path):
    ends_for(name, tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("name", [name for name in KINDS if name not in SAMPLE])
def test_every_check_ends_on_every_hostile_tree(name, tmp_path):
    ends_for(name, tmp_path)
