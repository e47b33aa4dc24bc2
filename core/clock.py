"""What time is it?  The database's clock decides, for every process: what is due, leased or late is compared with it.

`now` is the database's time: measured every few seconds, and counted on in between by a clock of this machine that
nobody can set.  Where this machine's own clock differs by more than `TOLERANCE`, the process says so and stops acting
until it agrees again: certificates, signatures and files of other programs still go by that clock.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from django.db import DatabaseError, connection

log = logging.getLogger(__name__)

TOLERANCE = timedelta(seconds=5)
MEASURE_EVERY_S = 5.0
LONGEST_QUESTION_S = 2.0  # a slower answer says little about what time it is


def wall() -> datetime:
    """This machine's own clock.  The one place that reads it to compare: tests set a wrong one here."""
    return datetime.now(UTC)


def elapsed() -> float:
    """Seconds that go on, whatever is set, also while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@dataclass
class DatabaseClock:
    """At `measured_at` (of `elapsed`) the database said `database_time`; this machine was `skew` ahead."""

    measured_at: float | None = None
    database_time: datetime = field(default_factory=wall)
    skew: timedelta = timedelta(0)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def now(self) -> datetime:
        """Raises DatabaseError where the database was never asked and does not answer."""
        if self.measured_at is None or elapsed() - self.measured_at >= MEASURE_EVERY_S:
            self.measure()
        with self.lock:
            return self.database_time + timedelta(seconds=elapsed() - (self.measured_at or 0.0))

    def measure(self) -> None:
        """Ask the database.  One that does not answer leaves the last measurement in force."""
        if connection.in_atomic_block and connection.needs_rollback and self.measured_at is not None:
            return
        before = elapsed()
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT clock_timestamp()")
                database_time: datetime = cursor.fetchone()[0]
        except DatabaseError:
            if self.measured_at is None:
                raise
            return
        after = elapsed()
        if after - before > LONGEST_QUESTION_S and self.measured_at is not None:
            return
        ahead = wall() - database_time - timedelta(seconds=(after - before) / 2)
        with self.lock:
            was_wrong, self.measured_at = self.wrong, (before + after) / 2
            self.database_time, self.skew = database_time, ahead
        if self.wrong and not was_wrong:
            log.error("%s This process stops acting until the operator has set this machine's clock.", self.sentence)
        elif was_wrong and not self.wrong:
            log.warning("This machine's clock agrees with the database's again: this process acts again.")

    @property
    def wrong(self) -> bool:
        """By the last measurement."""
        return abs(self.skew) > TOLERANCE

    @property
    def sentence(self) -> str:
        way = "ahead of" if self.skew > timedelta(0) else "behind"
        return f"This machine's clock is {abs(self.skew).total_seconds():.0f} s {way} the database's."


CLOCK = DatabaseClock()


def now() -> datetime:
    """The database's time."""
    return CLOCK.now()


def may_act() -> bool:
    """Does this machine's clock agree with the database's?  Measured at most every `MEASURE_EVERY_S`."""
    CLOCK.now()
    return not CLOCK.wrong


def skew() -> timedelta:
    """How far this machine is ahead, by the last measurement."""
    return CLOCK.skew
