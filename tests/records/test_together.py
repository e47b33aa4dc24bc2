"""Two imports at once, and an import killed in the middle, leave the database that one clean import leaves."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from django.db import connection

from competition.models import Competition, Round
from judging.models import Duel
from tests.records.dump import dump
from tests.records.importing import imported, made, named
from tests.verify import made_records

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parents[2]
DEADLINE_S = 90.0


def address() -> str:
    """The test's database, for other processes."""
    connection.ensure_connection()
    at = connection.settings_dict
    return f"postgres://{at['USER']}:{at['PASSWORD']}@{at['HOST']}:{at['PORT']}/{at['NAME']}"


def start(path: Path) -> subprocess.Popen[str]:
    """An import in a process of its own."""
    environment = {**os.environ, "DATABASE_URL": address(), "DJANGO_SETTINGS_MODULE": "competition.settings"}
    command = [sys.executable, "manage.py", "import_records", str(path)]
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def ends(process: subprocess.Popen[str]) -> int:
    told, _ = process.communicate(timeout=DEADLINE_S)
    assert process.returncode in (0, -signal.SIGKILL), told
    return process.returncode


def wait_for(what: Callable[[], bool]) -> None:
    ends_at = time.monotonic() + DEADLINE_S
    while not what():
        assert time.monotonic() < ends_at, "it never came to it"
        time.sleep(0.02)


@contextmanager
def held(table: str) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """Nobody can write to the table meanwhile, so that an import stops before it."""
    with psycopg.connect(address()) as other:
        other.execute(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE")
        yield other
        other.rollback()


def someone_waits_for(table: str) -> Callable[[], bool]:
    sql = "SELECT count(*) FROM pg_locks WHERE relation = %s::regclass AND NOT granted"

    def waits() -> bool:
        with connection.cursor() as cursor:
            cursor.execute(sql, [table])
            return bool(cursor.fetchone()[0])

    return waits


def clean(path: Path, slug: str) -> dict[str, list[str]]:
    """What one import alone gives, under another name, told as if under this one."""
    files = named(made_records.era_1(), f"{slug}-clean")
    imported(made_records.write(files, path / "clean"))
    other = dump(f"{slug}-clean")
    return _comparable({model: [row.replace(f"{slug}-clean", slug) for row in rows] for model, rows in other.items()})


def _comparable(rows: dict[str, list[str]]) -> dict[str, list[str]]:
    """Hashes and digests of files that hold the name differ with it."""
    hidden = re.compile(r'"(sha256|digest|content)": "[0-9a-f]*"|"bytes": \d+')
    return {model: sorted(hidden.sub("", row) for row in told) for model, told in rows.items()}


def test_two_imports_at_once_are_one(tmp_path: Path) -> None:
    path = made(1, tmp_path)
    with held("competition_round"):
        both = [start(path), start(path)]
        wait_for(someone_waits_for("competition_round"))
    assert [ends(process) for process in both] == [0, 0]
    assert _comparable(dump("made")) == clean(tmp_path, "made")


LONG_TABLES = [
    pytest.param(table, marks=pytest.mark.long) for table in ("competition_reign", "dashboard_verifierfinding")
]


@pytest.mark.parametrize("table", ["audits_audit", *LONG_TABLES])
def test_an_import_killed_in_the_middle_is_carried_on(table: str, tmp_path: Path) -> None:
    """Killed in a round's transaction, between the rounds and the reigns, and before the findings are there."""
    path = made(1, tmp_path)
    with held(table):
        process = start(path)
        wait_for(someone_waits_for(table))
        process.kill()
        assert ends(process) == -signal.SIGKILL
    wait_for(lambda: not someone_waits_for(table)())
    if table == "audits_audit":
        assert not Duel.objects.exists(), "half a round is no round"
    else:
        assert Round.objects.count() == 4
    imported(path)
    assert _comparable(dump("made")) == clean(tmp_path, "made")


def test_a_changed_round_is_never_half_there(tmp_path: Path) -> None:
    path = made(1, tmp_path)
    imported(path)
    before = dump("made")
    (path / "rounds" / "0" / "notes.txt").write_text("something new")
    with held("audits_audit"):
        process = start(path)
        wait_for(someone_waits_for("audits_audit"))
        process.kill()
        ends(process)
    assert Competition.objects.get().rounds.count() == 4
    assert dump("made") == before
