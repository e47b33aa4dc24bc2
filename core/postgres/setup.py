"""Has the database all tables?  A command that may be the first one of a fresh checkout makes them."""

from __future__ import annotations

from contextlib import closing

from django.core.management import call_command
from django.db import connection, connections
from django.db.migrations.executor import MigrationExecutor

LOCK = 0x6D696772  # "migr": keeps two first commands from making the same tables


def ensure_tables() -> bool:
    """Apply all migrations where some are missing (the embedded server starts by itself).  True when it did."""
    if not _missing():
        return False
    with closing(connections.create_connection(connection.alias)) as holder:  # migrating closes the usual one
        holder.cursor().execute("SELECT pg_advisory_lock(%s)", [LOCK])  # given back when the connection ends
        missing = _missing()
        if missing:
            call_command("migrate", interactive=False, verbosity=0)
    return missing


def _missing() -> bool:
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))
