"""What if a machine's clock is wrong?  FAULT_CLOCK names a folder of the play: a file `<pid>` in it holds the seconds
by which that process's own clock is ahead (negative: behind), for as long as it is there.

Everything of ours that reads the machine's clock reads it through these three names.
"""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.utils import timezone

from core import clock

RIGHT = time.time


def install(folder: str) -> None:
    own = settings.VAR_DIR / folder / str(os.getpid())

    def ahead_s() -> float:
        try:
            return float(own.read_text() or 0)
        except (OSError, ValueError):
            return 0.0

    def now() -> datetime:
        return datetime.fromtimestamp(RIGHT(), UTC) + timedelta(seconds=ahead_s())

    time.time = lambda: RIGHT() + ahead_s()
    timezone.now = now
    clock.wall = now
