"""How does one ask a server that is busy, slow, restarting or lying?  Patiently up to a deadline, and believing little.

Faults that may pass (timeout, reset, 429, 5xx, a body that is no JSON) are tried again with growing pauses; all others
are not.  One client belongs to one event loop; its slots bound the requests in flight over all duels and questions.
"""

import asyncio
import json
import random
import ssl
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import httpx

from judging.answers import Reply
from judging.backends import openai_wire as wire
from judging.backends.base import NoAnswer
from judging.questions.calls import Call
from judging.questions.pictures import Picture
from judging.questions.version import JudgeVersion

RECHECK_S = 30.0  # how long the server's word about its model and version is believed
IDS_KEPT = 10_000
SHARED_S = 2.0


@dataclass(frozen=True)
class Door:
    """Where the server is and how long it may take.  `deadline_s`: for one question, with all its attempts."""

    url: str
    key: str = ""
    slots: int = 32
    timeout_s: float = 30.0
    deadline_s: float = 60.0
    pause_s: float = 0.25
    longest_pause_s: float = 8.0


class Passing(NoAnswer):
    """It may answer if it is asked again.  `after_s`: what the server asked us to wait."""

    def __init__(self, code: str, sentence: str, *, after_s: float = 0.0) -> None:
        super().__init__(code, sentence)
        self.after_s = after_s


class Lines:
    """Clients with one connection each.  A pool of httpx looks at each of its connections for each of its requests
    whenever one comes or goes: with 32 slots that took most of a worker's processor time."""

    def __init__(self, door: Door) -> None:
        self.door = door
        self.idle: list[httpx.AsyncClient] = []
        self.made: list[httpx.AsyncClient] = []

    @asynccontextmanager
    async def free(self) -> AsyncIterator[httpx.AsyncClient]:
        """The line that was used last is taken first: its connection is the least likely to have been dropped."""
        line = self.idle.pop() if self.idle else self._another()
        try:
            yield line
        finally:
            self.idle.append(line)

    def _another(self) -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {self.door.key}"} if self.door.key else {}
        line = httpx.AsyncClient(
            base_url=self.door.url.rstrip("/"), limits=httpx.Limits(max_connections=1), headers=headers,
            trust_env=False, timeout=httpx.Timeout(self.door.timeout_s, pool=None), verify=self._trusted,
        )  # fmt: skip
        self.made.append(line)
        return line

    @cached_property
    def _trusted(self) -> ssl.SSLContext:
        """Made once: reading the certificates takes longer than a question."""
        return httpx.create_ssl_context(trust_env=False)

    async def close(self) -> None:
        for line in self.made:
            await line.aclose()


class Client:
    def __init__(self, door: Door, version: JudgeVersion, *, address: Callable[[Picture], str]) -> None:
        self.door, self.version, self.address = door, version, address
        self.lines = Lines(door)
        self.slots = asyncio.Semaphore(door.slots)
        self.checking = asyncio.Lock()
        self.checked_at = float("-inf")
        self.flying: dict[str, asyncio.Task[Reply]] = {}
        self.seen: OrderedDict[str, None] = OrderedDict()

    async def ask(self, call: Call) -> Reply:
        """Whoever asks the same while it is being asked shares the answer.  Raises NoAnswer, nothing else."""
        task = self.flying.get(call.key)
        if task is None:
            task = self.flying[call.key] = asyncio.ensure_future(self._within_deadline(call))
            task.add_done_callback(partial(self._landed, call.key))
        return await asyncio.shield(task)

    def _landed(self, key: str, task: asyncio.Task[Reply]) -> None:
        """An answer is shared for a little longer: whoever asked first has yet to write it down."""
        if task.cancelled() or task.exception():
            self.flying.pop(key, None)
        else:
            asyncio.get_running_loop().call_later(SHARED_S, self.flying.pop, key, None)

    async def close(self) -> None:
        for task in list(self.flying.values()):
            task.cancel()
        await self.lines.close()

    async def _within_deadline(self, call: Call) -> Reply:
        try:
            async with self.slots, asyncio.timeout(self.door.deadline_s):
                return await self._patiently(call)
        except TimeoutError as error:
            raise NoAnswer("deadline", f"No answer within {self.door.deadline_s:g} seconds of trying.") from error

    async def _patiently(self, call: Call) -> Reply:
        """With pauses that grow, and differ from worker to worker, until the deadline around this ends it."""
        give_up, attempt = time.monotonic() + self.door.deadline_s, 0
        while True:
            attempt += 1
            try:
                await self._require_right_server()
                return await self._once(call, attempt=attempt)
            except Passing as fault:
                pause = min(self.door.longest_pause_s, self.door.pause_s * 2 ** (attempt - 1))
                pause = max(min(fault.after_s, self.door.longest_pause_s), pause * random.uniform(0.5, 1))
                if time.monotonic() + pause >= give_up:
                    raise NoAnswer(fault.code, f"{fault.sentence} Tried {attempt} times.") from fault
                await asyncio.sleep(pause)

    async def _once(self, call: Call, *, attempt: int) -> Reply:
        began = time.monotonic()
        body = wire.body(call, version=self.version, address=self.address)
        payload = await self._send("POST", "/v1/chat/completions", json=body)
        latency_ms = round((time.monotonic() - began) * 1000)
        self._require_fresh(payload)
        return wire.reply(payload, call, version=self.version, latency_ms=latency_ms, attempt=attempt)

    def _require_fresh(self, payload: Any) -> None:
        """An answer with an id that we have had before is somebody else's, or an old one."""
        name = payload.get("id") if isinstance(payload, dict) else None
        if not isinstance(name, str) or not name:
            return
        if name in self.seen:
            raise NoAnswer("stale_answer", "The judge's server gave an answer that it has given before.")
        self.seen[name] = None
        if len(self.seen) > IDS_KEPT:
            self.seen.popitem(last=False)

    async def _require_right_server(self) -> None:
        async with self.checking:
            if time.monotonic() - self.checked_at < RECHECK_S:
                return
            listed = await self._send("GET", "/v1/models")
            served = [m.get("id") for m in listed.get("data", [])] if isinstance(listed, dict) else []
            if self.version.served_as not in served:
                raise NoAnswer("wrong_model", f"The server serves {served}, not {self.version.served_as!r}.")
            if self.version.server:
                await self._require_version()
            self.checked_at = time.monotonic()

    async def _require_version(self) -> None:
        said = await self._send("GET", "/version")
        version = str(said.get("version")) if isinstance(said, dict) else ""
        if not version.startswith(self.version.server):
            raise NoAnswer("wrong_server", f"The server is version {version!r}, not {self.version.server!r}.")

    async def _send(self, method: str, path: str, **more: Any) -> Any:
        try:
            async with self.lines.free() as line:
                response = await line.request(method, path, **more)
        except httpx.TimeoutException as error:
            raise Passing("timeout", "The judge's server did not answer in time.") from error
        except httpx.HTTPError as error:
            raise Passing("unreachable", f"The judge's server broke off: {type(error).__name__}.") from error
        if response.status_code == 429 or response.status_code >= 500:
            raise Passing(
                f"http_{response.status_code}", f"The judge's server answered {response.status_code}.",
                after_s=_seconds(response.headers.get("retry-after", "")),
            )  # fmt: skip
        if response.status_code != 200:
            raise NoAnswer("refused", f"The judge's server refused the question ({response.status_code}).")
        try:
            return json.loads(response.content)
        except ValueError as error:
            raise Passing("bad_json", "The judge's server answered with something that is no JSON.") from error


def _seconds(said: str) -> float:
    return float(said) if said.isdecimal() and len(said) < 6 else 0.0
