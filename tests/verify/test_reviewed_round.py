"""What people decide, what a miner objects to, and what a correction replaces is recomputed from the bundle."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from competition.models import Reign, Round
from core import operator_key
from tests.verify import played_round, reviewed_round
from tests.verify.conftest import once
from tests.verify.lies_about_reviews import LIES
from tests.verify.resigned import rewritten
from verify.__main__ import examine_all

SEED = 6


@pytest.fixture
def bundles(db: None, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Round 1, its second edition, and round 2, which was played after the correction.  Played once."""

    def playing(folder: Path) -> None:
        with monkeypatch.context() as patch:
            stage = played_round.stage(seed=SEED, patch=patch, folder=folder)
            patch.setattr("tests.verify.played_round.severity", lambda *_: "person")  # every licence is borderline
            stage.reveal_some(1)
            reviewed_round.play(stage, 1)
            round_ = Round.objects.get(number=1)
            reviewed_round.correct(stage, round_)
            assert Reign.objects.order_by("-sequence")[0].supersedes is not None
            reviewed_round.play(stage, 2)

    return once("reviewed", playing) / "bundles" / "played"


def lines(folder: Path) -> list[str]:
    report = examine_all(folder, operator=operator_key.keypair().ss58_address)
    assert report is not None
    return [finding.line() for finding in report.findings if finding.severity == "error"]


def told(folder: Path, name: str) -> Any:
    return json.loads((folder / name).read_text())


def test_both_editions_and_the_round_after_are_confirmed(bundles: Path) -> None:
    assert sorted(p.name for p in bundles.iterdir() if not p.name.startswith(".")) == ["1", "1.2", "2"]
    assert "\n".join(lines(bundles)) == ""
    for name in ("1", "1.2", "2"):
        assert "\n".join(lines(bundles / name)) == ""


def test_the_second_edition_tells_both_results(bundles: Path) -> None:
    first, second = told(bundles / "1", "decision.json"), told(bundles / "1.2", "decision.json")
    document = told(bundles / "1.2", "correction.json")
    assert document["before"]["winner"] == first["winner"] != second["winner"]
    assert second["leader"] != first["leader"] and document["supersedes"] == document["defended"] + 1
    assert [a["verdict"] for a in document["set_aside"] if a["kind"] == "source" and a["version"] == 1] == ["passed"]
    after = told(bundles / "2", "decision.json")
    assert [r["hotkey"] for r in after["reigns"][:3]] == [r["hotkey"] for r in second["reigns"]]


def test_rewritten_as_it_was_it_is_still_confirmed(bundles: Path, tmp_path: Path) -> None:
    assert "\n".join(lines(rewritten(bundles / "1.2", tmp_path / "same", lambda documents, events: None))) == ""


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.__name__)
def test_a_lie_about_people_is_named_though_the_operator_signs_it(lie: Any, bundles: Path, tmp_path: Path) -> None:
    found = lines(rewritten(bundles / "1.2", tmp_path / "lie", lie))
    assert any(f"[{LIES[lie]}]" in line for line in found), found
