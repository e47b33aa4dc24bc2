"""A host on loopback that misbehaves on request: each path has a behaviour of its own."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

Behaviour = Callable[["Visit"], None]


@dataclass
class Visit:
    """One connection: what was asked, and the means to answer it badly."""

    sock: socket.socket
    path: str
    headers: dict[str, str]
    number: int  # the how many-th request for this path, from 1
    over: threading.Event

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def head(self, status: str = "200 OK", **headers: object) -> None:
        lines = [f"HTTP/1.1 {status}", *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
        self.send(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))

    def file(self, body: bytes, **headers: object) -> None:
        self.head(Content_Length=len(body), **headers)
        self.send(body)

    def reset(self) -> None:
        """Close with RST, so that the peer sees an error and no end."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        self.sock.close()

    def hang(self) -> None:
        self.over.wait(120)

    def pause(self, seconds: float) -> bool:
        """False once the host is being closed."""
        return not self.over.wait(seconds)

    @property
    def asked_from(self) -> int | None:
        value = self.headers.get("range", "")
        return int(value.removeprefix("bytes=").rstrip("-")) if value else None

    def range_of(self, body: bytes, **headers: object) -> None:
        """What an honest host does with a range."""
        start = self.asked_from
        if start is None:
            self.file(body, **headers)
        elif start >= len(body):
            self.head("416 Range Not Satisfiable", Content_Length=0)
        else:
            said = f"bytes {start}-{len(body) - 1}/{len(body)}"
            self.head("206 Partial Content", Content_Length=len(body) - start, Content_Range=said, **headers)
            self.send(body[start:])


@dataclass
class HostileHost:
    """`paths` maps a path to its behaviour; what was asked is kept in `visits`."""

    paths: dict[str, Behaviour] = field(default_factory=dict)
    visits: list[Visit] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.threads: list[threading.Thread] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def on(self, path: str, behaviour: Behaviour) -> str:
        self.paths[path] = behaviour
        return self.url(path)

    def close(self) -> None:
        self.over.set()
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for thread in self.threads:
            thread.join(120)

    def _serve(self) -> None:
        while not self.over.is_set():
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._visited, args=(sock,), daemon=True)
            thread.start()
            self.threads.append(thread)  # `close` joins what is in there, maybe now

    def _visited(self, sock: socket.socket) -> None:
        with contextlib.suppress(OSError), sock:
            sock.settimeout(120)
            visit = self._visit(sock)
            if visit is not None:
                self.visits.append(visit)
                self.paths[visit.path](visit)

    def _visit(self, sock: socket.socket) -> Visit | None:
        head = b""
        while b"\r\n\r\n" not in head:
            piece = sock.recv(4096)
            if not piece:
                return None
            head += piece
        first, *rest = head.split(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
        path = first.split(" ")[1]
        headers = {line.split(":", 1)[0].lower(): line.split(":", 1)[1].strip() for line in rest}
        number = sum(visit.path == path for visit in self.visits) + 1
        return Visit(sock, path, headers, number, self.over)


@contextlib.contextmanager
def hostile_host() -> Iterator[HostileHost]:
    host = HostileHost()
    try:
        yield host
    finally:
        host.close()
