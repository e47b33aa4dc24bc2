"""How is another machine asked over HTTP?  THE client: everything that leaves this machine goes through it.

One request over one connection that nobody else uses, watched by a clock a slow host cannot reset: each wait has an end
and every byte is counted before it is kept.  `url_guard` decides which addresses, `limits` how long and how much, `tls`
which certificates; no redirect is followed (`fetch` asks again, and checks again).  `connection_pool` is the same over
connections that stay open.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import ssl
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import ssrfguard

from core.net import url_guard
from core.net.failures import FetchFailed
from core.net.http_messages import READ, Messages, require_plain
from core.net.limits import Patience, TransferLimits, Watch
from core.net.tls import tls_context
from core.net.url_guard import HttpOrigin, Resolver

LATE_BYTES_S = 0.05  # how long to listen for bytes beyond the announced length
LONGEST_LINE = 1 << 20
HERE = frozenset({errno.ENETUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL})
OURS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EACCES, errno.EPERM})
NO_HEADERS: Mapping[str, str] = MappingProxyType({})


@dataclass(slots=True)
class Response:
    """Status and headers (names in lower case; a header sent twice is joined by a comma), then the body."""

    status: int
    headers: Mapping[str, str]
    body: Iterator[bytes]

    @property
    def length(self) -> int | None:
        """What the host announced; h11 has refused everything but digits."""
        given = self.headers.get("content-length")
        return int(given.split(",")[0]) if given and "transfer-encoding" not in self.headers else None

    def content(self, *, most: int | None = None) -> bytes:
        """The whole body, of at most `most` bytes where that is less than the limits say.  Raises FetchFailed."""
        require_plain(self.headers)
        content = bytearray()
        for piece in self.body:
            content += piece
            if most is not None and len(content) > most:
                raise FetchFailed("too_big", f"{most} bytes")
        return bytes(content)

    def lines(self) -> Iterator[bytes]:
        """The body's lines as they come, without their ends; one without an end is cut at LONGEST_LINE bytes."""
        require_plain(self.headers)
        rest = b""
        for piece in self.body:
            *whole, rest = (rest + piece).split(b"\n")
            yield from whole
            if len(rest) > LONGEST_LINE:
                yield rest
                rest = b""
        if rest:
            yield rest


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpAnswer:
    """A whole answer."""

    status: int
    headers: Mapping[str, str]
    content: bytes


def ask(
    origin: HttpOrigin,
    *,
    method: str = "GET",
    headers: Mapping[str, str] = NO_HEADERS,
    body: bytes | Iterable[bytes] | None = None,
    patience: Patience,
    most: int,
) -> HttpAnswer:
    """One request and its whole answer, of at most `most` bytes.  Raises FetchFailed."""
    watch, limits = Watch(patience, time.monotonic), TransferLimits(body_bytes=most)
    with request(origin, method=method, headers=headers, body=body, watch=watch, limits=limits) as response:
        return HttpAnswer(status=response.status, headers=response.headers, content=response.content())


@contextlib.contextmanager
def request(
    origin: HttpOrigin,
    *,
    method: str = "GET",
    headers: Mapping[str, str] = NO_HEADERS,
    body: bytes | Iterable[bytes] | None = None,
    watch: Watch,
    limits: TransferLimits,
    resolver: Resolver | None = None,
    tls: ssl.SSLContext | None = None,
) -> Iterator[Response]:
    """Send a request to `origin` and read the headers.  A `body` that comes in pieces is sent in chunks.

    The answer's body is read as it is iterated; everything raises FetchFailed.
    """
    with _dialled(origin, watch=watch, resolver=resolver, tls=tls) as sock:
        exchange = _Exchange(sock, watch, limits)
        status, fields = exchange.answer(sent=exchange.send(origin, method, headers, body))
        yield Response(status, fields, exchange.body(fields))


@contextlib.contextmanager
def _dialled(
    origin: HttpOrigin, *, watch: Watch, resolver: Resolver | None, tls: ssl.SSLContext | None
) -> Iterator[socket.socket]:
    patience = watch.patience
    timeout_s = min(watch.left(), patience.connect_s)
    if origin.unix_path:
        sock = _unix(origin.unix_path, timeout_s=timeout_s)
    else:
        addresses = url_guard.addresses(origin, resolver=resolver, timeout_s=timeout_s)
        sock = _connected(addresses, origin=origin, timeout_s=min(watch.left(), patience.connect_s))
    try:
        if origin.scheme == "https":
            sock = _secured(sock, origin, watch=watch, context=tls or tls_context())
        yield sock
    finally:
        sock.close()


def _unix(path: str, *, timeout_s: float) -> socket.socket:
    """By the folder's descriptor: the path of a UNIX socket may have 107 bytes only."""
    folder, name = os.path.split(path)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.settimeout(timeout_s)
    try:
        descriptor = os.open(folder or ".", os.O_PATH | os.O_CLOEXEC)
        try:
            sock.connect(f"/proc/self/fd/{descriptor}/{name}")
        finally:
            os.close(descriptor)
    except TimeoutError as late:
        sock.close()
        raise FetchFailed("connect_timeout", f"{timeout_s:.0f} s") from late
    except OSError as failed:
        sock.close()
        raise FetchFailed(_connect_code(failed), failed.strerror or str(failed)) from failed
    return sock


def _connected(addresses: tuple[ssrfguard.Address, ...], *, origin: HttpOrigin, timeout_s: float) -> socket.socket:
    try:
        return ssrfguard.connect(addresses, policy=origin.rules, timeout=timeout_s)
    except ssrfguard.BlockedAddressError as blocked:
        raise FetchFailed("private_address", blocked.reason) from blocked
    except TimeoutError as late:
        raise FetchFailed("connect_timeout", f"{timeout_s:.0f} s") from late
    except OSError as failed:
        cause = failed.__cause__ if isinstance(failed.__cause__, OSError) else failed
        raise FetchFailed(_connect_code(cause), cause.strerror or str(cause)) from failed


def _connect_code(failed: OSError) -> str:
    if failed.errno == errno.ECONNREFUSED:
        return "refused"
    if failed.errno in HERE:
        return "our_network"
    return "our_fault" if failed.errno in OURS else "unreachable"


def _secured(sock: socket.socket, origin: HttpOrigin, *, watch: Watch, context: ssl.SSLContext) -> ssl.SSLSocket:
    """The certificate is checked against the name in the address, never against what was dialled."""
    sock.settimeout(min(watch.left(), watch.patience.connect_s))
    try:
        # A ragged end must be an error: it is how a cut connection would pass for the end of a file.
        return context.wrap_socket(sock, server_hostname=origin.name, suppress_ragged_eofs=False)
    except ssl.SSLCertVerificationError as bad:
        raise FetchFailed("bad_certificate", bad.verify_message) from bad
    except TimeoutError as late:
        raise FetchFailed("connect_timeout", "the time allowed for a secure connection") from late
    except (ssl.SSLError, OSError, ValueError) as failed:
        raise FetchFailed("tls_failed", str(failed)) from failed


class _Exchange:
    """One request and its answer over one socket."""

    def __init__(self, sock: socket.socket, watch: Watch, limits: TransferLimits) -> None:
        self.sock, self.watch, self.limits = sock, watch, limits
        self.messages = Messages(limits)

    def send(
        self, origin: HttpOrigin, method: str, headers: Mapping[str, str], body: bytes | Iterable[bytes] | None
    ) -> FetchFailed | None:
        """What kept the request from being sent whole: the host may have answered, and closed, before its end."""
        messages, chunked = self.messages, not isinstance(body, bytes | None)
        length = len(body) if isinstance(body, bytes) else None
        head = messages.request(origin, method, headers, length=length, chunked=chunked)
        pieces: Iterable[bytes] = [body] if isinstance(body, bytes) else body or ()
        try:
            if not chunked:
                self._write(head + b"".join(messages.data(piece) for piece in pieces) + messages.end())
                return None
            self._write(head)
            for piece in pieces:
                self._write(messages.data(piece))
            self._write(messages.end())
        except ConnectionError as cut:
            return FetchFailed("truncated", str(cut))
        return None

    def _write(self, data: bytes) -> None:
        self.sock.settimeout(self.watch.for_a_read())
        try:
            with self.watch.waiting():
                self.sock.sendall(data)
        except TimeoutError as late:
            raise FetchFailed("silent", f"{self.watch.patience.idle_s:g} s") from late
        except ConnectionError:
            raise
        except OSError as failed:
            raise FetchFailed("truncated", str(failed)) from failed

    def answer(self, *, sent: FetchFailed | None) -> tuple[int, dict[str, str]]:
        try:
            while (answer := self.messages.answer()) is None:
                self._read()
        except FetchFailed as failed:
            raise (sent or failed) from failed
        return answer

    def body(self, fields: Mapping[str, str]) -> Iterator[bytes]:
        """The bytes as they come, the pace watched; ends only where the host said the end would be."""
        announced = "content-length" in fields or "transfer-encoding" in fields
        if self.limits.exact and not announced:
            raise FetchFailed("no_length")
        since = self.watch.waited
        while (piece := self.messages.body()) != b"":
            if piece is None:
                self._read()
                continue
            yield piece
            self.watch.require_pace(self.messages.got, since=since)
            self.messages.require_substance()
        if self.limits.exact and "transfer-encoding" not in fields:
            self._require_silence()

    def _read(self) -> None:
        self.sock.settimeout(self.watch.for_a_read())
        try:
            with self.watch.waiting():
                data = self.sock.recv(READ)
        except TimeoutError as late:
            self.watch.left()  # says so where the whole time is over
            raise FetchFailed("silent", f"{self.watch.patience.idle_s:g} s") from late
        except OSError as failed:  # a reset, or TLS cut without a goodbye
            raise FetchFailed("truncated", str(failed)) from failed
        self.messages.receive(data)

    def _require_silence(self) -> None:
        """More than was announced?  Then the file is not the one the host thinks it is."""
        got, extra = self.messages.got, self.messages.beyond
        if not extra:
            self.sock.settimeout(LATE_BYTES_S)
            with contextlib.suppress(OSError):
                extra = self.sock.recv(READ)
        if extra:
            raise FetchFailed("longer_than_said", f"{got} announced, at least {got + len(extra)} sent")
