"""Does a duel's verdict follow from the judge's answers?

Each question was asked in both orders, and the two answers make one score, s = (ab - ba) / 2, toward zero, in
millionths and positive for the challenger.  First all front views; where they leave it open (|s| < 80,000) once more on
gray; then always the sides.  The verdict is the front (the gray one, if it was asked) plus the sides: below 80,000 a
draw; a draw, too, where the winner is worse at the sides by 250,000 or more.
"""

from __future__ import annotations

from typing import Any

WHOLE, DRAW_BAND, SIDE_GUARD = 1_000_000, 80_000, 250_000


def halved(value: int) -> int:
    return abs(value) // 2 * (1 if value >= 0 else -1)


def problem(stages: list[dict[str, Any]]) -> str | None:
    """What is wrong with the answers themselves; None when they are those that had to be asked for."""
    for stage in stages:
        if max(abs(stage["ab"]), abs(stage["ba"])) > WHOLE:
            return f"an answer about {stage['kind']} beyond a million"
        if stage["score"] != halved(stage["ab"] - stage["ba"]):
            return f"the score of {stage['kind']} is not half the difference of its answers"
        one_place = min(stage["ab"], stage["ba"]) > DRAW_BAND or max(stage["ab"], stage["ba"]) < -DRAW_BAND
        if stage["consistent"] == one_place:
            return f"{stage['kind']} is said to be {'' if one_place else 'in'}consistent"
    kinds = [stage["kind"] for stage in stages]
    undecided = bool(stages) and abs(stages[0]["score"]) < DRAW_BAND
    wanted = ["front", "gray", "around"] if undecided else ["front", "around"]
    return None if kinds == wanted else f"asked {', '.join(kinds) or 'nothing'}, not {', '.join(wanted)}"


def verdict(stages: list[dict[str, Any]]) -> tuple[str, int, str]:
    """(outcome, score, what decided it) of answers that nothing is wrong with."""
    front, around = stages[-2], stages[-1]
    score = max(-WHOLE, min(WHOLE, front["score"] + around["score"]))
    if abs(score) < DRAW_BAND:
        return "draw", score, "draw_band"
    ours = 1 if score > 0 else -1
    if ours * around["score"] <= -SIDE_GUARD:
        return "draw", score, "side_guard"
    decided_by = str(front["kind"]) if ours * front["score"] >= DRAW_BAND else "around"
    return ("challenger" if ours > 0 else "defender"), score, decided_by
