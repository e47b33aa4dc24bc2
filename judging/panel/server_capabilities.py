"""What can the server behind a judge's address do, and which way of asking it is used?

Six questions without a miner's file, asked once before a round: their answers decide nothing and are not stored.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import io
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

from PIL import Image

from judging.backends.base import NoAnswer
from judging.panel import openai_wire as wire
from judging.panel.answer_store import Reply
from judging.panel.questions.calls import Call
from judging.panel.questions.pictures import Picture, ReadyPicture
from judging.panel.questions.version import JudgeVersion

PROBE = Call("probe", "", (), "Answer with one character: 1, 2 or 0.", ("0", "1", "2"), "probe")
MODELS, TOP, BY_ID, MASKED, JSON, DATA, ADDRESS = (
    "served model",
    wire.TOP_LOGPROBS,
    wire.LABEL_IDS,
    "structured_outputs",
    "JSON by schema",
    "pictures as data",
    "pictures by address",
)
ORDER = (MODELS, TOP, BY_ID, MASKED, JSON, DATA, ADDRESS)
CAPTION, MOST_CAPTION = "Picture:", 8  # tokens that a caption and its frame may take
MASKED_MASS = 0.999
NOT_ITS_WORD = {"http_429", "timeout", "unreachable", "uncounted"}  # says nothing about what the server can do
TRIES = 3
SIDE = 112  # pixels of the picture that is shown: 16 tokens for Qwen-VL
WITHIN_S = 8.0  # each row, and all of them, for they are asked at once
COMMENT = hashlib.sha512(b"a remark in a picture's file").hexdigest().encode() * 4

State = Literal["yes", "no", "not asked"]
Ask = Callable[[Mapping[str, Any]], Awaitable[Any]]


@dataclass(frozen=True)
class Capability:
    """One row of the table.  `detail`: what was measured, or the server's own refusal."""

    name: str
    state: State
    detail: str = ""

    def line(self) -> str:
        return f"{self.name:<22} {self.state:<10} {self.detail}".rstrip()


def picture(*, comment: bytes = b"") -> ReadyPicture:
    """A red square on white.  `comment`: ASCII that its file carries besides, and that no one sees."""
    out, pixels = io.BytesIO(), Image.new("RGB", (SIDE, SIDE), "white")
    pixels.paste((200, 30, 30), (SIDE // 4, SIDE // 4, 3 * SIDE // 4, 3 * SIDE // 4))
    pixels.save(out, "JPEG", quality=92, comment=comment)
    return ReadyPicture((), SIDE, out.getvalue())


@dataclass(frozen=True)
class Probes:
    """The questions.  `ask` sends a chat request and raises NoAnswer; `address`: how the judge sends pictures."""

    ask: Ask
    version: JudgeVersion
    address: Callable[[Picture], str]
    also_named: tuple[str, ...] = ()
    measure: wire.LabelMeasure | None = None
    by_id_refusal: str = ""

    async def table(self) -> tuple[Capability, ...]:
        """In its order."""
        probes: dict[str, Callable[[], Awaitable[str]]] = {
            TOP: self.top,
            MASKED: self.masked,
            JSON: self.by_schema,
            DATA: partial(self.shown, Picture.data_url),
        }
        by_address = self.address is not Picture.data_url
        if by_address:
            probes[ADDRESS] = partial(self.shown, self.address)
        rows = await asyncio.gather(*(_row_in_time(name, probe) for name, probe in probes.items()))
        fixed = {
            MODELS: Capability(MODELS, "yes", ", ".join((self.version.served_as, *self.also_named))),
            BY_ID: self.by_id(),
            ADDRESS: Capability(ADDRESS, "not asked", "GAUNTLET_VLM_PICTURES is empty"),
        }
        table = fixed | {row.name: row for row in rows}
        return tuple(table[name] for name in ORDER)

    def by_id(self) -> Capability:
        if self.by_id_refusal:
            return Capability(BY_ID, "no", self.by_id_refusal)
        used = self.measure is not None and self.measure.name == wire.LABEL_IDS
        return Capability(BY_ID, "yes" if used else "not asked", "used here" if used else "not needed")

    async def top(self) -> str:
        reply = await self._reply(self._body())
        count = len(reply.raw["top_micro"])
        if count < len(PROBE.labels):
            raise NoAnswer("masked", f"it lists {count} alternatives, fewer than there are labels: it masks them")
        return f"{count} alternatives a token, label mass {reply.mass:.3f} before masking"

    async def masked(self) -> str:
        constraint = {"structured_outputs": {"choice": list(PROBE.labels)}}
        if self.measure is None:
            reply = await self._reply(self._one_token(PROBE) | constraint, call=replace(PROBE, labels=()))
            if reply.text not in PROBE.labels:
                raise NoAnswer("ignored", f"taken and ignored: it answers {reply.text[:20]!r}")
            return "taken"
        reply = await self._reply(self._body(measure=self.measure) | constraint, measure=self.measure)
        if reply.mass < MASKED_MASS:
            raise NoAnswer("ignored", f"taken and ignored: label mass {reply.mass:.3f}")
        return f"label mass {reply.mass:.3f} after masking, so no judge uses it"

    async def by_schema(self) -> str:
        await self._reply(self._body(mode="json"), mode="json")
        return "a label, without its probability"

    async def shown(self, where: Callable[[Picture], str]) -> str:
        """How many tokens a picture becomes.  A model without eyes may pass over it, or be given its address as words:
        then a remark in the file, which changes no pixel, changes the count, or it is another one than inside the
        request."""
        without, count = await self._tokens(where), await self._tokens(where, picture())
        others = {"with a remark in its file": await self._tokens(where, picture(comment=COMMENT))}
        if where is not Picture.data_url:
            with contextlib.suppress(NoAnswer):  # this way alone may be closed
                others["inside the request"] = await self._tokens(Picture.data_url, picture())
        if count <= without + MOST_CAPTION:
            raise NoAnswer("unread", f"taken, and passed over: it became {count - without} tokens")
        for how, other in others.items():
            if other != count:
                became = f"it became {count - without} tokens, and {other - without} {how}"
                raise NoAnswer("unread", f"its address is read as words: {became}")
        return f"{SIDE} x {SIDE} pixels became {count - without} tokens"

    async def _tokens(self, where: Callable[[Picture], str], shown: Picture | None = None) -> int:
        """Of a question with this picture, as the server counts them.  Raises NoAnswer."""
        call = replace(PROBE, pictures=((CAPTION, shown),) if shown else ())
        payload = await self.ask(self._one_token(call, where))
        usage = payload.get("usage") if isinstance(payload, dict) else None
        count = usage.get("prompt_tokens") if isinstance(usage, dict) else None
        if type(count) is not int:
            raise NoAnswer("uncounted", "the server does not say how many tokens a question became")
        return count

    def _one_token(self, call: Call, where: Callable[[Picture], str] | None = None) -> dict[str, Any]:
        form = wire.body(replace(call, labels=()), version=self.version, address=where or self.address)
        del form["response_format"]
        return form | {"max_tokens": 1}

    def _body(self, *, mode: str = "logprobs", measure: wire.LabelMeasure = wire.TOP_ALTERNATIVES) -> dict[str, Any]:
        return wire.body(PROBE, version=replace(self.version, mode=mode), address=self.address, measure=measure)

    async def _reply(
        self,
        body: Mapping[str, Any],
        *,
        call: Call = PROBE,
        mode: str = "logprobs",
        measure: wire.LabelMeasure = wire.TOP_ALTERNATIVES,
    ) -> Reply:
        payload = await self.ask(body)
        version = replace(self.version, mode=mode)
        return wire.reply(
            payload, call, version=version, latency_ms=0, attempt=1, measure=measure, also_named=self.also_named
        )


async def _row_in_time(name: str, probe: Callable[[], Awaitable[str]]) -> Capability:
    try:
        async with asyncio.timeout(WITHIN_S):
            return await _row(name, probe)
    except TimeoutError:
        return Capability(name, "not asked", "no time left")


async def _row(name: str, probe: Callable[[], Awaitable[str]]) -> Capability:
    """What may pass is asked three times: servers also say by a 500 that they cannot do a thing."""
    why = NoAnswer("unasked", "")
    for _ in range(TRIES):
        try:
            return Capability(name, "yes", await probe())
        except NoAnswer as silence:
            why = silence
            if silence.code in NOT_ITS_WORD:
                return Capability(name, "not asked", silence.sentence)
            if not silence.code.startswith("http_5"):
                break
    return Capability(name, "no", why.sentence)


def state_of(rows: tuple[Capability, ...], name: str) -> State:
    return next((row.state for row in rows if row.name == name), "not asked")
