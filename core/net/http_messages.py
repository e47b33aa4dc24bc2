"""What bytes make a request, and what does an answer's bytes mean?  No socket: the two clients carry the bytes.

h11 reads the protocol; headers, framing and body are counted here, so that both clients keep the same bounds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import h11

from core.net.failures import FetchFailed, printable
from core.net.limits import TransferLimits
from core.net.url_guard import HttpOrigin

READ = 1 << 16  # bytes asked of the socket at a time; it gives what is there, so a trickle cannot hide in a full read
MOST_FRAMING = 1.1  # bytes heard for a byte of the body: single-byte chunks cost us a processor, not the host
MOST_INTERIM = 8  # 1xx answers before the real one


class Messages:
    """One request and its answer."""

    def __init__(self, limits: TransferLimits) -> None:
        self.limits = limits
        self.http = h11.Connection(h11.CLIENT, max_incomplete_event_size=limits.header_bytes)
        self.first = b""  # of what the host sent
        self.heard = 0  # bytes, framing included
        self.before_body = 0
        self.got = 0  # bytes of the body
        self.interim = 0
        self.ended = False

    def request(
        self,
        origin: HttpOrigin,
        method: str,
        headers: Mapping[str, str],
        *,
        length: int | None = None,
        chunked: bool = False,
        keep: bool = False,
    ) -> bytes:
        """The head of the request.  `length` or `chunked` where a body follows; `keep`: the connection stays open."""
        own = {"Host": origin.host_header, "Accept-Encoding": "identity"}
        if origin.authorization:
            own["Authorization"] = origin.authorization
        if not keep:
            own["Connection"] = "close"
        if chunked:
            own["Transfer-Encoding"] = "chunked"
        elif length is not None:
            own["Content-Length"] = str(length)
        given = {name.lower() for name in headers}
        fields = [*headers.items(), *((name, value) for name, value in own.items() if name.lower() not in given)]
        try:
            return self.http.send(h11.Request(method=method, target=origin.target, headers=fields))
        except h11.ProtocolError as bad:
            raise FetchFailed("our_fault", f"the request cannot be written: {bad}") from bad

    def data(self, piece: bytes) -> bytes:
        return self.http.send(h11.Data(piece)) if piece else b""

    def end(self) -> bytes:
        return self.http.send(h11.EndOfMessage())

    def receive(self, data: bytes) -> None:
        """b"" is the end of the connection."""
        self.first = self.first or data[:5]
        self.heard += len(data)
        self.ended = not data
        self.http.receive_data(data)

    def answer(self) -> tuple[int, dict[str, str]] | None:
        """Status and headers (names in lower case; one sent twice is joined by a comma); None: more bytes, please."""
        while (event := self._event()) is not None:
            if isinstance(event, h11.Response):
                if event.http_version not in (b"1.0", b"1.1"):
                    raise FetchFailed("broken_http", f"version {printable(event.http_version.decode('latin-1'))}")
                self.before_body = self.heard
                return event.status_code, self._fields(event.headers)
            self.interim += 1
            if not isinstance(event, h11.InformationalResponse):
                raise FetchFailed("broken_http", "the connection ended without an answer")
            if self.interim >= MOST_INTERIM:
                raise FetchFailed("broken_http", "interim answers without end")
        return None

    def body(self) -> bytes | None:
        """A piece of the body; b"" at its end; None: more bytes, please."""
        event = self._event()
        if event is None:
            return None
        if not isinstance(event, h11.Data):
            return b""
        self.got += len(event.data)
        most = self.limits.body_bytes
        if most is not None and self.got > most:
            raise FetchFailed("too_big", f"{most} bytes")
        return bytes(event.data)

    def require_substance(self) -> None:
        if self.heard - self.before_body > self.got * MOST_FRAMING + 2 * READ:
            raise FetchFailed("broken_http", "the file comes in crumbs: more framing than bytes")

    @property
    def beyond(self) -> bytes:
        """What was sent behind the end."""
        return bytes(self.http.trailing_data[0])

    @property
    def reusable(self) -> bool:
        """May another request go over this connection?"""
        return self.http.our_state is h11.DONE and self.http.their_state is h11.DONE and not self.beyond

    def _fields(self, headers: Any) -> dict[str, str]:
        fields: dict[str, str] = {}
        for name, value in headers:
            key, text = name.decode("ascii").lower(), value.decode("latin-1")
            fields[key] = f"{fields[key]}, {text}" if key in fields else text
        return fields

    def _event(self) -> Any:
        """None where h11 needs more bytes."""
        try:
            event = self.http.next_event()
        except h11.ProtocolError as bad:
            if bad.error_status_hint == 431:
                raise FetchFailed("headers_too_big", f"{self.limits.header_bytes} bytes") from bad
            # whatever h11 makes of an end where there could be none
            raise FetchFailed("truncated" if self.ended else "broken_http", str(bad)) from bad
        if isinstance(event, h11.Event):
            return event
        if not (self.limits.exact or b"HTTP/".startswith(self.first)):  # a file may end first: then it is cut off
            raise FetchFailed("broken_http", f"it begins with {printable(self.first.decode('latin-1'))}")
        return None


def require_plain(headers: Mapping[str, str]) -> None:
    """The bytes as they are: nothing was asked for compressed, and a compressed megabyte may be a gigabyte."""
    encoding = headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise FetchFailed("encoded", printable(encoding, longest=40))
