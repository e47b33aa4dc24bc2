"""What follows from time, by the platform's rules and by the verifier's own: the same, whatever was measured."""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from competition import rulesets
from competition.rulesets import regenerations
from competition.rulesets.regenerations import GenerationRules, Regeneration
from competition.rulesets.speed import TimedRun, read_speed
from competition.rulesets.tally import Tally
from verify.bundles import speed
from verify.bundles.round import speed_of

RULES = some.one_of(
    some.sampled_from(["limit", "report"]),
    some.fixed_dictionaries({"mode": some.just("limit"), "most_output_s": some.sampled_from([2, 2.5, "9/4"])}),
    some.fixed_dictionaries(
        {
            "mode": some.just("tiebreak"),
            "clear": some.sampled_from(["1/10", 0.2, 1]),
            "slower": some.sampled_from([0, "1/4", 1.5]),
        },
        optional={"most_output_s": some.sampled_from([2, "5/2"]), "beside": some.booleans()},
    ),
)
RUNS = some.builds(
    TimedRun,
    generated_ms=some.sampled_from([0, 7_999, 8_000, 10_000, 10_001, 40_000]),
    outputs=some.sampled_from([0, 1, 4, 5]),
    card=some.sampled_from(["", "H100", "H200", "H200"]),
    begun_s=some.sampled_from([0, 3_599, 3_600, 3_601, 10_000]),
)
MARGINS = some.sampled_from([Fraction(n, 20) for n in range(1, 21)])
HELD = Tally(won=4, drawn=4, lost=2, void=0, forfeits_challenger=0, forfeits_defender=0)


def told(*runs: tuple[str, str, TimedRun]) -> list[dict[str, Any]]:
    return [
        {
            "kind": "podrun.done",
            "body": {"round": 1, "entry": entry, "purpose": purpose, "timed": dataclasses.asdict(timed)},
        }
        for entry, purpose, timed in runs
    ]


@given(
    value=RULES,
    own=RUNS,
    leaders=some.lists(RUNS, max_size=3),
    beside=some.none() | RUNS,
    margin=MARGINS,
    seconds=some.integers(0, 20),
)
def test_both_say_the_same_of_every_run(
    value: Any, own: TimedRun, leaders: list[TimedRun], beside: TimedRun | None, margin: Fraction, seconds: int
) -> None:
    rule = read_speed("speed", value)
    rules = GenerationRules(win_margin=Fraction(1, 20), least_counted=1, generation_s=10, speed=rule)
    one = Regeneration(submitted=HELD, generated_s=seconds, timed=own, leaders=leaders, beside=beside, ahead=margin)
    ours = regenerations.first_verdict([one], rules=rules)
    stored = {} if (named := speed_of(value)) is None else {"speed": named}
    events = told(*(("leader", "leader", run) for run in leaders), ("5one", "audit", own))
    if beside is not None:
        events += told(("leader", "beside", beside))
        events[-1]["body"]["beside"] = {"entry": "5one", "purpose": "audit", "repeat": None}
    bundle: Any = SimpleNamespace(rules=stored, round=1, events=events)
    code = speed.limit_code(bundle, "5one", "audit", seconds=seconds, limit=10)
    code = code or speed.tie_code(bundle, "5one", "audit", margin=margin) or "not_worse"
    assert (code, code == "not_worse") == (ours.reason, ours.outcome == "passed")
    numbers, limits = speed.measured(stored, margin=margin)
    kept = {name: number for name, number in ours.numbers.items() if name not in regenerations.TIMES}
    assert {name: kept.get(name) for name in numbers} == numbers
    assert limits.items() <= ours.limits.items()
    assert ("generation_s" in ours.limits) == (speed.rule_of(stored)["mode"] != "report")


@given(value=RULES)
def test_both_store_the_same_rule_and_the_one_that_always_held_is_not_named(value: Any) -> None:
    stored = rulesets.read({"name": "margin-1", "speed": value}).to_json()
    assert stored.get("speed") == speed_of(value)
    assert ("speed" in stored) == (value != "limit")
    assert rulesets.read(stored).to_json() == stored


@pytest.mark.parametrize(
    "told_so",
    [
        None,
        5,
        {},
        {"card": "H200"},
        {"card": "H200", "generated_ms": 1.5, "outputs": 1, "begun_s": 0},
        {"card": "H200", "generated_ms": True, "outputs": 1, "begun_s": 0},
        {"card": "H200", "generated_ms": -1, "outputs": 1, "begun_s": 0},
        {"card": 7, "generated_ms": 1, "outputs": 1, "begun_s": 0},
    ],
)
def test_what_the_platform_never_tells_is_no_time(told_so: Any) -> None:
    events = told(("leader", "leader", TimedRun(generated_ms=1000, outputs=1, card="H200", begun_s=0)))
    events.append({"kind": "podrun.done", "body": {"round": 1, "entry": "5one", "purpose": "audit", "timed": told_so}})
    rules = {"speed": {"mode": "tiebreak", "clear": "1", "slower": "0"}}
    bundle: Any = SimpleNamespace(rules=rules, round=1, events=events)
    assert speed.tie_code(bundle, "5one", "audit", margin=Fraction(1, 10)) == ""
