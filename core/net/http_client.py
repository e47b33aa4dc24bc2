"""One GET, or one POST, over one connection that nobody else uses, watched by a clock a slow host cannot reset.

h11 reads the protocol; the socket is ours, so that each wait has an end and every byte is counted before it is kept.
"""

from __future__ import annotations

import contextlib
import errno
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache

import certifi
import h11
import ssrfguard

from core.net import url_guard
from core.net.failures import FetchFailed
from core.net.url_guard import Origin, Resolver

READ = 1 << 16  # bytes asked of the socket at a time; it gives what is there, so a trickle cannot hide in a full read
LATE_BYTES_S = 0.05  # how long to listen for bytes beyond the announced length
MOST_FRAMING = 1.1  # bytes heard for a byte of the file: single-byte chunks cost us a processor, not the host
MOST_INTERIM = 8  # 1xx answers before the real one
HERE = frozenset({errno.ENETUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL})
OURS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EACCES, errno.EPERM})


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long is waited for what, in seconds; `least_rate` in bytes a second, once `grace_s` are over."""

    total_s: float = 150.0
    connect_s: float = 10.0
    idle_s: float = 15.0
    grace_s: float = 10.0
    least_rate: int = 64 * 1024


@dataclass(slots=True)
class Watch:
    """When does this download end, whatever the host does?

    Only the time spent waiting for the host is held against it: a busy machine of ours must not make a host slow.
    """

    patience: Patience
    clock: Callable[[], float]
    started: float = field(init=False)
    waited: float = 0.0

    def __post_init__(self) -> None:
        self.started = self.clock()

    def left(self) -> float:
        left = self.started + self.patience.total_s - self.clock()
        if left <= 0 and self.waited < self.patience.total_s / 2:
            raise FetchFailed("our_fault", f"we were too busy to read a file in {self.patience.total_s:g} s")
        if left <= 0:
            raise FetchFailed("out_of_time", f"more than {self.patience.total_s:g} s")
        return left

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        begun = self.clock()
        try:
            yield
        finally:
            self.waited += self.clock() - begun

    def for_a_read(self) -> float:
        return min(self.left(), self.patience.idle_s)

    def require_pace(self, got: int, *, since: float) -> None:
        """`since` is what `waited` was when the first byte could come."""
        self.left()
        waited = self.waited - since
        if waited > self.patience.grace_s and got < waited * self.patience.least_rate:
            pace = f"{got / waited:.0f} bytes a second, at least {self.patience.least_rate} are expected"
            raise FetchFailed("too_slow", pace)


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


@cache
def tls_context() -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=certifi.where())
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


@contextlib.contextmanager
def get(
    origin: Origin,
    *,
    headers: Mapping[str, str],
    watch: Watch,
    most_header_bytes: int,
    resolver: Resolver | None = None,
    tls: ssl.SSLContext | None = None,
    posts: bytes | None = None,
) -> Iterator[Response]:
    """Ask for `origin` (or post `posts` to it) and read the headers.

    The body is read as it is iterated; everything raises FetchFailed.
    """
    with _dialled(origin, watch=watch, resolver=resolver, tls=tls) as sock:
        exchange = _Exchange(sock, watch, most_header_bytes)
        exchange.ask(origin, headers, posts=posts)
        answer = exchange.answer()
        fields: dict[str, str] = {}
        for name, value in answer.headers:
            key, text = name.decode("ascii").lower(), value.decode("latin-1")
            fields[key] = f"{fields[key]}, {text}" if key in fields else text
        yield Response(answer.status_code, fields, exchange.body(fields))


@contextlib.contextmanager
def _dialled(
    origin: Origin, *, watch: Watch, resolver: Resolver | None, tls: ssl.SSLContext | None
) -> Iterator[socket.socket]:
    patience = watch.patience
    found = url_guard.addresses(origin, resolver=resolver, timeout_s=min(watch.left(), patience.connect_s))
    sock = _connected(found, origin=origin, timeout_s=min(watch.left(), patience.connect_s))
    try:
        if origin.scheme == "https":
            sock = _secured(sock, origin, watch=watch, context=tls or tls_context())
        yield sock
    finally:
        sock.close()


def _connected(found: tuple[ssrfguard.Address, ...], *, origin: Origin, timeout_s: float) -> socket.socket:
    try:
        return ssrfguard.connect(found, policy=origin.rules, timeout=timeout_s)
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


def _secured(sock: socket.socket, origin: Origin, *, watch: Watch, context: ssl.SSLContext) -> ssl.SSLSocket:
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
    """One request and its answer."""

    def __init__(self, sock: socket.socket, watch: Watch, most_header_bytes: int) -> None:
        self.sock, self.watch, self.most_header_bytes = sock, watch, most_header_bytes
        self.heard = 0  # bytes, framing included
        self.ended = False
        self.http = h11.Connection(h11.CLIENT, max_incomplete_event_size=most_header_bytes)

    def ask(self, origin: Origin, headers: Mapping[str, str], *, posts: bytes | None = None) -> None:
        length = [] if posts is None else [("Content-Length", str(len(posts)))]
        request = h11.Request(
            method="GET" if posts is None else "POST",
            target=origin.target,
            headers=[("Host", origin.host_header), *headers.items(), *length, ("Connection", "close")],
        )
        body = self.http.send(request) + (self.http.send(h11.Data(posts)) if posts else b"")
        self.sock.settimeout(self.watch.for_a_read())
        try:
            self.sock.sendall(body + self.http.send(h11.EndOfMessage()))
        except TimeoutError as late:
            raise FetchFailed("silent", f"{self.watch.patience.idle_s:g} s") from late
        except OSError as failed:
            raise FetchFailed("truncated", str(failed)) from failed

    def answer(self) -> h11.Response:
        for _ in range(MOST_INTERIM):
            event = self._event()
            if isinstance(event, h11.Response):
                return event
            if not isinstance(event, h11.InformationalResponse):
                raise FetchFailed("broken_http", "the connection ended without an answer")
        raise FetchFailed("broken_http", "interim answers without end")

    def body(self, fields: Mapping[str, str]) -> Iterator[bytes]:
        """The bytes as they come, the pace watched; ends only where the host said the end would be."""
        if "content-length" not in fields and "transfer-encoding" not in fields:
            raise FetchFailed("no_length")
        got, since, before = 0, self.watch.waited, self.heard
        while isinstance(event := self._event(), h11.Data):
            got += len(event.data)
            yield bytes(event.data)
            self.watch.require_pace(got, since=since)
            if self.heard - before > got * MOST_FRAMING + 2 * READ:
                raise FetchFailed("broken_http", "the file comes in crumbs: more framing than bytes")
        if "transfer-encoding" not in fields:
            self._require_silence(got)

    def _event(self) -> h11.Event:
        while True:
            try:
                event = self.http.next_event()
            except h11.ProtocolError as bad:
                raise self._protocol_fault(bad) from bad
            if isinstance(event, h11.Event):
                return event
            self.http.receive_data(self._read())

    def _protocol_fault(self, bad: h11.ProtocolError) -> FetchFailed:
        if bad.error_status_hint == 431:
            return FetchFailed("headers_too_big", f"{self.most_header_bytes} bytes")
        # whatever h11 makes of an end where there could be none
        return FetchFailed("truncated" if self.ended else "broken_http", str(bad))

    def _read(self) -> bytes:
        self.sock.settimeout(self.watch.for_a_read())
        try:
            with self.watch.waiting():
                data = self.sock.recv(READ)
            self.heard += len(data)
            self.ended = not data
            return data
        except TimeoutError as late:
            self.watch.left()  # says so where the whole time is over
            raise FetchFailed("silent", f"{self.watch.patience.idle_s:g} s") from late
        except OSError as failed:  # a reset, or TLS cut without a goodbye
            raise FetchFailed("truncated", str(failed)) from failed

    def _require_silence(self, got: int) -> None:
        """More than was announced?  Then the file is not the one the host thinks it is."""
        extra = self.http.trailing_data[0]
        if not extra:
            self.sock.settimeout(LATE_BYTES_S)
            with contextlib.suppress(OSError):
                extra = self.sock.recv(READ)
        if extra:
            raise FetchFailed("longer_than_said", f"{got} announced, at least {got + len(extra)} sent")
