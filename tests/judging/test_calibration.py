"""Are bars picked on one half of the assets, and measured on the other?"""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from competition.decisions.rates import Rate
from judging.decisions import calibration, cascade
from judging.decisions.ballots import MICRO, Ballot
from judging.decisions.calibration import CalibrationCase
from judging.decisions.cascade import AnswersSoFar, Bars

SEED = 1


def case(asset: str, likeness: int, *, equal: bool = False, **others: int) -> CalibrationCase:
    """`likeness` and the others: scores, negative for the good asset."""
    ballots = {kind: Ballot(kind, ab=score, ba=-score) for kind, score in {"likeness": likeness, **others}.items()}
    return CalibrationCase(asset=asset, answers=AnswersSoFar(ballots=ballots, spoiled={}), equal=equal)


def assets(*, picking: bool, count: int) -> list[str]:
    names = (f"thing{n}" for n in range(10_000))
    return [name for name in names if calibration.in_picking_half(name, seed=SEED) == picking][:count]


def test_a_modest_judge_gets_lower_bars_and_the_other_half_shows_it() -> None:
    """Its true pairs score 0.3, what looks the same at most 0.1: a bar in between is right about all."""
    cases = []
    for picking in (True, False):
        for name in assets(picking=picking, count=10):
            cases += [case(name, -300_000), case(name, 100_000, equal=True)]
    done = calibration.calibrated(cases, bars=Bars(), seed=SEED)
    assert (done.before.right, done.before.equals_drawn) == (Rate(0, 10), Rate(10, 10))
    assert (done.after.right, done.after.wrong, done.after.equals_drawn) == (Rate(10, 10), Rate(0, 10), Rate(10, 10))
    assert 100_000 < done.bars.likeness <= 300_000 and done.picked_on == 20


def test_a_bar_that_equals_would_win_by_is_not_picked() -> None:
    name = assets(picking=True, count=1)[0]
    cases = [case(name, -100_000), case(name, -100_000, equal=True)]
    assert calibration.pick(cases, bars=Bars()) == Bars()


def test_a_half_without_assets_is_refused() -> None:
    with pytest.raises(ValueError, match="both halves"):
        calibration.calibrated([case("cup", -MICRO)], bars=Bars(), seed=SEED)


def test_no_asset_is_in_both_halves_and_both_get_some() -> None:
    halves = [calibration.in_picking_half(f"thing{n}", seed=SEED) for n in range(200)]
    assert 60 < sum(halves) < 140


scores = st.integers(-MICRO, MICRO)
cases_drawn = st.lists(
    st.builds(
        lambda likeness, artifacts, checklist, detail, equal: case(
            "cup", likeness, equal=equal, artifacts=artifacts, checklist=checklist, detail=detail
        ),
        scores,
        scores,
        scores,
        scores,
        st.booleans(),
    ),
    min_size=1,
    max_size=6,
)


@given(cases_drawn)
def test_picked_bars_are_never_worse_on_what_they_were_picked_on(cases) -> None:
    picked = calibration.pick(cases, bars=Bars(), grid=(100_000, 400_000, 700_000))
    worth = calibration.measured(cases, bars=Bars()).worth
    assert calibration.measured(cases, bars=picked).worth >= worth and picked.lean <= picked.likeness


@given(scores, scores, scores, scores)
def test_an_answer_that_is_not_needed_changes_nothing(likeness, artifacts, checklist, detail) -> None:
    """What all answers come to is what the questions in their turn come to."""
    whole = case("cup", likeness, artifacts=artifacts, checklist=checklist, detail=detail, gray=0).answers
    so_far = AnswersSoFar(low_contrast=whole.low_contrast)
    while (question := cascade.next_question(so_far, bars=Bars())) is not None:
        if question in cascade.SIDES.values():
            place = question.partition(":")[2]
            so_far = replace(so_far, spoiled={**so_far.spoiled, place: 0})
        else:
            so_far = replace(so_far, ballots={**so_far.ballots, question: whole.ballots[question]})
    assert calibration.outcome_under(whole, bars=Bars()) == cascade.verdict(so_far, bars=Bars()).outcome
