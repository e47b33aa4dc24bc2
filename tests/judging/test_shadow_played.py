"""Whole rounds as the platform plays them: where the official judge is asked once more, nothing changes."""

from __future__ import annotations

import json
import os
import signal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from competition.models import Round
from dashboard.bundles import publish
from judging.backends import JUDGES, JudgeKind, judge_named
from judging.backends.base import Question
from judging.matches import tally_of
from judging.shadow.models import ShadowRun
from judging.shadow.round_view import RoundView
from tests.judging import second_judge
from tests.judging.second_judge import KnownJudge, finished_round, second
from tests.judging.test_shadow import bundle, tables
from tests.verify import played_round

__all__ = ["second"]  # a fixture
pytestmark = pytest.mark.django_db
PLAYS = [("margin-1", 1), ("margin-1", 2), ("margin-2", 1), ("title-1", 1), ("title-1", 2)]


def made(argument: str) -> played_round.Judge:
    return played_round.Judge(1.0, lambda question: argument == "contrary")


def shadow(argument: str) -> dict[str, Any]:
    out = StringIO()
    judge_named.cache_clear()
    call_command("shadow", "played", "1", "--judge", f"plan:{argument}", "--json", stdout=out, stderr=StringIO())
    report: dict[str, Any] = json.loads(out.getvalue())
    return report


@pytest.mark.long
@pytest.mark.parametrize(("ruleset", "seed"), PLAYS)
def test_the_official_judge_asked_again_changes_nothing(
    ruleset: str, seed: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    kind = JudgeKind(made_by=f"{__name__}:made", label="the plan, for tests", is_model=False)
    monkeypatch.setitem(JUDGES, "plan", kind)
    stage = played_round.stage(seed=seed, patch=monkeypatch, folder=tmp_path, ruleset=ruleset)
    stage.reveal(1, [f"{n:040x}" for n in range(11, 16)])
    published = bundle(stage.play(1))
    before = tables()
    report = shadow("again")
    assert tables() == before
    assert report["agreement"]["share"] == "1" and report["failures"] == [] and report["audits"] == []
    leader = report["leader"]
    assert (leader["changed"], leader["still_open"], leader["before"]) == (False, "", leader["after"])
    view = RoundView(ShadowRun.objects.get())
    ends = {match: view.end_of(match) for match in view.by_pairing.values()}
    assert {(m, end and end.after, end and end.tally) for m, end in ends.items()} == {
        (match, match.stopped_after, tally_of(match)) for match in ends
    }
    publish.write_files(Round.objects.get(number=1, competition=stage.competition), tmp_path / "again")
    assert bundle(tmp_path / "again").items() <= published.items()


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
def test_after_kill_9_the_next_process_goes_on(second: KnownJudge, tmp_path: Path) -> None:
    """Real processes, one after the other, each killed at a question of its own; the last one ends."""
    finished_round()
    second.as_official()
    asked = tmp_path / "asked"

    def log(question: Question) -> None:
        with asked.open("a") as file:
            file.write(f"{question.kind} {question.first.sha256} {question.second.sha256}\n")

    for at in (1, 2, 7, 30, 61):
        if not (pid := os.fork()):
            connection.connection = None  # the parent's
            second.before = lambda question, at=at: (  # type: ignore[misc]
                os.kill(os.getpid(), signal.SIGKILL) if len(second.asked) == at else log(question)
            )
            second_judge.shadow()
            os._exit(1)
        assert os.waitpid(pid, 0)[1] == signal.SIGKILL
        wait_for_the_lock()
    assert ShadowRun.objects.get().ended_at is None
    second.before = log
    report = second_judge.shadow()
    lines = asked.read_text().splitlines()
    assert len(lines) == len(set(lines)) == report["cost"]["questions"] > 100
    assert report["state"] == "finished" and report["agreement"]["share"] == "1"


def wait_for_the_lock() -> None:
    """The server notices at once that a process is gone, and gives its lock away a moment later."""
    with connection.cursor() as cursor:
        while True:
            cursor.execute(
                "SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database "
                "WHERE locktype = 'advisory' AND datname = current_database()"
            )
            if cursor.fetchone()[0] == 0:
                return
