"""Are all parts kept running, and none left behind?  Real processes, awaited with a deadline."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.core.management.base import CommandError

from competition.management.commands import run
from core.queue import processes
from core.queue.processes import Child, Program, Supervisor, next_pause

ROOT = Path(__file__).resolve().parents[2]
FOREVER = "import signal; print('up', flush=True); signal.pause()"
DEAF = (
    "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True)\nwhile True: signal.pause()"
)
FAMILY = (
    "import subprocess, sys; child = subprocess.Popen(['sleep', '600']); print(child.pid, flush=True); child.wait()"
)
SUPERVISE = """
import sys
from pathlib import Path
from core.queue import processes
from core.queue.processes import Program, Supervisor
processes.GRACE_SECONDS = 0.5
codes = sys.argv[2:]
programs = [Program(f"part-{n}", (sys.executable, "-u", "-c", code)) for n, code in enumerate(codes)]
Supervisor(programs, logs=Path(sys.argv[1]), print_line=print).run()
"""


def until(true: Callable[[], object], *, seconds: float = 120) -> bool:
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        time.sleep(0.02)
    return bool(true())


def alive(pid: int) -> bool:
    """A zombie is dead: in a container nobody may be there to collect it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-u", "-c", code)


@pytest.fixture
def child(tmp_path: Path) -> Iterator[Child]:
    child = Child(Program("part", python(FOREVER)), log=tmp_path / "part.log")
    child.start(now=0.0)
    yield child
    child.signal(signal.SIGKILL)


def supervised(logs: Path, *codes: str) -> tuple[subprocess.Popen[str], list[int]]:
    """A supervisor in a process of its own, and the ids of its children once all of them have spoken."""
    supervisor = subprocess.Popen(
        [sys.executable, "-c", SUPERVISE, str(logs), *codes], cwd=ROOT, stdout=subprocess.DEVNULL, text=True
    )
    spoken = [logs / f"part-{number}.log" for number in range(len(codes))]
    assert until(lambda: all(log.exists() and log.read_text().strip() for log in spoken))
    children = Path(f"/proc/{supervisor.pid}/task/{supervisor.pid}/children").read_text().split()
    return supervisor, [int(pid) for pid in children]


def test_a_killed_part_starts_again_after_its_pause(tmp_path: Path) -> None:
    said: list[str] = []
    supervisor = Supervisor([Program("part", python(FOREVER))], logs=tmp_path, print_line=said.append)
    [part] = supervisor.children
    supervisor.tick(now=0.0)
    first = part.process
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    supervisor.tick(now=1.0)
    assert part.process is None
    assert said[0] == "part ended (signal 9); it starts again in 1 s"
    supervisor.tick(now=2.0)
    assert part.process.pid != first.pid
    supervisor.stop()
    assert not alive(part.process.pid)


def test_the_pause_doubles_up_to_a_limit_and_is_short_again_after_a_steady_run() -> None:
    assert next_pause(0.5, lived=1) == 1
    assert next_pause(10, lived=1) == processes.LONGEST_PAUSE_SECONDS
    assert next_pause(15, lived=processes.STEADY_SECONDS) == processes.FIRST_PAUSE_SECONDS


def test_the_last_words_of_a_failed_part_are_shown(tmp_path: Path) -> None:
    said: list[str] = []
    supervisor = Supervisor(
        [Program("part", python("raise SystemExit('no such model')"))], logs=tmp_path, print_line=said.append
    )
    supervisor.tick(now=0.0)
    supervisor.children[0].process.wait()
    supervisor.tick(now=0.1)
    assert said == ["part ended (exit code 1); it starts again in 1 s", "    no such model"]


def test_what_a_dead_part_had_started_dies_with_it(tmp_path: Path) -> None:
    part = Child(Program("part", python(FAMILY)), log=tmp_path / "part.log")
    part.start(now=0.0)
    assert until(lambda: part.log.read_text().strip())
    grandchild = int(part.log.read_text())
    part.process.kill()
    part.process.wait()
    assert part.died(now=1.0) == "signal 9"
    assert until(lambda: not alive(grandchild))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_asked_to_stop_it_stops_every_part(tmp_path: Path, number: int) -> None:
    supervisor, children = supervised(tmp_path, FOREVER, FOREVER)
    supervisor.send_signal(number)
    assert supervisor.wait(120) == 0
    assert len(children) == 2
    assert not any(alive(pid) for pid in children)


def test_a_part_that_ignores_the_request_is_killed(tmp_path: Path) -> None:
    supervisor, [deaf] = supervised(tmp_path, DEAF)
    supervisor.terminate()
    assert supervisor.wait(120) == 0
    assert not alive(deaf)


def test_a_killed_supervisor_leaves_no_orphan(tmp_path: Path) -> None:
    supervisor, children = supervised(tmp_path, FOREVER, DEAF)
    supervisor.kill()
    supervisor.wait()
    assert len(children) == 2
    assert until(lambda: not any(alive(pid) for pid in children))


def test_a_chore_that_fails_stops_nothing_and_complains_once(tmp_path: Path) -> None:
    said: list[str] = []
    outcomes = iter([OSError("disk full"), OSError("disk full"), None, OSError("disk full")])

    def chore() -> None:
        if error := next(outcomes):
            raise error

    supervisor = Supervisor([], logs=tmp_path, print_line=said.append, chores=[chore])
    for tick in range(4):
        supervisor.tick(now=float(tick))
    assert said == ["OSError: disk full"] * 2, "once, and once more after it had worked again"


def test_a_log_grows_only_so_far_while_its_part_goes_on_writing(child: Child, monkeypatch: pytest.MonkeyPatch) -> None:
    assert until(lambda: child.log.read_text() == "up\n")
    monkeypatch.setattr(processes, "LOG_BYTES", 2)
    child.trim_log()
    assert child.log.read_text() == ""
    assert child.log.with_suffix(".log.1").read_text() == "up\n"


def test_a_taken_port_is_refused_with_another_to_try() -> None:
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", 0))
        squatter.listen()
        port = squatter.getsockname()[1]
        with pytest.raises(CommandError, match=f"make run PORT={port + 1}"):
            run.refuse_taken("127.0.0.1", port)


def test_the_platform_runs_once_on_one_folder(tmp_path: Path) -> None:
    with run.only_once(tmp_path / "run.lock"), pytest.raises(CommandError, match="GAUNTLET_VAR"):
        run.only_once(tmp_path / "run.lock")
    run.only_once(tmp_path / "run.lock").close()
