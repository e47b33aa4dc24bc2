"""Is the whole story told, from the reveals to the bundle?  Two rounds with the demo's cheat, copy and careless miners.

The first round's challengers: Cheat hosts better files than its code can make, Chooser is honestly better than the
leader, Copy reveals Chooser's commit, Gaps hosts only some files, Garbled reveals nonsense.  Nobody enters the second.
"""

from __future__ import annotations

from fractions import Fraction

import pytest

from tests.scenarios.stage import Outcome, forfeits_of, hotkey

pytestmark = pytest.mark.scenario


@pytest.fixture
def audits(undisturbed: Outcome) -> dict[tuple[str, str], str]:
    return {(audit["entry"], audit["kind"]): audit["verdict"] for audit in undisturbed.document("audits.json")}


def test_the_better_one_takes_the_lead_after_passing_its_audits(
    undisturbed: Outcome, audits: dict[tuple[str, str], str]
) -> None:
    decision = undisturbed.document("decision.json")
    assert decision["leader"] == decision["winner"] == hotkey("Chooser")
    assert audits[hotkey("Chooser"), "source"] == audits[hotkey("Chooser"), "generation"] == "passed"
    assert decision["reigns"][-1]["weight"] == "1"


def test_the_cheat_wins_its_match_and_fails_its_generation_audit(
    undisturbed: Outcome, audits: dict[tuple[str, str], str]
) -> None:
    rungs = {rung["challenger"]: rung for rung in undisturbed.document("decision.json")["ladder"]}
    (screen,) = [
        m for m in undisturbed.document("matches.json") if m["challenger"] == hotkey("Cheat") and m["kind"] == "screen"
    ]
    assert Fraction(screen["margin"]) > Fraction(1, 2)
    assert audits[hotkey("Cheat"), "generation"] == "rejected"
    assert rungs[hotkey("Cheat")]["verdict"] == "rejected"


def test_a_copy_stands_beside_its_original_and_gains_nothing(undisturbed: Outcome) -> None:
    entries = {entry["miner"]: entry for entry in undisturbed.document("submissions.json")}
    assert entries[hotkey("Copy")]["copy_of"] == hotkey("Chooser")
    assert undisturbed.document("decision.json")["winner"] != hotkey("Copy")


def test_missing_files_are_forfeits_and_nonsense_is_answered(undisturbed: Outcome) -> None:
    entries = {entry["miner"]: entry for entry in undisturbed.document("submissions.json")}
    assert forfeits_of("Gaps", undisturbed) >= 1
    assert not entries[hotkey("Gaps")]["objection"]
    told = [reveal for reveal in undisturbed.document("reveals.json") if reveal["miner"] == hotkey("Garbled")]
    assert told and all(reveal["objection"] for reveal in told)


def test_a_round_without_challengers_is_a_defence_at_a_lower_weight(undisturbed: Outcome) -> None:
    first, second = (undisturbed.document("decision.json", number=number) for number in (1, 2))
    assert second["winner"] == "leader"
    assert second["leader"] == first["leader"]
    assert Fraction(second["weight"]) == Fraction(4, 5) * Fraction(first["weight"])
    assert not undisturbed.document("matches.json", number=2)
