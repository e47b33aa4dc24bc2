"""Who is alive: a row per process, written now and then, gone with an orderly end."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from competition.management.commands import reconcile, worker
from core.queue import heartbeats
from core.queue.heartbeats import EVERY, FORGOTTEN, RECONCILER, SILENT, Heart, Heartbeat

NOW = timezone.now()


@pytest.mark.django_db
def test_a_heart_beats_often_and_writes_seldom() -> None:
    heart = Heart(RECONCILER)
    heart.beat(now=NOW)
    with CaptureQueriesContext(connection) as seen:
        heart.beat(now=NOW + EVERY / 2)
    assert len(seen) == 0
    heart.beat(now=NOW + EVERY)
    row = Heartbeat.objects.get()
    assert (row.since, row.seen_at) == (NOW, NOW + EVERY)
    assert heartbeats.last_reconciled() == NOW + EVERY


@pytest.mark.django_db
def test_silence_is_longer_than_a_pause() -> None:
    Heart("worker: io").beat(now=NOW)
    row = Heartbeat.objects.get()
    assert not row.silent(now=NOW + SILENT)
    assert row.silent(now=NOW + SILENT + timedelta(seconds=1))


@pytest.mark.django_db
def test_who_ends_in_order_leaves_no_row_and_who_was_killed_is_forgotten_later() -> None:
    one, killed = Heart("worker: io", pid=1), Heart("worker: io", pid=2)
    for heart in (one, killed):
        heart.beat(now=NOW)
    one.stop()
    assert [row.pid for row in heartbeats.alive()] == [2]
    Heart(RECONCILER).beat(now=NOW + FORGOTTEN / 2)
    assert len(heartbeats.alive()) == 2
    Heart(RECONCILER).beat(now=NOW + 2 * FORGOTTEN)
    assert [row.role for row in heartbeats.alive()] == [RECONCILER]


@pytest.mark.django_db(transaction=True)
def test_each_look_of_the_reconciler_is_a_beat() -> None:
    heart = Heart(RECONCILER)
    reconcile.Command().look(heart)
    assert heartbeats.last_reconciled() == heart.beaten_at is not None
    heart.stop()


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_waits_beats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "CHECK_SECONDS", 0.01)
    stop, heart = threading.Event(), Heart("worker: cpu")
    thread = threading.Thread(target=worker.wait, args=[stop, heart])
    thread.start()
    for _ in range(6000):
        if Heartbeat.objects.exists():
            break
        threading.Event().wait(0.02)
    stop.set()
    thread.join(timeout=120)
    assert [row.role for row in heartbeats.alive()] == ["worker: cpu"]
    Heartbeat.objects.all().delete()
