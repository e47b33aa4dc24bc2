"""How does a program meet a stranger's bytes?  With limits, without secrets, without network unless that is its work.

For programs that cannot run in the judges' sandbox because they are, or start, processes of their own (git, hadolint).
What they print is kept up to a cap; beyond it they are ended.  Nothing of our environment is inherited.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from core.sandbox.confinement import SandboxLimits
from core.sandbox.launch import NO_WALLS

ROOT = Path(__file__).resolve().parents[2]
LAUNCHER = Path(__file__).with_name("launch.py")
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
MOST_COMPLAINTS = 16 << 10
BY_ITSELF = (signal.SIGXCPU, signal.SIGXFSZ)


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a program ended.  `overran`: its wall time was over; `flooded`: it printed more than `most` bytes."""

    code: int
    said: bytes
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
        told = any(f"signal {int(number)}" in self.complaints for number in BY_ITSELF)
        return -self.code in BY_ITSELF or self.code in shell or told or "File too large" in self.complaints


@dataclass
class _Heard:
    most: int
    pieces: list[bytes] = field(default_factory=list)
    size: int = 0

    def add(self, piece: bytes) -> None:
        self.size += len(piece)
        self.pieces.append(piece)

    @property
    def full(self) -> bool:
        return self.size > self.most

    def text(self) -> bytes:
        return b"".join(self.pieces)[: self.most]


def run(
    command: Sequence[str],
    *,
    folder: Path,
    limits: SandboxLimits,
    most: int,
    network: bool = False,
    given: bytes = b"",
    environment: Mapping[str, str] | None = None,
) -> Ended:
    """`command[0]` is an absolute path.  `given` is its standard input.  Raises OSError if nothing could be started."""
    orders = json.dumps({**asdict(limits), "network": network, "parent": os.getpid()})
    launcher = [sys.executable, "-I", str(LAUNCHER), str(ROOT), orders, *command]
    with tempfile.TemporaryFile() as said_to_it:
        said_to_it.write(given)
        said_to_it.seek(0)
        process = subprocess.Popen(
            launcher,
            cwd=folder,
            env={**ENVIRONMENT, "HOME": str(folder), "TMPDIR": str(folder), **(environment or {})},
            stdin=said_to_it,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    try:
        return _listen(process, most=most, deadline=time.monotonic() + limits.wall_seconds)
    finally:
        _end(process)


def _listen(process: subprocess.Popen[bytes], *, most: int, deadline: float) -> Ended:
    assert process.stdout and process.stderr  # noqa: S101
    said, complained = _Heard(most), _Heard(MOST_COMPLAINTS)
    overran = False
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ, said)
        selector.register(process.stderr, selectors.EVENT_READ, complained)
        while selector.get_map() and not said.full and not (overran := time.monotonic() >= deadline):
            for key, _ in selector.select(max(0.0, deadline - time.monotonic())):
                piece = os.read(key.fd, 1 << 16)
                if not piece:
                    selector.unregister(key.fileobj)
                elif key.data is said or not complained.full:  # complaints beyond the cap are read and dropped
                    key.data.add(piece)
    if overran or said.full:
        _end(process)
    with contextlib.suppress(subprocess.TimeoutExpired):  # it closed its pipes and lives on: it is ended by our caller
        process.wait(timeout=max(0.1, deadline - time.monotonic()))
    code = process.returncode if process.returncode is not None else -signal.SIGKILL
    complaints = complained.text().decode("utf-8", "replace")
    return Ended(code=code, said=said.text(), complaints=complaints, overran=overran, flooded=said.full)


def _end(process: subprocess.Popen[bytes]) -> None:
    """The program and all it started: they share a session of their own."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for pipe in (process.stdout, process.stderr):
        if pipe:
            pipe.close()
