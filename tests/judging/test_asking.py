"""How is a judge asked about one duel?"""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judging.backends import JUDGES, Answer, NoAnswer, Question, Side, judge_named
from judging.panel.duel_verdict import ASKS, verdict_of
from judging.panel.questions import QUESTIONS

DEFENDER, CHALLENGER = Side("d" * 64, {}), Side("c" * 64, {})
SCORES = st.floats(-1, 1)


class Opinion:
    """A judge that likes assets by their hash: `likes[sha256]`, plus a liking for the second place."""

    name = "opinion"
    version = "0" * 64

    def __init__(self, likes=None, *, bias=0.0, answer=None, silent_at=()):
        self.likes, self.bias, self.answer, self.silent_at = likes or {}, bias, answer, silent_at
        self.asked: list[Question] = []

    def ask(self, question: Question) -> Answer:
        self.asked.append(question)
        if len(self.asked) in self.silent_at:
            raise NoAnswer("timeout", "The judge did not answer in time.")
        if self.answer is not None:
            return self.answer
        likes = [self.likes.get((side.sha256, question.kind), 0) for side in (question.first, question.second)]
        return Answer((likes[1] - likes[0]) / 4 + self.bias)


def asked(judge, *, defender=DEFENDER, challenger=CHALLENGER):
    return verdict_of(
        judge, reference=Path("prompt.png"), reference_sha256="0" * 64, defender=defender, challenger=challenger
    )


def likes(front, gray, around):
    return {(CHALLENGER.sha256, kind): value for kind, value in zip(QUESTIONS, (front, gray, around), strict=True)}


def test_each_question_is_asked_in_both_orders():
    judge = Opinion(likes(1, 1, 0))
    asked(judge)
    orders = [(q.kind, q.first.sha256[0], q.second.sha256[0]) for q in judge.asked]
    assert orders == [("front", "d", "c"), ("front", "c", "d"), ("around", "d", "c"), ("around", "c", "d")]


def test_a_question_whose_answer_changes_nothing_is_not_asked():
    clear, open_front = Opinion(likes(1, 0, 0)), Opinion(likes(0, 1, 0))
    asked(clear), asked(open_front)
    assert "gray" not in {q.kind for q in clear.asked}
    assert [q.kind for q in open_front.asked[::2]] == ["front", "gray", "around"]


@pytest.mark.parametrize("call", [1, 2, 3, 4, 5, 6])
def test_a_missing_answer_is_no_draw_whichever_it_is(call):
    with pytest.raises(NoAnswer) as missing:
        asked(Opinion(silent_at=range(call, call + ASKS)))
    assert missing.value.code == "timeout" and missing.value.failure_class == "judge"


def test_a_hiccup_is_asked_again_at_once_and_changes_nothing():
    every_third = Opinion(likes(0, 1, 0), silent_at=range(3, 100, 3))
    assert asked(every_third) == asked(Opinion(likes(0, 1, 0)))


@pytest.mark.parametrize("score", [float("nan"), float("inf"), -float("inf"), 1.5, -1.01])
def test_a_score_that_is_none_is_no_answer(score):
    with pytest.raises(NoAnswer) as missing:
        asked(Opinion(answer=Answer(score)))
    assert missing.value.code == "bad_score"


@pytest.mark.parametrize(
    ("mass", "counts"), [(1.0, True), (0.9, True), (0.89, False), (0.3, False), (float("nan"), False)]
)
def test_a_judge_that_was_not_answering_the_question_has_not_answered(mass, counts):
    judge = Opinion(answer=Answer(0.0, mass=mass))
    if counts:
        assert asked(judge).outcome == "draw"
    else:
        with pytest.raises(NoAnswer) as missing:
            asked(judge)
        assert missing.value.code == "low_mass"


@given(SCORES, SCORES, SCORES)
def test_an_asset_against_itself_comes_to_nothing_whatever_the_place_is_worth(front, gray, around):
    verdict = asked(Opinion(likes(front, gray, around), bias=0.4), challenger=DEFENDER)
    assert verdict.score_micro == 0 and verdict.outcome == "draw"


@given(SCORES, SCORES, SCORES)
def test_swapping_the_sides_negates_exactly(front, gray, around):
    judge = Opinion(likes(front, gray, around))
    one, other = asked(judge), asked(judge, defender=CHALLENGER, challenger=DEFENDER)
    assert one.score_micro == -other.score_micro


@given(SCORES, SCORES, SCORES, st.sampled_from([-0.5, -0.25, 0.25, 0.5]))
def test_a_liking_for_one_place_moves_nothing(front, gray, around, bias):
    fair, biased = Opinion(likes(front, gray, around)), Opinion(likes(front, gray, around), bias=bias)
    assert abs(asked(fair).score_micro - asked(biased).score_micro) <= 4  # of a million: each answer is rounded


@pytest.mark.parametrize("place", ["first", "second"])
def test_a_judge_that_always_likes_one_place_dethrones_nobody(place):
    verdict = asked(judge_named(f"scripted:always={place}"))
    assert verdict.outcome == "draw" and verdict.score_micro == 0
    assert not any(ballot.consistent() for ballot in verdict.stages)


def test_a_scripted_judge_says_so():
    assert judge_named("scripted:tie").name == "scripted:tie"
    assert judge_named("scripted:tie").version != judge_named("scripted:always=first").version


@pytest.mark.parametrize("name", ["scripted:", "scripted:always=third", "scripted:fail_every=0", "perceptual-v1:x"])
def test_an_argument_that_a_judge_does_not_take_is_an_error(name):
    with pytest.raises(ValueError):
        judge_named(name)


def test_a_judge_that_is_not_in_the_table_is_an_error():
    with pytest.raises(KeyError):
        judge_named("oracle")


def test_every_judge_of_the_table_can_be_made():
    assert set(JUDGES) >= {"perceptual-v1", "scripted"}
    assert len(judge_named("perceptual-v1").version) == 64


def test_no_word_of_a_miner_enters_a_question():
    for form in QUESTIONS.values():
        assert "{" not in form.asks and "%" not in form.asks
        assert {label for label, _ in form.labels} == {"0", "1", "2"}
