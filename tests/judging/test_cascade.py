"""Who won a duel, given a vision-language model's answers, and what need it not be asked?"""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judging.decisions.ballots import MICRO, Ballot
from judging.decisions.cascade import (
    QUESTIONS,
    SIDES,
    SPECIALISTS,
    AnswersSoFar,
    Bars,
    StillOpen,
    next_question,
    verdict,
)

BARS = Bars()
PAIRS = ("likeness", *SPECIALISTS, "gray")
SCORES = st.one_of(st.integers(-MICRO, MICRO), st.sampled_from([0, 200_000, -200_000, 300_000, 450_000, -450_000]))
BALLOTS = st.fixed_dictionaries({kind: st.builds(Ballot, st.just(kind), ab=SCORES, ba=SCORES) for kind in PAIRS})
SPOILED = st.fixed_dictionaries({place: st.integers(0, MICRO) for place in SIDES})
OTHER = {"defender": "challenger", "challenger": "defender", "draw": "draw"}


def everything(*, spoiled=(0, 0), low_contrast=True, **scores):
    """All questions answered without a liking for a place; 0 where nothing is said."""
    ballots = {kind: Ballot(kind, ab=scores.get(kind, 0), ba=-scores.get(kind, 0)) for kind in PAIRS}
    return AnswersSoFar(ballots, dict(zip(SIDES, spoiled, strict=True)), low_contrast)


def lazily(full: AnswersSoFar) -> tuple[AnswersSoFar, list[str]]:
    """Ask one question after the other, of a judge that would answer `full`."""
    said, asked = AnswersSoFar(low_contrast=full.low_contrast), []
    while (question := next_question(said, bars=BARS)) is not None:
        asked.append(question)
        if question.startswith("sides:"):
            place = question.removeprefix("sides:")
            said = AnswersSoFar(said.ballots, {**said.spoiled, place: full.spoiled[place]}, said.low_contrast)
        else:
            said = AnswersSoFar({**said.ballots, question: full.ballots[question]}, said.spoiled, said.low_contrast)
    return said, asked


def as_declared(full: AnswersSoFar) -> tuple[str, int, str]:
    """The rules of the docstring over all answers, written down a second time and without a thought for cost."""
    counts = {}
    for kind, ballot in full.ballots.items():
        one_place = (ballot.ab > 80_000 and ballot.ba > 80_000) or (ballot.ab < -80_000 and ballot.ba < -80_000)
        counts[kind] = 0 if one_place else ballot.score
    lean = counts["likeness"] if abs(counts["likeness"]) >= BARS.lean else 0
    votes = [counts[k] if abs(counts[k]) >= getattr(BARS, k) else 0 for k in SPECIALISTS]
    agreed = [v for v in votes if v > 0] if sum(v > 0 for v in votes) >= 2 else []
    agreed = [v for v in votes if v < 0] if sum(v < 0 for v in votes) >= 2 else agreed
    score, by = 0, "draw_band"
    if abs(counts["likeness"]) >= BARS.likeness:
        score, by = counts["likeness"], "likeness"
    elif agreed and agreed[0] * lean >= 0:
        score, by = int(sum(agreed[:2]) / 2), "specialists"
    elif full.low_contrast and abs(counts["gray"]) >= BARS.gray and counts["gray"] * lean >= 0:
        score, by = counts["gray"], "gray"
    if score:
        winner, loser = ("challenger", "defender") if score > 0 else ("defender", "challenger")
        if full.spoiled[winner] - full.spoiled[loser] >= BARS.side_guard:
            return "draw", 0, "side_guard"
        return winner, score, by
    return "draw", 0, by


@given(BALLOTS, SPOILED, st.booleans())
def test_asking_lazily_gives_the_verdict_of_asking_everything(ballots, spoiled, pale):
    full = AnswersSoFar(ballots, spoiled, pale)
    said, asked = lazily(full)
    few, all_ = verdict(said, bars=BARS), verdict(full, bars=BARS)
    assert (few.outcome, few.score_micro, few.decided_by) == (all_.outcome, all_.score_micro, all_.decided_by)
    assert (few.outcome, few.score_micro, few.decided_by) == as_declared(full)
    assert len(asked) == len(set(asked)) and set(asked) <= set(QUESTIONS)


@given(BALLOTS, SPOILED, st.booleans())
def test_swapping_the_sides_negates_exactly(ballots, spoiled, pale):
    swapped = {kind: Ballot(kind, ab=b.ba, ba=b.ab) for kind, b in ballots.items()}
    places = {"defender": spoiled["challenger"], "challenger": spoiled["defender"]}
    one, other = (verdict(AnswersSoFar(b, s, pale), bars=BARS) for b, s in ((ballots, spoiled), (swapped, places)))
    assert other.outcome == OTHER[one.outcome] and other.score_micro == -one.score_micro


@given(st.integers(-MICRO, MICRO), SPOILED)
def test_a_judge_that_only_likes_a_place_dethrones_nobody(liking, spoiled):
    ballots = {kind: Ballot(kind, ab=liking, ba=liking) for kind in PAIRS}
    assert verdict(AnswersSoFar(ballots, spoiled), bars=BARS).outcome == "draw"


@given(BALLOTS, SPOILED)
def test_the_score_names_the_winner(ballots, spoiled):
    found = verdict(AnswersSoFar(ballots, spoiled), bars=BARS)
    assert {"challenger": found.score_micro > 0, "defender": found.score_micro < 0, "draw": not found.score_micro}[
        found.outcome
    ]
    assert abs(found.score_micro) <= MICRO


@pytest.mark.parametrize(
    ("scores", "spoiled", "outcome", "decided_by"),
    [
        ({"likeness": 450_000}, (0, 0), "challenger", "likeness"),
        ({"likeness": -450_000}, (0, 0), "defender", "likeness"),
        ({"likeness": 449_999}, (0, 0), "draw", "draw_band"),
        ({"artifacts": 300_000, "detail": 300_000}, (0, 0), "challenger", "specialists"),
        ({"artifacts": -MICRO, "checklist": MICRO, "detail": MICRO}, (0, 0), "challenger", "specialists"),
        ({"artifacts": MICRO, "checklist": -MICRO}, (0, 0), "draw", "draw_band"),
        ({"detail": MICRO}, (0, 0), "draw", "draw_band"),
        ({"likeness": 200_000, "artifacts": -MICRO, "detail": -MICRO}, (0, 0), "draw", "draw_band"),
        ({"likeness": 199_999, "artifacts": -MICRO, "detail": -MICRO}, (0, 0), "defender", "specialists"),
        ({"gray": 350_000}, (0, 0), "challenger", "gray"),
        ({"likeness": -200_000, "gray": MICRO}, (0, 0), "draw", "draw_band"),
        ({"likeness": MICRO}, (0, 300_000), "draw", "side_guard"),
        ({"likeness": MICRO}, (1, 300_000), "challenger", "likeness"),
        ({"likeness": MICRO}, (MICRO, MICRO), "challenger", "likeness"),
        ({"artifacts": MICRO, "detail": MICRO}, (0, MICRO), "draw", "side_guard"),
        ({"gray": -MICRO}, (MICRO, 0), "draw", "side_guard"),
    ],
)
def test_the_rules_as_a_table(scores, spoiled, outcome, decided_by):
    full = everything(spoiled=spoiled, **scores)
    found, lazy = verdict(full, bars=BARS), verdict(lazily(full)[0], bars=BARS)
    assert (found.outcome, found.decided_by) == (outcome, decided_by) == (lazy.outcome, lazy.decided_by)


@pytest.mark.parametrize(
    ("scores", "asked"),
    [
        ({"likeness": MICRO}, ["likeness", "sides:challenger"]),
        ({"likeness": -MICRO}, ["likeness", "sides:defender"]),
        ({}, ["likeness", "artifacts", "checklist", "gray"]),
        ({"artifacts": MICRO, "checklist": MICRO}, ["likeness", "artifacts", "checklist", "sides:challenger"]),
        ({"artifacts": MICRO}, ["likeness", "artifacts", "checklist", "detail", "gray"]),
        ({"likeness": 200_000, "artifacts": -1_000_000}, ["likeness", "artifacts", "checklist", "gray"]),
    ],
)
def test_a_question_whose_answer_changes_nothing_is_not_asked(scores, asked):
    assert lazily(everything(**scores))[1] == asked


def test_the_loser_s_sides_matter_only_when_the_winner_s_are_spoiled():
    assert lazily(everything(likeness=MICRO, spoiled=(0, 299_999)))[1][1:] == ["sides:challenger"]
    assert lazily(everything(likeness=MICRO, spoiled=(0, 300_000)))[1][1:] == ["sides:challenger", "sides:defender"]


def test_gray_is_asked_only_about_what_is_hard_to_see_on_white():
    assert "gray" not in lazily(everything(low_contrast=False))[1]


def test_whoever_wins_is_looked_at_from_the_sides_whatever_decided():
    for scores in ({"likeness": MICRO}, {"artifacts": MICRO, "detail": MICRO}, {"gray": MICRO}):
        assert "sides:challenger" in lazily(everything(**scores))[1]


def test_no_verdict_comes_from_one_angle_of_four():
    """`detail` is the only question about one angle: whatever it says, alone it decides nothing."""
    for rest, value in product((0, 299_999, -149_999), (MICRO, -MICRO)):
        full = everything(likeness=0, artifacts=rest, checklist=0, gray=0, detail=value)
        assert verdict(full, bars=BARS).outcome == "draw"


def test_an_open_question_has_no_verdict():
    with pytest.raises(StillOpen):
        verdict(AnswersSoFar(), bars=BARS)


def test_more_spoiled_never_helps():
    outcomes = [
        verdict(everything(likeness=MICRO, spoiled=(200_000, s)), bars=BARS).score_micro
        for s in range(0, MICRO, 50_000)
    ]
    assert outcomes == sorted(outcomes, reverse=True)


@pytest.mark.parametrize("value", [0, -1, MICRO + 1, 0.5, True])
def test_a_bar_is_a_whole_number_of_millionths(value):
    with pytest.raises(ValueError):
        Bars(likeness=value)
