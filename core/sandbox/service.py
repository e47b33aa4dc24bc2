"""How is a service run that is not ours?  As the only thing inside its walls, with limits, and with nothing of ours.

Started by a keeper of ours, a process of its own which has called `namespaces.detach` and stays: what it forks lies in
those namespaces.  With walls there are two processes: the first of the service's own process tree, which only waits,
and the service.  When the first one dies the kernel kills whatever else the service started.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from core.sandbox import confinement, first_process, namespaces, system_calls
from core.sandbox.policy import SandboxPolicy

NICENESS = 5


@dataclass
class RunningService:
    """`pidfd` is of the first process; `output` and `outcome` are read ends of pipes: its log, and how it ended."""

    pid: int
    pidfd: int
    output: int
    outcome: int
    walls: bool

    def result(self) -> dict[str, Any]:
        """How the service ended: {"exit": code} or {"signal": number}; {} when its walls were taken down with it."""
        with contextlib.suppress(OSError, ValueError):
            return dict(json.loads(os.read(self.outcome, 200)))
        with contextlib.suppress(ChildProcessError):
            if not self.walls:
                return first_process.how_it_ended(os.waitpid(self.pid, 0)[1])
        return {}

    def kill(self) -> None:
        """The service and all it started.  Safe to repeat."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)
        if not self.walls:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
        _bury()


def start(
    folder: Path, *, code: str, entry: str, walls: bool, uid: int, limits: SandboxPolicy, port: int
) -> RunningService:
    """Fork, wall in, limit, and run `entry` in the folder `code` of `folder`.

    OSError says which of these this machine refused.
    """
    output, output_in = os.pipe()
    outcome, outcome_in = os.pipe()
    trouble, trouble_in = os.pipe()
    alive, alive_in = os.pipe()  # ends when the keeper does
    pid = os.fork()
    if pid == 0:
        with _last_words(trouble_in):
            _forget_the_keepers_signals()
            os.close(alive_in)
            os.dup2(output_in, 1)
            os.dup2(output_in, 2)
            _die_with_keeper(alive)
            if walls:
                _first(folder, code=code, entry=entry, uid=uid, limits=limits, outcome=outcome_in)
            _execute(folder / code, entry=entry, limits=limits, environment=_plain_environment(folder, port=port))
    for descriptor in (output_in, outcome_in, trouble_in, alive):
        os.close(descriptor)
    with open(trouble, "rb") as words:
        if complaint := words.read(1000):
            os.waitpid(pid, 0)
            raise OSError(complaint.decode(errors="replace"))
    return RunningService(pid=pid, pidfd=os.pidfd_open(pid), output=output, outcome=outcome, walls=walls)


@contextlib.contextmanager
def _last_words(pipe: int) -> Any:
    """A child that cannot become the service says why and is gone: it must never run on as a second keeper."""
    try:
        yield
    except BaseException as reason:
        os.write(pipe, str(reason).encode()[:900] or b"?")
    finally:
        os._exit(127)


def _forget_the_keepers_signals() -> None:
    """They share a pipe: a signal that the service sends to process 1 must not reach the keeper as its own."""
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)


def _die_with_keeper(alive: int) -> None:
    namespaces.prctl(namespaces.PR_SET_PDEATHSIG, signal.SIGKILL)
    os.set_blocking(alive, False)
    with contextlib.suppress(BlockingIOError):
        if os.read(alive, 1) == b"":  # it died before we asked to be told
            os._exit(127)


def _first(folder: Path, *, code: str, entry: str, uid: int, limits: SandboxPolicy, outcome: int) -> NoReturn:
    """The service's process 1: build the walls, start the service, wait for it, say how it ended."""
    confinement.first_to_go()
    with contextlib.suppress(OSError):
        namespaces.show_nothing()
    empty = folder / "root"
    empty.mkdir(exist_ok=True)
    namespaces.enclose(folder / code, empty=empty, scratch_bytes=limits.scratch_bytes, uid=uid)
    namespaces.prctl(namespaces.PR_SET_PDEATHSIG, signal.SIGKILL)  # changing user forgot it
    pid = os.fork()
    if pid == 0:
        _execute(namespaces.CODE, entry=entry, limits=limits, environment=_environment())
    os.closerange(3, outcome)
    os.closerange(outcome + 1, 256)
    first_process.report_end(pid, outcome)


def _execute(code: Path, *, entry: str, limits: SandboxPolicy, environment: dict[str, str]) -> NoReturn:
    os.setsid()
    os.chdir(code)
    os.nice(NICENESS)
    namespaces.no_new_privileges()
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    confinement.limit(limits, grace_seconds=0)
    confinement.limit_processes(limits.processes)
    if system_calls.available():
        system_calls.restrict()
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    os.execve(sys.executable, [sys.executable, entry], environment)  # noqa: S606


def _environment() -> dict[str, str]:
    """What any container would have: nothing says that this is an audit, and nothing of ours is in it."""
    return {
        "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
        "HOME": "/tmp",  # noqa: S108
        "TMPDIR": "/tmp",  # noqa: S108
        "LANG": "C.UTF-8",
        "HOSTNAME": "pod",
        "OMP_NUM_THREADS": "2",
        "OPENBLAS_NUM_THREADS": "2",
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _plain_environment(folder: Path, *, port: int) -> dict[str, str]:
    """Without walls the port is shared with the whole machine, so each pod is told its own."""
    scratch = folder / "scratch"
    scratch.mkdir(exist_ok=True)
    return {**_environment(), "HOME": str(scratch), "TMPDIR": str(scratch), "HOST": "127.0.0.1", "PORT": str(port)}


def _bury() -> None:
    """Kill and reap whatever the service left behind: as subreaper, the keeper is everyone's parent in the end."""
    with contextlib.suppress(ChildProcessError):
        while True:
            _kill_children()
            os.wait()


def _kill_children() -> None:
    """Where a kernel is built without their list, what is left dies with the process group at least."""
    children = []
    with contextlib.suppress(FileNotFoundError):
        children = [int(pid) for pid in Path("/proc/thread-self/children").read_text().split()]
    for child in children:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
