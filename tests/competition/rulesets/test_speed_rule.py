"""Whose code was faster, and may anything rest on it: tables and properties."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as some

from competition.rulesets import speed
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
