"""How long, and for how many bytes, is a server listened to?  It may be anybody's: it may send for ever, or drip.

What comes is counted as it comes, before anything is made of it; compression is not asked for and is refused.  A client
that waits receives in a thread of its own, as a server that sends a byte now and then keeps a read from ever ending.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TypeVar

import httpx

from gauntlet_client.errors import Unreachable

ANSWER_S = 90.0  # of one answer of the API, all of it
LARGEST_ANSWER = 32 << 20
GRACE_S, LEAST_RATE = 90.0, 16 << 10  # a download has so many seconds, and one more for each so many bytes
PLAIN = {"Accept-Encoding": "identity"}
TOO_SLOW = "what the server sends comes too slowly"
Result = TypeVar("Result")


class Patience:
    """How much longer a server is waited for: `seconds`, and one more for each `rate` bytes where there is one."""

    def __init__(self, seconds: float, *, rate: int | None = None) -> None:
        self.until, self.rate, self.over = time.monotonic() + seconds, rate, False

    def left_s(self) -> float:
        return self.until - time.monotonic()

    def add(self, count: int) -> None:
        """So many bytes came.  Raises httpx.ReadTimeout where nobody waits for them any more."""
        self.until += count / self.rate if self.rate else 0
        if self.over or self.left_s() < 0:
            raise httpx.ReadTimeout(TOO_SLOW)

    def wait_for(self, work: Callable[[], Result]) -> Result:
        """What `work` gives, done in a thread that is left when the time is over.  Raises httpx.ReadTimeout."""
        result: Future[Result] = Future()

        def run() -> None:
            try:
                result.set_result(work())
            except BaseException as error:  # the caller's to raise
                result.set_exception(error)

        threading.Thread(target=run, daemon=True).start()
        try:
            while not result.done():
                if (left := self.left_s()) <= 0:
                    raise httpx.ReadTimeout(TOO_SLOW)
                wait([result], timeout=left)
        finally:
            self.over = True
        return result.result()


class Received:
    """What came of one answer of the API."""

    def __init__(self, stream: httpx.Response) -> None:
        """Raises Unreachable for an answer that is compressed: a small one could fill the memory."""
        if stream.headers.get("Content-Encoding", "identity") != "identity":
            raise Unreachable(
                f"{stream.url} came compressed, and was asked for plain.",
                fix="Tell the operator; what is between you and the server may have done it.",
                code="compressed",
            )
        self.stream, self.content = stream, bytearray()

    def add(self, piece: bytes) -> None:
        """Raises Unreachable for an answer that is larger than any."""
        self.content += piece
        if len(self.content) > LARGEST_ANSWER:
            raise Unreachable(
                f"{self.stream.url} sends more than {LARGEST_ANSWER >> 20} MiB, which no answer of this API has.",
                fix="Is the address (--server) that of a Gauntlet server?",
                code="too_large",
            )

    def response(self) -> httpx.Response:
        whole, stream = bytes(self.content), self.stream
        return httpx.Response(stream.status_code, headers=stream.headers, content=whole, request=stream.request)


def answer_of(http: httpx.Client, request: httpx.Request) -> httpx.Response:
    """The whole answer.  Raises httpx.HTTPError, also where it takes longer than ANSWER_S; Unreachable."""
    patience = Patience(ANSWER_S)

    def receive() -> httpx.Response:
        stream = http.send(request, stream=True)
        try:
            received = Received(stream)
            for piece in stream.iter_raw():
                patience.add(len(piece))
                received.add(piece)
            return received.response()
        finally:
            stream.close()

    return patience.wait_for(receive)


async def awaited_answer_of(http: httpx.AsyncClient, request: httpx.Request) -> httpx.Response:
    """The same, to be awaited."""
    try:
        async with asyncio.timeout(ANSWER_S):
            stream = await http.send(request, stream=True)
            try:
                received = Received(stream)
                async for piece in stream.aiter_raw():
                    received.add(piece)
                return received.response()
            finally:
                await stream.aclose()
    except TimeoutError as error:
        raise httpx.ReadTimeout(TOO_SLOW) from error
