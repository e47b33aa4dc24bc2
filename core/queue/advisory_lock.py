"""Is nobody else doing this?  An advisory lock of the database, held by a connection of its own.

It ends with the process, however that ends, and two hosts that share the database share the lock.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.db import connection

SPACE = 0x63686E00  # "chn": keeps these locks apart from the ledger's


class Taken(Exception):
    """Another process does it."""


class Held:
    """The lock, and whether the connection that holds it still lives."""

    def __init__(self, holder: psycopg.Connection) -> None:
        self._holder = holder

    def sure(self) -> bool:
        """Ask the server: a connection that broke has given the lock away without a word."""
        try:
            self._holder.execute("SELECT 1")
        except psycopg.Error:
            return False
        return True


@contextmanager
def hold_lock(what: str) -> Iterator[Held]:
    """Raises Taken at once where another process holds `what`."""
    params = connection.get_connection_params()
    number = int.from_bytes(hashlib.sha256(what.encode()).digest()[:4], "big", signed=True)
    own_params = {name: value for name, value in params.items() if name not in ("cursor_factory", "context")}
    with psycopg.connect(**own_params, autocommit=True) as holder:
        taken = holder.execute("SELECT pg_try_advisory_lock(%s, %s)", [SPACE, number]).fetchone()
        if not (taken and taken[0]):
            raise Taken(what)
        yield Held(holder)
