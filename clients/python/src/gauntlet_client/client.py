"""How does a program ask the API?  `Client` waits for each answer, `AsyncClient` is awaited; both ask the same calls.

A call that got 429, 502, 503, 504 or no answer at all is asked again, as late as the server says.  So are writes: the
server takes the same body twice as once.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from types import TracebackType
from typing import Any, Self

import httpx

from gauntlet_client import calls, receiving, requests
from gauntlet_client.calls import Call
from gauntlet_client.errors import Unusable
from gauntlet_client.keys import HINT, Key
from gauntlet_client.version import __version__

SERVER = "http://127.0.0.1:8000"
MOST_ROWS = 200
MOST_PAGES = 5_000  # of one table: a server that goes on for ever is left
OPTIONS: dict[str, Any] = {
    "timeout": httpx.Timeout(30.0, connect=10.0),
    "headers": {"User-Agent": f"gauntlet-client/{__version__}", **receiving.PLAIN},
    "follow_redirects": False,  # a signature holds for one address
}


class _Asking:
    """The state of one call that may take several tries."""

    def __init__(self, server: str, key: Key | None, call: Call) -> None:
        if call.signed and key is None:
            raise Unusable("This needs a hotkey that signs.", fix=HINT, code="no_key")
        self.server, self.key, self.call = server, key, call
        self.tried = 0
        self.answer: httpx.Response | None = None
        self.error: Exception = OSError("no answer")

    def request(self, http: httpx.Client | httpx.AsyncClient) -> httpx.Request:
        """The next try; with a new nonce and time where it is signed."""
        self.tried, self.answer = self.tried + 1, None
        told = None if self.call.send is None else dict(self.call.send)
        request = http.build_request(self.call.method, requests.path(self.call.address, self.call.query), json=told)
        if self.call.signed and self.key is not None:
            request.headers.update(requests.signed(self.key, request))
        return request

    def pause(self) -> float | None:
        return requests.pause(self.answer, tried=self.tried)

    def document(self) -> Any:
        if self.answer is None:
            raise requests.silent(self.server, self.error)
        return requests.understood(self.answer)


class Client:
    """Answers are JSON documents as docs/api describes them.  Raises errors.Trouble, nothing else."""

    def __init__(self, server: str = SERVER, *, key: Key | None = None) -> None:
        self.server, self.key = requests.origin(server), key
        self.http = httpx.Client(base_url=self.server, **OPTIONS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.http.close()

    def ask(self, call: Call) -> Any:
        asking = _Asking(self.server, self.key, call)
        while True:
            try:
                asking.answer = receiving.answer_of(self.http, asking.request(self.http))
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                asking.error = error
            if (seconds := asking.pause()) is None:
                return asking.document()
            time.sleep(seconds)

    def each(self, call: Call) -> Iterator[dict[str, Any]]:
        """All rows of a table, page after page."""
        following = _first(call)
        for _ in range(MOST_PAGES):
            rows, address = requests.page(self.ask(following))
            yield from rows
            if address is None:
                return
            following = calls.get(address)


class AsyncClient:
    """The same, to be awaited."""

    def __init__(self, server: str = SERVER, *, key: Key | None = None) -> None:
        self.server, self.key = requests.origin(server), key
        self.http = httpx.AsyncClient(base_url=self.server, **OPTIONS)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.http.aclose()

    async def ask(self, call: Call) -> Any:
        asking = _Asking(self.server, self.key, call)
        while True:
            try:
                asking.answer = await receiving.awaited_answer_of(self.http, asking.request(self.http))
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                asking.error = error
            if (seconds := asking.pause()) is None:
                return asking.document()
            await asyncio.sleep(seconds)

    async def each(self, call: Call) -> AsyncIterator[dict[str, Any]]:
        """All rows of a table, page after page."""
        following = _first(call)
        for _ in range(MOST_PAGES):
            rows, address = requests.page(await self.ask(following))
            for row in rows:
                yield row
            if address is None:
                return
            following = calls.get(address)


def _first(call: Call) -> Call:
    return calls.get(call.address, **({"limit": MOST_ROWS} | dict(call.query)))
