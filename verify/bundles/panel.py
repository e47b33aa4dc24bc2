"""What does a duel come to that two families of models judged?

A side wins where both families name it, or where one does and the other sees nothing to choose: its score is half the
sum of both, toward zero, or that of the only one that names a side.  Where they name opposite sides, or neither names
one, it is a draw at 0.  The answers of both stand in one list, each under its model's name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from verify.bundles.answers import AnswersByKey, Views
from verify.bundles.ballots import Verdict
from verify.bundles.files import Row

RULES, OF_EACH, NAME = "panel-1", "cascade-1", "panel:"


class PanelAnswers:
    """The answers of both judges, in the order of their description."""

    def __init__(self, members: Sequence[AnswersByKey]) -> None:
        self.members = tuple(members)

    @property
    def rows(self) -> dict[str, Row]:
        return {key: row for member in self.members for key, row in member.rows.items()}

    @property
    def views(self) -> Mapping[str, Views]:
        return self.members[0].views

    @property
    def needed(self) -> set[str]:
        return {key for member in self.members for key in member.needed}


def judges_of(described: Row) -> list[Row]:
    """What each model of this judge consists of."""
    return list(described["judges"]) if described.get("rules") == RULES else [described]


def model_of(judge: Row) -> str:
    return f"{judge['model']}@{judge['revision']}"


def unsound(described: Row, name: str) -> str:
    """Why this is no panel of two families, or not what the judge is called; "" where all fits."""
    if (described.get("rules") == RULES) != name.startswith(NAME):
        return f"{name} is described as {described.get('rules')}"
    judges = judges_of(described)
    if any(judge["rules"] != OF_EACH for judge in judges):
        return f"rules of a model other than {OF_EACH}"
    if described.get("rules") == RULES and len(judges) != 2:
        return f"a panel of {len(judges)}"
    if len({judge.get("family") for judge in judges}) < len(judges):
        return "two judges of one family"
    return ""


def together(verdicts: Sequence[Verdict]) -> Verdict:
    """(outcome, score, what decided it) of both families' own."""
    for_challenger = [score for outcome, score, _ in verdicts if outcome == "challenger"]
    for_defender = [score for outcome, score, _ in verdicts if outcome == "defender"]
    if for_challenger and for_defender:
        return "draw", 0, "families_disagree"
    scores = for_challenger or for_defender
    if not scores:
        return "draw", 0, "draw_band"
    size = abs(sum(scores)) // len(scores)
    outcome, sign = ("challenger", 1) if for_challenger else ("defender", -1)
    return outcome, sign * size, "both_families" if len(scores) == 2 else "one_family"


def of_family(control: Row, family: str) -> Row:
    """A control as one family judged it; of a repeat whose pictures silenced the judge that is nothing."""
    own = [row for row in control["detail"].get("families", []) if row["family"] == family]
    verdict_row: Row = own[0] if own else {"outcome": "draw", "score_micro": 0, "stages": []}
    leans = control["kind"] in ("self", "injection") and verdict_row["outcome"] == "draw" and verdict_row["stages"]
    return {
        "kind": control["kind"],
        "score_micro": verdict_row["stages"][0]["score"] if leans else verdict_row["score_micro"],
        "before_micro": control["detail"].get("before", {}).get(family, 0),
        "detail": {"stages": verdict_row["stages"]},
    }
