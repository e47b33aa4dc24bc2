"""May another file be fetched from this host just now?"""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class InProcess:
    """Counts within this process: for tests, and for commands that run alone."""

    def __init__(self, per_host: int) -> None:
        self.per_host = per_host
        self.taken: Counter[str] = Counter()
        self.lock = threading.Lock()

    @contextmanager
    def hold(self, host: str) -> Iterator[bool]:
        with self.lock:
            ours = self.taken[host] < self.per_host
            self.taken[host] += ours
        try:
            yield ours
        finally:
            with self.lock:
                self.taken[host] -= ours
                self.taken += Counter()  # drops zeros: hosts are endless


class AdvisoryLocks:
    """Counts over all workers of one database.

    Each slot of a host is a session-level advisory lock of PostgreSQL: it is gone when its holder is, however that
    ended.  Needs a connection of its own session (no transaction pooling) and is not for use inside a transaction's
    wait.
    """

    def __init__(self, per_host: int) -> None:
        self.per_host = per_host

    @contextmanager
    def hold(self, host: str) -> Iterator[bool]:
        from django.db import connection  # here, so that the fetch itself works without Django

        def taken(cursor: Any, key: int) -> bool:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [key])
            return bool(cursor.fetchone()[0])

        with connection.cursor() as cursor:
            slots = (f"gauntlet-slot/1\n{host}\n{slot}".encode() for slot in range(self.per_host))
            keys = (int.from_bytes(hashlib.sha256(slot).digest()[:8], "big", signed=True) for slot in slots)
            key = next((key for key in keys if taken(cursor, key)), None)
        try:
            yield key is not None
        finally:
            if key is not None:
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_advisory_unlock(%s)", [key])
