"""Whose code was faster, and may anything rest on it: tables and properties."""

import dataclasses
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
        ({"name": "title-1", "speed": {"mode": "report", "beside": True}}, "speed.beside"),
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


BESIDE = speed.read_speed("speed", {**NARROW, "beside": True})


def broken(own: TimedRun, *, judged: TimedRun | None, beside: TimedRun | None) -> speed.Tiebreak:
    leaders = [judged] if judged else []
    return speed.tiebreak(BESIDE, margin=Fraction(1, 20), run=own, leaders=leaders, beside=beside)


@pytest.mark.parametrize(
    ("judged", "beside", "slower_by"),
    [
        (timed(1500, begun_s=90_000), timed(1500), "1/3"),  # hours ago on the same kind of card
        (timed(2000, begun_s=90_000), timed(1000), "0"),  # quick while nobody judges its outputs
        (timed(1000, begun_s=90_000), timed(2000), "0"),
        (timed(1000, card="H100"), timed(1000), "unjudged"),
        (None, timed(1000), "unjudged"),
        (timed(1000), None, "untimed"),  # it failed, or was not done in time
        (timed(1000), timed(1000, outputs=0), "untimed"),
        (timed(1000), timed(1000, card="H100"), "cards_differ"),
        (timed(1000), timed(1000, begun_s=3601), "hours_apart"),
    ],
)
def test_a_winner_is_held_against_the_leaders_run_beside_it_and_never_against_a_faster_one_than_was_judged(
    judged: TimedRun | None, beside: TimedRun | None, slower_by: str
) -> None:
    result = broken(timed(2000), judged=judged, beside=beside)
    if slower_by in speed.WHY_NOT:
        assert (result.slower_by, result.lost) == (None, False) and speed.WHY_NOT[slower_by] in result.sentence
    else:
        assert result.slower_by == Fraction(slower_by) and result.lost == (Fraction(slower_by) > Fraction(1, 4))


@given(own=RUNS, judged=RUNS, beside=RUNS)
def test_a_leader_gains_nothing_by_a_run_beside_a_winner_that_is_faster_than_what_was_judged(
    own: TimedRun, judged: TimedRun, beside: TimedRun
) -> None:
    by_what_was_judged = speed.tiebreak(
        BESIDE,
        margin=Fraction(1, 20),
        run=own,
        leaders=[judged],
        beside=dataclasses.replace(judged, begun_s=own.begun_s),
    )
    assert not broken(own, judged=judged, beside=beside).lost or by_what_was_judged.lost


@pytest.mark.parametrize(
    ("rule", "margin", "wanted"),
    [
        ({**NARROW, "beside": True}, "1/20", True),
        ({**NARROW, "beside": True}, "1/10", False),
        ({**NARROW, "beside": True}, None, False),
        (NARROW, "1/20", False),
        ({"mode": "report", "beside": True}, None, True),
        ("report", "1/20", False),
        ("limit", "1/20", False),
    ],
)
def test_the_leaders_code_runs_again_only_where_something_follows_or_is_reported(
    rule: object, margin: str | None, wanted: bool
) -> None:
    read = speed.read_speed("speed", rule)
    assert speed.wants_leader_beside(read, margin=Fraction(margin) if margin else None) == wanted


def test_beside_is_named_only_where_it_is_asked_for_and_a_limit_has_no_use_for_it() -> None:
    assert speed.read_speed("speed", {**NARROW, "beside": False}).to_json() == NARROW
    assert BESIDE.to_json() == {**NARROW, "beside": True}
    for wrong in ({"mode": "limit", "beside": True}, {**NARROW, "beside": "yes"}, {**NARROW, "beside": 1}):
        with pytest.raises(BadRules, match="beside"):
            speed.read_speed("speed", wrong)
