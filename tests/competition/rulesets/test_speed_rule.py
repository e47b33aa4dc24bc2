"""Whose code was faster, and may anything rest on it: tables and properties."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as some

from competition import rulesets
from competition.rulesets import BadRules, speed
from competition.rulesets.speed import TimedRun


def timed(mean_ms: int = 2000, *, outputs: int = 4, card: str = "H200", begun_s: int = 0) -> TimedRun:
    return TimedRun(generated_ms=mean_ms * outputs, outputs=outputs, card=card, begun_s=begun_s)


RUNS = some.builds(
    TimedRun,
    generated_ms=some.integers(0, 10**8),
    outputs=some.integers(0, 500),
    card=some.sampled_from(["", "H100", "H200"]),
    begun_s=some.integers(0, 10**5),
)


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (timed(), ""),
        (timed(begun_s=3600), ""),
        (timed(begun_s=3601), "hours_apart"),
        (timed(begun_s=-3601), "hours_apart"),
        (timed(card="H100"), "cards_differ"),
        (timed(card=""), "card_unknown"),
        (timed(outputs=0), "untimed"),
        (timed(0), "untimed"),
    ],
)
def test_only_the_same_card_within_the_same_hour_is_a_basis(other: TimedRun, reason: str) -> None:
    assert speed.why_incomparable(timed(), other) == speed.why_incomparable(other, timed()) == reason
    assert reason == "" or speed.WHY_NOT[reason]


def test_two_unknown_cards_are_not_the_same_card() -> None:
    assert speed.why_incomparable(timed(card=""), timed(card="")) == "card_unknown"


@pytest.mark.parametrize(
    ("own", "other", "share"), [(1000, 2000, "1/2"), (2000, 2000, "0"), (3000, 2000, "-1/2"), (1999, 2000, "1/2000")]
)
def test_faster_by_is_the_share_of_the_others_mean(own: int, other: int, share: str) -> None:
    assert speed.faster_by(timed(own), timed(other)) == Fraction(share)


@given(one=RUNS, other=RUNS)
def test_no_report_of_a_service_changes_a_comparison_and_it_has_no_favourite(one: TimedRun, other: TimedRun) -> None:
    """It goes by the sum and the count alone; and who is faster than another is not slower than it."""
    assert speed.why_incomparable(one, other) == speed.why_incomparable(other, one)
    if speed.why_incomparable(one, other):
        return
    here, there = speed.faster_by(one, other), speed.faster_by(other, one)
    assert here is not None and there is not None
    assert (here > 0) == (there < 0) and (here == 0) == (there == 0)


@given(run=RUNS, others=some.lists(RUNS, max_size=5))
def test_it_is_compared_with_a_run_that_is_a_basis_where_there_is_one(run: TimedRun, others: list[TimedRun]) -> None:
    chosen = speed.nearest(run, others)
    usable = [other for other in others if other.mean_s and not speed.why_incomparable(run, other)]
    assert (chosen is None) == (not others)
    if usable and all(other.mean_s for other in others):
        assert chosen is not None and speed.why_incomparable(run, chosen) == ""


NARROW = {"mode": "tiebreak", "clear": "1/10", "slower": "1/4"}


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        ("limit", None),
        ({}, None),
        ("report", {"mode": "report"}),
        ({"most_output_s": 2.5}, {"mode": "limit", "most_output_s": "5/2"}),
        (NARROW, NARROW),
        (
            {**NARROW, "most_output_s": "60"},
            {"mode": "tiebreak", "most_output_s": "60", "clear": "1/10", "slower": "1/4"},
        ),
    ],
)
def test_a_rule_is_stored_exactly_and_the_one_that_always_held_is_not_named(value: object, stored: object) -> None:
    rules = rulesets.read({"name": "margin-2", "speed": value})
    assert rules.to_json().get("speed") == stored
    assert rulesets.read(rules.to_json()) == rules


@pytest.mark.parametrize(
    ("value", "field"),
    [
        (5, "speed"),
        ("fast", "speed.mode"),
        ({"mode": ["limit"]}, "speed.mode"),
        ({"modes": "limit"}, "speed.modes"),
        ({"mode": "report", "most_output_s": 5}, "speed.most_output_s"),
        ({"mode": "limit", "clear": "1/10"}, "speed.clear"),
        ({"mode": "tiebreak", "slower": 0}, "speed.clear"),
        ({"mode": "tiebreak", "clear": "1/10"}, "speed.slower"),
        ({**NARROW, "clear": 2}, "speed.clear"),
        ({**NARROW, "slower": -1}, "speed.slower"),
        ({**NARROW, "slower": 101}, "speed.slower"),
        ({**NARROW, "slower": "1e-3"}, "speed.slower"),
        ({"most_output_s": 0}, "speed.most_output_s"),
        ({"most_output_s": True}, "speed.most_output_s"),
    ],
)
def test_a_wrong_rule_is_refused_with_its_field_and_the_fix(value: object, field: str) -> None:
    with pytest.raises(BadRules) as caught:
        rulesets.read({"name": "margin-1", "speed": value})
    assert caught.value.field == field and caught.value.fix


@pytest.mark.parametrize(
    ("rules", "field"),
    [
        ({"name": "margin-1", "speed": NARROW}, "speed.mode"),  # its matches end early: no whole margin
        ({"name": "margin-1", "speed": {**NARROW, "clear": "1/20"}, "stop_early": False}, "speed.clear"),
        ({"name": "title-1", "speed": NARROW, "stop_early": False}, "speed.mode"),
    ],
)
def test_values_that_cannot_be_played_together_are_refused(rules: dict, field: str) -> None:
    with pytest.raises(BadRules) as caught:
        rulesets.ruleset(rulesets.read(rules)).check()
    assert caught.value.field == field
    for fits in ({"name": "margin-2", "speed": NARROW, "stop_early": False}, {"name": "title-1", "speed": "report"}):
        rulesets.ruleset(rulesets.read(fits)).check()


@pytest.mark.parametrize(
    ("margin", "own", "leaders", "lost", "basis"),
    [
        ("1/20", timed(2600), [timed()], True, True),
        ("1/20", timed(2500), [timed()], False, True),  # exactly at the bound is kept
        ("1/20", timed(1000), [timed()], False, True),
        ("1/10", timed(9000), [timed()], False, False),  # exactly clear: speed decides nothing
        ("1/20", timed(9000, card="H100"), [timed()], False, False),
        ("1/20", timed(9000, begun_s=7200), [timed()], False, False),
        ("1/20", timed(9000), [], False, False),
        ("1/20", timed(9000, outputs=0), [timed()], False, False),
        ("1/20", timed(2600), [timed(9000, card="H100"), timed()], True, True),  # the run that is a basis counts
        (None, timed(9000), [timed()], False, False),
    ],
)
def test_a_narrow_win_is_lost_to_a_leader_whose_code_is_faster_by_more_than_the_bound(
    margin: str | None, own: TimedRun, leaders: list[TimedRun], lost: bool, basis: bool
) -> None:
    rule = speed.read_speed("speed", NARROW)
    ahead = None if margin is None else Fraction(margin)
    broken = speed.tiebreak(rule, margin=ahead, run=own, leaders=leaders)
    assert (broken.lost, broken.slower_by is not None) == (lost, basis)
    assert ("no basis" in broken.sentence) == (not basis and ahead == Fraction(1, 20))


@given(own=RUNS, leaders=some.lists(RUNS, max_size=4), margin=some.fractions(0, 1), slower=some.integers(0, 4))
def test_faster_code_never_loses_by_speed_and_a_wider_bound_takes_no_more_wins(
    own: TimedRun, leaders: list[TimedRun], margin: Fraction, slower: int
) -> None:
    def lost(bound: int, run: TimedRun) -> bool:
        rule = speed.read_speed("speed", {**NARROW, "slower": bound})
        return speed.tiebreak(rule, margin=margin, run=run, leaders=leaders).lost

    if lost(slower + 1, own):
        assert lost(slower, own)
    faster = TimedRun(generated_ms=own.generated_ms // 2, outputs=own.outputs, card=own.card, begun_s=own.begun_s)
    if lost(slower, faster):
        assert lost(slower, own)
    if margin >= Fraction(1, 10):
        assert not lost(0, own)


@pytest.mark.parametrize(
    ("value", "generated_s", "mean_ms", "reason"),
    [
        ("limit", 10, 99_000, ""),
        ("limit", 11, 1, "generation_too_long"),
        ("report", 10**6, 99_000, ""),
        ({"most_output_s": 2}, 10, 2000, ""),
        ({"most_output_s": 2}, 10, 2001, "output_too_slow"),
        ({"most_output_s": 2}, 11, 2001, "generation_too_long"),
        (NARROW, 11, 1, "generation_too_long"),
        ({**NARROW, "most_output_s": 2}, 10, 2001, "output_too_slow"),
    ],
)
def test_the_limits_of_time(value: object, generated_s: int, mean_ms: int, reason: str) -> None:
    rule = speed.read_speed("speed", value)
    result = speed.too_slow(rule, timed(mean_ms), generated_s=generated_s, generation_s=10)
    assert (result[0] if result else "") == reason
    assert speed.too_slow(rule, None, generated_s=0, generation_s=10) is None
