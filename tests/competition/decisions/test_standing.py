"""What may a competition ask of a hotkey beyond its messages?"""

from __future__ import annotations

from typing import Any

import pytest

from competition.decisions.standing import UNIT, Condition, HotkeyStanding, objection
from competition.rulesets import BadRules


@pytest.mark.parametrize(
    ("asked", "uid", "alpha", "says"),
    [
        ({}, None, 0, ""),
        ({"registered": True}, None, 0, "not registered"),
        ({"registered": True}, 3, 0, ""),
        ({"least_alpha": 100}, 3, 100 * UNIT, ""),
        ({"least_alpha": 100}, 3, 100 * UNIT - 1, "100 alpha must be staked"),
        ({"least_alpha": 100}, None, 100 * UNIT, "not registered"),
    ],
)
def test_a_hotkey_stands_or_is_told_why_not(asked: dict[str, Any], uid: int | None, alpha: int, says: str) -> None:
    told = objection(HotkeyStanding(block=7, uid=uid, alpha=alpha), Condition.from_json(asked))
    assert (says in told) if says else told == ""


@pytest.mark.parametrize("asked", [{"stake": 5}, {"registered": "yes"}, {"least_alpha": -1}, {"least_alpha": "1"}])
def test_a_condition_that_is_none_is_refused_by_name(asked: dict[str, Any]) -> None:
    with pytest.raises(BadRules, match=r"entry\."):
        Condition.from_json(asked)
