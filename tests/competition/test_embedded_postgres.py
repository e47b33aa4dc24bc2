"""Does the embedded PostgreSQL start, survive and stop as promised?  Real servers in throw-away folders."""

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from core.postgres import server
from core.postgres.server import HOST, NOBODY, Address, Cluster, Unavailable

USE = """
import sys
from pathlib import Path
from core.postgres.server import Cluster
print(Cluster(Path(sys.argv[1]), options=("fsync=off",)).ensure().port, flush=True)
sys.stdin.read()
"""
ROOT = Path(__file__).resolve().parents[2]
FAST = ("fsync=off", "shared_buffers=16MB")


@pytest.fixture
def home() -> Iterator[Path]:
    """Reachable by any user of the machine, unlike pytest's own folders."""
    folder = Path(tempfile.mkdtemp(prefix="gauntlet-cluster-"))
    folder.chmod(0o755)
    yield folder / "postgres"
    Cluster(folder / "postgres").stop()
    shutil.rmtree(folder)


def until(true: Callable[[], object], *, seconds: float = 120) -> bool:
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        time.sleep(0.02)
    return bool(true())


def connect(address: Address, **changes: str) -> psycopg.Connection:
    wanted = {"host": HOST, "port": address.port, "user": "gauntlet", "password": address.password} | changes
    return psycopg.connect(**wanted, dbname="gauntlet", autocommit=True, connect_timeout=60)


def user_of(home: Path, *prefix: str) -> subprocess.Popen[str]:
    command = [*prefix, sys.executable, "-c", USE, str(home)]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_four_processes_racing_at_the_first_start_share_one_server(home: Path) -> None:
    users = [user_of(home) for _ in range(4)]
    assert len({user.stdout.readline() for user in users}) == 1
    assert connect(Cluster(home).ensure()).execute("SELECT 1").fetchone() == (1,)
    for user in users:
        user.communicate()
        assert user.returncode == 0


def test_committed_rows_outlive_a_kill_of_the_server(home: Path) -> None:
    cluster = Cluster(home)
    before = cluster.ensure()
    with connect(before) as connection:
        connection.execute("CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n")
    with connect(before) as idle:  # its server process must not keep the next server from starting
        os.kill(cluster.recorded_pid(), signal.SIGKILL)
        assert until(lambda: cluster.running() is None)
        after = cluster.ensure()
        assert not idle.closed
    assert after == before, "open connection pools look for the server where it was"
    assert connect(after).execute("SELECT count(*) FROM kept").fetchone() == (1000,)


def test_the_server_stops_when_its_last_user_is_killed(home: Path) -> None:
    first, last = user_of(home), user_of(home)
    assert first.stdout.readline() == last.stdout.readline()
    for user in (first, last):
        assert Cluster(home).running()
        user.kill()
        user.communicate()
    assert until(lambda: not Cluster(home).inhabitants())


def test_who_retires_last_stops_the_server_and_who_does_not_leaves_it(home: Path) -> None:
    cluster = Cluster(home, options=FAST)
    cluster.ensure()
    other = user_of(home)
    other.stdout.readline()
    assert not cluster.retire()
    assert connect(cluster.ensure()).execute("SELECT 1").fetchone() == (1,)
    other.communicate()
    assert cluster.retire()
    assert until(lambda: not cluster.inhabitants())


def test_a_port_somebody_took_meanwhile_is_left_to_them(home: Path) -> None:
    cluster = Cluster(home, options=FAST)
    before = cluster.ensure()
    cluster.retire()
    assert until(lambda: not cluster.inhabitants())
    with socket.socket() as squatter:
        squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # the server's last connection may linger
        squatter.bind((HOST, before.port))
        squatter.listen()
        assert cluster.ensure().port != before.port


def test_a_pid_file_of_a_dead_server_is_not_believed(home: Path) -> None:
    cluster = Cluster(home, options=FAST)
    cluster.ensure()
    pid_file = home / "data" / "postmaster.pid"
    text = pid_file.read_text()
    cluster.retire()
    assert until(lambda: not cluster.inhabitants())
    with open(home / "users") as users:
        fcntl.flock(users, fcntl.LOCK_EX)  # whoever is stopping it has seen that it is gone
    pid_file.write_text("\n".join([str(os.getpid()), *text.splitlines()[1:]]) + "\n")
    assert cluster.running() is None
    cluster.stop()  # must not signal whoever has that pid now: these tests
    assert connect(cluster.ensure()).execute("SELECT 1").fetchone() == (1,)


def test_a_half_made_cluster_is_made_anew(home: Path) -> None:
    (home / "data" / "base").mkdir(parents=True)
    assert connect(Cluster(home, options=FAST).ensure()).execute("SELECT 1").fetchone() == (1,)


def test_nobody_gets_in_without_the_password(home: Path) -> None:
    address = Cluster(home, options=FAST).ensure()
    assert (home / "password").stat().st_mode & 0o777 == 0o600
    with pytest.raises(psycopg.OperationalError, match="password"):
        connect(address, password="guess")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize("unshare", [True, False])
def test_root_runs_it_as_somebody_else(home: Path, unshare: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if unshare and not server.may_unshare():
        pytest.skip("this machine allows no user namespaces")
    if not unshare and subprocess.run([*server.as_nobody(), sys.executable, "-c", ""]).returncode:
        pytest.skip("`nobody` may not enter the folder of this installation")
    monkeypatch.setattr(server, "may_unshare", lambda: unshare)
    cluster = Cluster(home, options=FAST)
    assert connect(cluster.ensure()).execute("SELECT 1").fetchone() == (1,)
    assert (home / "data").stat().st_uid == (0 if unshare else NOBODY)
    assert cluster.retire()


@pytest.mark.skipif(os.geteuid() != 0, reason="the other tests are this one already")
def test_an_ordinary_user_needs_no_root(home: Path) -> None:
    if subprocess.run([*server.as_nobody(), sys.executable, "-c", ""]).returncode:
        pytest.skip("`nobody` may not enter the folder of this installation")
    os.chown(home.parent, NOBODY, NOBODY)
    user = user_of(home, *server.as_nobody())
    assert int(user.stdout.readline()) == Cluster(home).running()
    user.communicate()
    assert until(lambda: not Cluster(home).inhabitants())


def test_a_missing_system_program_is_named_with_the_way_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(Unavailable, match="apt-get install util-linux"):
        server.tool.__wrapped__("flock")
