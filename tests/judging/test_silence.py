"""Whose fault is it that the judge says nothing about a duel?"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from django.utils import timezone

from benchmarks.vlm_server_mind import Mind, Worth
from core.machine import engine
from judging import match_decision, sides
from judging.backends.base import NoAnswer
from judging.decisions import silence
from judging.decisions.ballots import MICRO
from judging.health.silence import verdict_on
from judging.judge_worker import until_quiet
from judging.models import Duel
from judging.panel.questions.version import version_named
from judging.steps import judge_duel
from tests.judging.heard_round import PROMPTS
from tests.judging.vlm_stage import judge, picture, served, side, worths

SILENT = Worth(silences=True)


@pytest.mark.parametrize(
    ("defender", "challenger", "outcome", "score"),
    [
        (True, False, "challenger", MICRO // 2),
        (False, True, "defender", -MICRO // 2),
        (True, True, "draw", 0),
        (False, False, "draw", 0),
    ],
)
def test_whoever_silences_the_judge_loses_and_nobody_where_it_is_both_or_neither(defender, challenger, outcome, score):
    verdict = silence.verdict(defender_silences=defender, challenger_silences=challenger)
    assert (verdict.outcome, verdict.score_micro, verdict.decided_by) == (outcome, score, "silence")
    assert [(ballot.kind, ballot.ab, ballot.ba) for ballot in verdict.stages] == [
        ("silence", MICRO * defender, MICRO * challenger)
    ]


def silencing(round_, *places: str) -> dict[str, Worth]:
    """The pictures of these sides of every duel of the round's first match, by their hash."""
    version, table = version_named("vlm-2"), {}
    match = round_.matches.order_by("pk").first()
    for duel in match.duels.select_related("prompt"):
        for place in places:
            entry, origin = getattr(match, place), getattr(match, f"{place}_origin")
            table |= worths(sides.of(entry, origin, duel.prompt), SILENT, version=version)
    return table


def last_try(round_) -> list[Duel]:
    """Judges the duels of the first match as a worker does that asks about them for the last time."""
    match = round_.matches.order_by("pk").first()
    match.duels.update(attempts=match.duels.first().declared.tries - 1, failure_class="judge")
    Duel.objects.exclude(match=match).update(due_at=None)
    until_quiet(duels=4, deadline_s=120)
    return list(match.duels.order_by("position"))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("places", "outcome"),
    [(("challenger",), "defender"), (("defender",), "challenger"), (("defender", "challenger"), "draw")],
)
def test_pictures_that_silence_the_judge_lose_and_pause_nothing(round_, serving, places, outcome):
    serving(mind=Mind(silencing(round_, *places)))
    duels = last_try(round_)
    assert [(duel.state, duel.outcome, duel.detail["decided_by"]) for duel in duels] == [
        ("judged", outcome, "silence")
    ] * PROMPTS
    assert match_decision.silence(round_, now=timezone.now()) is None


@pytest.mark.django_db(transaction=True)
def test_a_judge_that_says_nothing_about_the_control_either_is_out_of_order_itself(round_, serving):
    serving(mind=Mind(), fault="low_mass", share=1.0)
    duels = last_try(round_)
    assert {(duel.state, duel.failure_class, duel.failure_code) for duel in duels} == {("judging", "judge", "low_mass")}
    stop = match_decision.silence(round_, now=timezone.now())
    assert stop is not None and (stop.to, stop.failure.code) == ("paused", "JUDGE")


class Failing:
    """A served judge whose server goes away, with the code of an outage, after so many batches of questions."""

    def __init__(self, inner, *, after: int) -> None:
        self.judge_version, self.answers = inner.judge_version, inner.answers
        self.inner, self.left = inner, after

    def answer(self, calls):
        self.left -= 1
        return self.inner.answer(calls) if self.left >= 0 else [NoAnswer("unreachable", "It is away.") for _ in calls]


def test_a_server_that_goes_away_at_any_question_blames_nobody(tmp_path):
    control, other = side(tmp_path, "control", shade=1), side(tmp_path, "doctored", shade=2)
    left, right = side(tmp_path, "left", shade=3), side(tmp_path, "right", shade=4)
    with served(Mind(worths(right, SILENT))) as (_, url):
        about = {
            "reference": picture(tmp_path / "prompt.png", shade=5),
            "control": (control, other),
            "defender": left,
            "challenger": right,
            "wanted": lambda: True,
        }
        whole = Failing(judge(url), after=1_000)
        assert verdict_on(whole, **about).outcome == "defender"
        batches = 1_000 - whole.left
        assert batches > 20
        for after in range(batches):
            assert verdict_on(Failing(judge(url), after=after), **about) is None, after


def test_a_judge_that_answers_now_and_then_blames_nobody(tmp_path):
    """Half of its answers are none; many ask the same at once, and again."""
    about = {
        "reference": picture(tmp_path / "prompt.png", shade=5),
        "control": (side(tmp_path, "control", shade=1), side(tmp_path, "doctored", shade=2)),
        "defender": side(tmp_path, "left", shade=3),
        "challenger": side(tmp_path, "right", shade=4),
        "wanted": lambda: True,
    }
    with served(Mind(), fault="low_mass", share=0.5) as (server, url), ThreadPoolExecutor(8) as threads:
        tired = judge(url)
        server.settings, settings = replace(server.settings, share=0.0), server.settings
        assert verdict_on(tired, **about).outcome == "draw"
        server.settings = settings
        blamed = list(threads.map(lambda _: verdict_on(tired, **about), range(200)))
    assert server.asked > 400, "a probe was answered from what another had been told"
    assert set(blamed) == {None}


@pytest.mark.django_db(transaction=True)
def test_nobody_is_blamed_before_the_last_try(round_, serving):
    serving(mind=Mind(silencing(round_, "challenger")))
    duel = round_.matches.order_by("pk").first().duels.first()
    claimed = engine.claim(Duel, duel.pk, now=timezone.now())
    outcome = judge_duel(claimed, timezone.now())
    assert outcome.failure.code == "low_mass" and outcome.failure.failure_class == "judge"
