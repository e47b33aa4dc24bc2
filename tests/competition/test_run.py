"""Does `manage.py run` play on when its parts are killed, and end without a trace?  The real command, once."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.postgres.ports import free_port
from core.postgres.server import Cluster
from tests import databases

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.scenario


class Platform:
    """One running platform in a folder of its own."""

    def __init__(self, var: Path) -> None:
        self.port = free_port()
        clean = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("GAUNTLET_", "DATABASE", "BROKER"))
        }
        self.var = var
        self.cluster = Cluster(var / "postgres")
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "run", "--no-demo", "--workers", "1", "--port", str(self.port)],
            cwd=ROOT,
            env=clean | {"GAUNTLET_VAR": str(var), "DJANGO_SETTINGS_MODULE": "competition.settings"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def answers(self) -> bool:
        """Any answer that took the database to make."""
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{self.port}/admin/login/", timeout=60)
        except urllib.error.HTTPError as error:
            return error.code < 500
        except OSError:
            return False
        return True

    def parts(self) -> dict[int, str]:
        """The processes of this platform that are alive, known by their environment, and its database's."""
        mark = f"GAUNTLET_VAR={self.var}\0".encode()
        found = dict.fromkeys(self.cluster.inhabitants(), "postgres")
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and mark in read(entry / "environ"):
                found[int(entry.name)] = read(entry / "cmdline").replace(b"\0", b" ").decode()
        return found

    def pid_of(self, words: str) -> int | None:
        return next((pid for pid, command in self.parts().items() if words in command), None)


def read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def until(true: Callable[[], object], *, seconds: float = 120) -> bool:
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        time.sleep(0.05)
    return bool(true())


@pytest.fixture(scope="module")
def var(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for every start: making its database is not what is asked here."""
    var = tmp_path_factory.mktemp("run") / "var"
    databases.deployment(var)
    return var


@pytest.fixture
def platform(var: Path) -> Iterator[Platform]:
    platform = Platform(var)
    assert until(platform.answers), platform.process.communicate(timeout=60)[0]
    yield platform
    platform.process.kill()
    platform.process.communicate()
    platform.cluster.stop()


@pytest.mark.long
def test_killed_parts_come_back_and_a_stop_leaves_nothing(platform: Platform) -> None:
    assert until(lambda: platform.pid_of("worker --queue cpu"))
    os.kill(platform.cluster.recorded_pid(), signal.SIGKILL)
    worker = platform.pid_of("worker --queue cpu")
    os.kill(worker, signal.SIGKILL)
    assert until(lambda: worker not in platform.parts() and platform.pid_of("worker --queue cpu"))
    assert until(lambda: platform.cluster.running() and platform.answers())

    platform.process.send_signal(signal.SIGINT)
    said, _ = platform.process.communicate(timeout=120)
    assert platform.process.returncode == 0, said
    assert f"open http://127.0.0.1:{platform.port}" in said
    assert "worker-1 ended (signal 9)" in said
    assert said.rstrip().endswith("stopped")
    assert until(lambda: not platform.parts())


@pytest.mark.long
def test_a_killed_supervisor_takes_everything_with_it_even_the_database(platform: Platform) -> None:
    assert len(platform.parts()) > 4
    platform.process.kill()
    platform.process.wait()
    assert until(lambda: not platform.parts()), platform.parts()
