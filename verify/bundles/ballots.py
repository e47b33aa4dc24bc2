"""Does a duel's verdict follow from the judge's answers?  (For a vision-language model: `cascade`.)

Each question was asked in both orders, and the two answers make one score, s = (ab - ba) / 2, toward zero, in
millionths and positive for the challenger.  First all front views; where they leave it open (|s| < 80,000) once more on
gray; then always the sides.  The verdict is the front (the gray one, if it was asked) plus the sides: below 80,000 a
draw; a draw, too, where the winner is worse at the sides by 250,000 or more.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from verify.bundles import cascade

SILENCE = "silence"
TWO_STAGES = {"front", "gray", "around"}
WHOLE, DRAW_BAND, SIDE_GUARD = 1_000_000, 80_000, 250_000
Verdict = tuple[str, int, str]
"""(outcome, score, what decided it)."""


class Wrong(Exception):
    """The answers are not those that had to be asked for, or do not add up."""


def stage_of(kind: str, ab: int, ba: int) -> dict[str, Any]:
    """A stage as a duel's detail has it."""
    score = abs(ab - ba) // 2 * (1 if ab >= ba else -1)
    one_place = min(ab, ba) > DRAW_BAND or max(ab, ba) < -DRAW_BAND
    return {"kind": kind, "ab": ab, "ba": ba, "score": score, "consistent": not one_place}


def verdict(stages: list[dict[str, Any]], *, by_model: bool, bars: Mapping[str, int] = cascade.BARS) -> Verdict:
    """By the rule of this judge, a model's with its own bars.  Raises Wrong."""
    for stage in stages:
        if max(abs(stage["ab"]), abs(stage["ba"])) > WHOLE:
            raise Wrong(f"an answer about {stage['kind']} beyond a million")
        if stage != stage_of(stage["kind"], stage["ab"], stage["ba"]):
            raise Wrong(f"the score of {stage['kind']} is not half the difference of its answers")
    if not by_model:
        return of_two_stages(stages)
    if not stages:
        return "draw", 0, "same_file"
    if silent(stages):
        return of_silence(stages[0])
    try:
        return cascade.verdict(stages, bars=bars)
    except cascade.Unanswered as gap:
        raise Wrong(str(gap)) from gap


def silent(stages: list[dict[str, Any]]) -> bool:
    """Was the duel decided by whose pictures keep the judge from answering?  No answer stands behind that."""
    return [stage["kind"] for stage in stages] == [SILENCE]


def of_silence(stage: dict[str, Any]) -> Verdict:
    """`ab` is a million where the defender's pictures silence the judge, `ba` where the challenger's do; that side
    loses, and nobody where it is both or neither."""
    if {stage["ab"], stage["ba"]} - {0, WHOLE}:
        raise Wrong("a silence is whole or none")
    outcome = "challenger" if stage["score"] > 0 else "defender" if stage["score"] < 0 else "draw"
    return outcome, stage["score"], SILENCE


def of_two_stages(stages: list[dict[str, Any]]) -> Verdict:
    kinds = [stage["kind"] for stage in stages]
    undecided = bool(stages) and abs(stages[0]["score"]) < DRAW_BAND
    wanted = ["front", "gray", "around"] if undecided else ["front", "around"]
    if kinds != wanted:
        raise Wrong(f"asked {', '.join(kinds) or 'nothing'}, not {', '.join(wanted)}")
    front, around = stages[-2], stages[-1]
    score = max(-WHOLE, min(WHOLE, front["score"] + around["score"]))
    if abs(score) < DRAW_BAND:
        return "draw", score, "draw_band"
    ours = 1 if score > 0 else -1
    if ours * around["score"] <= -SIDE_GUARD:
        return "draw", score, "side_guard"
    decided_by = str(front["kind"]) if ours * front["score"] >= DRAW_BAND else "around"
    return ("challenger" if ours > 0 else "defender"), score, decided_by
