"""What comes of a plan: its rules, what a judge makes of two qualities, how a match adds up and where it ends."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import product
from typing import Any

Row = dict[str, Any]
COUNTED = ("won", "drawn", "lost", "forfeits_challenger", "forfeits_defender")
TALLY = (*COUNTED, "void")
RULES = {
    "name": "margin-1",
    "win_margin": "1/20",
    "weight_decay": "1/5",
    "weight_floor": "1/5",
    "least_counted": 1,
    "stop_early": True,
    "paid_from": "next_latest_reveal",
    "audits": ["source", "generation"],
    "audit_distance": "1/10",
    "audit_failed_allowed": 6,
    "audit_critical_allowed": 1,
    "audit_median_seconds": "90",
    "audit_limit_seconds": "180",
    "audit_repeats": 1,
}
BLOCKS = {"round_blocks": 600, "open_blocks": 15, "seed_delay_blocks": 2, "generation_blocks": 420, "lead_blocks": 10}
RIG = {
    "views": [{"name": "front", "theta": 0, "phi": 0}],
    "gray": ["front"],
    "radius": 2,
    "fov": 49.1,
    "pixels": 64,
    "grid_pixels": 64,
    "samples": 1,
    "background": "#ffffff",
    "gray_background": "#808080",
}

QUALITY: dict[str, Callable[[int], tuple[int, int]]] = {
    "base": lambda n: (0, 0),
    "ash": lambda n: (-120_001, 0) if n == 1 else (250_001, 40_001),
    "birch": lambda n: (500_003, -200_001) if n == 3 else (600_003, 100_001),
    "dropper": lambda n: (30_000, -10_000) if n % 2 else (-400_000, -400_000),
    "worse": lambda n: (-700_000, -300_000),
}
"""Front and sides of everybody's asset for the n-th prompt."""


def judged(left: tuple[int, int], right: tuple[int, int]) -> tuple[str, int, Row]:
    """What a judge that likes the first place a little makes of two qualities."""
    front = ballot("front", right[0] - left[0])
    stages = [front] + ([ballot("gray", right[0] - left[0])] if abs(front["score"]) < 80_000 else [])
    stages.append(ballot("around", right[1] - left[1]))
    score = min(1_000_000, max(-1_000_000, stages[-2]["score"] + stages[-1]["score"]))
    sides, sign = stages[-1]["score"], 1 if score > 0 else -1
    if abs(score) < 80_000:
        outcome, by = "draw", "draw_band"
    elif sign * sides <= -250_000:
        outcome, by = "draw", "side_guard"
    else:
        outcome = "challenger" if score > 0 else "defender"
        by = stages[-2]["kind"] if stages[-2]["score"] * sign >= 80_000 else "around"
    return outcome, score, {"decided_by": by, "stages": stages}


def ballot(kind: str, difference: int) -> Row:
    ab, ba = max(-990_000, difference) - 10_000, min(990_000, -difference) - 10_000
    ab, ba = min(ab, 1_000_000), max(ba, -1_000_000)
    half = int(Fraction(ab - ba, 2))
    same_place = min(ab, ba) > 80_000 or max(ab, ba) < -80_000
    return {"kind": kind, "ab": ab, "ba": ba, "score": half, "consistent": not same_place}


def result(duel: Row) -> str:
    if duel["state"] == "void":
        return "void"
    won, lost = ("forfeits_defender", "forfeits_challenger") if duel["state"] == "forfeited" else ("won", "lost")
    return {"challenger": won, "defender": lost, "draw": "drawn"}[duel["outcome"]]


def summed(results: Sequence[str]) -> Row:
    counts = Counter(results)
    tally = {name: counts[name] for name in TALLY}
    counted = sum(tally[name] for name in COUNTED)
    net = tally["won"] + tally["forfeits_defender"] - tally["lost"] - tally["forfeits_challenger"]
    margin = Fraction(net, counted) if counted else Fraction(0)
    return {"tally": tally, "margin": str(margin), "margin_micro": round(margin * 10**6)}


def stopped(results: Sequence[str], *, bar: Fraction = Fraction(1, 20), least: int = 1) -> tuple[int, str]:
    """After which duel every way in which the rest could go says the same, tried one by one."""
    total = len(results)
    for done in range(total + 1):
        ends = set()
        for won, lost, void in product(range(total - done + 1), repeat=3):
            if won + lost + void <= total - done:
                rest = ["won"] * won + ["lost"] * lost + ["void"] * void
                whole = [*results[:done], *rest, *["drawn"] * (total - done - len(rest))]
                clears = Fraction(summed(whole)["margin"]) >= bar and sum(r != "void" for r in whole) >= least
                ends.add("qualified" if clears else "below")
        if len(ends) == 1:
            return done, ends.pop() if done < total else ""
    raise AssertionError("a whole match is certain")
