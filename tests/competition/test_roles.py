"""Can the application change history?  Its role in the embedded database, and the one that deploy/ documents."""

from __future__ import annotations

import io
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection

from competition.management.commands import worker
from core.postgres import server as embedded_postgres
from core.postgres.backend import roles
from core.postgres.backend.roles import INSERT_ONLY
from core.postgres.server import APPLICATION, HOST, USER, Cluster
from tests import databases
from tests.databases import manage

ROOT = Path(__file__).resolve().parents[2]
TABLE = "competition_ledgerevent"
FUNCTION = "competition_ledger_is_insert_only"
FORBIDDEN = [
    f"UPDATE {TABLE} SET kind = 'x'",
    f"DELETE FROM {TABLE}",
    f"TRUNCATE {TABLE} CASCADE",
    f"TRUNCATE {TABLE}",
    f"SELECT * FROM {TABLE} FOR UPDATE",
    f"INSERT INTO {TABLE} SELECT * FROM {TABLE} ON CONFLICT (id) DO UPDATE SET kind = 'x'",
    f"ALTER TABLE {TABLE} DISABLE TRIGGER ALL",
    f"ALTER TABLE {TABLE} DISABLE TRIGGER USER",
    f"ALTER TABLE {TABLE} DISABLE TRIGGER ledger_rows_stay",
    f"ALTER TABLE {TABLE} OWNER TO CURRENT_USER",
    f"ALTER TABLE {TABLE} RENAME TO gone",
    f"ALTER TABLE {TABLE} ADD COLUMN more integer",
    f"CREATE RULE other AS ON INSERT TO {TABLE} DO INSTEAD NOTHING",
    f"CREATE TRIGGER other BEFORE INSERT ON {TABLE} FOR EACH ROW EXECUTE FUNCTION {FUNCTION}()",
    f"DROP TRIGGER ledger_rows_stay ON {TABLE}",
    f"DROP TABLE {TABLE} CASCADE",
    f"DROP FUNCTION {FUNCTION}() CASCADE",
    f"CREATE OR REPLACE FUNCTION {FUNCTION}() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
    "SET session_replication_role = replica",
    "SET LOCAL session_replication_role = replica",
    "SELECT set_config('session_replication_role', 'replica', false)",
    "DROP SCHEMA public CASCADE",
    "CREATE TABLE public.mine (n integer)",
    "CREATE SCHEMA mine",
    "CREATE ROLE mine SUPERUSER",
    "ALTER ROLE CURRENT_USER SUPERUSER",
    "UPDATE pg_catalog.pg_trigger SET tgenabled = 'D'",
    "COPY (SELECT 1) TO PROGRAM 'true'",
    "UPDATE django_migrations SET name = 'x'",
    *(f"UPDATE {table} SET id = id" for table in INSERT_ONLY),
    *(f"DELETE FROM {table}" for table in INSERT_ONLY),
    *(f"TRUNCATE {table} CASCADE" for table in INSERT_ONLY),
]
ALLOWED = [
    f"SELECT count(*) FROM {TABLE}",
    "INSERT INTO competition_miner (hotkey, label, note) VALUES ('5x', '', '')",
    "UPDATE competition_miner SET label = 'x'",
    "DELETE FROM competition_miner",
]
QUEUE = ["SELECT count(*) FROM dramatiq.queue", "DELETE FROM dramatiq.queue"]


def refused(role: psycopg.Connection[Any], statement: str) -> bool:
    """Only for lack of a right; nothing of it stays."""
    try:
        with role.transaction(force_rollback=True):
            role.execute(statement)
    except psycopg.errors.InsufficientPrivilege:
        return True
    return False


@pytest.fixture(scope="module")
def embedded(django_db_setup: None, django_db_blocker: Any) -> Iterator[dict[str, Any]]:
    """A migrated database of the embedded server, as the application is connected to it."""
    with django_db_blocker.unblock():
        name = f"roles_{os.getpid()}"
        databases.make(name, like=databases.template())
        address = embedded_postgres.cluster().ensure()
        yield {
            "host": HOST,
            "port": address.port,
            "user": APPLICATION,
            "password": address.application_password,
            "dbname": name,
        }
        with connection._nodb_cursor() as cursor:  # type: ignore[attr-defined]
            cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.parametrize("statement", FORBIDDEN)
def test_the_embedded_application_cannot(statement: str, embedded: dict[str, Any]) -> None:
    with psycopg.connect(**embedded) as role:
        assert refused(role, statement)


@pytest.mark.parametrize("statement", ALLOWED)
def test_the_embedded_application_can(statement: str, embedded: dict[str, Any]) -> None:
    with psycopg.connect(**embedded) as role:
        assert not refused(role, statement)


def test_the_application_owns_nothing_and_is_no_superuser(embedded: dict[str, Any]) -> None:
    with psycopg.connect(**embedded) as role:
        owned = role.execute("SELECT count(*) FROM pg_class WHERE pg_has_role(current_user, relowner, 'MEMBER')")
        assert owned.fetchone() == (0,)
        rights = "rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls"
        assert role.execute(f"SELECT {rights} FROM pg_roles WHERE rolname = current_user").fetchone() == (False,)


PROBE = """
from django.db import connection
from competition.models import LedgerEvent, Miner
Miner.objects.create(hotkey="5y")
with connection.cursor() as cursor:
    cursor.execute("SELECT current_user")
    print(cursor.fetchone()[0])
    cursor.execute("DELETE FROM competition_ledgerevent")
"""


@pytest.mark.long
def test_a_folder_of_before_is_upgraded_and_commands_run_as_the_application(tmp_path: Path) -> None:
    var = tmp_path / "var"
    databases.deployment(var)
    cluster = Cluster(var / "postgres", options=("fsync=off",))
    try:
        address = cluster.ensure()
        with psycopg.connect(**superuser(address.port, address.password), autocommit=True) as owner:
            # as it was left by a version that had one role: what is granted after a migration was not
            owner.execute("GRANT CONNECT, TEMPORARY ON DATABASE gauntlet TO PUBLIC")
            owner.execute(f"DROP OWNED BY {APPLICATION}")
            owner.execute(f"DROP ROLE {APPLICATION}")
        (var / "postgres" / "application_admitted").unlink()
        assert manage(var, "migrate", "--verbosity", "0").returncode == 0
        done = manage(var, "shell", "-c", PROBE)
        assert APPLICATION in done.stdout and "permission denied for table competition_ledgerevent" in done.stderr
    finally:
        cluster.stop()


def superuser(port: int, password: str) -> dict[str, Any]:
    return {"host": HOST, "port": port, "user": USER, "password": password, "dbname": "gauntlet"}


MIGHTIER = {
    "it is a superuser": ("ALTER ROLE documented_app SUPERUSER", "ALTER ROLE documented_app NOSUPERUSER"),
    "it may create roles": ("ALTER ROLE documented_app CREATEROLE", "ALTER ROLE documented_app NOCREATEROLE"),
    "it owns competition_bankroll, competition_checkpoint": (
        "ALTER ROLE documented_app NOINHERIT; GRANT documented_owner TO documented_app",
        "REVOKE documented_owner FROM documented_app",
    ),
    "it owns the database": (
        "ALTER DATABASE documented OWNER TO documented_app",
        "ALTER DATABASE documented OWNER TO documented_owner; GRANT CONNECT ON DATABASE documented TO documented_app",
    ),
    "it may switch triggers off": (
        "GRANT SET ON PARAMETER session_replication_role TO documented_app",
        "REVOKE SET ON PARAMETER session_replication_role FROM documented_app",
    ),
}


def test_the_documented_roles_cannot_change_history_either(django_db_setup: None, tmp_path: Path) -> None:
    """deploy/roles.sql, on a database whose application owned everything before."""
    address = Cluster(Path(settings.VAR_DIR) / "postgres").ensure()
    server = f"{HOST}:{address.port}"
    names = {"owner": "documented_owner", "application": "documented_app", "database": "documented"}
    secrets = {"owner_password": "one", "application_password": "two"}
    with psycopg.connect(**superuser(address.port, address.password), autocommit=True) as admin:
        admin.execute("CREATE ROLE documented_app LOGIN PASSWORD 'two'")
        admin.execute("CREATE DATABASE documented OWNER documented_app")
    url = f"postgres://documented_app:two@{server}/documented"
    try:
        before = manage(tmp_path, "migrate", DATABASE_URL=url)
        assert before.returncode == 0 and "DATABASE_OWNER_URL" in before.stderr, before.stderr
        given = [word for name, value in (names | secrets).items() for word in ("-v", f"{name}={value}")]
        at = ["-h", HOST, "-p", str(address.port), "-U", USER, "-d", "gauntlet", "-f", str(ROOT / "deploy/roles.sql")]
        env = os.environ | {"PGPASSWORD": address.password}
        psql = subprocess.run(
            [embedded_postgres.program("psql"), "-q", *given, *at], env=env, capture_output=True, text=True
        )
        assert psql.returncode == 0, psql.stderr
        owner = f"postgres://documented_owner:one@{server}/documented"
        migrated = manage(tmp_path, "migrate", "--verbosity", "0", DATABASE_URL=url, DATABASE_OWNER_URL=owner)
        assert migrated.returncode == 0, migrated.stderr
        with psycopg.connect(url) as role:
            assert [statement for statement in FORBIDDEN if not refused(role, statement)] == []
            assert [statement for statement in ALLOWED + QUEUE if refused(role, statement)] == []
        with psycopg.connect(**superuser(address.port, address.password), autocommit=True) as admin:
            for sentence, (change, undo) in MIGHTIER.items():
                admin.execute(change)
                with psycopg.connect(url) as role:
                    assert roles.too_mighty(role).startswith(sentence), change
                admin.execute(undo)
            with psycopg.connect(url) as role:
                assert roles.too_mighty(role) == ""
        same = manage(tmp_path, "migrate", "--verbosity", "0", DATABASE_URL=owner, DATABASE_OWNER_URL=owner)
        assert same.returncode == 1 and "may change the ledger: it owns" in same.stderr
    finally:
        with psycopg.connect(**superuser(address.port, address.password), autocommit=True) as admin:
            admin.execute("DROP DATABASE documented WITH (FORCE)")
            admin.execute("DROP ROLE IF EXISTS documented_owner, documented_app")


class Started(Exception):
    """The worker would begin its work."""


@pytest.mark.django_db
@pytest.mark.parametrize("why", ["", "it is a superuser"])
def test_a_worker_says_at_its_start_that_its_role_could_change_history(why: str, monkeypatch: Any) -> None:
    def started(*_: object, **__: object) -> None:
        raise Started

    stderr = io.StringIO()
    monkeypatch.setattr(roles, "too_mighty", lambda connection: why)
    monkeypatch.setattr(worker, "start", started)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    with pytest.raises(Started):
        call_command("worker", stderr=stderr)
    assert ("may change the ledger: it is a superuser" in stderr.getvalue()) is bool(why)
