"""What people decide, what a miner objects to, and what a correction replaces is recomputed from the bundle."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from core import operator_key
from tests.verify import reviewed_round
from tests.verify.conftest import once
from tests.verify.lies_about_reviews import LIES
from tests.verify.resigned import rewritten
from verify.__main__ import examine_all


@pytest.fixture
def bundles(db: None) -> Path:
    """Round 1 and its second edition.  Played once."""

    def playing(folder: Path) -> None:
        with pytest.MonkeyPatch.context() as patch:
            reviewed_round.corrected(patch=patch, folder=folder)

    return once(reviewed_round.CORRECTED, playing) / "bundles" / "played"


@pytest.fixture
def with_the_round_after(db: None) -> Path:
    """And round 2, which was played after the correction.  Played once."""

    def playing(folder: Path) -> None:
        with pytest.MonkeyPatch.context() as patch:
            stage, _ = reviewed_round.corrected(patch=patch, folder=folder)
            reviewed_round.play(stage, 2)

    return once(f"{reviewed_round.CORRECTED}, and the round after", playing) / "bundles" / "played"


def lines(folder: Path) -> list[str]:
    report = examine_all(folder, operator=operator_key.keypair().ss58_address)
    assert report is not None
    return [finding.line() for finding in report.findings if finding.severity == "error"]


def told(folder: Path, name: str) -> Any:
    return json.loads((folder / name).read_text())


def confirmed(bundles: Path, *, names: list[str]) -> None:
    assert sorted(p.name for p in bundles.iterdir() if not p.name.startswith(".")) == names
    assert "\n".join(lines(bundles)) == ""
    for name in names:
        assert "\n".join(lines(bundles / name)) == ""


def test_both_editions_are_confirmed(bundles: Path) -> None:
    confirmed(bundles, names=["1", "1.2"])


@pytest.mark.long
def test_both_editions_and_the_round_after_are_confirmed(with_the_round_after: Path) -> None:
    confirmed(with_the_round_after, names=["1", "1.2", "2"])
    second, after = (told(with_the_round_after / name, "decision.json") for name in ("1.2", "2"))
    assert [r["hotkey"] for r in after["reigns"][:3]] == [r["hotkey"] for r in second["reigns"]]


def test_the_second_edition_tells_both_results(bundles: Path) -> None:
    first, second = told(bundles / "1", "decision.json"), told(bundles / "1.2", "decision.json")
    document = told(bundles / "1.2", "correction.json")
    assert document["before"]["winner"] == first["winner"] != second["winner"]
    assert second["leader"] != first["leader"] and document["supersedes"] == document["defended"] + 1
    assert [a["verdict"] for a in document["set_aside"] if a["kind"] == "source" and a["version"] == 1] == ["passed"]


def test_rewritten_as_it_was_it_is_still_confirmed(bundles: Path, tmp_path: Path) -> None:
    assert "\n".join(lines(rewritten(bundles / "1.2", tmp_path / "same", lambda documents, events: None))) == ""


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.__name__)
def test_a_lie_about_people_is_named_though_the_operator_signs_it(lie: Any, bundles: Path, tmp_path: Path) -> None:
    found = lines(rewritten(bundles / "1.2", tmp_path / "lie", lie))
    assert any(f"[{LIES[lie]}]" in line for line in found), found
