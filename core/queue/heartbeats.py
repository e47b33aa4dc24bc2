"""Which processes of the platform are alive?  Each long-lived one writes every few seconds that it is.

A process that ends in order takes its row with it; one that was killed leaves it, and pages say how long it is silent.
"""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import models

from core import clock

EVERY = timedelta(seconds=4)
SILENT = timedelta(seconds=30)  # six beats: longer than a busy machine's pause
FORGOTTEN = timedelta(hours=1)
RECONCILER = "reconciler"


class Heartbeat(models.Model):
    role = models.CharField(max_length=80)
    host = models.CharField(max_length=80)
    pid = models.PositiveIntegerField()
    since = models.DateTimeField()
    seen_at = models.DateTimeField()
    ahead_ms = models.BigIntegerField(default=0)  # of the machine's own clock, compared with the database's

    class Meta:
        app_label = "competition"
        constraints = [models.UniqueConstraint(fields=["role", "host", "pid"], name="one_heart_per_process")]
        ordering = ["role", "host", "pid"]

    def __str__(self) -> str:
        return f"{self.role} {self.pid} on {self.host}"

    @property
    def clock_wrong(self) -> bool:
        """Then it does not act."""
        return abs(timedelta(milliseconds=self.ahead_ms)) > clock.TOLERANCE

    def silent(self, *, now: datetime) -> bool:
        return now - self.seen_at > SILENT


@dataclass
class Heart:
    """Of this process.  `beat` is cheap to call often: it writes at most once in EVERY."""

    role: str
    pid: int = field(default_factory=os.getpid)
    beaten_at: datetime | None = None

    def beat(self, *, now: datetime) -> None:
        if self.beaten_at is not None and timedelta(0) <= now - self.beaten_at < EVERY:
            return
        written = {"seen_at": now, "ahead_ms": round(clock.skew().total_seconds() * 1000)}
        Heartbeat.objects.update_or_create(**self._mine(), defaults=written, create_defaults={**written, "since": now})
        if self.role == RECONCILER:
            Heartbeat.objects.filter(seen_at__lt=now - FORGOTTEN).delete()
        self.beaten_at = now

    def stop(self) -> None:
        Heartbeat.objects.filter(**self._mine()).delete()

    def _mine(self) -> dict[str, object]:
        return {"role": self.role, "host": socket.gethostname()[:80], "pid": self.pid}


def alive() -> list[Heartbeat]:
    """All that are remembered, silent ones too."""
    return list(Heartbeat.objects.all())


def last_reconciled() -> datetime | None:
    """When a reconciler was last heard."""
    newest: datetime | None = Heartbeat.objects.filter(role=RECONCILER).aggregate(at=models.Max("seen_at"))["at"]
    return newest
