"""How is untrusted work done without trusting it?  In a walled child of a fork server, and its answer is checked here.

Three ends are kept apart.  *Done*: the child answered.  *Refused*: the asset breaks a rule, or needs more memory or
processor time than it may (its miner must act).  *Fault*: anything that may be ours, such as a killed process, a busy
machine or a crash; retried, never held against a miner.  Wall time is a fault because a loaded machine looks the same.
"""

import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from core.sandbox.confinement import SandboxLimits
from core.sandbox.outcomes import Refused, RendererFault
from formats.rules import MOST_BYTES, known_rules, plain, refusal

ROOT = Path(__file__).resolve().parents[1]
START_SECONDS = 60.0
GRACE_SECONDS = 15.0  # after a child's wall limit, for the server to report it
CRASHES = (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGSYS)
# Nothing is inherited.  One thread per child: children are the parallelism, and threads do not survive a fork.
ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "MALLOC_ARENA_MAX": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
}


@dataclass(frozen=True)
class Done:
    """`answer` is what the untrusted child said: check it before use.  `walls` it named before it saw the asset."""

    answer: dict[str, Any]
    walls: tuple[str, ...]
    log: str
    cpu_seconds: float
    wall_seconds: float
    peak_bytes: int


class Sandbox:
    """One fork server for one kind of work (`module:function`), shared by the threads of this process."""

    def __init__(self, work: str) -> None:
        self.work = work
        self._lock = threading.Lock()
        self._server: _Server | None = None

    def run(self, task: dict[str, Any], *, data: Path, folder: Path, limits: SandboxLimits | None = None) -> Done:
        """Do the work on file `data` inside `folder`, the only place the child can see and write.

        Raises Refused or RendererFault.
        """
        limits = limits or SandboxLimits()
        try:
            with data.open("rb") as asset:
                size = os.fstat(asset.fileno()).st_size
                if size > MOST_BYTES:
                    raise refusal("FILE_TOO_LARGE", bytes=size, limit=MOST_BYTES)
                request = {"task": task, "folder": str(folder.resolve()), "limits": asdict(limits)}
                return self._ask(json.dumps(request).encode(), asset.fileno(), limits)
        except OSError as error:
            raise RendererFault("SANDBOX_UNAVAILABLE", f"the sandbox cannot be used: {error}") from error

    def close(self) -> None:
        """End the server and wait for it."""
        with self._lock:
            self._drop()

    def server_pid(self) -> int:
        """The running server's process id, started if need be."""
        with self._lock:
            return self._ready().pid

    def _ask(self, request: bytes, asset: int, limits: SandboxLimits) -> Done:
        started = time.monotonic()
        with _Ears() as ears:
            self._send(request, [asset, ears.answer.write, ears.status.write, ears.log.write])
            ears.deaf_to_ourselves()
            ears.listen(started + limits.wall_seconds + GRACE_SECONDS, limits)
        return _outcome(ears, limits, wall_seconds=time.monotonic() - started)

    def _send(self, request: bytes, files: list[int]) -> None:
        """Nothing has been started when sending fails, so a server that died while idle is replaced here."""
        with self._lock:
            try:
                self._ready().send(request, files)
            except ConnectionError:
                self._drop()
                self._ready().send(request, files)

    def _ready(self) -> "_Server":
        if self._server and self._server.starter != os.getpid():
            self._server = None  # we are a fork of the process that started it: it is not ours
        if self._server and self._server.process.poll() is not None:
            self._drop()
        if not self._server:
            self._server = _Server(self.work)
        return self._server

    def _drop(self) -> None:
        if self._server:
            self._server.end()
        self._server = None


class _Server:
    """A running forkserver.py and the socket it takes requests from."""

    def __init__(self, work: str) -> None:
        self.starter = os.getpid()
        self.requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        program = ROOT / "core" / "sandbox" / "forkserver.py"
        command = [sys.executable, "-I", str(program), str(ROOT), work, str(theirs.fileno()), str(self.starter)]
        with theirs, tempfile.TemporaryFile() as complaints:
            self.process = subprocess.Popen(
                command,
                env=ENVIRONMENT,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=complaints,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
            theirs.close()  # or we would never read its end
            self._await(complaints)

    @property
    def pid(self) -> int:
        return self.process.pid

    def _await(self, complaints: IO[bytes]) -> None:
        self.requests.settimeout(START_SECONDS)
        try:
            if self.requests.recv(16) == b"ready":
                return
        except OSError:
            pass
        self.end()
        complaints.seek(0)
        reason = _last_line(complaints.read().decode("utf-8", "replace"))
        raise RendererFault("SANDBOX_UNAVAILABLE", f"the sandbox's server did not start: {reason}")

    def send(self, request: bytes, files: list[int]) -> None:
        socket.send_fds(self.requests, [request], files)

    def end(self) -> None:
        self.requests.close()  # the server ends when it reads the end of this
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@dataclass
class _Pipe:
    read: int
    write: int
    most: int = 1 << 16
    heard: bytes = b""


class _Ears:
    """The three pipes of one request, read together so that none can block the child; each keeps only so much."""

    def __init__(self) -> None:
        self.answer, self.status, self.log = (_Pipe(*os.pipe()) for _ in range(3))
        self._open = {end for pipe in self._pipes() for end in (pipe.read, pipe.write)}

    def _pipes(self) -> tuple[_Pipe, _Pipe, _Pipe]:
        return self.answer, self.status, self.log

    def __enter__(self) -> "_Ears":
        return self

    def __exit__(self, *_: object) -> None:
        for end in self._open:
            os.close(end)

    def deaf_to_ourselves(self) -> None:
        """Give up our copies of the write ends, so that the reader sees when the others are gone."""
        for pipe in self._pipes():
            self._open.discard(pipe.write)
            os.close(pipe.write)

    def listen(self, deadline: float, limits: SandboxLimits) -> None:
        """Until all pipes are closed, or the deadline: the status pipe then holds nothing."""
        self.answer.most, self.log.most = limits.answer_bytes, limits.said_bytes
        with selectors.DefaultSelector() as selector:
            for one in self._pipes():
                selector.register(one.read, selectors.EVENT_READ, one)
            while selector.get_map() and time.monotonic() < deadline:
                for key, _ in selector.select(max(0.0, deadline - time.monotonic())):
                    pipe: _Pipe = key.data
                    piece = os.read(pipe.read, 1 << 16)
                    if not piece:
                        selector.unregister(pipe.read)
                    pipe.heard += piece[: pipe.most - len(pipe.heard)]


def _outcome(ears: _Ears, limits: SandboxLimits, *, wall_seconds: float) -> Done:
    log = ears.log.heard.decode("utf-8", "replace")
    if not ears.status.heard:
        raise RendererFault("SANDBOX_DIED", "the sandbox's server ended, or could not start the work")
    status = json.loads(ears.status.heard)
    _judge_end(status, limits)
    lines = _said(ears.answer)
    walls, said = (lines[0].get("walls"), lines[1]) if len(lines) == 2 else (None, {})
    if "refused" in said:
        raise _refused(said["refused"])
    if said.get("exhausted") == "memory":
        raise refusal("TOO_MUCH_MEMORY", limit=limits.memory >> 20)
    if not isinstance(walls, list) or not isinstance(said.get("done"), dict):
        raise RendererFault("CRASHED", f"the work broke off: {_last_line(said.get('broke', log))}")
    return Done(
        answer=said["done"],
        walls=tuple(plain(wall) for wall in walls),
        log=log,
        cpu_seconds=status["cpu_seconds"],
        wall_seconds=wall_seconds,
        peak_bytes=status["peak_bytes"],
    )


def _judge_end(status: dict[str, Any], limits: SandboxLimits) -> None:
    """Whose doing was it that the child ended by a signal?"""
    ended_by = status["signal"]
    if ended_by == signal.SIGXCPU or (ended_by == signal.SIGKILL and status["cpu_seconds"] >= limits.cpu_seconds):
        raise refusal("TOO_SLOW", limit=limits.cpu_seconds)
    if status["overran"]:
        raise RendererFault("OVERRAN", f"no result within {limits.wall_seconds:g} seconds on a busy machine")
    if ended_by in CRASHES:
        raise RendererFault("CRASHED", f"the work crashed with {signal.Signals(ended_by).name}")
    if ended_by:
        raise RendererFault("KILLED", f"the work was killed with {signal.Signals(ended_by).name}")


def _last_line(text: Any) -> str:
    lines = str(text).strip().splitlines()
    return plain(lines[-1]) if lines else "no reason was given"


def _said(pipe: _Pipe) -> list[dict[str, Any]]:
    try:
        lines = [json.loads(line) for line in pipe.heard.splitlines()]
    except (ValueError, RecursionError):
        return []
    return lines if all(isinstance(line, dict) for line in lines) else []


def _refused(said: Any) -> Refused:
    """A refusal must name one of our rules: the child is not trusted to invent one."""
    if isinstance(said, list) and len(said) == 2 and said[0] in known_rules() and isinstance(said[1], str):
        return Refused(said[0], "".join(c if c.isprintable() else "?" for c in said[1][:400]))
    raise RendererFault("CRASHED", "the work answered with an unknown refusal")
