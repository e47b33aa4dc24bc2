"""Who moves a row, exactly once, and leaves a trace?  Only this module writes a state.

`advance` is what a message means: "look at this row".  It claims the row under a lease, lets the declared step look at
it outside any transaction, and carries out the step's answer by compare-and-set.  A message may be lost, doubled or
late: a row that is not due, or is held by another worker, is left alone.
"""

from __future__ import annotations

import errno
import logging
import time
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from django.apps import apps
from django.conf import settings
from django.db import OperationalError, transaction
from django.db.models import F, Q, QuerySet, Value

from core import clock, ledger
from core.machine import stateful
from core.machine.lease_renewal import KEEPER, lease_length
from core.machine.outcomes import Move, Outcome, Retry, StepFailure, Wait
from core.machine.registry import CONNECTED, STEPS, SWEEPS
from core.machine.stateful import FailureClass, Stateful, new_lease
from core.store import StoreFault

log = logging.getLogger(__name__)

Row = TypeVar("Row", bound=Stateful)
Rows = list[tuple[int, str]]  # (pk, state)
DUE, PUT_OFF = "due", "put off"
MOST_KICKS = 500  # rows of a model that one look tells the workers of
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
WORKER_DIED = StepFailure(
    FailureClass.INFRASTRUCTURE,
    stateful.WORKER_DIED,
    "One worker process after the other died at this work; it is not tried again before the operator has looked.",
)
FULL = "Our disk is full: the operator must make room. It is tried again by itself"


def due(model: type[Row], *, now: datetime) -> Q:
    free = Q(lease=None) | Q(leased_until__lt=now)
    return Q(state__in=model.graph.active(), due_at__lte=now) & free


def claim(model: type[Row], pk: int, *, now: datetime) -> Row | None:
    """Take the row for one attempt, or None when it is not due or another worker holds it.

    `due_at` moves to the end of the lease first, so a worker that dies leaves a row that comes due by itself.
    """
    row = model.objects.filter(due(model, now=now), pk=pk).first()
    if row is None:
        return None
    lease, until = new_lease(), now + lease_length(row)
    ours = model.objects.filter(due(model, now=now), pk=pk, state=row.state)
    if ours.update(lease=lease, leased_until=until, due_at=until, attempts=F("attempts") + 1) != 1:
        return None
    row.refresh_from_db()
    return row if row.lease == lease else None


def move(row: Stateful, outcome: Move, *, now: datetime) -> bool:
    """Carry `row` to `outcome.to` exactly once, with its ledger event, in one transaction.

    False means another worker got there first, or our lease ran out: stop, do not retry.
    """
    old = row.state
    row.graph.require(old, outcome.to)
    target = row.graph.states[outcome.to]
    failure = outcome.failure or StepFailure("", "", "")
    with transaction.atomic():
        if row.in_ledger:
            ledger.hold(row.competition_pk())  # before any row: whoever moves several rows meets nobody half-way
        ours = type(row).objects.filter(pk=row.pk, state=old, lease=row.lease)
        written = ours.update(
            state=outcome.to,
            since=now,
            due_at=now if target.queue else None,
            attempts=0,
            lease=None,
            leased_until=None,
            kicked_at=None,
            waiting_for="",
            failure_class=failure.failure_class,
            failure_code=failure.code,
            failure_reason=failure.sentence,
            **outcome.sets,
        )
        if written != 1:
            return False
        row.refresh_from_db()
        if outcome.also is not None:
            outcome.also()
        if row.in_ledger:
            kind, body = event_of(row, outcome, old=old)
            ledger.append(row.competition_pk(), kind=kind, at=now, body=body)
        wake(row, now=now)
        if target.queue:
            transaction.on_commit(partial(kick, row, now=now))
    return True


def event_of(row: Stateful, outcome: Move, *, old: str) -> tuple[str, dict[str, object]]:
    """Kind and body of the event that this move would write; only its time and its place in the chain are added."""
    body: dict[str, object] = {**row.describe(), "from": old, "to": outcome.to, "because": outcome.because}
    if outcome.failure:
        body["failure"] = {"class": outcome.failure.failure_class, "code": outcome.failure.code}
    return f"{row._meta.model_name}.{outcome.to}", {**body, **outcome.facts}


def wake(row: Stateful, *, now: datetime) -> None:
    """Make the rows that may follow due, and tell the workers after commit."""
    for other in row.wakes():
        nudge(other, now=now)


def nudge(row: Stateful, *, now: datetime) -> None:
    """Let a worker look at the row at once, if any worker acts in its state."""
    if row.declared.queue:
        type(row).objects.filter(pk=row.pk, state=row.state).update(due_at=now)
        transaction.on_commit(partial(kick, row, now=now))


def release(row: Stateful, outcome: Wait | Retry, *, now: datetime) -> bool:
    """Give the row back without moving it."""
    ours = type(row).objects.filter(pk=row.pk, state=row.state, lease=row.lease)
    common: dict[str, Any] = {"lease": None, "leased_until": None, "kicked_at": None}
    due_at = now + min(outcome.delay, timedelta(seconds=row.declared.longest_wait_s))
    if isinstance(outcome, Retry):
        failure = outcome.failure
        written = ours.update(
            **common,
            due_at=due_at,
            attempts=F("attempts") if outcome.counts else F("attempts") - 1,
            waiting_for=f"retry after: {failure.sentence}",
            failure_class=failure.failure_class,
            failure_code=failure.code,
            failure_reason=failure.sentence,
        )
        return bool(written)
    common |= {"attempts": 0, "waiting_for": outcome.because, **outcome.sets}
    settled = {"failure_class": "", "failure_code": "", "failure_reason": ""}
    if ours.filter(due_at__gte=F("leased_until")).update(**common, **settled, due_at=due_at):
        return True
    # A wake that came while we held the lease moved due_at nearer than the lease's end: keep it.
    if ours.update(**common):
        kick(row, now=now)
        return True
    return False


def backoff(attempts: int) -> timedelta:
    """1, 2, 4 … 64 s: quick for a hiccup, patient with an outage."""
    return timedelta(seconds=min(64, 2 ** max(0, attempts - 1)))


def advance(label: str, pk: int, *, now: datetime) -> bool:
    """Look at one row.  True when this call did anything to it."""
    model = apps.get_model(label)
    row = claim(model, pk, now=now)
    if row is None:
        return False
    if died_with_its_workers(row):
        return carry_out(row, Retry(timedelta(seconds=row.declared.longest_wait_s), WORKER_DIED, counts=False))
    with KEEPER.renewing(row):
        return _work(row, now=now)


def died_with_its_workers(row: Stateful) -> bool:
    """Has this row been taken up so often without a word that it must be what kills its workers?

    Each try leaves an outcome, or the process ended.  Such a row is left alone until a person has looked, so that it
    does not take every worker with it; `try_again` forgets the deaths.
    """
    silent = not row.failure_class and row.attempts > row.declared.deaths
    return silent or row.failure_code == WORKER_DIED.code


def _work(row: Stateful, *, now: datetime) -> bool:
    label = row._meta.label
    try:
        return carry_out(row, STEPS[label, row.state](row, now))
    except OperationalError:
        # If it is back already the row is due again at once; else this raises too, and the lease runs out.
        failure = StepFailure(FailureClass.INFRASTRUCTURE, "DATABASE", "The database did not answer; tried again.")
        return carry_out(row, Retry(timedelta(seconds=1), failure, counts=False))
    except StoreFault as fault:
        if CONNECTED.on_store_fault is None:
            return _step_failed(row, fault)
        return carry_out(row, CONNECTED.on_store_fault(row, fault, now=now))
    except OSError as error:
        if error.errno not in NO_ROOM:
            return _step_failed(row, error)
        failure = StepFailure(FailureClass.INFRASTRUCTURE, "DISK_FULL", f"{FULL} ({label} {row.pk}: {error.strerror})")
        return carry_out(row, Retry(timedelta(seconds=5), failure, counts=False))
    except Exception as error:
        return _step_failed(row, error)


def _step_failed(row: Stateful, error: Exception) -> bool:
    log.error("%s %s in %s", row._meta.label, row.pk, row.state, exc_info=error)
    sentence = f"{type(error).__name__} in our own step; retried, then the operator must look: {str(error)[:300]}"
    failure = StepFailure(FailureClass.INFRASTRUCTURE, "STEP_FAILED", sentence)
    return carry_out(row, Retry(backoff(row.attempts), failure))


def carry_out(row: Stateful, outcome: Outcome) -> bool:
    """The step may have taken minutes: the trace carries the time of the move."""
    if isinstance(outcome, Move):
        return move(row, outcome, now=clock.now())
    return release(row, outcome, now=clock.now())


def kick(row: Stateful, *, now: datetime) -> None:
    """Send "look at this row".  Losing it loses nothing: `reconcile` sends it again."""
    _kick(type(row), [(row.pk, row.state)], now=now)


def _kick(model: type[Stateful], rows: Rows, *, now: datetime) -> None:
    if not rows:
        return
    model.objects.filter(pk__in=[pk for pk, _ in rows]).update(kicked_at=now)
    if CONNECTED.send is None:
        return
    for pk, state in rows:
        CONNECTED.send(model._meta.label, pk, queue=model.graph.states[state].queue or "io")


def unkick(label: str, pk: int) -> None:
    """Give a message back: the reconciler sends it again at its next look."""
    apps.get_model(label).objects.filter(pk=pk).update(kicked_at=None)


def announce(*models: type[Stateful], now: datetime) -> None:
    """Tell the workers about rows just made, once they are committed."""
    for model in models:
        transaction.on_commit(partial(kick_due, model, now=now))


def try_again(competition_pk: int, *, now: datetime) -> None:
    """Forget the failed tries of all rows of a competition that are still to move, and let them be looked at now."""
    for model in stateful_models():
        tried = model.objects.filter(state__in=model.graph.active(), attempts__gt=0).exclude(failure_class="")
        ours = [row.pk for row in tried if row.competition_pk() == competition_pk]
        model.objects.filter(pk__in=ours, state__in=model.graph.active()).update(
            attempts=0, due_at=now, failure_class="", failure_code="", failure_reason=""
        )
        announce(model, now=now)


def stateful_models() -> list[type[Stateful]]:
    return [m for m in apps.get_models() if issubclass(m, Stateful)]


def reconcile(*, now: datetime) -> int:
    """Derive what should exist, then kick every due row that was not kicked lately.  Returns the kicks sent.

    Sweeps take their time on a busy machine: a lease that was taken meanwhile lasts longer than one from `now` would.
    """
    began = time.monotonic()
    for look in SWEEPS:
        try:
            look(now)
        except OperationalError:
            raise
        except Exception:
            log.exception("sweep %s failed; the other sweeps go on", look.__module__)
    slack = clock.TOLERANCE + timedelta(seconds=time.monotonic() - began)
    wanting = _wanting(now=now, slack=slack)
    for model in wanting[PUT_OFF]:
        heal(model, now=now, slack=slack)
        wanting[DUE][model] = list(_unkicked(model, now=now).values_list("pk", "state")[:MOST_KICKS])
    for model, rows in wanting[DUE].items():
        _kick(model, rows, now=now)
    return sum(len(rows) for rows in wanting[DUE].values())


def _wanting(*, now: datetime, slack: timedelta) -> dict[str, dict[type[Stateful], Rows]]:
    """Of every model the rows that are due and were not kicked lately, and one that a wrong clock put off: in one
    statement, because nearly all looks find nothing."""
    models = [model for model in stateful_models() if model.graph.active()]
    queries: list[QuerySet[Any, Any]] = []
    for place, model in enumerate(models):
        off = model.objects.filter(put_off(model, now=now, slack=slack)).order_by("pk")[:1]
        for why, rows in ((DUE, _unkicked(model, now=now)[:MOST_KICKS]), (PUT_OFF, off)):
            queries.append(rows.values_list(Value(why), Value(place), "pk", "state"))
    by_reason: dict[str, dict[type[Stateful], Rows]] = {DUE: {}, PUT_OFF: {}}
    for why, place, pk, state in queries[0].union(*queries[1:], all=True):
        by_reason[why].setdefault(models[place], []).append((pk, state))
    return by_reason


def put_off(model: type[Stateful], *, now: datetime, slack: timedelta = clock.TOLERANCE) -> Q:
    """Rows that a clock that was wrong put off: due later than any step of their state waits, or leased for longer than
    a lease lasts."""
    condition = Q(pk__in=[])
    for name in model.graph.active():
        state = model.graph.states[name]
        lasting = now + timedelta(seconds=min(state.lease_s, settings.LEASE_SECONDS)) + slack
        farthest = now + timedelta(seconds=state.longest_wait_s) + slack
        condition |= Q(state=name) & (
            Q(lease__isnull=False, leased_until__gt=lasting) | Q(lease=None, due_at__gt=farthest)
        )
    return condition


def heal(model: type[Stateful], *, now: datetime, slack: timedelta = clock.TOLERANCE) -> int:
    """Make due what a wrong clock put off.  Returns how many rows that were."""
    fresh = {"lease": None, "leased_until": None, "due_at": now, "kicked_at": None}
    healed = model.objects.filter(put_off(model, now=now, slack=slack)).update(**fresh) if model.graph.active() else 0
    if healed:
        log.warning("%d rows of %s were put off by a clock that was wrong: they are due now", healed, model.__name__)
    return healed


def _unkicked(model: type[Row], *, now: datetime) -> QuerySet[Row]:
    """Rows that are due and whose workers were not told lately."""
    silent = Q(kicked_at=None) | Q(kicked_at__lt=now - timedelta(seconds=settings.REKICK_SECONDS))
    silent |= Q(kicked_at__lt=F("due_at"))  # told too early: whoever looked then found nothing to do
    silent |= Q(kicked_at__gt=now + clock.TOLERANCE)  # by a clock that was wrong
    return model.objects.filter(due(model, now=now) & silent).order_by("due_at", "pk")


def kick_due(model: type[Stateful], *, now: datetime) -> int:
    rows = list(_unkicked(model, now=now).values_list("pk", "state")[:MOST_KICKS])
    _kick(model, rows, now=now)
    return len(rows)
