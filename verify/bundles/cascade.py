"""Does a duel's verdict follow from the answers of a vision-language model?

Likeness first; where it is clear it decides.  Where it is not, three specialists are asked until two agree, and not
against the lean of the likeness.  Then, for objects that are hard to see on white, the likeness on gray.  Whoever won
by then wins nothing if it is much more spoiled at the sides.  A question that could change nothing is not asked.
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


def lead(stages: list[Stage], *, bars: Bars = BARS) -> tuple[int, str]:
    """(score, what decided it) before the sides were looked at.  Raises Unanswered."""
    return _lead(StageAnswers(stages, bars=bars))


def verdict(stages: list[Stage], *, bars: Bars = BARS) -> tuple[str, int, str]:
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
    for asked, kind in enumerate(SPECIALISTS, 1):
        vote = answers.value(kind)
        if vote > 0 and lean >= 0:
            for_challenger.append(vote)
        if vote < 0 and lean <= 0:
            for_defender.append(vote)
        for votes in (for_challenger, for_defender):
            if len(votes) == 2:
                total = sum(votes)
                return abs(total) // 2 * (1 if total > 0 else -1)
        if max(len(for_challenger), len(for_defender)) + len(SPECIALISTS) - asked < 2:
            break
    return 0
