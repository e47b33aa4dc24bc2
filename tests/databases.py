"""Where do the databases of a run come from, and how are they emptied?

The migrations are applied once a run, to a template; each parallel worker, and each site that browsers visit, has a
copy of it, which the server makes in a moment.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.db import connection
from django.db.backends.postgresql.operations import DatabaseOperations

from core.postgres.server import Cluster

ROOT = Path(__file__).resolve().parents[1]
TEMPLATE = "gauntlet_migrated"
KEPT = ("django_migrations", "django_content_type", "auth_permission")  # what migrations made


@contextmanager
def once_a_run(name: str) -> Iterator[Path]:
    """A folder that the run's processes share, theirs one after the other: what one of them made the others find."""
    folder = Path(os.environ["GAUNTLET_TEST_VAR"]) / "shared" / name
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder


def template() -> str:
    """The name of a database that has all migrations and that nobody is connected to."""
    with once_a_run(TEMPLATE) as folder:
        if not (folder / "done").exists():
            make(TEMPLATE)
            with connected_to(TEMPLATE):
                call_command("migrate", verbosity=0)
            (folder / "done").touch()
    return TEMPLATE


def deployment(var: Path) -> None:
    """Makes the folder of a deployment whose own server, which does not run yet, has all migrations."""
    with once_a_run("deployment") as folder:
        if not (folder / "done").exists():
            shutil.rmtree(folder / "var", ignore_errors=True)
            try:
                migrated = manage(folder / "var", "migrate", "--verbosity", "0")
            finally:
                Cluster(folder / "var" / "postgres").stop()
            assert migrated.returncode == 0, migrated.stderr
            (folder / "var" / "postgres" / "port").unlink()  # each copy looks for one of its own
            (folder / "done").touch()
        shutil.copytree(folder / "var", var)


def manage(var: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    """A command of a deployment whose folder is `var`."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("GAUNTLET_", "DATABASE", "DJANGO"))
    }
    kept |= {"GAUNTLET_VAR": str(var), "DJANGO_SETTINGS_MODULE": "competition.settings", **env}
    kept.pop("BROKER_URL", None)
    return subprocess.run([sys.executable, "manage.py", *words], cwd=ROOT, env=kept, capture_output=True, text=True)


def make(name: str, *, like: str = "") -> None:
    """Made anew, whatever a process that was killed left."""
    quoted = connection.ops.quote_name
    with connection._nodb_cursor() as cursor:  # type: ignore[attr-defined]
        cursor.execute(f"DROP DATABASE IF EXISTS {quoted(name)}")
        cursor.execute(f"CREATE DATABASE {quoted(name)}" + (f" TEMPLATE {quoted(like)}" if like else ""))


def use_a_copy(*, name: str) -> None:
    """From now on this process has a database of its own."""
    make(name, like=template())
    leave()
    connection.settings_dict["NAME"] = name


@contextmanager
def connected_to(name: str) -> Iterator[None]:
    """Django's own connection leads there."""
    before, connection.settings_dict["NAME"] = connection.settings_dict["NAME"], name
    leave()
    try:
        yield
    finally:
        leave()
        connection.settings_dict["NAME"] = before


def leave() -> None:
    """A database that is copied has no visitors, not even an idle one of the pool."""
    connection.close()
    connection.close_pool()  # type: ignore[attr-defined]


def emptying(self: DatabaseOperations, style: Any, tables: list[str], **_: Any) -> list[str]:
    """Only tables with rows, and as a replica would, whose triggers do not fire: the ledger refuses its end."""
    quoted = {table: self.quote_name(table) for table in tables if table not in KEPT}
    looks = " UNION ALL ".join(
        f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM {name})" for table, name in quoted.items()
    )
    with self.connection.cursor() as cursor:
        cursor.execute(looks)
        filled = [quoted[table] for (table,) in cursor.fetchall()]
    return ["SET LOCAL session_replication_role = replica", *(f"DELETE FROM {name}" for name in filled)]
