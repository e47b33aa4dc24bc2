"""How does a worker keep the row it is working on?  By saying again and again that it is alive.

A lease is short, so that the row of a worker that died comes due soon, and it is renewed for as long as the step runs,
but never beyond the time its state allows (`lease_s`): a step that hangs loses its row, too.  One thread renews for the
whole process; a process that is stopped or killed renews nothing.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import Error, connection
from django.db.models import Case, F, Value, When

from core import clock
from core.machine.stateful import Stateful

log = logging.getLogger(__name__)

BEATS_PER_LEASE = 3


def lease_length(row: Stateful) -> timedelta:
    return timedelta(seconds=min(row.declared.lease_s, settings.LEASE_SECONDS))


@dataclass(frozen=True)
class Hold:
    """One row in our hands, as it was when we claimed it; `until` by the monotonic clock."""

    model: type[Stateful]
    pk: int
    state: str
    lease: UUID
    length: timedelta
    until: float

    @classmethod
    def of(cls, row: Stateful) -> Hold:
        if row.lease is None:
            raise ValueError(f"{row} is not claimed: there is no lease to renew")
        until = time.monotonic() + row.declared.lease_s
        return cls(type(row), row.pk, row.state, row.lease, lease_length(row), until)

    def renew(self) -> bool:
        """Extend our lease; a wake that came meanwhile keeps its `due_at`.  False: the row is no longer ours."""
        later = clock.now() + self.length
        ours = self.model.objects.filter(pk=self.pk, state=self.state, lease=self.lease)
        woken = When(due_at__lt=F("leased_until"), then=F("due_at"))
        return ours.update(leased_until=later, due_at=Case(woken, default=Value(later))) == 1


class Keeper:
    """The rows this process is working on, and the thread that renews their leases."""

    def __init__(self) -> None:
        self.holds: set[Hold] = set()
        self.changed = threading.Condition()
        self.thread: threading.Thread | None = None

    @contextmanager
    def renewing(self, row: Stateful) -> Iterator[None]:
        hold = Hold.of(row)
        with self.changed:
            self.holds.add(hold)
            if self.thread is None or not self.thread.is_alive():
                self.thread = threading.Thread(target=self._run, name="leases", daemon=True)
                self.thread.start()
            self.changed.notify()
        try:
            yield
        finally:
            with self.changed:
                self.holds.discard(hold)

    def _run(self) -> None:
        while True:
            with self.changed:
                self.changed.wait_for(lambda: self.holds)
            time.sleep(settings.LEASE_SECONDS / BEATS_PER_LEASE)
            try:
                self.beat()
            except Error as error:
                log.warning("leases could not be renewed, trying again: %s", error)
            finally:
                connection.close()

    def beat(self) -> None:
        with self.changed:
            held = [hold for hold in self.holds if time.monotonic() < hold.until]
        for hold in held:
            hold.renew()


KEEPER = Keeper()
