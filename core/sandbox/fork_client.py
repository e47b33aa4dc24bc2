"""How is work on one file asked of a fork server, and what came of it?  Nothing of the answer is believed here.

One server for one kind of work (`module:function`), shared by the threads of this process, and replaced when it died.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import tempfile
import threading
import time
from dataclasses import asdict, dataclass
from io import FileIO
from pathlib import Path
from typing import IO, Any

from core.sandbox import processes
from core.sandbox.capped_pipes import CappedPipe, read_all
from core.sandbox.outcomes import RendererFault
from core.sandbox.policy import SandboxPolicy

START_SECONDS = 60.0
GRACE_SECONDS = 15.0  # after a child's wall limit, for the server to report it


@dataclass(frozen=True, kw_only=True)
class WorkReport:
    """What the child wrote, and how it ended as the server saw it: nothing where the server ended, too."""

    answer: bytes
    log: str
    end: dict[str, Any] | None
    wall_seconds: float


class ForkServer:
    def __init__(self, work: str) -> None:
        self.work = work
        self._lock = threading.Lock()
        self._running: _Running | None = None

    def ask(self, task: dict[str, Any], *, asset: int, folder: Path, policy: SandboxPolicy) -> WorkReport:
        """Have `task` done on the open file `asset`, by a child that sees `folder` and nothing else.

        Raises RendererFault where no server can be started, OSError where this machine has no room.
        """
        request = json.dumps({"task": task, "folder": str(folder.resolve()), "policy": asdict(policy)}).encode()
        started = time.monotonic()
        with contextlib.ExitStack() as open_ends:
            pairs = [_pipe(open_ends) for _ in range(3)]
            most = (policy.answer_bytes, 1 << 16, policy.log_bytes)
            pipes = [CappedPipe(reading.fileno(), cap) for (reading, _), cap in zip(pairs, most, strict=True)]
            self._send(request, [asset, *(writing.fileno() for _, writing in pairs)])
            for _, writing in pairs:
                writing.close()  # or we would never read their end
            read_all(pipes, deadline=started + policy.wall_seconds + GRACE_SECONDS)
        answer, ended, logged = pipes
        return WorkReport(
            answer=bytes(answer.content),
            log=logged.content.decode("utf-8", "replace"),
            end=json.loads(ended.content) if ended.content else None,
            wall_seconds=time.monotonic() - started,
        )

    def close(self) -> None:
        """End the server and wait for it."""
        with self._lock:
            self._drop()

    def pid(self) -> int:
        """The running server's process id, started if need be."""
        with self._lock:
            return self._ready().process.pid

    def _send(self, request: bytes, files: list[int]) -> None:
        """Nothing has been started when sending fails, so a server that died while idle is replaced here."""
        with self._lock:
            try:
                socket.send_fds(self._ready().requests, [request], files)
            except ConnectionError:
                self._drop()
                socket.send_fds(self._ready().requests, [request], files)

    def _ready(self) -> _Running:
        if self._running and self._running.starter != os.getpid():
            self._running = None  # we are a fork of the process that started it: it is not ours
        if self._running and self._running.process.poll() is not None:
            self._drop()
        if not self._running:
            self._running = _Running(self.work)
        return self._running

    def _drop(self) -> None:
        if self._running:
            self._running.end()
        self._running = None


def _pipe(open_ends: contextlib.ExitStack) -> tuple[FileIO, FileIO]:
    """Its two ends, which are closed with `open_ends`."""
    reading, writing = os.pipe()
    return open_ends.enter_context(FileIO(reading, "r")), open_ends.enter_context(FileIO(writing, "w"))


class _Running:
    """A running forkserver.py and the socket it takes requests from."""

    def __init__(self, work: str) -> None:
        self.starter = os.getpid()
        self.requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs, tempfile.TemporaryFile() as complaints:
            self.process = processes.start_fork_server(work, requests=theirs.fileno(), complaints=complaints)
            theirs.close()  # or we would never read its end
            self._await(complaints)

    def _await(self, complaints: IO[bytes]) -> None:
        self.requests.settimeout(START_SECONDS)
        with contextlib.suppress(OSError):
            if self.requests.recv(16) == b"ready":
                return
        self.end()
        complaints.seek(0)
        reason = last_line(complaints.read().decode("utf-8", "replace"))
        raise RendererFault("SANDBOX_UNAVAILABLE", f"the sandbox's server did not start: {reason}")

    def end(self) -> None:
        self.requests.close()  # the server ends when it reads the end of this
        processes.wait_or_kill(self.process, seconds=5)


def last_line(text: str) -> str:
    """Of a traceback, what went wrong: short and printable."""
    lines = text.strip().splitlines()
    if not lines:
        return "no reason was given"
    return "".join(c if c.isprintable() and c.isascii() else "?" for c in lines[-1][:120])
