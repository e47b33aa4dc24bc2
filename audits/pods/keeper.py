"""Looks after one pod, also when the worker that started it has died.  One small process per pod, started by local.py.

`python -m audits.pods.keeper` reads its orders as JSON, leaves its starter's process group, starts the service inside
its walls and stays: it carries connections, writes the log, and ends the pod at its expiry, on SIGTERM, or when the
service ends.  While it lives it holds a lock on `keeper.lock`; if it is killed, the kernel kills the pod with it.  Why
the pod ended is written to `ended.json`.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import signal
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audits.pods.bridge import LARGEST_HEAD, Bridge, Log, Pictures
from audits.pods.checkout import ENTRY
from core.sandbox import namespaces, service
from core.sandbox.policy import SandboxPolicy
from core.sandbox.service import RunningService

PORT, PICTURES_PORT = 10006, 10007
SOLUTION = "solution"  # the folder that holds the code
LOCK, SOCKET, STARTED, ENDED, LOG = "keeper.lock", "service.sock", "started.json", "ended.json", "service.log"


@dataclass(frozen=True, kw_only=True)
class Orders:
    folder: Path
    walls: bool  # namespaces, or only limits
    uid: int
    limits: SandboxPolicy

    @classmethod
    def read(cls, text: str) -> Orders:
        given = json.loads(text)
        return cls(
            folder=Path(given["folder"]),
            walls=given["walls"],
            uid=given["uid"],
            limits=SandboxPolicy(**given["limits"]),
        )


def main() -> None:
    orders = Orders.read(sys.stdin.read())
    if os.fork():
        os._exit(0)  # the starter waits for this one; the keeper belongs to nobody
    os.setsid()
    os.nice(service.NICENESS)  # a service can keep its keeper as busy as itself
    os.chdir(orders.folder)
    # a record lock: children do not inherit it, and the kernel tells whoever asks which process holds it
    lock = os.open(LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.lockf(lock, fcntl.LOCK_EX)
    code = 1
    try:
        code = asyncio.run(_keep(orders), debug=False)
    except OSError as reason:
        _write(ENDED, {"because": "not_started", "detail": str(reason)[:500]})
        _report({"fault": str(reason)[:500]})
    os.close(lock)
    os._exit(code)


async def _keep(orders: Orders) -> int:
    """Start, serve, end.  OSError if this machine cannot start the pod."""
    end = _End()
    port, pictures_port = PORT, PICTURES_PORT
    if orders.walls:
        namespaces.detach()
    else:
        namespaces.prctl(namespaces.PR_SET_CHILD_SUBREAPER, 1)
        with socket.socket() as free:  # without walls pods share the machine's ports
            free.bind(("127.0.0.1", 0))
            port, pictures_port = int(free.getsockname()[1]), 0
    running = service.start(
        orders.folder,
        code=SOLUTION,
        entry=ENTRY,
        walls=orders.walls,
        uid=orders.uid,
        limits=orders.limits,
        port=port,
    )
    doors: list[asyncio.Server] = []
    try:
        Path(SOCKET).unlink(missing_ok=True)
        doors.append(await asyncio.start_unix_server(Bridge(port), path=SOCKET))  # relative: a socket's path is short
        os.chmod(SOCKET, 0o600)
        pictures = Pictures(Path("pictures"))
        doors.append(await asyncio.start_server(pictures, "127.0.0.1", pictures_port, limit=LARGEST_HEAD))
        log = asyncio.create_task(Log(Path(LOG), cap=orders.limits.log_bytes).follow(running.output))
        started = {"pid": os.getpid(), "port": port, "pictures_port": int(doors[1].sockets[0].getsockname()[1])}
        _write(STARTED, started)
        _report(started)
        ended = await end.of(running, wall_s=orders.limits.wall_seconds)
        running.kill()
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(log, 1)
        _write(ENDED, ended)
    finally:
        running.kill()
        for door in doors:
            door.close()
    return 0


class _End:
    """Why the pod is to end, once there is a reason.  Made first, so that a SIGTERM is handled from the start."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.because: asyncio.Future[dict[str, Any]] = self.loop.create_future()
        self.loop.add_signal_handler(signal.SIGTERM, self.settle, {"because": "stopped"})

    def settle(self, because: dict[str, Any]) -> None:
        if not self.because.done():
            self.because.set_result(because)

    async def of(self, running: RunningService, *, wall_s: float) -> dict[str, Any]:
        self.loop.add_reader(running.pidfd, lambda: self.settle({"because": "ended", **running.result()}))
        self.loop.call_later(wall_s, self.settle, {"because": "expired"})
        try:
            return await self.because
        finally:
            self.loop.remove_reader(running.pidfd)


def _write(name: str, content: dict[str, Any]) -> None:
    """Whole or not at all: a reader may come at any moment."""
    Path(f".{name}").write_text(json.dumps(content))
    os.replace(f".{name}", name)


def _report(content: dict[str, Any]) -> None:
    """One line to the starter, if it is still there; then let go of everything it gave us."""
    with contextlib.suppress(OSError):
        os.write(1, json.dumps(content).encode() + b"\n")
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    os.close(nothing)


if __name__ == "__main__":
    main()
