"""What do an exam's results come to?  Tables that were worked out by hand, and what holds for all results."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from competition.decisions.rates import Rate
from judging.decisions import exam
from judging.decisions.ballots import MICRO, Ballot, Verdict
from judging.decisions.exam import CurvePoint, ExamResult

OUTCOMES = ("right", "wrong", "draw", "void")


def point(strength: int, hits: int, rounds: int = 20) -> CurvePoint:
    return CurvePoint(strength=strength, rate=Rate(hits, rounds), wrong=0, draws=rounds - hits, void=0)


def result(outcome: str = "right", **more) -> ExamResult:
    return ExamResult(**{"asset": "cup", "kind": "blur", "strength": 1, "outcome": outcome, **more})


@pytest.mark.parametrize(
    ("defending", "challenging", "outcome"),
    [
        ("defender", "challenger", "right"),
        ("defender", "draw", "draw"),
        ("draw", "draw", "draw"),
        ("defender", "defender", "wrong"),
        ("challenger", "challenger", "wrong"),
        ("challenger", "draw", "wrong"),
    ],
)
def test_only_a_win_from_both_sides_is_right(defending, challenging, outcome) -> None:
    verdicts = [Verdict(won, 0, "front", ()) for won in (defending, challenging)]
    assert exam.exam_outcome(*verdicts) == outcome


@pytest.mark.parametrize(
    ("hits", "threshold"),
    [
        ((20, 20, 20, 20, 20), Fraction(1)),
        ((0, 0, 0, 0, 14), None),
        ((0, 0, 0, 0, 15), Fraction(5)),
        ((0, 10, 20, 20, 20), Fraction(5, 2)),  # from 50 % at 2 to all at 3
        ((0, 20, 10, 20, 20), Fraction(2)),  # 2 and 3 are pooled to 75 %
        ((20, 0, 0, 0, 0), None),  # a lucky beginning is no sight
    ],
)
def test_the_threshold_is_where_the_rising_curve_crosses_three_quarters(hits, threshold) -> None:
    points = [point(strength, each) for strength, each in enumerate(hits, start=1)]
    assert exam.threshold(points) == exam.threshold(points[::-1]) == threshold


def test_no_points_have_no_threshold() -> None:
    assert exam.threshold(()) is None


counts = st.lists(
    st.integers(1, 30).flatmap(lambda tries: st.tuples(st.integers(0, tries), st.just(tries))), min_size=1, max_size=8
)


@given(counts)
def test_pooled_shares_rise_and_keep_the_hits(pairs) -> None:
    shares = exam.pooled(pairs)
    assert len(shares) == len(pairs) and list(shares) == sorted(shares)
    assert sum(share * tries for share, (_, tries) in zip(shares, pairs, strict=True)) == sum(h for h, _ in pairs)


@given(counts)
def test_what_rises_already_is_not_changed(pairs) -> None:
    rising = sorted(pairs, key=lambda pair: Fraction(*pair))
    assert exam.pooled(rising) == tuple(Fraction(*pair) for pair in rising)


@pytest.mark.parametrize("pair", [(0, 0), (2, 1), (-1, 3)])
def test_hits_of_no_tries_are_refused(pair) -> None:
    with pytest.raises(ValueError, match="tries"):
        exam.pooled([pair])


def test_a_curve_counts_each_outcome_of_each_strength() -> None:
    results = [result(outcome, strength=2) for outcome in OUTCOMES] + [result(kind="noise", strength=5)]
    blur, noise = exam.damage_curves(results)
    (only,) = blur.points
    assert (only.strength, only.rate, only.wrong, only.draws, only.void) == (2, Rate(1, 4), 1, 1, 1)
    assert (noise.kind, noise.threshold, noise.rate) == ("noise", Fraction(5), Rate(1, 1))
    assert exam.overall(results) == Rate(2, 5)


def test_a_liking_for_the_second_place_is_measured_beyond_the_asset() -> None:
    leaning = result(ballots=(Ballot("front", ab=-100_000, ba=700_000), Ballot("sides", ab=-MICRO, ba=-MICRO)))
    bias = exam.place_bias([leaning])
    assert (bias.ballots, bias.mean_micro, bias.same_place) == (1, 300_000, Rate(0, 1))
    blind = exam.place_bias([result(ballots=(Ballot("front", ab=MICRO, ba=MICRO),))])
    assert blind.same_place == Rate(1, 1) and blind.mean_micro == MICRO


@given(st.lists(st.integers(-MICRO, MICRO), max_size=20))
def test_a_judge_without_a_liking_has_none(scores) -> None:
    ballots = tuple(Ballot("front", ab=score, ba=-score) for score in scores)
    bias = exam.place_bias([result(ballots=ballots)])
    assert bias.mean_micro == 0 and bias.same_place.hits == 0


def test_a_pair_that_got_no_answer_says_nothing_of_repeatability() -> None:
    pairs = [("right", "right"), ("right", "draw"), ("void", "right"), ("draw", "void"), ("wrong", "wrong")]
    assert exam.repeatability(pairs) == Rate(2, 3)


def test_the_worst_gain_of_a_painted_order_is_told_beside_the_mean() -> None:
    resistance = exam.injection_resistance([-20_000, 0, 80_000], bar=80_000)
    assert (resistance.gained, resistance.mean_micro, resistance.worst_micro) == (Rate(1, 3), 20_000, 80_000)
    assert exam.injection_resistance([], bar=1).gained == Rate(0, 0)


def test_a_score_is_calibrated_where_its_size_is_how_often_it_is_right() -> None:
    """A size of 0.5 claims to be right three times of four."""
    results = [result(outcome, score_micro=500_000) for outcome in ("right", "right", "right", "wrong")]
    calibration = exam.score_calibration([*results, result("draw"), result("void")])
    (only,) = calibration.bins
    assert calibration.error_micro == 0
    assert (only.low_micro, only.high_micro, only.claimed_micro, only.rate) == (400_000, 600_000, 750_000, Rate(3, 4))


def test_a_judge_that_is_sure_and_wrong_has_the_largest_error() -> None:
    calibration = exam.score_calibration([result("wrong", score_micro=-MICRO)])
    assert calibration.error_micro == MICRO and calibration.bins[0].high_micro == MICRO


@given(st.lists(st.tuples(st.sampled_from(OUTCOMES), st.integers(-2 * MICRO, 2 * MICRO)), max_size=40))
def test_every_verdict_is_in_one_bin_and_the_error_is_a_share(pairs) -> None:
    calibration = exam.score_calibration([result(outcome, score_micro=score) for outcome, score in pairs])
    assert sum(each.rate.rounds for each in calibration.bins) == sum(o in ("right", "wrong") for o, _ in pairs)
    assert 0 <= calibration.error_micro <= MICRO


def test_voids_are_counted_by_their_code() -> None:
    results = [result("void", code="timeout"), result("void", code="nan"), result("void", code="timeout"), result()]
    assert exam.by_code(results) == {"nan": 1, "timeout": 2}
