"""One clock decides what is due, the database's; a machine whose own clock is wrong says so and does nothing."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as deployed
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse
from dramatiq_postgres import schema

from competition.management.commands import reconcile
from competition.models import Round
from core import clock
from core.clock import DatabaseClock
from core.machine import engine
from core.machine.engine import stateful_models
from core.queue import actors
from core.queue.heartbeats import Heart, Heartbeat
from judging.judge_worker import JudgeWorker
from tests.competition import made

ROOT = Path(__file__).resolve().parents[2]
HOUR = timedelta(hours=1)


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> DatabaseClock:
    own = DatabaseClock()
    monkeypatch.setattr(clock, "CLOCK", own)
    return own


def set_wall(monkeypatch: pytest.MonkeyPatch, ahead: timedelta) -> None:
    monkeypatch.setattr(clock, "wall", lambda: datetime.now(UTC) + ahead)


@pytest.fixture
def round_(db: Any) -> Round:
    return made.first_round(made.competition())


@pytest.mark.django_db
@pytest.mark.parametrize("ahead", [HOUR, -HOUR, timedelta(days=400), timedelta(seconds=6), timedelta(seconds=-6)])
def test_now_is_the_database_s_time_whatever_the_machine_says(
    fresh: DatabaseClock, monkeypatch: pytest.MonkeyPatch, ahead: timedelta, caplog: Any
) -> None:
    set_wall(monkeypatch, ahead)
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=3)
    assert not clock.may_act() and abs(clock.skew() - ahead) < timedelta(seconds=1)
    assert "stops acting until the operator" in caplog.text
    set_wall(monkeypatch, timedelta(seconds=1))
    fresh.measure()
    assert clock.may_act() and "acts again" in caplog.text


@pytest.mark.django_db
def test_a_clock_that_is_set_between_two_measurements_changes_nothing(
    fresh: DatabaseClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = clock.now()
    set_wall(monkeypatch, HOUR)
    assert clock.now() - before < timedelta(seconds=3)


def test_a_worker_whose_clock_is_wrong_leaves_its_rows_to_others(
    round_: Round, fresh: DatabaseClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_wall(monkeypatch, HOUR)
    monkeypatch.setattr(actors, "close_old_connections", lambda: None)
    Round.objects.update(due_at=clock.now() - timedelta(seconds=1), kicked_at=clock.now())
    actors.look("competition.Round", round_.pk)
    round_.refresh_from_db()
    assert (round_.attempts, round_.lease, round_.kicked_at) == (0, None, None)


@pytest.mark.django_db(transaction=True)
def test_a_reconciler_and_a_judge_whose_clock_is_wrong_do_nothing_and_tell_it(
    fresh: DatabaseClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    round_ = made.first_round(made.competition())
    set_wall(monkeypatch, HOUR)
    Round.objects.update(due_at=clock.now() - timedelta(minutes=5), kicked_at=None)
    heart = Heart("reconciler")
    reconcile.Command().look(heart)
    round_.refresh_from_db()
    assert round_.kicked_at is None
    row = Heartbeat.objects.get()
    assert row.clock_wrong and abs(row.ahead_ms - 3_600_000) < 2000
    assert JudgeWorker(duels=2)._fill(None) == 0  # type: ignore[arg-type]
    page = Client().get(reverse("status-json")).json()
    assert page["well"] is False and page["sentence"].startswith("Overdue: reconciler on")
    assert (
        "3600 s ahead" in page["overdue"][0]["sentence"] and "operator must act" in page["overdue"][0]["who_must_act"]
    )
    assert Client().get("/healthz").status_code == 503
    set_wall(monkeypatch, timedelta(0))
    fresh.measure()
    reconcile.Command().look(heart)
    round_.refresh_from_db()
    assert round_.kicked_at is not None


@pytest.mark.parametrize(
    "wrong",
    [
        {"kicked_at": HOUR, "due_at": -timedelta(seconds=5)},
        {"due_at": HOUR},
        {"due_at": timedelta(days=3650)},
        {"due_at": timedelta(minutes=2)},
        {"due_at": HOUR, "kicked_at": HOUR},
        {"leased_until": HOUR, "due_at": HOUR},
        {"leased_until": timedelta(days=1), "due_at": -timedelta(seconds=5)},
    ],
    ids=str,
)
def test_a_time_in_the_future_that_nobody_set_on_purpose_heals_itself(round_: Round, wrong: dict[str, Any]) -> None:
    now = clock.now()
    lease = {"lease": engine.new_lease()} if "leased_until" in wrong else {}
    Round.objects.update(**{name: now + ahead for name, ahead in wrong.items()}, **lease)
    engine.reconcile(now=now)
    round_.refresh_from_db()
    assert round_.kicked_at is not None and abs(round_.kicked_at - now) < timedelta(seconds=1)
    assert engine.claim(Round, round_.pk, now=now + timedelta(seconds=1)) is not None


def test_a_wait_and_a_lease_that_were_set_on_purpose_stay(round_: Round) -> None:
    now = clock.now()
    Round.objects.update(due_at=now + timedelta(seconds=30), kicked_at=None)
    assert engine.heal(Round, now=now) == 0
    Round.objects.update(due_at=now)
    assert engine.claim(Round, round_.pk, now=now) is not None
    assert engine.heal(Round, now=now) == 0


def test_a_lease_that_was_taken_while_the_sweeps_ran_stays(round_: Round, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else two workers have one row."""
    began, now = time.monotonic(), clock.now()
    Round.objects.update(due_at=now)
    later = timedelta(seconds=30)

    def a_long_sweep(at: datetime) -> None:
        assert engine.claim(Round, round_.pk, now=at + later) is not None
        monkeypatch.setattr("core.machine.engine.time.monotonic", lambda: began + later.total_seconds() + 1)

    monkeypatch.setattr(engine, "SWEEPS", [a_long_sweep])
    engine.reconcile(now=now)
    round_.refresh_from_db()
    assert round_.lease is not None


def test_no_step_can_ask_for_a_wait_that_would_be_healed(round_: Round) -> None:
    now = clock.now()
    Round.objects.update(due_at=now)
    row = engine.claim(Round, round_.pk, now=now)
    assert row is not None
    engine.release(row, engine.Wait(timedelta(hours=9), "long"), now=now)
    assert engine.heal(Round, now=now) == 0
    assert all(state.longest_wait_s for model in stateful_models() for state in model.graph.states.values())


def test_status_says_overdue_where_a_row_was_put_off_and_well_only_when_nothing_is(round_: Round) -> None:
    now = clock.now()
    for role in ("reconciler", "worker: io"):
        Heart(role).beat(now=now)
    Round.objects.update(due_at=now + HOUR)
    page = Client().get(reverse("status-json")).json()
    assert page["well"] is False and page["sentence"].startswith("Overdue: 1 round in open")
    assert page["overdue"][0]["since"] and "operator must act" in page["overdue"][0]["who_must_act"]
    assert "Overdue" in Client().get(reverse("status")).content.decode()
    engine.reconcile(now=now)
    assert Client().get(reverse("status-json")).json()["sentence"].startswith("All is well")


@contextmanager
def worker_process(folder: Path, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A real worker of the queue `io` on this test's database, whose clock the files in `folder` set."""
    told = connection.settings_dict
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("GAUNTLET_", "DATABASE"))}
    address = f"postgres://{told['USER']}:{told['PASSWORD']}@{told['HOST']}:{told['PORT']}/{told['NAME']}"
    environment = clean | {"DJANGO_SETTINGS_MODULE": "tests.scenarios.settings", "DATABASE_URL": address}
    environment |= {"BROKER_URL": "", "FAULT_CLOCK": str(folder), "GAUNTLET_VAR": str(deployed.VAR_DIR)}
    command = [sys.executable, "manage.py", "worker", "--queue", "io"]
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out, stderr=out)
    try:
        yield process
    finally:
        process.kill()
        process.wait(120)


def wait_for(holds: Callable[[], Any], log: Path, *, seconds: float = 240) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"it never came to that: {log.read_text()[-2000:]}"
        threading.Event().wait(0.1)


def messages() -> int:
    """Of those that were sent, how many no worker has taken."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM dramatiq.queue WHERE state = 'queued'")
        return int(cursor.fetchone()[0])


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
def test_a_real_worker_an_hour_fast_does_not_act_says_so_and_acts_again_once_its_clock_is_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        schema.init(cursor)
        cursor.execute("TRUNCATE dramatiq.queue")
    round_ = made.first_round(made.competition())
    log = tmp_path / "log"
    monkeypatch.setattr(engine, "SWEEPS", [])
    with worker_process(tmp_path, log) as process:
        wrong = tmp_path / str(process.pid)
        wrong.write_text("3600")
        wait_for(lambda: Heartbeat.objects.filter(pid=process.pid, ahead_ms__gt=3_500_000).exists(), log)
        now = clock.now()
        Round.objects.update(due_at=now, kicked_at=None, attempts=0, waiting_for="", lease=None)
        send(round_)
        lives = Heartbeat.objects.filter(pid=process.pid, seen_at__gt=clock.now() + timedelta(seconds=1))
        wait_for(lives.exists, log)  # it lives, and leaves what was sent to others
        assert messages() == 1
        round_.refresh_from_db()
        assert (round_.due_at, round_.attempts, round_.lease) == (now, 0, None)
        assert "stops acting" in log.read_text()
        wrong.unlink()
        wait_for(lambda: "acts again" in log.read_text(), log)
        wait_for(lambda: send(round_) or Round.objects.get(pk=round_.pk).due_at != now, log)
        assert Round.objects.get(pk=round_.pk).state != "open" or abs(
            Round.objects.get(pk=round_.pk).due_at - clock.now()
        ) < timedelta(minutes=2)


def send(round_: Round) -> None:
    """As the reconciler would, through the queue that lies in PostgreSQL."""
    from core.queue.broker import through_postgres

    broker = through_postgres("")
    broker.declare_queue("io")
    broker.enqueue(actors.ACTORS["io"].message("competition.Round", round_.pk))
    broker.close()
