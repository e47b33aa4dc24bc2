"""Connects a pod that has no network with us: a way to its service, and a picture server for it.  Run by its keeper.

A UNIX socket in the pod's folder leads to the service's port on the pod's loopback; a picture server on that loopback
serves the pictures in one folder, and nothing else.  Both talk to hostile code: bytes, time and number are capped.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import stat
from pathlib import Path

CHUNK = 64 << 10
MOST_CONNECTIONS = 16
MOST_BYTES = 256 << 20
IDLE_S = 120
LARGEST_HEAD = 8 << 10
PICTURE = re.compile(rb"(?:GET|HEAD) /([A-Za-z0-9][A-Za-z0-9._-]{0,219}) HTTP/1\.[01]\r\n")
KINDS = {".png": b"image/png", ".jpg": b"image/jpeg", ".jpeg": b"image/jpeg", ".webp": b"image/webp"}


class Bridge:
    """Carry each connection to the service's port and back."""

    def __init__(self, port: int, *, host: str = "127.0.0.1") -> None:
        self.host, self.port, self.open = host, port, 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        try:
            if self.open <= MOST_CONNECTIONS:
                await self._carry(reader, writer)
        except (OSError, TimeoutError):
            pass  # the client sees a closed connection, and decides
        finally:
            self.open -= 1
            writer.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        service_reader, service_writer = await asyncio.open_connection(self.host, self.port)
        try:
            upstream = asyncio.ensure_future(_pour(reader, service_writer))
            try:
                await _pour(service_reader, writer)
            finally:
                upstream.cancel()
                with contextlib.suppress(asyncio.CancelledError, OSError, TimeoutError):
                    await upstream
        finally:
            service_writer.close()


async def _pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    left = MOST_BYTES
    while left > 0 and (chunk := await asyncio.wait_for(reader.read(CHUNK), IDLE_S)):
        left -= len(chunk)
        writer.write(chunk)
        await asyncio.wait_for(writer.drain(), IDLE_S)
    with contextlib.suppress(OSError):
        writer.write_eof()


class Pictures:
    """GET /<name> of one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.open = folder, 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        try:
            if self.open <= MOST_CONNECTIONS:
                head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), IDLE_S)
                writer.write(self.answer(head))
                await asyncio.wait_for(writer.drain(), IDLE_S)
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            self.open -= 1
            writer.close()

    def answer(self, head: bytes) -> bytes:
        matched = PICTURE.match(head)
        body = self.read(matched[1].decode()) if matched else None
        if body is None or matched is None:
            return b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        kind = KINDS.get(Path(matched[1].decode()).suffix.lower(), b"application/octet-stream")
        status = b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
        return status % (kind, len(body)) + (b"" if head.startswith(b"HEAD") else body)

    def read(self, name: str) -> bytes | None:
        """The folder is ours; a link or a device in it would be a mistake, not a picture."""
        try:
            descriptor = os.open(self.folder / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return None
        with open(descriptor, "rb") as picture:
            return picture.read() if stat.S_ISREG(os.fstat(descriptor).st_mode) else None


class Log:
    """The last `cap` bytes of what the service prints, in two files so that neither is ever rewritten."""

    def __init__(self, path: Path, *, cap: int) -> None:
        self.path, self.cap = path, cap
        self.file = path.open("wb", buffering=0)

    async def follow(self, pipe: int) -> None:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader()
        file = os.fdopen(pipe, "rb", buffering=0)
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), file)
        while chunk := await reader.read(CHUNK):
            self.write(chunk)
            await asyncio.sleep(0.01)  # a service that prints without end must not keep us busy: 6 MiB/s

    def write(self, chunk: bytes) -> None:
        if self.file.tell() + len(chunk) > self.cap // 2:
            self.file.close()
            self.path.replace(self.path.with_suffix(".older"))
            self.file = self.path.open("wb", buffering=0)
        with contextlib.suppress(OSError):  # a full disk costs the log, not the pod
            self.file.write(chunk[-self.cap // 2 :])
