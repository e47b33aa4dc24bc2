"""Is the whole story told with modules, too?  A round of the demo of Three.js modules, drawn by a real Chromium.

Its challengers: Forger hosts better modules than its code can write, Sculptor is honestly better than the leader, Echo
reveals Sculptor's commit, Bobbin hosts only some modules, Turner turns everything on a lathe, Garbled reveals nonsense.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest

from core.sandbox.chromium import walls
from tests.scenarios.stage import Outcome, Stage, forfeits_of, hotkey
from tests.scenarios.test_client import small_demo

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def outcome() -> Iterator[Outcome]:
    """From the reveals to the bundle, which `Play.check` verifies."""
    if walls.program("") is None:
        pytest.skip(f"no Chromium here: {walls.INSTALL}")
    folder = Path(os.environ["GAUNTLET_TEST_VAR"]) / "scenario-modules"
    folder.mkdir(exist_ok=True)
    small = folder / "competition.json"
    small.write_text(json.dumps(small_demo("threejs", prompts=4)))
    stage = Stage.set_in(folder / "stage", competition=small)
    with stage.to_ourselves():
        yield stage.reference(rounds=1)


def test_the_better_one_leads_the_cheat_is_caught_the_copy_gains_nothing_and_gaps_are_forfeits(
    outcome: Outcome,
) -> None:
    decision = outcome.document("decision.json")
    audits = {(audit["entry"], audit["kind"]): audit["verdict"] for audit in outcome.document("audits.json")}
    screens = {match["challenger"]: match for match in outcome.document("matches.json") if match["kind"] == "screen"}
    entries = {entry["miner"]: entry for entry in outcome.document("submissions.json")}
    assert decision["winner"] == decision["leader"] == hotkey("Sculptor")
    assert audits[hotkey("Sculptor"), "source"] == audits[hotkey("Sculptor"), "generation"] == "passed"
    assert Fraction(screens[hotkey("Forger")]["margin"]) > Fraction(1, 2)
    assert audits[hotkey("Forger"), "generation"] == "rejected"
    assert entries[hotkey("Echo")]["copy_of"] == hotkey("Sculptor")
    assert forfeits_of("Bobbin", outcome) >= 1 and not entries[hotkey("Bobbin")]["objection"]
    told = [reveal for reveal in outcome.document("reveals.json") if reveal["miner"] == hotkey("Garbled")]
    assert told and all(reveal["objection"] for reveal in told)
