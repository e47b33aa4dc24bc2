"""How is one server of the operator's asked many things at once?  Over connections that stay open, in one event loop.

The same client as `http_client` (addresses, bounds, TLS) for one server that answers thousands of short questions: a
connection for each would cost more than the answer.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping

from core.net import url_guard
from core.net.failures import FetchFailed
from core.net.http_client import NO_HEADERS, HttpAnswer
from core.net.http_messages import READ, Messages, require_plain
from core.net.limits import Patience, TransferLimits
from core.net.tls import tls_context
from core.net.url_guard import HttpOrigin

LIMITS = TransferLimits(body_bytes=4 << 20)


class Lines:
    """`url`: a configured http(s) address.  Opens as many connections as there are requests at once."""

    def __init__(self, url: str, *, headers: Mapping[str, str] = NO_HEADERS, limits: TransferLimits = LIMITS) -> None:
        self.url, self.headers, self.limits = url, headers, limits
        self.idle: list[_Line] = []

    async def ask(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] = NO_HEADERS,
        body: bytes | None = None,
        patience: Patience,
    ) -> HttpAnswer:
        """One request and its whole answer within `patience.total_s`.  Raises FetchFailed, and nothing else."""
        origin = url_guard.configured(self.url)
        line: _Line | None = None
        try:
            async with asyncio.timeout(patience.total_s):
                line = self._free() or await _dialled(origin, patience)
                answer = await line.ask(origin.at(path), method, {**self.headers, **headers}, body, self.limits)
        except TimeoutError as late:
            raise FetchFailed("out_of_time", f"more than {patience.total_s:g} s") from late
        except OSError as failed:
            raise FetchFailed("truncated", str(failed)) from failed
        finally:
            if line is not None and line.reusable:
                self.idle.append(line)
            elif line is not None:
                line.close()
        require_plain(answer.headers)
        return answer

    def _free(self) -> _Line | None:
        """The line that was used last is taken first: its connection is the least likely to have been dropped."""
        while self.idle:
            line = self.idle.pop()
            if line.open:
                return line
            line.close()
        return None

    async def close(self) -> None:
        while self.idle:
            line = self.idle.pop()
            line.close()
            with contextlib.suppress(OSError):
                await line.writer.wait_closed()


class _Line:
    """One connection; `reusable` only after a whole answer."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer, self.reusable = reader, writer, True

    @property
    def open(self) -> bool:
        return not self.reader.at_eof() and not self.writer.is_closing()

    def close(self) -> None:
        self.writer.close()

    async def ask(
        self, origin: HttpOrigin, method: str, headers: Mapping[str, str], body: bytes | None, limits: TransferLimits
    ) -> HttpAnswer:
        self.reusable = False
        messages = Messages(limits)
        length = None if body is None else len(body)
        head = messages.request(origin, method, headers, length=length, keep=True)
        self.writer.write(head + messages.data(body or b"") + messages.end())
        await self.writer.drain()
        while (answer := messages.answer()) is None:
            messages.receive(await self.reader.read(READ))
        content = bytearray()
        while (piece := messages.body()) != b"":
            if piece is None:
                messages.receive(await self.reader.read(READ))
            else:
                content += piece
                messages.require_substance()
        self.reusable = messages.reusable
        status, fields = answer
        return HttpAnswer(status=status, headers=fields, content=bytes(content))


async def _dialled(origin: HttpOrigin, patience: Patience) -> _Line:
    secure, name = (tls_context(), origin.name) if origin.scheme == "https" else (None, None)
    try:
        async with asyncio.timeout(patience.connect_s):
            reader, writer = await asyncio.open_connection(
                origin.host, origin.port, limit=READ, ssl=secure, server_hostname=name
            )
    except TimeoutError as late:
        raise FetchFailed("connect_timeout", f"{patience.connect_s:g} s") from late
    except OSError as failed:
        raise FetchFailed("unreachable", failed.strerror or str(failed)) from failed
    return _Line(reader, writer)
