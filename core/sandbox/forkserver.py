"""Run one stranger's asset after another, each in a process of its own that starts in milliseconds.

This program is started by `processes.start_fork_server` with a bare environment.  It imports the work once, then forks
for every request a child that walls itself in (`confinement`), reads the asset from an open file and answers over a
pipe.  The server itself never looks at an asset.  It ends, and its children with it, when its starter is gone.

Usage: python -I forkserver.py ROOT MODULE:FUNCTION SOCKET_FD STARTER_PID
"""

import contextlib
import importlib
import json
import os
import selectors
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

Work = Callable[[dict[str, Any], bytes], dict[str, Any]]

STARTER_CHECK_SECONDS = 2.0
DATA, ANSWER, STATUS, LOG = range(4)


@dataclass
class ForkedChild:
    status: int  # write end of the pipe that learns how it ended
    deadline: float
    overran: bool = False


class WorkServer:
    def __init__(self, work: Work, requests: socket.socket, *, starter: int) -> None:
        self.work = work
        self.requests = requests
        self.starter = starter
        self.children: dict[int, ForkedChild] = {}
        self.pid = os.getpid()

    def serve(self) -> None:
        awake, alarm = os.pipe()
        os.set_blocking(awake, False)
        os.set_blocking(alarm, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(alarm, warn_on_full_buffer=False)
        selector = selectors.DefaultSelector()
        selector.register(self.requests, selectors.EVENT_READ)
        selector.register(awake, selectors.EVENT_READ)
        self.requests.send(b"ready")
        connected = True
        try:
            while connected and os.getppid() == self.starter:
                nearest = min((child.deadline for child in self.children.values() if not child.overran), default=None)
                left = STARTER_CHECK_SECONDS if nearest is None else nearest - time.monotonic()
                patience = max(0.0, min(STARTER_CHECK_SECONDS, left))
                ready = {key.fd for key, _ in selector.select(patience)}
                if awake in ready:
                    os.read(awake, 4096)
                if self.requests.fileno() in ready:
                    connected = self._accept()
                self._reap()
                now = time.monotonic()
                for pid in [pid for pid, child in self.children.items() if now >= child.deadline and not child.overran]:
                    self.children[pid].overran = True
                    _kill_group(pid)
        finally:
            for pid in self.children:
                _kill_group(pid)

    def _accept(self) -> bool:
        """Start a child for the next request; False when the starter has hung up."""
        message, files, _, _ = socket.recv_fds(self.requests, 1 << 16, 4)
        if not message:
            return False
        request = json.loads(message)
        try:
            pid = os.fork()
        except OSError:  # no room for another process: hanging up without a status says so
            for file in files:
                os.close(file)
            return True
        if pid == 0:
            self._child(request, files)
        for file in (files[DATA], files[ANSWER], files[LOG]):
            os.close(file)
        self.children[pid] = ForkedChild(files[STATUS], time.monotonic() + request["policy"]["wall_seconds"])
        return True

    def _reap(self) -> None:
        while self.children:
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if ended is None:
                return
            _kill_group(ended.si_pid)  # whatever it may have left behind, while its number cannot be another's
            _, status, used = os.wait4(ended.si_pid, 0)
            child = self.children.pop(ended.si_pid)
            report = {
                "signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0,
                "exit": os.WEXITSTATUS(status) if os.WIFEXITED(status) else 0,
                "overran": child.overran,
                "cpu_seconds": used.ru_utime + used.ru_stime,
                "peak_bytes": used.ru_maxrss * 1024,
            }
            with contextlib.suppress(OSError):  # nobody may be waiting any more
                os.write(child.status, json.dumps(report).encode())
            os.close(child.status)

    def _child(self, request: dict[str, Any], files: list[int]) -> None:
        try:
            os.setsid()
            self._close_all_but(files)
            _run(self.work, request, data=files[DATA], answer=files[ANSWER], server=self.pid)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(0)

    def _close_all_but(self, files: list[int]) -> None:
        """The child keeps the asset, its answer and its log; not the server's socket, nor other children's pipes."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.dup2(files[LOG], 1)
        os.dup2(files[LOG], 2)
        needed = {0, 1, 2, files[DATA], files[ANSWER]}
        for number in [int(name) for name in os.listdir("/proc/self/fd")]:
            if number not in needed:
                with contextlib.suppress(OSError):
                    os.close(number)


def _run(work: Work, request: dict[str, Any], *, data: int, answer: int, server: int) -> None:
    """In the child: walls first, then the asset."""
    from core.sandbox.confinement import confine, die_with_parent, first_to_go  # found on the path that `main` sets
    from core.sandbox.outcomes import Refused
    from core.sandbox.policy import SandboxPolicy

    die_with_parent(server)
    first_to_go()
    walls = confine(Path(request["folder"]), policy=SandboxPolicy(**request["policy"]))
    die_with_parent(server)  # once more: some walls clear it
    _answer(answer, {"walls": walls})
    try:
        with os.fdopen(data, "rb") as file:
            asset = file.read()
        result: dict[str, Any] = {"done": work(request["task"], asset)}
    except Refused as refused:
        result = {"refused": [refused.code, refused.sentence]}
    except MemoryError:
        result = {"exhausted": "memory"}
    except Exception:
        result = {"broke": traceback.format_exc()[-4000:]}
    _answer(answer, result)


def _answer(pipe: int, result: dict[str, Any]) -> None:
    waiting = json.dumps(result).encode() + b"\n"
    while waiting:
        waiting = waiting[os.write(pipe, waiting) :]


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)  # it may not have become a group of its own yet


def _rehearse(module: ModuleType) -> None:
    """Import what the work imports only when it runs: inside its own root folder a child finds no modules.

    The rehearsal is played by a child, because the threads a renderer starts would not survive our forks.
    """
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            module.rehearse()
            os.write(writer, "\n".join(sys.modules).encode()[: 1 << 16])
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as names:
        needed = names.read().decode().splitlines()
    os.waitpid(pid, 0)
    for name in needed:
        with contextlib.suppress(Exception):
            importlib.import_module(name)


def main(root: str, work: str, requests: str, starter: str) -> None:
    sys.path.insert(0, root)
    source, _, name = work.partition(":")
    module = importlib.import_module(source)
    function: Work = getattr(module, name)
    if hasattr(module, "rehearse"):
        _rehearse(module)
    channel = socket.socket(fileno=int(requests))
    WorkServer(function, channel, starter=int(starter)).serve()


if __name__ == "__main__":
    main(*sys.argv[1:])
