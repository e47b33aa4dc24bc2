"""Does a worker keep its row for as long as it works on it, and no longer?"""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from competition.models import Round
from core.machine import engine
from core.machine.lease_renewal import Hold, Keeper
from tests.competition import made


@pytest.fixture
def held(db: Any, settings: Any) -> Round:
    settings.LEASE_SECONDS = 1
    round_ = made.first_round(made.competition())
    row = engine.claim(Round, round_.pk, now=timezone.now() - timedelta(seconds=0.9))
    assert row is not None
    return row


def test_a_renewed_lease_outlives_the_first_one(held: Round) -> None:
    assert Hold.of(held).renew()
    later = held.leased_until + timedelta(seconds=0.1)
    assert engine.claim(Round, held.pk, now=later) is None
    assert engine.move(held, engine.Move("paused", because="done in time"), now=later)


def test_a_lease_that_another_worker_has_now_is_not_renewed(held: Round) -> None:
    hold = Hold.of(held)
    assert engine.claim(Round, held.pk, now=held.leased_until + timedelta(seconds=0.1)) is not None
    assert not hold.renew()


def test_a_wake_during_the_work_survives_the_renewal(held: Round) -> None:
    woken = timezone.now() - timedelta(seconds=5)
    Round.objects.filter(pk=held.pk).update(due_at=woken)
    Hold.of(held).renew()
    engine.release(held, engine.Wait(timedelta(hours=1), "nothing yet"), now=timezone.now())
    held.refresh_from_db()
    assert held.due_at == woken


def test_a_row_is_renewed_only_while_it_is_worked_on_and_within_its_time(held: Round) -> None:
    keeper = Keeper()
    with keeper.renewing(held):
        (hold,) = keeper.holds
        assert time.monotonic() < hold.until <= time.monotonic() + held.declared.lease_s
        before = Round.objects.get(pk=held.pk).leased_until
        keeper.beat()
        assert Round.objects.get(pk=held.pk).leased_until > before
    assert not keeper.holds


def test_a_step_that_hangs_loses_its_row(held: Round) -> None:
    keeper = Keeper()
    with keeper.renewing(held):
        (hold,) = keeper.holds
        keeper.holds = {Hold(hold.model, hold.pk, hold.state, hold.lease, hold.length, until=0.0)}
        before = Round.objects.get(pk=held.pk).leased_until
        keeper.beat()
        assert Round.objects.get(pk=held.pk).leased_until == before
