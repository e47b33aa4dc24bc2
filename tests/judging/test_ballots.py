"""Who won a duel, given the judge's answers?"""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judging.decisions import ballots
from judging.decisions.ballots import MICRO, STANDARD, Ballot, next_kind, toward_zero, verdict

SCORES = st.integers(-MICRO, MICRO)
OTHER = {"defender": "challenger", "challenger": "defender", "draw": "draw"}
RANK = {"defender": -1, "draw": 0, "challenger": 1}


def taken(front: int, around: int, *, gray: int | None = None, bias: int = 0) -> dict[str, Ballot]:
    """Ballots of a judge that finds the challenger better by these scores, and likes the second place by `bias`."""
    said = {"front": front, "gray": gray, "around": around}
    return {kind: Ballot(kind, ab=s + bias, ba=-s + bias) for kind, s in said.items() if s is not None}


def complete(front: int, around: int, *, gray: int, bias: int = 0) -> dict[str, Ballot]:
    asked_on_gray = abs(front) < STANDARD.draw_band
    return taken(front, around, gray=gray if asked_on_gray else None, bias=bias)


@pytest.mark.parametrize(
    ("front", "gray", "around", "outcome", "decided_by"),
    [
        (500_000, None, 0, "challenger", "front"),
        (-500_000, None, 0, "defender", "front"),
        (80_000, None, 0, "challenger", "front"),
        (79_999, 0, 0, "draw", "draw_band"),
        (0, 300_000, 0, "challenger", "gray"),
        (0, 0, 300_000, "challenger", "around"),
        (0, 0, -300_000, "defender", "around"),
        (600_000, None, -249_999, "challenger", "front"),
        (600_000, None, -250_000, "draw", "side_guard"),
        (300_000, None, -900_000, "defender", "around"),  # the sides outweigh the front
        (200_000, None, -900_000, "defender", "around"),
        (1_000_000, None, 1_000_000, "challenger", "front"),
    ],
)
def test_the_front_and_the_sides_decide_together(front, gray, around, outcome, decided_by):
    result = verdict(taken(front, around, gray=gray))
    assert (result.outcome, result.decided_by) == (outcome, decided_by)


@given(SCORES, SCORES, SCORES)
def test_swapping_the_sides_negates_exactly(front, gray, around):
    one = verdict(complete(front, around, gray=gray))
    other = verdict(complete(-front, -around, gray=-gray))
    assert other.score_micro == -one.score_micro
    assert other.outcome == OTHER[one.outcome]
    assert other.decided_by == one.decided_by


@given(SCORES, SCORES)
def test_a_ballot_swapped_is_the_ballot_negated(ab, ba):
    assert Ballot("front", ab=ba, ba=ab).score == -Ballot("front", ab=ab, ba=ba).score


@given(SCORES, SCORES, SCORES, st.integers(-5 * MICRO, 5 * MICRO))
def test_a_liking_for_one_place_cancels(front, gray, around, bias):
    honest = verdict(complete(front, around, gray=gray))
    biased = verdict(complete(front, around, gray=gray, bias=bias))
    assert (biased.outcome, biased.score_micro, biased.decided_by) == (
        honest.outcome,
        honest.score_micro,
        honest.decided_by,
    )


@given(SCORES)
def test_answers_that_contradict_each_other_come_to_nothing(score):
    says_the_same_place = Ballot("front", ab=score, ba=score)
    assert says_the_same_place.score == 0
    assert says_the_same_place.consistent() == (abs(score) <= STANDARD.draw_band)


@given(SCORES, SCORES, SCORES, SCORES, SCORES)
def test_a_better_challenger_never_does_worse(front, gray, around, more_front, more_around):
    low = verdict(taken(min(front, more_front), min(around, more_around), gray=gray))
    high = verdict(taken(max(front, more_front), max(around, more_around), gray=gray))
    assert high.score_micro >= low.score_micro
    assert RANK[high.outcome] >= RANK[low.outcome]


@given(st.integers(-(10**9), 10**9), st.integers(1, 10))
def test_dividing_toward_zero_is_the_same_on_both_sides_of_zero(value, by):
    assert toward_zero(-value, by) == -toward_zero(value, by)
    assert abs(toward_zero(value, by) * by) <= abs(value)


@given(SCORES, SCORES, SCORES)
def test_whoever_wins_is_not_clearly_worse_at_the_sides(front, gray, around):
    result = verdict(complete(front, around, gray=gray))
    assert RANK[result.outcome] * around > -STANDARD.side_guard


@given(SCORES, SCORES, SCORES)
def test_a_verdict_is_a_draw_or_beyond_the_draw_band(front, gray, around):
    result = verdict(complete(front, around, gray=gray))
    assert result.outcome == "draw" or abs(result.score_micro) >= STANDARD.draw_band


def test_the_gray_background_is_asked_only_when_the_white_one_leaves_it_open():
    assert next_kind({}) == "front"
    assert next_kind(taken(10, 0)) == "gray"
    clear = {"front": Ballot("front", 500_000, -500_000)}
    assert next_kind(clear) == "around"
    open_front = {"front": Ballot("front", 0, 0)}
    assert next_kind(open_front) == "gray"
    assert next_kind(open_front | {"gray": Ballot("gray", 0, 0)}) == "around"


def test_the_sides_are_looked_at_whatever_the_front_said():
    assert next_kind({"front": Ballot("front", MICRO, -MICRO)}) == "around"


def test_there_is_no_verdict_while_a_question_is_open():
    with pytest.raises(ValueError, match="around"):
        verdict({"front": Ballot("front", MICRO, -MICRO)})
    with pytest.raises(ValueError, match="front"):
        verdict({})


def test_thresholds_are_data():
    strict = replace(STANDARD, draw_band=600_000)
    assert verdict(taken(500_000, 0, gray=500_000), thresholds=strict).outcome == "draw"


@given(SCORES, SCORES, SCORES)
def test_what_is_stored_of_a_verdict_has_no_floats(front, gray, around):
    def floats(value: object) -> bool:
        if isinstance(value, dict):
            return any(floats(item) for item in value.values())
        if isinstance(value, list):
            return any(floats(item) for item in value)
        return isinstance(value, float)

    result = verdict(complete(front, around, gray=gray))
    assert isinstance(result.score_micro, int) and abs(result.score_micro) <= ballots.MICRO
    assert not floats(result.detail())
