"""Whoever changes a bundle without the operator's key is caught, whatever is changed."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.verify import made_bundle, made_files, tampering
from verify import bundle
from verify.findings import errors

MUTANTS = 1000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return made_bundle.make().write(tmp_path / "bundle")


def test_a_good_bundle_has_no_findings(folder: Path) -> None:
    found = bundle.examine(folder, operator=made_files.hotkey("operator")).book
    assert [finding.line() for finding in found.findings] == []
    assert found.counts["duels"] == 36 and found.counts["events"] > 100


def test_every_one_of_a_thousand_tamperings_is_caught(folder: Path) -> None:
    files = {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    source = tampering.original_of(files, signer="operator")
    survivors, ways = [], Counter[str]()
    for way, changed in tampering.mutants(source, number=MUTANTS, seed=1):
        with tampering.changed_folder(folder, changed, good=files):
            found = bundle.examine(folder, operator=made_files.hotkey("operator")).book.findings
        ways[way] += 1
        if not errors(found):
            survivors.append((way, {path: data for path, data in changed.items() if files.get(path) != data}))
    assert not survivors
    assert sum(ways.values()) == MUTANTS and min(ways.values()) >= MUTANTS // len(tampering.WAYS)
    test_a_good_bundle_has_no_findings(folder)  # every change was undone
