"""Whoever changes a bundle without the operator's key is caught, whatever is changed."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.verify import made_bundle, made_files, tampering
from verify.bundles import bundle
from verify.findings import errors

MUTANTS = [
    pytest.param(100, 3, id="100"),
    pytest.param(300, 1, id="300", marks=pytest.mark.long),
    pytest.param(1000, 2, id="1000", marks=pytest.mark.long),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return made_bundle.make().write(tmp_path / "bundle")


def test_a_good_bundle_has_no_findings(folder: Path) -> None:
    found = bundle.examine(folder, operator=made_files.hotkey("operator")).log
    assert [finding.line() for finding in found.findings] == []
    assert found.counts["duels"] == 36 and found.counts["events"] > 100


@pytest.mark.parametrize(("number", "seed"), MUTANTS)
def test_every_one_of_hundreds_of_tamperings_is_caught(number: int, seed: int, folder: Path) -> None:
    files = {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    source = tampering.original_of(files, signer="operator")
    survivors, ways = [], Counter[str]()
    for way, changed in tampering.mutants(source, number=number, seed=seed):
        with tampering.changed_folder(folder, changed, good=files):
            found = bundle.examine(folder, operator=made_files.hotkey("operator")).log.findings
        ways[way] += 1
        if not errors(found):
            survivors.append((way, {path: data for path, data in changed.items() if files.get(path) != data}))
    assert not survivors
    assert sum(ways.values()) == number and min(ways.values()) >= number // len(tampering.WAYS)
    test_a_good_bundle_has_no_findings(folder)  # every change was undone
