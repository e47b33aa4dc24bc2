"""A node that can be told to misbehave: a real websocket server that answers what the real client asks.

It serves a `FakeChain`, each with its own faults: it refuses, hangs, closes cleanly in the middle of a request, resets,
lags, tells another fork's blocks, cuts pages short.  Plain HTTP POST of the same JSON-RPC is answered too, as real
nodes do.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from tests.competition.chain.fake_chain import FakeChain, extrinsic_hash
from tests.competition.chain.runtime import SPEC, TRANSACTION, metadata
from tests.competition.chain.scale import blob
from tests.loopback import Quiet, serving

PREFIX_KEYS = 2


@dataclass
class Faults:
    """What the node does wrong from now on."""

    hang_on: str = ""  # the method (or *) that is never answered
    close_on: str = ""  # the method that is answered by a clean close
    reset_on: str = ""  # the method that is answered by a reset
    lag: int = 0  # blocks by which it is behind
    truncate_keys: bool = False
    truncate_values: bool = False
    garble_on: str = ""  # the method that is answered with nonsense
    deaf_to_extrinsics: bool = False  # takes them, tells nobody what became of them
    after_taking: str = ""  # it takes an extrinsic, and then the connection is: reset, close or refuse (an error)
    drops_extrinsics: bool = False  # takes them, and they never reach a block


class FakeNode:
    """One endpoint in a thread of its own.  `asked` counts the requests by method."""

    def __init__(self, chain: FakeChain, *, instant: bool = True) -> None:
        self.chain, self.instant = chain, instant
        self.faults = Faults()
        self.asked: dict[str, int] = {}
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._server: Any = None
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True, name="fake-node")

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    def start(self) -> FakeNode:
        self._thread.start()
        self._call(self._listen())
        return self

    def refuse(self) -> None:
        """Stop listening; every open connection breaks.  `listen_again` takes the same port."""
        self._call(self._close())

    def listen_again(self) -> None:
        self._call(self._listen())

    def stop(self) -> None:
        self._call(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(60)

    def _call(self, what: Any) -> None:
        asyncio.run_coroutine_threadsafe(what, self._loop).result(60)

    async def _listen(self) -> None:
        self._server = await serve(self._talk, "127.0.0.1", self.port, close_timeout=0.2)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        if self._server is not None:
            for connection in list(self._server.connections):
                connection.transport.abort()
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    async def _talk(self, connection: ServerConnection) -> None:
        tasks: set[asyncio.Task[None]] = set()
        with contextlib.suppress(ConnectionClosed, ConnectionError):
            async for message in connection:
                task = asyncio.create_task(self._answer(connection, json.loads(message)))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
        for task in tasks:
            task.cancel()

    async def _answer(self, connection: ServerConnection, request: dict[str, Any]) -> None:
        method, faults = request["method"], self.faults
        self.asked[method] = self.asked.get(method, 0) + 1
        if faults.hang_on in (method, "*"):
            return None
        if faults.close_on in (method, "*"):
            return await connection.close(1000)
        if faults.reset_on in (method, "*"):
            return connection.transport.abort()
        with contextlib.suppress(ConnectionClosed):
            body = self.reply(request)
            if faults.after_taking and method == "author_submitAndWatchExtrinsic":
                return await self._break(connection, request, faults.after_taking)
            await connection.send(json.dumps({"jsonrpc": "2.0", "id": request["id"], **body}))
            if method == "author_submitAndWatchExtrinsic" and "result" in body:
                await self._watch(connection, request["params"][0], body["result"])
        return None

    async def _break(self, connection: ServerConnection, request: dict[str, Any], how: str) -> None:
        if how == "reset":
            connection.transport.abort()
        elif how == "close":
            await connection.close(1000)
        else:
            error = {"code": 1010, "message": "Invalid Transaction"}
            await connection.send(json.dumps({"jsonrpc": "2.0", "id": request["id"], "error": error}))

    async def _watch(self, connection: ServerConnection, raw: str, name: str) -> None:
        """Tell of inclusion and finality, as a node does."""
        while not self.faults.deaf_to_extrinsics:
            if self.instant:
                self.chain.produce(1)
            landed = next((block for block in reversed(self.chain.blocks) if raw in block.extrinsics), None)
            if landed and landed.number <= self.chain.finalised:
                update = {"subscription": name, "result": {"finalized": landed.hash}}
                told = {"jsonrpc": "2.0", "method": "author_extrinsicUpdate", "params": update}
                return await connection.send(json.dumps(told))
            await asyncio.sleep(0.01)
        return None

    # -- answers ---------------------------------------------------------------------------------------

    def reply(self, request: dict[str, Any]) -> dict[str, Any]:
        method, params = request["method"], request.get("params") or []
        if self.faults.garble_on == method:
            return {"result": {"never": "heard of it"}}
        answer = getattr(self, f"do_{method}", None)
        if answer is None:
            return {"error": {"code": -32601, "message": f"Method not found: {method}"}}
        with self.chain.lock:
            try:
                return {"result": answer(*params)}
            except Refused as refused:
                return {"error": {"code": 1010, "message": str(refused)}}

    @property
    def tip(self) -> int:
        return max(0, self.chain.head.number - self.faults.lag)

    @property
    def final(self) -> int:
        return max(0, self.chain.finalised - self.faults.lag)

    def do_chain_getFinalizedHead(self) -> str:
        return self.chain.blocks[self.final].hash

    def do_chain_getHead(self) -> str:
        return self.chain.blocks[self.tip].hash

    def do_chain_getBlockHash(self, number: int | None = None) -> str | None:
        number = self.tip if number is None else number
        return self.chain.blocks[number].hash if number <= self.tip else None

    def do_chain_getHeader(self, block_hash: str | None = None) -> dict[str, Any] | None:
        block = self.chain.at(block_hash or self.do_chain_getHead())
        if block is None:
            return None
        roots = {"stateRoot": "0x" + "0" * 64, "extrinsicsRoot": "0x" + "0" * 64, "digest": {"logs": []}}
        return {"number": hex(block.number), "parentHash": block.parent, **roots}

    def do_chain_getBlock(self, block_hash: str | None = None) -> dict[str, Any] | None:
        block = self.chain.at(block_hash or self.do_chain_getHead())
        header = self.do_chain_getHeader(block_hash)
        return block and {"block": {"header": header, "extrinsics": block.extrinsics}, "justifications": None}

    def do_state_getRuntimeVersion(self, block_hash: str | None = None) -> dict[str, Any]:
        return {"specName": "node-subtensor", "specVersion": SPEC, "transactionVersion": TRANSACTION}

    def do_state_call(self, name: str, data: str, block_hash: str | None = None) -> str:
        if name == "Metadata_metadata_at_version":
            return "0x01" + blob(metadata()).hex()
        if name == "TransactionPaymentApi_query_info":
            return "0x0400" + "00" + bytes(8).hex()  # a compact weight of 1 and 0, Normal, no fee
        raise Refused(f"Exported method {name} is not found")

    def state_at(self, block_hash: str | None) -> dict[str, bytes]:
        block = self.chain.at(block_hash or self.do_chain_getHead())
        if block is None or block.number > self.tip:
            raise Refused(f"UnknownBlock: State already discarded for {block_hash}")
        return block.state

    def do_state_getStorageAt(self, key: str, block_hash: str | None = None) -> str | None:
        value = self.state_at(block_hash).get(key)
        return None if value is None else f"0x{value.hex()}"

    do_state_getStorage = do_state_getStorageAt

    def do_state_getKeysPaged(self, prefix: str, count: int, start: str, block_hash: str | None = None) -> list[str]:
        listed = sorted(key for key in self.state_at(block_hash) if key.startswith(prefix))
        page = [key for key in listed if start is None or key > start][:count]
        return page[: max(0, len(page) - PREFIX_KEYS)] if self.faults.truncate_keys else page

    def do_state_queryStorageAt(self, keys: list[str], block_hash: str | None = None) -> list[dict[str, Any]]:
        state = self.state_at(block_hash)
        changes = [[key, f"0x{state[key].hex()}" if key in state else None] for key in keys]
        told = changes[:-1] if self.faults.truncate_values else changes
        return [{"block": block_hash, "changes": told}]

    def do_account_nextIndex(self, address: str) -> int:
        return self.chain.nonce(address)

    def do_author_submitAndWatchExtrinsic(self, raw: str) -> str:
        if not self.faults.drops_extrinsics:
            self.chain.submit(raw)
        return extrinsic_hash(raw)[:18]

    def do_author_unwatchExtrinsic(self, name: str) -> bool:
        return True


class Refused(Exception):
    """An error the node answers with."""


@contextlib.contextmanager
def over_http(node: FakeNode) -> Iterator[str]:
    """The same answers to HTTP POST; the address."""

    class Handler(Quiet):
        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.answer(json.dumps({"jsonrpc": "2.0", "id": request["id"], **node.reply(request)}).encode())

    with serving(Handler) as address:
        yield address
