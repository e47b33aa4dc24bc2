"""How long does a visitor wait while others hold the server up?  Real servers on loopback, the attackers on 127.0.0.2.

    python -m benchmarks.slow_visitors

Each row: forty connections that send a header, a body or take an answer too slowly, then somebody else asks.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec

from core.postgres.ports import free_port

ATTACKERS = 40
PATIENCE_S = 8.0
BIG = b"x" * 30_000_000
APPLICATION = "benchmarks.slow_visitors:application"


def gunicorn(worker: str, threads: int) -> Callable[[int], list[str]]:
    manner = ["--worker-class", worker, "--threads", str(threads), "--no-control-socket", "--graceful-timeout", "1"]
    return lambda port: ["gunicorn", APPLICATION, "--bind", f"127.0.0.1:{port}", *manner]


def granian(threads: int) -> Callable[[int], list[str]]:
    manner = ["--interface", "wsgi", "--blocking-threads", str(threads), "--workers-kill-timeout", "1"]
    return lambda port: ["granian", *manner, "--host", "127.0.0.1", "--port", str(port), APPLICATION]


SERVERS = {
    "gunicorn gthread, 8 threads": gunicorn("gthread", 8),
    "gunicorn FairWorker, 32 threads": gunicorn("core.web.web_worker.FairWorker", 32),
}
if find_spec("granian"):  # not a dependency: `pip install granian` beside the rest to compare
    SERVERS["granian, 32 threads"] = granian(32)


def application(environ: dict, start_response: Callable) -> Iterator[bytes]:
    """What the servers serve: a word, 30 MB at once, 30 MB in pieces."""
    path = environ["PATH_INFO"]
    if environ["REQUEST_METHOD"] == "POST":
        environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    body = {"/big": [BIG], "/stream": (BIG[at : at + 65536] for at in range(0, len(BIG), 65536))}.get(path, [b"ok"])
    size = len(BIG) if path in ("/big", "/stream") else 2
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(size))])
    return body


def request(path: str, *, end: bool = True, more: str = "") -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{more}".encode() + (b"\r\n" if end else b"")


ATTACKS = {
    "nobody": None,
    "slow headers": request("/", end=False, more="X-Slow: a"),
    "slow bodies": b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9000\r\n\r\n{",
    "slow readers of one answer": request("/big"),
    "slow readers of a stream": request("/stream"),
    "who never close": request("/", more="Connection: close\r\n"),
    "10 MB headers": request("/", end=False, more="X-Big: " + "a" * 10_000_000),
}


def attack(port: int, sent: bytes, *, many: int = ATTACKERS) -> list[socket.socket]:
    held = []
    for _ in range(many):
        each = socket.socket()
        each.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        each.bind(("127.0.0.2", 0))
        each.connect(("127.0.0.1", port))
        each.settimeout(0.2)
        with suppress(OSError):
            each.sendall(sent)
        held.append(each)
    return held


def ask(port: int) -> float | None:
    """Seconds until the first byte; None where none came."""
    began = time.monotonic()
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as visitor:
            visitor.sendall(request("/", more="Connection: close\r\n"))
            return time.monotonic() - began if visitor.recv(1) else None
    except OSError:
        return None


@contextmanager
def served(command: Callable[[int], list[str]]) -> Iterator[int]:
    port = free_port()
    started = [sys.executable, "-m", *command(port)]
    with tempfile.TemporaryFile() as log, subprocess.Popen(started, stdout=log, stderr=log) as server:
        while ask(port) is None:
            time.sleep(0.1)
        yield port
        server.terminate()


def main() -> None:
    print("| while forty others are | " + " | ".join(SERVERS) + " |\n|---|" + "---|" * len(SERVERS))
    measured: dict[str, list[str]] = {name: [] for name in ATTACKS}
    for server in SERVERS.values():
        for name, sent in ATTACKS.items():
            with served(server) as port:
                held = attack(port, sent) if sent else []
                time.sleep(0.5)
                waits = [ask(port) for _ in range(3)]
                measured[name].append("no answer in 8 s" if None in waits else f"{1000 * max(waits):.0f} ms")
                for each in held:
                    each.close()
    for name, cells in measured.items():
        print(f"| {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
