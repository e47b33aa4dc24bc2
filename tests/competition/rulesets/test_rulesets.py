"""Rules are data: what is read is exactly what was written, and what makes no sense is refused by name."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from competition import rulesets
from competition.rulesets import RULESETS, BadRules

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize("name", RULESETS)
def test_a_round_gets_back_the_rules_it_stored(name: str) -> None:
    stored = json.loads(json.dumps(RULESETS[name].defaults.to_json()))
    assert rulesets.read(stored) == RULESETS[name].defaults
    assert not any(isinstance(value, float) for value in stored.values())


def test_margin_1_is_what_competition_1_was_played_under() -> None:
    rules = RULESETS["margin-1"].defaults
    assert (rules.win_margin, rules.weight_decay, rules.weight_floor) == (
        Fraction(1, 20),
        Fraction(1, 5),
        Fraction(1, 5),
    )


@pytest.mark.parametrize("written", [0.07, "0.07", "7/100", "0.070"])
def test_a_share_is_read_as_written(written: Any) -> None:
    assert rulesets.read({"name": "margin-1", "win_margin": written}).win_margin == Fraction(7, 100)


@pytest.mark.parametrize(
    ("value", "field", "says"),
    [
        ([], "rules", "an object is needed, not a list"),
        ({}, "name", "Use one of: margin-1"),
        ({"name": "margin-9"}, "name", "'margin-9'"),
        ({"name": ["margin-1"]}, "name", "Use one of"),
        ({"name": "margin-1", "win_margn": 1}, "win_margn", "Did you mean win_margin?"),
        ({"name": "margin-1", "qqq": 1}, "qqq", "Use some of: audit_critical_allowed"),
        ({"name": "margin-1", "win_margin": 0}, "win_margin", "on a draw"),
        ({"name": "margin-1", "win_margin": 5}, "win_margin", "0 to 1"),
        ({"name": "margin-1", "win_margin": -0.05}, "win_margin", "negative"),
        ({"name": "margin-1", "win_margin": True}, "win_margin", "not true or false"),
        ({"name": "margin-1", "win_margin": None}, "win_margin", "not nothing"),
        ({"name": "margin-1", "win_margin": float("nan")}, "win_margin", "is not a number"),
        ({"name": "margin-1", "win_margin": float("inf")}, "win_margin", "is not a number"),
        ({"name": "margin-1", "win_margin": "1e999999999"}, "win_margin", "is not a number"),
        ({"name": "margin-1", "win_margin": "1/0"}, "win_margin", "is not a number"),
        ({"name": "margin-1", "win_margin": 10**400}, "win_margin", "is not a number"),
        ({"name": "margin-1", "least_counted": 0}, "least_counted", "decides nothing"),
        ({"name": "margin-1", "least_counted": 1.5}, "least_counted", "whole number"),
        ({"name": "margin-1", "stop_early": 1}, "stop_early", "true or false"),
        ({"name": "margin-1", "paid_from": "soon"}, "paid_from", "next_latest_reveal"),
        ({"name": "margin-1", "audits": ["tarot"]}, "audits", "source, generation"),
        ({"name": "margin-1", "audits": [["source"]]}, "audits", "source, generation"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(value: Any, field: str, says: str) -> None:
    with pytest.raises(BadRules) as refused:
        rulesets.read(value)
    assert refused.value.field == field and says in str(refused.value)


@given(
    st.dictionaries(st.sampled_from(sorted(RULESETS["margin-1"].defaults.to_json())) | st.text(max_size=12), JSON)
    | JSON
)
def test_no_json_makes_the_reader_stumble(value: Any) -> None:
    for given_ in (value, {**value, "name": "margin-1"} if isinstance(value, dict) else value):
        try:
            rules = rulesets.read(given_)
        except BadRules as refused:
            assert refused.fix
        else:
            assert 0 < rules.win_margin <= 1 and rules.least_counted >= 1
