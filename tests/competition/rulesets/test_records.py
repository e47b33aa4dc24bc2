"""The rules on real rounds: the recorded winners come out, and stopping early gives the whole match's answer."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from competition.rulesets import MARGIN_1, TITLE_1, ruleset, screening
from competition.rulesets.base import KnownRound, Pairing
from competition.rulesets.ladder import LEADER, Audited, Key, LadderEntry
from competition.rulesets.tally import DuelResult, Tally, clears

RECORDS = Path(__file__).resolve().parents[4] / "shared" / "records"
pytestmark = pytest.mark.skipif(not RECORDS.is_dir(), reason="the real records are not beside this checkout")
WINNERS = {"left": -1, "leader": -1, "right": 1, "miner": 1, "draw": 0}


def result(duel: dict[str, Any]) -> DuelResult:
    """A duel that one side lost for want of a picture is a forfeit."""
    if duel["winner"] == "skipped":
        return DuelResult.VOID
    net = WINNERS[duel["winner"]]
    if net < 0 and not duel.get("right_png", duel.get("miner_png")):
        return DuelResult.FORFEIT_CHALLENGER
    if net > 0 and not duel.get("left_png", duel.get("leader_png")):
        return DuelResult.FORFEIT_DEFENDER
    return {1: DuelResult.WON, 0: DuelResult.DRAWN, -1: DuelResult.LOST}[net]


def matches(pattern: str) -> Iterator[list[DuelResult]]:
    for path in sorted(RECORDS.glob(pattern)):
        yield [result(duel) for duel in json.loads(path.read_text())["duels"]]


@cache
def screens() -> list[list[DuelResult]]:
    return [*matches("competition-0/rounds/*/*/duels.json"), *matches("competition-1/rounds/*/*/duels_leader.json")]


def rejected(folder: Path) -> set[str]:
    generation = json.loads((folder / "generation_audits.json").read_text())
    found = {hotkey for hotkey, audit in generation.items() if audit["outcome"] == "rejected"}
    source = folder / "source_audit.json"
    listed = json.loads(source.read_text()) if source.is_file() else []
    return found | {audit["hotkey"] for audit in listed if audit["verdict"] == "failed"}


@pytest.mark.parametrize("number", [0, 1, 2, 3])
def test_margin_1_gives_the_recorded_winner(number: int) -> None:
    folder = RECORDS / "competition-1" / "rounds" / str(number)
    submissions = json.loads((folder / "submissions.json").read_text())
    by_ten = {hotkey[:10]: hotkey for hotkey in submissions} | {"leader": LEADER}
    entries = [
        LadderEntry(key=hotkey, hotkey=hotkey, reveal_block=s["revealed_at_block"]) for hotkey, s in submissions.items()
    ]
    met: dict[Pairing, Tally] = {}
    for path in sorted(folder.glob("*/duels_*.json")):
        told = json.loads(path.read_text())
        left = by_ten.get(path.stem.removeprefix("duels_"), told["left"])
        met["screen" if left == LEADER else "ladder", left, told["right"]] = Tally.of(
            result(duel) for duel in told["duels"]
        )
    nothing = Tally(forfeits_challenger=128)
    screens: dict[Pairing, Tally] = {("screen", LEADER, entry.key): nothing for entry in entries}
    lost = rejected(folder)
    audits: dict[Key, Audited] = {hotkey: "rejected" if hotkey in lost else "passed" for hotkey in submissions}
    decision = ruleset(MARGIN_1).decide(KnownRound(entries=entries, tallies=screens | met, audits=audits))
    assert decision.complete
    assert decision.leader == json.loads((folder / "winner.json").read_text())["winner_hotkey"]


def judged(results: list[DuelResult]) -> int:
    return sum(r not in screening.FORFEITS for r in results)


def test_two_judged_screen_duels_in_five_are_saved_with_no_decision_changed() -> None:
    """In the order in which they were judged then; `manage.py simulate_rules --records` shuffles them."""
    used = total = 0
    for results in screens():
        stopped = screening.stop(results, rules=TITLE_1)
        assert stopped is not None
        assert clears(stopped.tally, rules=TITLE_1) == clears(Tally.of(results), rules=TITLE_1)
        used, total = used + judged(results[: stopped.after]), total + judged(results)
    assert Fraction(total - used, total) >= Fraction(2, 5)


def test_of_the_qualified_hardly_a_shuffle_is_stopped() -> None:
    lots = random.Random(17)
    for results in (r for r in screens() if clears(Tally.of(r), rules=TITLE_1)):
        shuffles = [screening.stop(lots.sample(results, len(results)), rules=TITLE_1) for _ in range(40)]
        assert sum(bool(stopped and stopped.because) for stopped in shuffles) <= 2
