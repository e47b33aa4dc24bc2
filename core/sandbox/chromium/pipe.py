"""How do we talk to a browser that has no network?  The DevTools protocol over two pipes: JSON texts, each ended by
NUL.

The kept clients (playwright, choreographer, cdp-use, pydoll) either need a TCP port, which a browser in a network
namespace of its own does not have, or start the browser themselves, and then our walls cannot be put around it.
The protocol over a pipe is this file; what is spoken is documented at chromedevtools.github.io/devtools-protocol.
"""

import json
import os
import select
import time
from collections.abc import Callable
from typing import Any

Event = dict[str, Any]

MOST_BYTES = 512 << 20  # one message of the browser: a picture of 8192 x 8192 stays far below
TICK_SECONDS = 0.2


class PipeBroken(Exception):
    """The browser closed the pipe, or sent what no browser sends."""


class CallFailed(Exception):
    """The browser answered a call with an error."""


class OutOfTime(Exception):
    """No answer in time."""


class Pipe:
    """One conversation, for one thread at a time.  `hear` receives the events, `tick` is called while we wait."""

    def __init__(self, *, reading: int, writing: int, hear: Callable[[Event], None], tick: Callable[[], None]) -> None:
        self.reading, self.writing = reading, writing
        self.hear, self.tick = hear, tick
        self.deadline = time.monotonic() + 60.0
        self._heard = bytearray()
        self._searched = 0
        self._calls = 0
        self._answers: dict[int, Event] = {}
        self._unwanted: set[int] = set()
        os.set_blocking(writing, False)

    def call(self, method: str, *, session: str = "", **params: Any) -> dict[str, Any]:
        """The answer to one call.  Raises CallFailed, PipeBroken or OutOfTime, and what `tick` raises."""
        number = self.send(method, session=session, **params)
        while number not in self._answers:
            self._read()
        answer = self._answers.pop(number)
        if "error" in answer:
            raise CallFailed(f"{method}: {str(answer['error'].get('message'))[:200]}")
        result = answer.get("result")
        return result if isinstance(result, dict) else {}

    def send_only(self, method: str, *, session: str = "", **params: Any) -> None:
        """Send a call and discard its answer."""
        self._unwanted.add(self.send(method, session=session, **params))

    def send(self, method: str, *, session: str = "", **params: Any) -> int:
        """Send a call without waiting for its answer; its number."""
        self._calls += 1
        message: Event = {"id": self._calls, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        self._write(json.dumps(message).encode() + b"\0")
        return self._calls

    def close(self) -> None:
        os.close(self.reading)
        os.close(self.writing)

    def _write(self, data: bytes) -> None:
        """A browser that is busy telling us something does not read: keep listening meanwhile, or both would wait."""
        left = memoryview(data)
        while left:
            self._on_time()
            readable, writable, _ = select.select([self.reading], [self.writing], [], TICK_SECONDS)
            if readable:
                self._receive()
            if writable:
                try:
                    left = left[os.write(self.writing, left) :]
                except BlockingIOError:
                    continue
                except OSError as error:
                    raise PipeBroken(f"the browser hung up ({error})") from error

    def _read(self) -> None:
        """At least one message, or nothing for a tick."""
        self._on_time()
        if select.select([self.reading], [], [], TICK_SECONDS)[0]:
            self._receive()
            self._listen()

    def _receive(self) -> None:
        piece = os.read(self.reading, 1 << 20)
        if not piece or len(self._heard) > MOST_BYTES:
            raise PipeBroken("the browser hung up" if not piece else "the browser does not stop talking")
        self._heard += piece

    def _listen(self) -> None:
        while (end := self._heard.find(b"\0", self._searched)) >= 0:
            message = bytes(self._heard[:end])
            del self._heard[: end + 1]
            self._searched = 0
            self._sort(message)
        self._searched = len(self._heard)

    def _sort(self, message: bytes) -> None:
        try:
            decoded = json.loads(message)
        except ValueError as error:
            raise PipeBroken("the browser sent no JSON") from error
        if "id" not in decoded:
            self.hear(decoded)
        elif decoded["id"] in self._unwanted:
            self._unwanted.discard(decoded["id"])
        else:
            self._answers[decoded["id"]] = decoded

    def _on_time(self) -> None:
        self.tick()
        if time.monotonic() > self.deadline:
            raise OutOfTime
