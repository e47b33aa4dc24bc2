"""Is the story of title-1 told to its end?  One round with the demo's cheat, copy and careless miners."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scenarios.stage import TITLE, Outcome, Stage, forfeits_of, hotkey

pytestmark = [pytest.mark.scenario, pytest.mark.long]


@pytest.fixture(scope="module")
def titled() -> Iterator[Outcome]:
    stage = Stage.set_in(Path(os.environ["GAUNTLET_TEST_VAR"]) / "title", competition=TITLE)
    with stage.to_ourselves():
        yield stage.reference(rounds=1)


def test_the_better_one_earns_the_title_on_fresh_prompts(titled: Outcome) -> None:
    title, decision = titled.document("title.json"), titled.document("decision.json")
    (bankroll,) = title["bankrolls"]
    assert decision["winner"] == bankroll["entry"] == hotkey("Chooser")
    assert (bankroll["ending"], bankroll["credits"]) == ("title", "27/8")
    drawn = {prompt["stem"] for prompt in titled.document("round.json")["prompts"]}
    (match,) = [match for match in titled.document("matches.json") if match["kind"] == "title"]
    assert not drawn & {duel["prompt"] for duel in match["duels"]}
    assert match["defender_origin"] == match["challenger_origin"] == "generated"


def test_the_cheat_clears_the_screen_and_is_rejected_before_any_title_duel(titled: Outcome) -> None:
    verdicts = {(audit["entry"], audit["kind"]): audit["verdict"] for audit in titled.document("audits.json")}
    rungs = {rung["challenger"]: rung["verdict"] for rung in titled.document("decision.json")["ladder"]}
    assert verdicts[hotkey("Cheat"), "generation"] == rungs[hotkey("Cheat")] == "rejected"
    assert rungs[hotkey("Chooser")] == "advanced"


def test_a_copy_is_part_of_its_original_s_entry_and_forfeits_are_told(titled: Outcome) -> None:
    (both,) = [entry for entry in titled.document("title.json")["entries"] if len(entry) > 1]
    assert [(one["entry"], one["same"]) for one in both] == [(hotkey("Chooser"), ""), (hotkey("Copy"), "commit")]
    assert forfeits_of("Gaps", titled) >= 1
