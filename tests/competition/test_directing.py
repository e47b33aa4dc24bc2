"""When has a demo played what it was asked to, and what does it say when it cannot?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from competition import rounds
from competition.decisions import schedule
from competition.demo.demo_director import Director
from competition.models import Competition, Round
from core.machine.stateful import FailureClass
from dashboard.models import Publication
from tests.competition import made


@pytest.fixture
def competition(db: Any) -> Competition:
    competition = made.competition()
    blocks = schedule.first(rounds.cadence(competition), earliest_reveal_block=105)
    rounds.begin(competition, blocks=blocks, now=made.START)
    return competition


class Demo:
    """What a director said, and whether it asked all to stop, after some looks."""

    def __init__(self, tmp_path: Path, *, rounds: int | None) -> None:
        self.said: list[str] = []
        self.stops = 0
        self.director = Director(print_line=self.said.append, files=tmp_path, rounds=rounds)

    def look(self) -> Demo:
        self.director.look(self._stop, now=made.after(1))
        return self

    def _stop(self) -> None:
        self.stops += 1


def stands(competition: Competition, number: int, state: str, *, publication: str = "", **row: Any) -> None:
    """Round and bundle as they would be found; how they get there is tested elsewhere."""
    Round.objects.filter(competition=competition, number=number).update(state=state, headline=f"headline {number}")
    if publication:
        fields = {"state": publication, "since": made.START, "bundle_hash": f"hash {number}", **row}
        Publication.objects.update_or_create(round=competition.rounds.get(number=number), defaults=fields)


def test_a_later_round_s_bundle_does_not_end_a_play_before_the_first_one_s(competition, tmp_path):
    demo = Demo(tmp_path, rounds=1)
    stands(competition, 1, "finished", publication="publishing")
    stands(competition, 2, "finished", publication="published")
    assert not demo.look().stops and not demo.director.played
    assert demo.director.standing == "round 1 was publishing"
    stands(competition, 1, "finished", publication="published")
    assert demo.look().stops and demo.director.played
    assert "round 1: headline 1" in demo.said and "    bundle hash 1" in demo.said
    assert not any("round 2" in line for line in demo.said)


def test_while_a_bundle_is_written_no_further_round_is_hurried_through(competition, tmp_path):
    stands(competition, 1, "finished", publication="publishing")
    Demo(tmp_path, rounds=1).look()
    assert made.chain_of(competition).block(now=made.after(1)) == 1
    Demo(tmp_path, rounds=2).look()
    assert made.chain_of(competition).block(now=made.after(1)) > 100


def test_a_paused_round_ends_the_play_with_cause_class_and_who_must_act(competition, tmp_path):
    demo = Demo(tmp_path, rounds=1)
    stands(competition, 1, "paused")
    why = "No answer. The operator must act, then run: manage.py resume small 1"
    Round.objects.filter(number=1).update(failure_class=FailureClass.JUDGE, failure_reason=why)
    assert demo.look().stops and not demo.director.played
    assert demo.director.trouble == f"round 1 is paused: {why} (class: judge)"


def test_a_pause_of_a_round_that_nobody_asked_for_is_not_ours(competition, tmp_path):
    demo = Demo(tmp_path, rounds=1)
    stands(competition, 1, "finished", publication="signing")
    stands(competition, 2, "paused")
    assert not demo.look().stops and not demo.director.trouble


def test_a_bundle_that_cannot_be_written_ends_the_play_and_says_so(competition, tmp_path):
    demo = Demo(tmp_path, rounds=1)
    failed = {"failure_class": FailureClass.INFRASTRUCTURE, "failure_reason": "OSError: no space left."}
    stands(competition, 1, "finished", publication="publishing", attempts=8, **failed)
    assert not demo.look().stops  # it failed before this play began: first it is tried once more
    stands(competition, 1, "finished", publication="publishing", attempts=9, **failed)
    assert demo.look().stops and not demo.director.played
    assert "not published: OSError: no space left. (class: infrastructure)" in demo.director.trouble
    assert "The operator must act" in demo.director.trouble
