"""Who may do what in the database?  Migrations run as the owner of the tables; the platform runs as another role.

The application's role is no superuser and owns nothing: it can switch off no trigger, and change, delete or empty no
row of a table that is insert-only.  `manage.py migrate` acts as the owner and then grants the rest.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from psycopg import sql

from core.postgres.server import APPLICATION

OWNER = "owner"
INSERT_ONLY = (
    "competition_ledgerevent",
    "competition_checkpoint",
    "competition_bankroll",
    "judging_answer",
    "judging_unmeasuredfile",
    "dashboard_secondopinion",
)
READ_ONLY = ("django_migrations",)
SCHEMAS = ("public", "dramatiq")
WHOSE = ("HOST", "PORT", "USER", "PASSWORD", "ROLE")


def application() -> str:
    """The name of the role that the platform connects as."""
    return APPLICATION if settings.EMBEDDED_POSTGRES else str(settings.DATABASES["default"]["USER"])


def separate() -> bool:
    """Are owner and application two roles here?"""
    return bool(settings.EMBEDDED_POSTGRES or settings.DATABASE_OWNER)


@contextmanager
def as_owner(connection: Any) -> Iterator[str]:
    """Django's connection is the owner's meanwhile; where there is no other role it stays as it is.  Yields the
    application's role."""
    name = application()
    if not separate() or connection.settings_dict.get("ROLE") == OWNER:
        yield name
        return
    before = {name: connection.settings_dict[name] for name in WHOSE if name in connection.settings_dict}
    given = {name: settings.DATABASE_OWNER[name] for name in WHOSE if name in settings.DATABASE_OWNER}
    _leave(connection)
    connection.settings_dict.update({**given, "ROLE": OWNER})
    try:
        yield name
    finally:
        _leave(connection)
        connection.settings_dict.pop("ROLE")
        connection.settings_dict.update(before)


def _leave(connection: Any) -> None:
    connection.close()
    connection.close_pool()


def grant(connection: Any, *, application: str) -> None:
    """Let the application do all that it needs and nothing else.  Run it as the owner, after each migration."""
    if not separate():
        return
    role = sql.Identifier(application)
    database = sql.Identifier(connection.settings_dict["NAME"])
    with connection.cursor() as cursor:
        for statement in (
            "REVOKE ALL ON DATABASE {database} FROM PUBLIC, {role}",
            "GRANT CONNECT ON DATABASE {database} TO {role}",
            "REVOKE CREATE ON SCHEMA public FROM PUBLIC, {role}",
        ):
            cursor.execute(sql.SQL(statement).format(database=database, role=role))
        for schema in SCHEMAS:
            _grant_schema(cursor, schema, role)


def _grant_schema(cursor: Any, schema: str, role: sql.Identifier) -> None:
    cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", [schema])
    tables = [name for (name,) in cursor.fetchall()]
    if not tables:
        return
    inside = sql.Identifier(schema)
    cursor.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(inside, role))
    cursor.execute(sql.SQL("GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {} TO {}").format(inside, role))
    for name in tables:
        table = sql.Identifier(schema, name)
        cursor.execute(sql.SQL("REVOKE ALL ON {} FROM PUBLIC, {}").format(table, role))
        allowed = "SELECT, INSERT" if name in INSERT_ONLY else "SELECT, INSERT, UPDATE, DELETE"
        allowed = "SELECT" if name in READ_ONLY else allowed
        cursor.execute(sql.SQL("GRANT {} ON {} TO {}").format(sql.SQL(allowed), table, role))


MIGHTY = {
    "it is a superuser": "SELECT rolsuper FROM pg_roles WHERE rolname = current_user",
    "it may create roles": "SELECT rolcreaterole FROM pg_roles WHERE rolname = current_user",
    "it owns {}, or may become who does": (
        "SELECT string_agg(tablename, ', ' ORDER BY tablename) FROM pg_tables"
        " WHERE tablename = ANY(%(tables)s) AND pg_has_role(current_user, tableowner, 'MEMBER')"
    ),
    "it owns the schema {}, or may become who does": (
        "SELECT string_agg(DISTINCT nspname, ', ') FROM pg_namespace JOIN pg_tables ON schemaname = nspname"
        " WHERE tablename = ANY(%(tables)s) AND pg_has_role(current_user, nspowner, 'MEMBER')"
    ),
    "it owns the database, or may become who does": (
        "SELECT pg_has_role(current_user, datdba, 'MEMBER') FROM pg_database WHERE datname = current_database()"
    ),
    "it may switch triggers off by session_replication_role": (
        "SELECT has_parameter_privilege(current_user, 'session_replication_role', 'SET')"
    ),
}


def too_mighty(connection: Any) -> str:
    """What the role of this connection could do to history, or "".  Needs PostgreSQL 15."""
    with connection.cursor() as cursor:
        for sentence, question in MIGHTY.items():
            cursor.execute(question, {"tables": list(INSERT_ONLY)})
            if answer := cursor.fetchone()[0]:
                return sentence.format(answer)
    return ""


def require_separate(connection: Any) -> None:
    """Raises ImproperlyConfigured where an owner is set and the application could still change history."""
    if settings.DATABASE_OWNER and (why := too_mighty(connection)):
        raise ImproperlyConfigured(
            f"the application's role {application()} may change the ledger: {why}. Run deploy/roles.sql, and name "
            "another role in DATABASE_OWNER_URL than in DATABASE_URL"
        )
