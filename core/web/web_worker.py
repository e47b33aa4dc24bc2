"""How is nobody held up by a slow visitor?  A gunicorn worker that is fair between addresses, and ends who stalls.

gunicorn's threaded worker gives a connection a thread until its request is answered: whoever sends a header letter by
letter, or takes a file spoonful by spoonful, keeps that thread, and as many as there are threads keep them all.  Here
an address has at most `GAUNTLET_WEB_SHARE` threads at a time, and its other connections wait for their turn.  A header
must be there within `HEAD_S`, and no single read or write may stall for longer than `STALL_S`.
"""

from __future__ import annotations

import os
import socket
import struct
import time
from collections import Counter, defaultdict, deque
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

from django.conf import settings
from gunicorn.workers.gthread import TConn, ThreadWorker

from core.environment import load_settings

HEAD_S = 10.0
STALL_S = 15
WHOLE_S = 600.0  # the longest that one request may take, a bundle on a slow line included
WAITING = 64  # connections of one address that wait for a thread; further ones are closed


LINGER_S = 2.0  # how long a closed connection's last bytes are waited for


class FairWorker(ThreadWorker):  # type: ignore[misc]
    """All bookkeeping happens in the main thread; `requested_at` is written by the thread that has the connection."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "competition.settings")
        load_settings()
        believe_nobody(self.cfg)
        self.share = settings.WEB_SHARE
        self.held: dict[TConn, float] = {}
        self.busy: Counter[str] = Counter()
        self.queues: dict[str, deque[TConn]] = defaultdict(deque)

    def enqueue_req(self, conn: TConn) -> None:
        who = address(conn)
        if self.busy[who] < self.share:
            self._start(conn, who)
        elif len(self.queues[who]) < WAITING:
            self.queues[who].append(conn)
        else:
            self.nr_conns -= 1
            conn.close()

    def _start(self, conn: TConn, who: str) -> None:
        self.busy[who] += 1
        self.held[conn] = time.monotonic()
        conn.requested_at = None
        limit(conn.sock)
        super().enqueue_req(conn)

    def handle(self, conn: TConn) -> Any:
        """A connection that is over is waited for here: in the main thread everybody would wait."""
        keepalive = super().handle(conn)
        if not keepalive:
            linger(conn.sock)
        return keepalive

    def handle_request(self, req: Any, conn: TConn) -> Any:
        conn.requested_at = time.monotonic()
        return super().handle_request(req, conn)

    def finish_request(self, conn: TConn, fs: Future[Any]) -> None:
        who = address(conn)
        self.held.pop(conn, None)
        self.busy[who] -= 1
        waiting = self.queues.get(who)
        if waiting:
            self._start(waiting.popleft(), who)
        if not waiting:
            self.queues.pop(who, None)
        if not self.busy[who]:
            del self.busy[who]
        super().finish_request(conn, fs)

    def murder_pending(self) -> None:
        """Once a second at least: end what has had its time.  Its thread wakes up to a closed socket."""
        super().murder_pending()
        now = time.monotonic()
        for conn, since in list(self.held.items()):
            if late(since=since, requested_at=conn.requested_at, now=now):
                hang_up(conn.sock)


def believe_nobody(cfg: Any) -> None:
    """gunicorn takes some headers of loopback peers for its own environment: who asked by https, what is the prefix of
    all addresses.  Whose word counts is decided in one place, `dashboard/doors/front_door.py`."""
    cfg.set("secure_scheme_headers", {})
    cfg.set("forwarder_headers", "")


def address(conn: TConn) -> str:
    return str(conn.client[0]) if isinstance(conn.client, tuple) else str(conn.client)


def late(*, since: float, requested_at: float | None, now: float) -> bool:
    return now - since > (HEAD_S if requested_at is None else WHOLE_S)


def limit(sock: socket.socket) -> None:
    """The kernel ends a read or a write that stalls; Python's own timeout would be reset by each `setblocking`."""
    stall = struct.pack("ll", STALL_S, 0)
    for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
        sock.setsockopt(socket.SOL_SOCKET, option, stall)


def linger(sock: socket.socket) -> None:
    """Let the visitor take the last bytes, then leave nothing to wait for."""
    until = time.monotonic() + LINGER_S
    with suppress(OSError):
        sock.shutdown(socket.SHUT_WR)
        sock.settimeout(LINGER_S)
        while time.monotonic() < until and sock.recv(4096):
            pass
    hang_up(sock)


def hang_up(sock: socket.socket) -> None:
    with suppress(OSError):  # it is gone already
        sock.shutdown(socket.SHUT_RDWR)
