"""How is a process started for bytes, or code, that are not ours?  Here, and nowhere else, by a `SandboxPolicy`.

| started by | what | walls |
|---|---|---|
| `run`, `start_program` | a program of others (git, hadolint) | `launch.py`: a process tree, few files, no network |
| `start_fork_server` | our code on one file of a miner's | `forkserver.py`: a fork for each, in an empty root folder |
| `start_browser` | Chromium, for the code of a module | `chromium/walls.py`: its own sandbox, in namespaces of ours |
| `service.start` | a miner's service, forked by its keeper | `namespaces.py`: a machine of its own |

Nothing of our environment is inherited.  What a program prints is kept up to a cap; beyond it, it is ended.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from core.sandbox.capped_pipes import CappedPipe, read_all
from core.sandbox.launch import NO_WALLS
from core.sandbox.policy import SandboxPolicy

WalledProgram = subprocess.Popen[bytes]
ROOT = Path(__file__).resolve().parents[2]
LAUNCHER, FORK_SERVER = Path(__file__).with_name("launch.py"), Path(__file__).with_name("forkserver.py")
NOBODY = 65534
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
# One thread per child of a fork server: children are the parallelism, and threads do not survive a fork.
FORK_SERVER_ENVIRONMENT = {
    **ENVIRONMENT,
    "MALLOC_ARENA_MAX": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
}
BY_ITSELF = (signal.SIGXCPU, signal.SIGXFSZ)
# The browser looks for its two ends at 3 and 4; a process of its own puts them there, since threads must not run Python
# between fork and exec.
PLACE = (
    "import os, sys; a, b = map(int, sys.argv[1:3]); os.dup2(a, 3); os.dup2(b, 4); os.closerange(5, 64); "
    "os.execvp(sys.argv[3], sys.argv[3:])"
)


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a program ended.  `overran`: its wall time was over; `flooded`: it printed more than it may answer."""

    code: int
    output: bytes
    complaints: str
    overran: bool = False
    flooded: bool = False

    @property
    def fine(self) -> bool:
        return self.code == 0 and not self.overran and not self.flooded

    @property
    def no_walls(self) -> bool:
        return self.code == NO_WALLS

    @property
    def exhausted(self) -> bool:
        """Did it, or a process it started, use up the processor time or file size it was given?"""
        shell = {128 + number for number in BY_ITSELF}
        signalled = any(f"signal {int(number)}" in self.complaints for number in BY_ITSELF)
        return -self.code in BY_ITSELF or self.code in shell or signalled or "File too large" in self.complaints


def run(command: Sequence[str], *, folder: Path | None, policy: SandboxPolicy, given: bytes = b"") -> Ended:
    """A program to its end.  `given` is its standard input.  Raises OSError if nothing could be started."""
    with tempfile.TemporaryFile() as stdin:
        stdin.write(given)
        stdin.seek(0)
        process = start_program(command, folder=folder, policy=policy, stdin=stdin)
    try:
        assert process.stdout and process.stderr  # noqa: S101
        output = CappedPipe(process.stdout.fileno(), policy.answer_bytes)
        complaints = CappedPipe(process.stderr.fileno(), policy.log_bytes)
        deadline = time.monotonic() + policy.wall_seconds
        overran = not read_all((output, complaints), deadline=deadline, enough=lambda: output.flooded)
        if not overran and not output.flooded:
            with contextlib.suppress(subprocess.TimeoutExpired):  # it closed its pipes and lives on
                process.wait(timeout=max(0.1, deadline - time.monotonic()))
    finally:
        end(process)
    return Ended(
        code=process.returncode,
        output=bytes(output.content),
        complaints=complaints.content.decode("utf-8", "replace"),
        overran=overran,
        flooded=output.flooded,
    )


def start_program(
    command: Sequence[str],
    *,
    folder: Path | None,
    policy: SandboxPolicy,
    stdin: IO[bytes] | int = subprocess.PIPE,
    complaints: bool = True,
) -> subprocess.Popen[bytes]:
    """A walled program that works in `folder`, or writes nowhere; whoever starts it ends it.

    `command[0]` is an absolute path; without `complaints` its stderr goes nowhere.  As root it becomes `nobody` if it
    may start processes, so that they can be counted, and if `nobody` reaches it and its folder.  Its exit code says
    NO_WALLS where a wall could not be built.  Raises OSError if nothing could be started.
    """
    place = str(folder.resolve()) if folder else "/"
    uid: int | None = None
    if folder and policy.processes and os.geteuid() == 0 and _reached_by_all(command[0], place):
        uid = NOBODY
        os.chown(place, uid, uid)
    writable = [*policy.writable, *([place] if folder else [])]
    orders = {"parent": os.getpid(), "uid": uid, "policy": {**asdict(policy), "writable": writable}}
    return subprocess.Popen(
        [sys.executable, "-I", str(LAUNCHER), str(ROOT), json.dumps(orders), *command],
        cwd=place,
        env={**ENVIRONMENT, "HOME": place, "TMPDIR": place, **policy.environment},
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE if complaints else subprocess.DEVNULL,
        start_new_session=True,
    )


def _reached_by_all(*paths: str) -> bool:
    return all(parent.stat().st_mode & 0o001 for path in paths for parent in Path(path).resolve().parents)


def end(process: subprocess.Popen[bytes]) -> None:
    """The program and all it started: they are of one session, and of one process tree."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe:
            with contextlib.suppress(OSError):
                pipe.close()


def wait_or_kill(process: subprocess.Popen[bytes], *, seconds: float) -> None:
    """A program of ours that was asked to end does so in `seconds`, or is killed."""
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def start_fork_server(work: str, *, requests: int, complaints: IO[bytes]) -> subprocess.Popen[bytes]:
    """Our own program, which walls each of its children in before that reads a file: see forkserver.py.

    `work` is `module:function`, `requests` the number of the socket that it reads.
    """
    return subprocess.Popen(
        [sys.executable, "-I", str(FORK_SERVER), str(ROOT), work, str(requests), str(os.getpid())],
        env=FORK_SERVER_ENVIRONMENT,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=complaints,
        pass_fds=[requests],
        start_new_session=True,
    )


def start_browser(
    command: Sequence[str], *, environment: Mapping[str, str], ends: Sequence[int]
) -> subprocess.Popen[bytes]:
    """Chromium, behind the walls that its command line puts up; `ends` are its two ends of the pipes, 10 or higher.

    It is no `start_program`: a limit of address space stops any browser, and its own sandbox, which is stronger than
    ours, needs the system calls that we refuse.  What it uses is measured against the same policy (chromium/using.py).
    """
    return subprocess.Popen(
        [sys.executable, "-I", "-c", PLACE, *map(str, ends), *command],
        env=dict(environment),
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=list(ends),
        start_new_session=True,
    )


def output_of(words: Sequence[str], *, seconds: float, folder: Path = Path("/")) -> str | None:
    """What a program prints about itself or this machine; None where it fails or takes too long."""
    try:
        done = subprocess.run(list(words), capture_output=True, timeout=seconds, cwd=folder, env=ENVIRONMENT)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else None
