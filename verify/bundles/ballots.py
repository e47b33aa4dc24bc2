"""Does a duel's verdict follow from the judge's answers?

Each question was asked in both orders, and the two answers make one score, s = (ab - ba) / 2, toward zero, in
millionths and positive for the challenger.  A perceptual judge is asked about all front views; where they leave it open
(|s| < 80,000) once more on gray; then always about the sides.  The verdict is the front (the gray one, if it was asked)
plus the sides: below 80,000 a draw; a draw, too, where the winner is worse at the sides by 250,000 or more.

A vision-language model is asked about the likeness first; where it is clear it decides.  Where it is not, three
specialists are asked until two agree, and not against the lean of the likeness.  Then, for objects that are hard to see
on white, the likeness on gray.  Whoever won by then wins nothing if it is much more spoiled at the sides.  A question
that could change nothing is not asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

BARS = {
    "likeness": 450_000,
    "lean": 200_000,
    "artifacts": 300_000,
    "checklist": 150_000,
    "detail": 300_000,
    "gray": 350_000,
    "sides": 300_000,
}
"""In millionths: from where on an answer counts, where a bundle's judge does not say otherwise."""
SPECIALISTS = ("artifacts", "checklist", "detail")
ORDER = ("likeness", *SPECIALISTS, "gray", "sides")

Stage = dict[str, Any]
Bars = Mapping[str, int]
SILENCE = "silence"
TWO_STAGES = {"front", "gray", "around"}
WHOLE, DRAW_BAND, SIDE_GUARD = 1_000_000, 80_000, 250_000
Verdict = tuple[str, int, str]
"""(outcome, score, what decided it)."""


class Unanswered(Exception):
    """A question had to be asked, and there is no answer; or one was asked that could change nothing."""


class StageAnswers:
    """The answers of one duel, and which of them the verdict needed."""

    def __init__(self, stages: list[Stage], *, bars: Bars) -> None:
        self.bars = bars
        self.given = {stage["kind"]: stage for stage in stages}
        self.needed: set[str] = set()
        kinds = [stage["kind"] for stage in stages]
        if kinds != [kind for kind in ORDER if kind in self.given]:
            raise Unanswered(f"asked in the order {', '.join(kinds)}")

    def value(self, kind: str, *, bar: str = "") -> int:
        """The score of an answer that says something; 0 below its bar, and where both orders name one place."""
        self.needed.add(kind)
        if kind not in self.given:
            raise Unanswered(f"{kind} was not asked")
        stage = self.given[kind]
        return int(stage["score"]) if stage["consistent"] and abs(stage["score"]) >= self.bars[bar or kind] else 0


def lead_before_sides(stages: list[Stage], *, bars: Bars = BARS) -> tuple[int, str]:
    """(score, what decided it) before the sides were looked at.  Raises Unanswered."""
    return _lead(StageAnswers(stages, bars=bars))


def cascade_verdict(stages: list[Stage], *, bars: Bars = BARS) -> tuple[str, int, str]:
    """(outcome, score, what decided it).  Raises Unanswered."""
    answers = StageAnswers(stages, bars=bars)
    score, by = _lead(answers)
    if score:
        answers.needed.add("sides")
        if "sides" not in answers.given:
            raise Unanswered("sides was not asked")
        if answers.given["sides"]["score"] * (1 if score > 0 else -1) <= -bars["sides"]:
            score, by = 0, "side_guard"
    unneeded = sorted(set(answers.given) - answers.needed)
    if unneeded:
        raise Unanswered(f"{', '.join(unneeded)} could change nothing")
    return ("challenger" if score > 0 else "defender" if score < 0 else "draw"), score, by


def _lead(answers: StageAnswers) -> tuple[int, str]:
    if clear := answers.value("likeness"):
        return clear, "likeness"
    lean = answers.value("likeness", bar="lean")
    if agreed := _specialists(answers, lean):
        return agreed, "specialists"
    gray = answers.value("gray") if "gray" in answers.given else 0
    return (gray, "gray") if gray * lean >= 0 and gray else (0, "draw_band")


def _specialists(answers: StageAnswers, lean: int) -> int:
    """Half the sum of the first two that agree; 0 as soon as no two of them can, or only against the lean."""
    for_challenger: list[int] = []
    for_defender: list[int] = []
    for number, kind in enumerate(SPECIALISTS, 1):
        vote = answers.value(kind)
        if vote > 0 and lean >= 0:
            for_challenger.append(vote)
        if vote < 0 and lean <= 0:
            for_defender.append(vote)
        for votes in (for_challenger, for_defender):
            if len(votes) == 2:
                total = sum(votes)
                return abs(total) // 2 * (1 if total > 0 else -1)
        if max(len(for_challenger), len(for_defender)) + len(SPECIALISTS) - number < 2:
            break
    return 0


class Wrong(Exception):
    """The answers are not those that had to be asked for, or do not add up."""


def stage_of(kind: str, ab: int, ba: int) -> dict[str, Any]:
    """A stage as a duel's detail has it."""
    score = abs(ab - ba) // 2 * (1 if ab >= ba else -1)
    one_place = min(ab, ba) > DRAW_BAND or max(ab, ba) < -DRAW_BAND
    return {"kind": kind, "ab": ab, "ba": ba, "score": score, "consistent": not one_place}


def verdict(stages: list[dict[str, Any]], *, by_model: bool, bars: Mapping[str, int] = BARS) -> Verdict:
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
        return cascade_verdict(stages, bars=bars)
    except Unanswered as gap:
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
