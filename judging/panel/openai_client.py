"""How is a model's server asked that may be busy, slow, restarting or lying?

Faults that may pass (timeout, reset, 429, 5xx, a body that is no JSON) are retried with growing pauses until a
deadline; all others are not.  A server that has never answered is given up within seconds: most likely the address is
wrong.  One client belongs to one event loop; its slots bound the requests in flight over all duels and questions.
"""

import asyncio
import hashlib
import json
import logging
import random
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from core.net.connection_pool import Lines
from core.net.failures import FetchFailed
from core.net.limits import Patience
from judging.backends.base import NoAnswer
from judging.decisions.ballots import MICRO
from judging.panel import openai_wire as wire
from judging.panel import server_capabilities
from judging.panel.answer_store import Reply
from judging.panel.questions.calls import Call
from judging.panel.questions.pictures import Picture
from judging.panel.questions.version import JudgeVersion
from judging.panel.server_capabilities import PROBE, Capability

log = logging.getLogger(__name__)
RECHECK_S = 30.0  # how long the server's word about its model and version is believed
MOST_SEEN = 10_000  # digests, to know an old answer by
CONNECT_S = 4.0  # for a connection, and for the first sign of life of a server
GET_S = 8.0  # for what a server says of itself
MISSED_S = 2.0  # how long a server that has never answered is not tried again
SHARED_S = 2.0
NOBODY = frozenset({"bad_url", "unreachable", "connect_timeout"})  # no connection was made


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


@dataclass(frozen=True)
class ServedModel:
    """What a server turned out to be: the names it serves the judge's weights under, the first of which it may answer
    with, how the labels' probabilities are had (empty where the version asks for JSON), and what else it can do."""

    names: tuple[str, ...]
    answers_as: str
    measured_by: str
    capabilities: tuple[Capability, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        return {
            "names": list(self.names),
            "answers_as": self.answers_as,
            "mode": self.measured_by or "json",
            "capabilities": [asdict(row) for row in self.capabilities],
        }

    def lines(self) -> list[str]:
        """For the operator who starts a judge."""
        measured = f"label probabilities by {self.measured_by}, before anything is masked"
        lines = [f"the server serves {self.names[0]}; {measured if self.measured_by else NOT_MEASURED}"]
        if self.answers_as != self.names[0]:
            lines.append(
                f"it answers as {self.answers_as!r}, its first served name: accepted, for it lists both names with the "
                "same root; serve the judge's name first, or alone"
            )
        return [*lines, *(row.line() for row in self.capabilities)]


UNMEASURABLE = "unmeasurable"
NOT_MEASURED = "labels as JSON, without probabilities: an answer beside the question cannot be told"


class Passing(NoAnswer):
    """It may answer if it is asked again.  `after_s`: what the server asked us to wait."""

    def __init__(self, code: str, sentence: str, *, after_s: float = 0.0) -> None:
        super().__init__(code, sentence)
        self.after_s = after_s


class UnfitServer(NoAnswer):
    """No round may be judged by it.  `capabilities`: what it can do all the same."""

    def __init__(self, code: str, sentence: str, capabilities: tuple[Capability, ...]) -> None:
        super().__init__(code, sentence)
        self.capabilities = capabilities

    def lines(self) -> list[str]:
        return [row.line() for row in self.capabilities]


class Client:
    def __init__(self, door: Door, version: JudgeVersion, *, address: Callable[[Picture], str]) -> None:
        self.door, self.version, self.address = door, version, address
        self.lines = Lines(door.url.rstrip("/"), headers={"Authorization": f"Bearer {door.key}"} if door.key else {})
        self.slots = asyncio.Semaphore(door.slots)
        self.reached = False
        self.missed_at, self.missed = float("-inf"), NoAnswer("unreachable", "")
        self.checking: asyncio.Task[None] | None = None
        self.checked_at = float("-inf")
        self.also_named: tuple[str, ...] = ()
        self.measure: wire.LabelMeasure | None = None
        self.by_id_refusal = ""
        self.flying: dict[str, asyncio.Task[Reply]] = {}
        self.seen: OrderedDict[str, str] = OrderedDict()
        self.secrets = [door.key, urlsplit(door.url).password or ""]

    async def ask(self, call: Call) -> Reply:
        """Whoever asks the same while it is being asked shares the answer.  Raises NoAnswer, nothing else."""
        task = self.flying.get(call.key)
        if task is None:
            task = self.flying[call.key] = asyncio.ensure_future(self._within_deadline(call))
            task.add_done_callback(partial(self._landed, call.key))
        return await asyncio.shield(task)

    async def examine(self) -> ServedModel:
        """Checks that the server is there, serves the judge's model, reads pictures, and gives probabilities before it
        masks any.

        Raises NoAnswer with the reason.  Asks a few questions about no miner's file, whose answers are not stored.
        """
        try:
            reply = await self._within_deadline(PROBE)
            if self.version.mode == "logprobs" and len(reply.raw["top_micro"]) < len(PROBE.labels):
                raise self._unmeasurable("its answer names fewer alternatives than there are labels: it masks them")
        except NoAnswer as why:
            raise (await self._or_by_json(why) if why.code == UNMEASURABLE else why) from why
        measured_by = str(reply.raw.get("measured_by", ""))
        rows = await self._capabilities()
        way = server_capabilities.DATA if self.address is Picture.data_url else server_capabilities.ADDRESS
        unread = next((row for row in rows if row.name == way and row.state == "no"), None)
        if unread is not None:
            raise UnfitServer(
                "no_pictures",
                f"The judge's server reads no {way}, so this judge would see nothing; the operator must serve a model "
                f"that sees, or mend how pictures are sent (docs/judge.md): {unread.detail}",
                rows,
            )
        answers_as = str(reply.raw.get("answered_as", self.version.served_as))
        return ServedModel((self.version.served_as, *self.also_named), answers_as, measured_by, rows)

    async def _capabilities(self) -> tuple[Capability, ...]:
        probes = server_capabilities.Probes(
            ask=self._complete,
            version=self.version,
            address=self.address,
            also_named=self.also_named,
            measure=self.measure,
            by_id_refusal=self.by_id_refusal,
        )
        return await probes.table()

    async def _or_by_json(self, why: NoAnswer) -> UnfitServer:
        """The refusal of a server without probabilities, and whether a version that asks for JSON could use it."""
        rows = await self._capabilities()
        usable = server_capabilities.state_of(rows, server_capabilities.JSON) == "yes"
        advice = (
            'It follows a JSON schema: a copy of this version with "mode": "json" can be asked here, without seeing '
            "answers beside the question."
            if usable
            else "It follows no JSON schema either: no version can be asked here."
        )
        return UnfitServer(why.code, f"{why.sentence} {advice}", rows)

    def _landed(self, key: str, task: asyncio.Task[Reply]) -> None:
        """Shares an answer for a little longer, until the first duel that asked has stored it.

        One with too little mass on the labels is not shared: it is asked for again.
        """
        if task.cancelled() or task.exception() or task.result().mass * MICRO < self.version.bars.least_mass:
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
                if not self.reached and time.monotonic() - self.missed_at < MISSED_S:
                    raise self.missed
                return await self._patiently(call)
        except TimeoutError as error:
            raise NoAnswer("deadline", f"No answer within {self.door.deadline_s:g} seconds of trying.") from error

    async def _patiently(self, call: Call) -> Reply:
        """With pauses that grow, and differ from worker to worker, until the deadline around this ends it."""
        began, attempt = time.monotonic(), 0
        while True:
            attempt += 1
            try:
                await self._require_right_server()
                return await self._once(call, attempt=attempt)
            except Passing as fault:
                pause = min(self.door.longest_pause_s, self.door.pause_s * 2 ** (attempt - 1))
                pause = max(min(fault.after_s, self.door.longest_pause_s), pause * random.uniform(0.5, 1))
                patience_s = self.door.deadline_s if self.reached else min(CONNECT_S, self.door.deadline_s)
                if time.monotonic() + pause >= began + patience_s:
                    self.missed_at = time.monotonic()
                    self.missed = NoAnswer(fault.code, f"{fault.sentence} Tried {attempt} times.")
                    raise self.missed from fault
                await asyncio.sleep(pause)

    async def _once(self, call: Call, *, attempt: int) -> Reply:
        """The first question about labels also settles how their probabilities are had."""
        settled = self.measure is not None or not call.labels or self.version.mode != "logprobs"
        if settled:
            return await self._answered(call, self.measure or wire.TOP_ALTERNATIVES, attempt=attempt)
        try:
            reply = await self._answered(call, wire.TOP_ALTERNATIVES, attempt=attempt)
        except NoAnswer as why:
            if why.code not in ("refused", "no_logprobs"):
                raise
            return await self._by_label_ids(call, why, attempt=attempt)
        return self._settled(reply, wire.TOP_ALTERNATIVES)

    def _settled(self, reply: Reply, measure: wire.LabelMeasure) -> Reply:
        self.measure = measure
        log.info("%s: label probabilities by %s", self.version.name, measure.name)
        return reply

    async def _by_label_ids(self, call: Call, why: NoAnswer, *, attempt: int) -> Reply:
        """Of a server that does not list the likeliest tokens.  `why`: how it refused to."""
        try:
            measure = wire.LabelMeasure(wire.LABEL_IDS, await self._label_ids())
            reply = await self._answered(call, measure, attempt=attempt)
        except Passing:
            raise
        except NoAnswer as also:
            if why.code == also.code == "refused" and call is not PROBE:
                raise why from also  # the question itself is refused, however it is asked
            self.by_id_refusal = also.sentence
            raise self._unmeasurable(f"{wire.TOP_LOGPROBS}: {why.sentence} {wire.LABEL_IDS}: {also.sentence}") from also
        return self._settled(reply, measure)

    def _unmeasurable(self, why: str) -> NoAnswer:
        return NoAnswer(
            UNMEASURABLE,
            "The judge's server gives no probabilities of the labels before masking, so nobody could see whether the "
            f"model answered the question at all; the operator must serve the model otherwise (docs/judge.md): {why}",
        )

    async def _label_ids(self) -> dict[str, int]:
        """The ids of all labels' tokens, with and without a space before the label.  Raises NoAnswer."""
        labels = sorted({label for template in self.version.templates.values() for label in template.labels})
        ids: dict[str, int] = {}
        for text in (*labels, *(f" {label}" for label in labels)):
            request = {"model": self.version.served_as, "prompt": text, "add_special_tokens": False}
            payload = await self._send("POST", "/tokenize", body=request)
            tokens = payload.get("tokens") if isinstance(payload, dict) else None
            if (
                isinstance(tokens, list)
                and len(tokens) == 1
                and type(tokens[0]) is int
                and tokens[0] not in ids.values()
            ):
                ids[text] = tokens[0]
            elif text in labels:
                raise NoAnswer("no_logprobs", f"The label {text!r} is no single token of the served model.")
        return ids

    async def _complete(self, body: Mapping[str, Any]) -> Any:
        return await self._send("POST", "/v1/chat/completions", body=body)

    async def _answered(self, call: Call, measure: wire.LabelMeasure, *, attempt: int) -> Reply:
        began = time.monotonic()
        body = wire.body(call, version=self.version, address=self.address, measure=measure)
        payload = await self._complete(body)
        latency_ms = round((time.monotonic() - began) * 1000)
        self._require_fresh(payload, call)
        return wire.reply(
            payload,
            call,
            version=self.version,
            latency_ms=latency_ms,
            attempt=attempt,
            measure=measure,
            also_named=self.also_named,
        )

    def _require_fresh(self, payload: Any, call: Call) -> None:
        """The very same answer (id, time and content) to another question is an old one.  An id alone says nothing:
        there are servers that number their answers anew."""
        name = payload.get("id") if isinstance(payload, dict) else None
        if not isinstance(name, str) or not name:
            return
        digest = hashlib.sha256(json.dumps(payload, sort_keys=True).encode()).hexdigest()
        if self.seen.setdefault(digest, call.key) != call.key:
            raise NoAnswer(
                "stale_answer",
                f"The judge's server gave one answer (id {name[:60]!r}, the same time and content) to two questions: "
                "its ids repeat, or something before it repeats old answers; the operator must mend that.",
            )
        if len(self.seen) > MOST_SEEN:
            self.seen.popitem(last=False)

    async def _require_right_server(self) -> None:
        """Asked by all who wait at once, and believed for a while."""
        if time.monotonic() - self.checked_at < RECHECK_S:
            return
        if self.checking is None:
            self.checking = asyncio.ensure_future(self._check_server())
            self.checking.add_done_callback(self._checked)
        await asyncio.shield(self.checking)

    def _checked(self, task: asyncio.Task[None]) -> None:
        self.checking = None
        if not task.cancelled():
            task.exception()  # whoever still waits gets it

    async def _check_server(self) -> None:
        listed = await self._send("GET", "/v1/models", timeout_s=min(GET_S, self.door.timeout_s))
        rows = listed.get("data") if isinstance(listed, dict) else None
        served = {
            str(row.get("id")): row.get("root")
            for row in (rows if isinstance(rows, list) else [])
            if isinstance(row, dict) and not row.get("parent")
        }
        wanted = self.version.served_as
        if wanted not in served:
            names = ", ".join(repr(name[:100]) for name in list(served)[:5]) or "no model"
            others = f" and {len(served) - 5} others" if len(served) > 5 else ""
            raise NoAnswer("wrong_model", f"The server serves {names}{others}, not {wanted!r}.")
        same = [name for name, root in served.items() if root and root == served[wanted] and name != wanted]
        self.also_named = tuple(same)
        if self.version.server:
            answer = await self._send("GET", "/version")
            number = str(answer.get("version")) if isinstance(answer, dict) else ""
            if not number.startswith(self.version.server):
                raise NoAnswer("wrong_server", f"The server is version {number!r}, not {self.version.server!r}.")
        self.checked_at = time.monotonic()

    async def _send(self, method: str, path: str, *, body: Any = None, timeout_s: float | None = None) -> Any:
        patience = Patience.within(timeout_s or self.door.timeout_s, connect_s=min(CONNECT_S, self.door.timeout_s))
        content = None if body is None else json.dumps(body).encode()
        headers = {} if body is None else {"Content-Type": "application/json"}
        try:
            answer = await self.lines.ask(method, path, headers=headers, body=content, patience=patience)
        except FetchFailed as failed:
            raise _no_answer(failed) from failed
        self.reached = True
        status = answer.status
        why = wire.reason(answer.content, secrets=self.secrets) if status != 200 else ""
        shown = f"{status}: {why}" if why else f"{status}"
        if status == 429 or status >= 500:
            retry_after = answer.headers.get("retry-after", "")
            after_s = float(retry_after) if retry_after.isdecimal() and len(retry_after) < 6 else 0.0
            raise Passing(f"http_{status}", f"The judge's server answered {shown}.", after_s=after_s)
        if status != 200:
            raise NoAnswer("refused", f"The judge's server refused {path} ({shown}).")
        try:
            return json.loads(answer.content)
        except (ValueError, RecursionError) as error:
            raise Passing("bad_json", "The judge's server answered with something that is no JSON.") from error


def _no_answer(failed: FetchFailed) -> Passing:
    if failed.code in NOBODY:
        return Passing(
            "unreachable",
            f"Nobody answers at the address of the judge's server ({failed.code}): start the server, or mend "
            "GAUNTLET_VLM_URL.",
        )
    if failed.code == "out_of_time":
        return Passing("timeout", "The judge's server did not answer in time.")
    return Passing("unreachable", f"The judge's server broke off: {failed.code}.")
