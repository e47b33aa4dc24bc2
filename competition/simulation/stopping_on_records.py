"""How many judged screen duels of the public records need not have been judged, and is any decision changed?"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from competition import rulesets
from competition.rulesets import Rules
from competition.rulesets.base import SCREEN
from competition.rulesets.tally import DuelResult, Tally, clears

SHUFFLES = 2000
_NET = {"left": -1, "leader": -1, "right": 1, "miner": 1, "draw": 0}


@dataclass(frozen=True)
class Saved:
    """`worst`: the largest share of shuffles of one match in which stopping changed the decision."""

    screens: int
    judged: int
    saved: int
    changed: int
    worst: float

    def __str__(self) -> str:
        return (
            f"{self.screens} screens, {self.judged} judged duels, {self.saved} ({self.saved / self.judged:.1%}) saved, "
            f"{self.changed} decisions changed; at worst {self.worst:.2%} of the shuffles of a match"
        )


def screens(folder: Path) -> Iterator[list[DuelResult]]:
    """Every screen of a folder of public state repositories, as it was judged."""
    for path in sorted(folder.glob("*/rounds/*/*/duels*.json")):
        if path.name in ("duels.json", "duels_leader.json"):
            yield [result_of(duel) for duel in json.loads(path.read_text())["duels"]]


def result_of(duel: dict[str, Any]) -> DuelResult:
    """A duel that was lost for want of a picture is a forfeit."""
    if duel["winner"] not in _NET:
        return DuelResult.VOID
    net = _NET[duel["winner"]]
    if net < 0 and not duel.get("right_png", duel.get("miner_png")):
        return DuelResult.FORFEIT_CHALLENGER
    if net > 0 and not duel.get("left_png", duel.get("leader_png")):
        return DuelResult.FORFEIT_DEFENDER
    return {1: DuelResult.WON, 0: DuelResult.DRAWN, -1: DuelResult.LOST}[net]


def measure(folder: Path, *, rules: Rules, seed: int) -> Saved:
    """In the recorded order; and `SHUFFLES` times in another order where a decision could change."""
    ruleset = rulesets.ruleset(rules)
    lots, judged, saved, changed, worst, recorded = random.Random(seed), 0, 0, 0, 0.0, list(screens(folder))
    if not recorded:
        raise FileNotFoundError(f"--records {folder}: it holds no <repository>/rounds/<n>/<miner>/duels*.json")
    for results in recorded:
        stopped = ruleset.match_end(SCREEN, results, total=len(results))
        if stopped is None:
            raise ValueError("a record has no open duels")
        whole = clears(Tally.of(results), rules=rules)
        judged += _judged(results)
        saved += _judged(results) - _judged(results[: stopped.after])
        changed += clears(stopped.tally, rules=rules) != whole
        if whole:
            total = len(results)
            ends = [ruleset.match_end(SCREEN, lots.sample(results, total), total=total) for _ in range(SHUFFLES)]
            worst = max(worst, sum(bool(end and end.because) for end in ends) / SHUFFLES)
    return Saved(len(recorded), judged, saved, changed, worst)


def _judged(results: list[DuelResult]) -> int:
    return sum(not result.forfeit for result in results)
