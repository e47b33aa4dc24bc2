"""Does a judge's silence ever become a verdict?  A few silent duels are void; more of them pause the round."""

from __future__ import annotations

from typing import Any

import pytest

from competition.models import Miner, Round, Submission
from competition.steps import resume
from core.machine import engine
from core.machine.outcomes import Move, Wait
from judging import match_decision
from judging.models import Duel, Match
from tests.competition import made

NOW = made.after(30)
PROMPTS = 40


@pytest.fixture
def match(db: Any) -> Match:
    """A match of forty duels of which the challenger has won all that are judged: the last ten are open."""
    round_ = made.first_round(made.competition(pictures=PROMPTS))
    round_.state = "duels"
    round_.save()
    leader, other = (Miner.objects.get_or_create(hotkey=made.key(name).ss58_address)[0] for name in ("base", "a"))
    sides = {
        "defender": Submission.objects.create(round=round_, miner=leader, role="leader"),
        "challenger": Submission.objects.create(round=round_, miner=other, role="challenger"),
    }
    match = Match.objects.create(
        round=round_,
        kind="audit",
        defender_origin="generated",
        challenger_origin="submitted",
        **sides,
        **Match.born(now=NOW) | {"state": "judging"},
    )
    for place, prompt in enumerate(round_.competition.pool.order_by("stem")):
        duel = Duel.objects.create(match=match, prompt=prompt, position=place, **Duel.born(now=NOW))
        if place < PROMPTS - 10:
            judge(duel, "challenger")
    return match


def judge(duel: Duel, outcome: str) -> None:
    """As a worker does, with what the ledger says of it."""
    verdict = {"outcome": outcome, "score_micro": 0, "left_sha256": "1" * 64, "right_sha256": "2" * 64}
    assert engine.move(duel, Move("judged", because="judged", sets=verdict, facts=verdict), now=NOW)


def settle(match: Match, *, silent: int) -> None:
    """All open duels but so many are judged; about those the judge was asked as often as it may be."""
    left = list(match.duels.filter(state="judging").order_by("position"))
    for duel in left[silent:]:
        judge(duel, "draw")
    mute = {"failure_class": "judge", "failure_code": "timeout", "failure_reason": "No answer."}
    match.duels.filter(pk__in=[duel.pk for duel in left[:silent]]).update(attempts=5, **mute)


def test_a_few_silent_duels_are_void_and_not_counted(match: Match) -> None:
    settle(match, silent=2)
    outcome = match_decision.decide(match, NOW)
    assert isinstance(outcome, Move)
    assert engine.move(match, outcome, now=NOW)
    match.refresh_from_db()
    assert (match.state, match.void, match.won, match.drawn, match.duels_made) == ("decided", 2, 30, 8, PROMPTS)
    assert set(match.duels.filter(state="void").values_list("failure_class", flat=True)) == {"judge"}
    assert match_decision.silence(match.round, now=NOW) is None


def test_more_silent_duels_decide_nothing_and_stop_the_round(match: Match) -> None:
    settle(match, silent=3)
    assert isinstance(match_decision.decide(match, NOW), Wait)
    stop = match_decision.silence(match.round, now=NOW)
    assert stop is not None and stop.failure is not None
    assert (stop.to, stop.failure.failure_class, stop.failure.code) == ("paused", "judge", "JUDGE")
    assert "3 of 40 duels" in stop.failure.sentence and "manage.py resume small 1" in stop.failure.sentence


def test_a_duel_that_may_still_be_asked_about_is_waited_for(match: Match) -> None:
    settle(match, silent=2)
    match.duels.filter(failure_class="judge").update(attempts=4)
    assert isinstance(match_decision.decide(match, NOW), Wait)
    assert match_decision.silence(match.round, now=NOW) is None


def test_a_duel_answered_while_it_is_voided_undoes_the_decision(match: Match) -> None:
    settle(match, silent=1)
    outcome = match_decision.decide(match, NOW)
    assert isinstance(outcome, Move)
    match.duels.filter(failure_class="judge").update(state="judged", outcome="challenger")
    with pytest.raises(RuntimeError, match="answered meanwhile"):
        engine.move(match, outcome, now=NOW)
    match.refresh_from_db()
    assert match.state == "judging"


def test_a_resumed_round_asks_the_judge_again(match: Match) -> None:
    settle(match, silent=3)
    stop = match_decision.silence(match.round, now=NOW)
    assert stop is not None and engine.move(match.round, stop, now=NOW)
    assert resume(Round.objects.get(pk=match.round_id), why="the judge answers again", now=NOW)
    assert not match.duels.filter(state="judging", attempts__gt=0).exists()
    assert Round.objects.get(pk=match.round_id).state == "duels"
    assert match_decision.silence(match.round, now=NOW) is None
