"""How is one HTTP question put to a pod that may answer slowly, endlessly or with rubbish?

The standard library's client, over a socket with one deadline for the whole exchange: a limit for each read only would
let a pod hold a worker for ever with one byte a minute.
"""

from __future__ import annotations

import http.client
import os
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from audits.pods.base import INFRASTRUCTURE, PodFault

CHUNK = 64 << 10
FRAMING = 1 << 20  # what heads, and the framing of chunks, may take beside a body


class Silent(Exception):
    """No connection, no answer, or no end of it in time."""


class Rubbish(Exception):
    """An answer, but not one that HTTP or our limits allow."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    status: int
    body: bytes


def ask(
    address: Mapping[str, Any], path: str, *, body: bytes | None = None, patience_s: float = 5.0, most: int = 64 << 10
) -> Answer:
    """GET, or POST of a JSON `body`.  Raises Silent, Rubbish."""
    with _Exchange(address, path, body=body, patience_s=patience_s, most=most) as answer:
        return Answer(status=answer.status, body=b"".join(_pieces(answer, most=most)))


def save(address: Mapping[str, Any], path: str, *, into: BinaryIO, patience_s: float, most: int) -> Answer:
    """GET whose body goes to a file, or into the Answer if the status is not 200.  Raises Silent, Rubbish, PodFault."""
    with _Exchange(address, path, body=None, patience_s=patience_s, most=most) as answer:
        if answer.status != 200:
            return Answer(status=answer.status, body=b"".join(_pieces(answer, most=CHUNK)))
        for piece in _pieces(answer, most=most):
            _keep(piece, into=into)
        return Answer(status=200, body=b"")


def _keep(piece: bytes, *, into: BinaryIO) -> None:
    """A full disk of ours must not look like a silent pod."""
    try:
        into.write(piece)
    except OSError as reason:
        raise PodFault(
            INFRASTRUCTURE, "disk", f"We could not keep the results: {reason.strerror}. We try again."
        ) from reason


class _Exchange:
    """One request and its open answer; every way for it to go wrong becomes Silent or Rubbish."""

    def __init__(
        self, address: Mapping[str, Any], path: str, *, body: bytes | None, patience_s: float, most: int
    ) -> None:
        self.connection = _Connection(address, deadline=time.monotonic() + patience_s, budget=2 * most + FRAMING)
        self.path, self.body = path, body

    def __enter__(self) -> http.client.HTTPResponse:
        try:
            return self._answer()
        except BaseException as reason:
            self.__exit__(type(reason), reason, None)
            raise

    def _answer(self) -> http.client.HTTPResponse:
        headers = {"Connection": "close", "Accept-Encoding": "identity"}
        if self.body is None:
            self.connection.request("GET", self.path, headers=headers)
        else:
            headers["Content-Type"] = "application/json"
            self.connection.request("POST", self.path, body=self.body, headers=headers)
        return self.connection.getresponse()

    def __exit__(self, kind: type[BaseException] | None, reason: BaseException | None, trace: object) -> None:
        self.connection.close()
        if isinstance(reason, http.client.RemoteDisconnected | http.client.IncompleteRead | OSError):
            raise Silent(f"{type(reason).__name__}") from reason
        if isinstance(reason, http.client.HTTPException | ValueError):
            raise Rubbish(f"{type(reason).__name__}") from reason


def _pieces(answer: http.client.HTTPResponse, *, most: int) -> Iterator[bytes]:
    left = most
    while piece := answer.read(min(CHUNK, left + 1)):
        left -= len(piece)
        if left < 0:
            raise Rubbish(f"more than {most} bytes")
        yield piece
    if answer.length:  # the length it announced was not kept, and read() does not say so
        raise Silent("the answer was cut off")


class _Connection(http.client.HTTPConnection):
    def __init__(self, address: Mapping[str, Any], *, deadline: float, budget: int) -> None:
        super().__init__(urlsplit(str(address.get("url", "//pod"))).netloc)
        self.address, self.deadline, self.budget = address, deadline, budget

    def connect(self) -> None:
        path = self.address.get("unix")
        if "url" in self.address:
            self.sock = _dialled(urlsplit(str(self.address["url"])), deadline=self.deadline, budget=self.budget)
            return
        self.sock = _Socket(socket.AF_UNIX if path else socket.AF_INET, deadline=self.deadline, budget=self.budget)
        if path is None:
            self.sock.reach((str(self.address["host"]), int(self.address["port"])))
            return
        folder = os.open(Path(path).parent, os.O_PATH | os.O_CLOEXEC)
        try:  # by descriptor: the path of a UNIX socket may have 107 bytes only
            self.sock.reach(f"/proc/self/fd/{folder}/{Path(path).name}")
        finally:
            os.close(folder)


def _dialled(url: Any, *, deadline: float, budget: int) -> socket.socket:
    """A pod that is reached by its provider's proxy, over TLS."""
    left = max(0.1, deadline - time.monotonic())
    plain = socket.create_connection((url.hostname, url.port or (443 if url.scheme == "https" else 80)), timeout=left)
    if url.scheme != "https":
        return _Socket(plain.family, deadline=deadline, budget=budget, fileno=plain.detach())
    context = ssl.create_default_context()
    context.sslsocket_class = _TlsSocket
    walled = context.wrap_socket(plain, server_hostname=url.hostname)
    walled.deadline, walled.budget = deadline, budget  # type: ignore[attr-defined]
    return walled


def _left(budget: int, got: int) -> int:
    """Raises ValueError, which is Rubbish, when the other side has sent more than it may."""
    if got > budget:
        raise ValueError("more bytes than an answer may have")
    return budget - got


class _TlsSocket(ssl.SSLSocket):
    """The same deadline and budget, under TLS."""

    deadline, budget = float("inf"), 0

    def recv_into(self, *buffer: Any, **more: Any) -> int:
        self._arm()
        got = super().recv_into(*buffer, **more)
        self.budget = _left(self.budget, got)
        return got

    def sendall(self, *data: Any, **more: Any) -> None:
        self._arm()
        super().sendall(*data, **more)

    def _arm(self) -> None:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the exchange took too long")
        if left != float("inf"):
            self.settimeout(left)


class _Socket(socket.socket):
    """A socket whose deadline does not move, and that gives so many bytes and no more, whatever reads it."""

    def __init__(self, family: int, *, deadline: float, budget: int, fileno: int | None = None) -> None:
        super().__init__(family, socket.SOCK_STREAM, fileno=fileno)
        self.deadline, self.budget = deadline, budget

    def reach(self, address: Any) -> None:
        self._arm()
        self.connect(address)

    def recv_into(self, *buffer: Any) -> int:
        self._arm()
        got = super().recv_into(*buffer)
        self.budget = _left(self.budget, got)
        return got

    def sendall(self, *data: Any) -> None:
        self._arm()
        super().sendall(*data)

    def _arm(self) -> None:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the exchange took too long")
        self.settimeout(left)
