"""How is a file brought here from a host that may lie, stall, or point at our own network?

One call is one try.  What came of an unfinished one stays beside `into` and is resumed where the host tags its files.
"""

from __future__ import annotations

import re
import socket
import ssl
import time
from collections.abc import Callable, Container, Iterator
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol
from urllib.parse import urljoin

from core.net import http_client, partial_files, plain_host, url_guard
from core.net.failures import FetchFailed, printable
from core.net.http_client import Response
from core.net.http_messages import require_plain
from core.net.limits import Patience, TransferLimits, Watch
from core.net.partial_files import Partial
from core.net.url_guard import HttpOrigin, Resolver
from core.store import sha256_of

REDIRECTS = frozenset({301, 302, 303, 307, 308})
# What an outage of ours looks like from here.
MAYBE_OURS = frozenset({"our_names", "our_network", "name_unknown", "connect_timeout", "unreachable", "refused"})
MAYBE_OURS |= {"tls_failed", "truncated", "silent"}
_CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18})")


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchPolicy:
    """What one download may cost.  `loopback_ports` is for the demo: http://127.x at these ports only.

    `witness`: a host and port that answers whenever our own network does.  It is asked when a host cannot be reached:
    with it, an outage of ours is not taken for the miner's, and a miner's dead name server not for ours.
    """

    max_bytes: int = 200 * 2**20
    patience: Patience = field(default_factory=Patience)
    max_redirects: int = 2
    max_header_bytes: int = 32 * 1024
    loopback_ports: Container[int] = ()
    overlap_bytes: int = 4096  # fetched again when resuming, and compared
    spare_bytes: int = 2**30  # of disk, besides the file itself
    user_agent: str = "gauntlet-fetch/1"
    witness: tuple[str, int] | None = None
    tls: ssl.SSLContext | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedFile:
    """The file lies at `into`; hash and size are of what lies there."""

    sha256: str
    bytes: int
    content_type: str
    final_url: str


class HostSlots(Protocol):
    """How many downloads of one host may run at once, over all workers."""

    def hold(self, host: str) -> AbstractContextManager[bool]:
        """False: all are taken.  A turn ends with the block, and with the process."""


def fetch(
    url: str,
    *,
    policy: FetchPolicy,
    into: Path,
    slots: HostSlots,
    resolver: Resolver | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> FetchedFile:
    """One try.  Raises FetchFailed, and nothing else, with a class, a code and a sentence."""
    try:
        origin = url_guard.check(url, loopback_ports=policy.loopback_ports)
        with slots.hold(origin.name.lower()) as ours:
            if not ours:
                raise FetchFailed("no_slot")
            return _Download(origin, policy, into, resolver, clock).run()
    except FetchFailed as failed:
        timeout_s = policy.patience.connect_s
        raise settle_by_witness(failed, witness=policy.witness, timeout_s=timeout_s, resolver=resolver) from failed
    except Exception as surprise:
        what = f"{type(surprise).__name__}: {surprise}"
        theirs = not isinstance(surprise, OSError | MemoryError) and a_plain_answer_arrives(policy, beside=into)
        raise FetchFailed("broken_http" if theirs else "our_fault", what) from surprise


def a_plain_answer_arrives(policy: FetchPolicy, *, beside: Path) -> bool:
    """The control of an answer that our own code cannot read: does a good one come through it right afterwards?"""
    into = beside.with_name(f"{beside.name}.control")
    try:
        with plain_host.serving() as port:
            origin = url_guard.check(f"http://127.0.0.1:{port}/", loopback_ports=(port,))
            control = replace(policy, loopback_ports=(port,))
            try:
                return _Download(origin, control, into, None, time.monotonic).run().bytes == len(plain_host.BODY)
            finally:
                partial_files.forget(into)
    except Exception:  # also where this machine gives no port: then it is ours
        return False


class NotTheSameFile(Exception):
    """The host's file is not the one we have a part of: what we have is worth nothing, the whole is asked for."""


class _Download:
    """One try at one file."""

    def __init__(
        self,
        origin: HttpOrigin,
        policy: FetchPolicy,
        into: Path,
        resolver: Resolver | None,
        clock: Callable[[], float],
    ) -> None:
        self.origin, self.policy, self.into, self.resolver = origin, policy, into, resolver
        self.watch = Watch(policy.patience, clock)

    def run(self) -> FetchedFile:
        partial_files.require_room(self.into.parent, least=self.policy.max_bytes + self.policy.spare_bytes)
        with partial_files.opened(self.into) as copy:
            have = copy.have(self.origin.url)
            if have:
                with suppress(NotTheSameFile):
                    return self._ask(copy, have=have)
            return self._ask(copy, have=0)

    def _ask(self, copy: Partial, *, have: int) -> FetchedFile:
        """Follow redirects to an answer and take it."""
        start = max(0, have - self.policy.overlap_bytes)
        headers = {"User-Agent": self.policy.user_agent, "Accept": "*/*"}
        if have:
            headers |= {"Range": f"bytes={start}-", "If-Range": copy.label.etag}
        at = self.origin
        for _ in range(self.policy.max_redirects + 1):
            with self._get(at, headers) as response:
                if response.status in REDIRECTS:
                    at = self._next(at, response)
                elif response.status == 416 and have:
                    raise NotTheSameFile("it ends before what we have")
                else:
                    self._store_body(response, copy, start=start, have=have)
                    return self._stored(response, at=at)
        raise FetchFailed("too_many_redirects", f"{self.policy.max_redirects} times")

    def _get(self, at: HttpOrigin, headers: dict[str, str]) -> AbstractContextManager[Response]:
        return http_client.request(
            at,
            headers=headers,
            watch=self.watch,
            limits=TransferLimits(header_bytes=self.policy.max_header_bytes, body_bytes=None, exact=True),
            resolver=self.resolver,
            tls=self.policy.tls,
        )

    def _next(self, at: HttpOrigin, response: Response) -> HttpOrigin:
        location = response.headers.get("location", "")
        if not location:
            raise FetchFailed("unexpected_status", f"{response.status} without saying where to")
        try:
            url = urljoin(at.url, location)
        except ValueError as bad:
            raise FetchFailed("bad_url", f"redirected to {bad}") from bad
        ports = self.policy.loopback_ports if at.scheme == "http" else ()  # from outside, never to loopback
        return url_guard.check(url, loopback_ports=ports, allow_fragment=True)

    def _store_body(self, response: Response, copy: Partial, *, start: int, have: int) -> None:
        require_a_file(response)
        if response.status == 206:
            self._append(response, copy, start=start, have=have)
            return
        if response.length is not None and response.length > self.policy.max_bytes:
            raise FetchFailed("too_big", f"{self.policy.max_bytes} bytes: {response.length} announced")
        copy.restart(url=self.origin.url, etag=response.headers.get("etag", ""), total=response.length)
        self._write(response.body, copy, at=0)

    def _append(self, response: Response, copy: Partial, *, start: int, have: int) -> None:
        """The rest of a file: what we have is not touched before the overlap has proved to be the same."""
        if not have:
            raise FetchFailed("false_range", "nobody asked for a part")
        total = require_the_rest(response, start=start, have=have, label=copy.label)
        self._write(self._compared(response.body, copy, start=start, have=have), copy, at=have)
        if self.into.stat().st_size != total:
            raise NotTheSameFile(f"{total} bytes were announced")

    def _compared(self, body: Iterator[bytes], copy: Partial, *, start: int, have: int) -> Iterator[bytes]:
        at = start
        for piece in body:
            known, fresh = piece[: max(0, have - at)], piece[max(0, have - at) :]
            if known != copy.read(at, len(known)):
                raise NotTheSameFile(f"other bytes than before near byte {at}")
            at += len(piece)
            if fresh:
                yield fresh

    def _write(self, body: Iterator[bytes], copy: Partial, *, at: int) -> None:
        for piece in body:
            if at + len(piece) > self.policy.max_bytes:
                copy.restart(url=self.origin.url, etag="", total=None)
                raise FetchFailed("too_big", f"{self.policy.max_bytes} bytes")
            copy.write(piece, at=at)
            at += len(piece)

    def _stored(self, response: Response, *, at: HttpOrigin) -> FetchedFile:
        """What lies at `into` now that `response`, of the address `at`, has ended."""
        size = self.into.stat().st_size
        if not size:
            raise FetchFailed("empty")
        kind = printable(response.headers.get("content-type", ""), longest=80)
        return FetchedFile(sha256=sha256_of(self.into), bytes=size, content_type=kind, final_url=at.url)


def require_a_file(response: Response) -> None:
    """200 or 206 with the bytes as they are; every other answer has a code of its own."""
    if response.status in (200, 206):
        require_plain(response.headers)
        return
    raise FetchFailed(status_code(response.status), str(response.status))


def status_code(status: int) -> str:
    """Which fault an HTTP status is."""
    if status in (404, 410):
        return "not_found"
    if status in (401, 402, 403, 407, 451):
        return "forbidden"
    if status in (408, 425, 429, 503):
        return "busy"
    return "server_error" if status >= 500 else "unexpected_status"


def require_the_rest(response: Response, *, start: int, have: int, label: partial_files.PartialLabel) -> int:
    """The whole file's size.  A 206 must be just what was asked for: from `start` to the end of the same file."""
    content_range = response.headers.get("content-range", "")
    matched = _CONTENT_RANGE.fullmatch(content_range.strip())
    if matched is None:
        raise NotTheSameFile(f"no usable Content-Range: {content_range!r}")
    first, last, total = (int(part) for part in matched.groups())
    if first != start or last != total - 1 or last < first:
        raise NotTheSameFile(f"asked from byte {start}, it says {content_range!r}")
    if response.length not in (None, last - first + 1):
        raise NotTheSameFile(f"{response.length} bytes for {content_range!r}")
    if label.total not in (None, total) or total < have:
        raise NotTheSameFile(f"it had {label.total or have} bytes, now it has {total}")
    if response.headers.get("etag", label.etag) != label.etag:
        raise NotTheSameFile("it has another tag now")
    return total


def witness_of(setting: str) -> tuple[str, int] | None:
    """`host:port` as the settings give it; None where there is none."""
    host, _, port = setting.partition(":")
    return (host, int(port or 443)) if host else None


def settle_by_witness(
    failed: FetchFailed, *, witness: tuple[str, int] | None, timeout_s: float, resolver: Resolver | None = None
) -> FetchFailed:
    """Whose fault is it that a host cannot be reached?  Without a witness it is the host's: nobody's dead name server
    may hold up the others."""
    if failed.code not in MAYBE_OURS:
        return failed
    if witness is not None and not answers(witness, timeout_s=timeout_s, resolver=resolver):
        return FetchFailed("our_network", f"{witness[0]} does not answer either")
    theirs = {"our_names": "name_silent", "our_network": "unreachable"}
    return FetchFailed(theirs.get(failed.code, failed.code), failed.detail)


def answers(witness: tuple[str, int], *, timeout_s: float, resolver: Resolver | None = None) -> bool:
    """Does the operator's own witness take a connection?"""
    try:
        addresses = list((resolver or socket.getaddrinfo)(witness[0], witness[1], 0, socket.SOCK_STREAM, 0, 0))
        socket.create_connection(addresses[0][4][:2], timeout=timeout_s).close()
    except (OSError, IndexError):
        return False
    return True
