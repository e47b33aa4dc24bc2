"""A judge to rehearse with: `python -m benchmarks.vlm_server` speaks like vLLM, on loopback, and needs no GPU.

What it sees is a table (`--table FILE`: JSON, picture's SHA-256 -> {"quality": …, "spoiled": …, "painted": …});
pictures that are not in it are worth 0, or what `--guess` makes of their hash.  It can be slow, biased, noisy and wrong
in all the ways a server can be (`--fault`, `--share`).
GET /stats says what the round would have cost.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.vlm_server_load import Card
from benchmarks.vlm_server_mind import CARRIER_FAULTS, FAULTS, TOP, Mind, Worth, of_label_ids, payload

REASONS = {200: "OK", 400: "Bad Request", 404: "Not Found", 429: "Too Many Requests", 500: "Internal Server Error"}


@dataclass
class Settings:
    """`fault`: one of FAULTS or CARRIER_FAULTS for `share` of the requests, and of none after `faults_end` of them.

    `first_name`: another name of the model, with which it answers, as vLLM does; `max_logprobs`: most alternatives that
    it lists, 0 for none at all; `label_ids`: whether it gives log-probabilities of tokens that are named by id.
    `constrains`: whether it heeds `structured_outputs`, which some take and pass over.
    `real_tokens`: also take the card's seconds, not only `latency_s`."""

    model: str
    first_name: str = ""
    version: str = "0.32.0"
    max_logprobs: int = TOP
    label_ids: bool = False
    constrains: bool = True
    latency_s: float = 0.0
    slots: int = 64
    fault: str = ""
    share: float = 1.0
    faults_end: int | None = None
    real_tokens: bool = False
    seed: int = 0


@dataclass
class Server:
    settings: Settings
    mind: Mind = field(default_factory=Mind)
    card: Card = field(default_factory=Card)
    asked: int = 0
    busy: int = 0
    most_busy: int = 0
    first_answer: dict[str, Any] | None = None

    async def listen(self, *, port: int = 0) -> asyncio.Server:
        self.slots = asyncio.Semaphore(self.settings.slots)
        self.luck = random.Random(self.settings.seed)
        return await asyncio.start_server(self._serve, "127.0.0.1", port, backlog=1024)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (head := await reader.readuntil(b"\r\n\r\n")) and not writer.is_closing():
                await self._answer(head, reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError, TimeoutError):
            pass
        finally:
            writer.close()

    async def _answer(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines = head.decode("latin-1").split("\r\n")
        method, path, _ = lines[0].split(" ", 2)
        lengths = [int(v) for k, _, v in (line.partition(":") for line in lines[1:]) if k.lower() == "content-length"]
        body = await reader.readexactly(lengths[0]) if lengths else b""
        if method == "POST" and path == "/v1/chat/completions":
            await self._complete(json.loads(body), writer)
        elif method == "POST" and path == "/tokenize" and self.settings.label_ids:
            text = json.loads(body)["prompt"]
            await send(writer, 200, {"tokens": [ord(c) for c in text], "count": len(text)})
        else:
            told = self.told(path)
            await send(writer, 404 if told is None else 200, told or {"error": "there is nothing here"})

    def told(self, path: str) -> dict[str, Any] | None:
        if path == "/v1/models":
            names = filter(None, (self.settings.first_name, self.settings.model))
            rows = [{"id": name, "object": "model", "root": "/models/simulated", "parent": None} for name in names]
            return {"object": "list", "data": rows}
        stats = {**self.card.stats(), "asked": self.asked, "most_busy": self.most_busy}
        return {"/version": {"version": self.settings.version}, "/stats": stats, "/health": {}}.get(path)

    async def _complete(self, body: Mapping[str, Any], writer: asyncio.StreamWriter) -> None:
        self.asked += 1
        fault = self._fault()
        if fault in CARRIER_FAULTS and await self._broken(fault, writer):
            return
        if not body.get("logprob_token_ids") and 0 < self.settings.max_logprobs < body.get("top_logprobs", 0):
            allowed = f"greater than max allowed: {self.settings.max_logprobs}"
            why = f"Requested sample logprobs of {body['top_logprobs']}, which is {allowed}"
            await send(writer, 400, refusal(f"{why} (parameter=logprobs, value={body['top_logprobs']})"))
            return
        if body.get("model") not in (self.settings.model, self.settings.first_name):
            await send(writer, 404, refusal(f"The model `{body.get('model')}` does not exist.", code=404))
            return
        async with self.slots:
            self.busy += 1
            self.most_busy = max(self.most_busy, self.busy)
            said, seconds = self.reply(body, fault=fault)
            seconds = self.settings.latency_s + (seconds if self.settings.real_tokens else 0)
            await asyncio.sleep(seconds * (10 if fault == "slow" else 1))
            self.busy -= 1
        await send(writer, 200, said, cut=fault == "truncated")

    def _fault(self) -> str:
        over = self.settings.faults_end is not None and self.asked > self.settings.faults_end
        return self.settings.fault if not over and self.luck.random() < self.settings.share else ""

    async def _broken(self, fault: str, writer: asyncio.StreamWriter) -> bool:
        """True when there is nothing more to send."""
        if fault == "timeout":
            await asyncio.sleep(3600)
        if fault.startswith("http_"):
            await send(writer, int(fault.removeprefix("http_")), refusal(f"This is the fault {fault}."))
            return True
        if fault == "reset":
            writer.transport.abort()
            return True
        return False

    def reply(self, body: Mapping[str, Any], *, fault: str = "") -> tuple[dict[str, Any], float]:
        """The answer and the card's seconds for it, without a wire: benchmarks call this directly."""
        if not self.settings.constrains:
            body = {name: value for name, value in body.items() if name != "structured_outputs"}
        words, top = self.mind.answer(body)
        said = payload(body, words, top, number=self.mind.answered)
        completion = max(1, len(words) // 4) if words else 1 if body.get("logprobs") else 8
        before = self.card.prompt_tokens
        seconds = self.card.take(body, completion_tokens=completion)
        said["usage"] = {"prompt_tokens": self.card.prompt_tokens - before, "completion_tokens": completion}
        said["usage"]["prompt_tokens_details"] = None
        said["model"] = self.settings.first_name or said["model"]
        if body.get("logprob_token_ids") and self.settings.label_ids:
            of_label_ids(body, said)
        elif not self.settings.max_logprobs:
            said["choices"][0].pop("logprobs", None)
        fault = "low_mass" if self.mind.silenced(body) else fault
        if fault in FAULTS:
            FAULTS[fault](said)
        self.first_answer = self.first_answer or said
        return (self.first_answer if fault == "stale_answer" else said), seconds


def refusal(sentence: str, *, code: int = 400) -> dict[str, Any]:
    """As vLLM says no."""
    kind = "NotFoundError" if code == 404 else "BadRequestError"
    return {"error": {"message": sentence, "type": kind, "param": None, "code": code}}


async def send(writer: asyncio.StreamWriter, status: int, body: Mapping[str, Any], *, cut: bool = False) -> None:
    data = json.dumps(body).encode()
    head = (
        f"HTTP/1.1 {status} {REASONS[status]}\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
    )
    writer.write(head.encode() + (data[: len(data) // 2] if cut else data))
    await writer.drain()
    if cut:
        writer.close()


def table(path: Path | None) -> dict[str, Worth]:
    return {name: Worth(**worth) for name, worth in json.loads(path.read_text()).items()} if path else {}


async def serve(told: argparse.Namespace) -> None:
    mind = Mind(
        table(told.table),
        gain=told.gain,
        bias=told.bias,
        noise=told.noise,
        obeys=told.obeys,
        drift=told.drift,
        guess=told.guess,
    )
    settings = Settings(
        told.model,
        latency_s=told.latency_ms / 1000,
        slots=told.slots,
        fault=told.fault,
        share=told.share,
        faults_end=told.faults_end,
        real_tokens=told.real_tokens,
    )
    listening = await Server(settings, mind).listen(port=told.port)
    print(f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]} serves {told.model}", flush=True)
    async with listening:
        await listening.serve_forever()


def parser() -> argparse.ArgumentParser:
    asks = argparse.ArgumentParser(prog="python -m benchmarks.vlm_server", description=__doc__)
    asks.add_argument("--model", required=True, help="the judge version's model@revision")
    asks.add_argument("--port", type=int, default=0)
    asks.add_argument("--table", type=Path, help="what each picture is worth, by hash")
    asks.add_argument("--latency-ms", type=float, default=200)
    asks.add_argument("--slots", type=int, default=32, help="requests at once; the others wait")
    asks.add_argument("--real-tokens", action="store_true", help="add the time of the token model to the latency")
    asks.add_argument("--gain", type=float, default=4.0)
    asks.add_argument("--bias", type=float, default=0.0, help="liking for the second place")
    asks.add_argument("--noise", type=float, default=0.0)
    asks.add_argument("--obeys", type=float, default=0.0, help="how far painted text is followed")
    asks.add_argument("--drift", type=float, default=0.0, help="added to the bias with each answer")
    asks.add_argument(
        "--guess", type=float, default=0.0, help="worth of pictures outside the table, up to this, by hash"
    )
    asks.add_argument("--fault", default="", choices=["", *FAULTS, *CARRIER_FAULTS])
    asks.add_argument("--share", type=float, default=1.0, help="of the requests that meet the fault")
    asks.add_argument("--faults-end", type=int, help="no faults after so many requests")
    return asks


if __name__ == "__main__":
    asyncio.run(serve(parser().parse_args()))
