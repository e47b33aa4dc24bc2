"""How is one node asked, so that whatever it does, the asking ends?  The only module that imports bittensor.

The client's own connection may hang for ever: when a server closes cleanly while a request is pending, its receiving
task dies and no answer ever comes (bittensor 11.3.0).  So every call has a time limit, and a client that has failed
once in any way is thrown away; the next call builds another.  Reads are pinned to a block's hash, never to "now".
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

import bittensor
from bittensor._generated import calls
from bittensor_core import Keypair, ss58_encode

from competition.chain.base import SendResult
from competition.chain.scale import Revealed, Undecodable, revealed
from competition.decisions.weights import Subnet

T = TypeVar("T")
Heaps = Mapping[str, tuple[Revealed, ...]]
CLOSING_S = 2.0
READING, SENDING = 3, 6  # times the limit of one call: many questions; until the block that took it is final
PAGE = 256
SS58 = 42
# twox128("Commitments") ‖ twox128("RevealedCommitments"), then the netuid as it is; the account ends each key
REVEALED_PREFIX = "0xca407206ec1ab726b2636c4b145ac2879055a2cffd4b296f38f2de8d9b333cab"
RATES = (
    "LastUpdate",
    "ValidatorPermit",
    "WeightsSetRateLimit",
    "Tempo",
    "LastEpochBlock",
    "CommitRevealWeightsEnabled",
    "RevealPeriodEpochs",
    "MinAllowedWeights",
    "MaxWeightsLimit",
)


class NodeFault(Exception):
    """A node did not answer in time, refused, or answered nonsense."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Neuron:
    uid: int
    hotkey: str
    coldkey: str
    registered_at_block: int
    alpha: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockState:
    """All that is used of one finalised block's state."""

    block: int
    hash: str
    at: datetime
    neurons: tuple[Neuron, ...]
    reveals: Heaps
    undecodable: tuple[str, ...]  # hotkeys whose reveals are not what the metadata promise
    owner_hotkey: str
    owner_coldkey: str
    block_seconds: float
    subnet: Subnet
    commitment: bytes  # what our hotkey has committed in the clear


def shown(url: str) -> str:
    """An endpoint as it may be shown: paths and user names of providers hold keys."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname or '?'}" + (f":{parts.port}" if parts.port else "")


class Node:
    """One endpoint.  Its client lives as long as all goes well."""

    def __init__(self, url: str, *, timeout_s: float) -> None:
        self.url, self.shown, self.timeout_s = url, shown(url), timeout_s
        self._substrate: Any = None
        self.seconds = 0.0

    async def bounded(self, ask: Callable[[Any], Awaitable[T]], *, timeout_s: float | None = None) -> T:
        """The answer within the time limit, or NodeFault; any failure costs the client."""
        limit, begun = timeout_s or self.timeout_s, time.monotonic()
        try:
            return await within(limit, self._ask(ask))
        except TimeoutError:
            await self.drop()
            raise NodeFault(f"no answer in {limit:g} s") from None
        except asyncio.CancelledError:
            await self.drop()
            raise
        except Exception as error:  # the library raises whatever its layers raise
            await self.drop()
            raise NodeFault(f"{type(error).__name__}: {str(error)[:200]}") from error
        finally:
            self.seconds = time.monotonic() - begun

    async def _ask(self, ask: Callable[[Any], Awaitable[T]]) -> T:
        if self._substrate is None:
            fresh = bittensor.RpcSubstrate(self.url, fallback_endpoints=[], archive_endpoints=[])
            self._substrate = fresh
            await fresh.connect()
        return await ask(self._substrate)

    async def drop(self) -> None:
        """Throw the client away.  Closing may hang or raise, too."""
        old, self._substrate = self._substrate, None
        if old is not None:
            with contextlib.suppress(Exception):
                await within(CLOSING_S, old.close())

    # -- small questions, as plain JSON-RPC ------------------------------------------------------------

    async def finalised(self) -> tuple[int, str, int]:
        """(number of the last finalised block, genesis hash, spec version)."""

        async def ask(substrate: Any) -> tuple[int, str, int]:
            rpc = substrate.raw.rpc_request
            head = await rpc("chain_getFinalizedHead")
            header, genesis = await asyncio.gather(rpc("chain_getHeader", [head]), rpc("chain_getBlockHash", [0]))
            version = await rpc("state_getRuntimeVersion", [head])
            return int(header["number"], 16), plain(genesis), int(version["specVersion"])

        return await self.bounded(ask)

    async def hash_of(self, number: int) -> str | None:
        """Hex without 0x; None where the node does not have the block."""

        async def ask(substrate: Any) -> str | None:
            answer = await substrate.raw.rpc_request("chain_getBlockHash", [number])
            return plain(answer) if answer else None

        return await self.bounded(ask)

    async def time_of(self, block_hash: str) -> datetime:
        async def ask(substrate: Any) -> datetime:
            return moment(await substrate.query("Timestamp", "Now", block_hash=f"0x{block_hash}"))

        return await self.bounded(ask)

    # -- a block's whole state, as far as it is used ---------------------------------------------------

    async def read(self, netuid: int, *, block: int, block_hash: str, hotkey: str) -> BlockState:
        async def ask(substrate: Any) -> BlockState:
            at = f"0x{block_hash}"
            (reveals, spoilt), neurons, owner, cold, now, commitment = await asyncio.gather(
                reveals_at(substrate, netuid, at=at),
                neurons_at(substrate, netuid, at=at),
                substrate.query("SubtensorModule", "SubnetOwnerHotkey", [netuid], block_hash=at),
                substrate.query("SubtensorModule", "SubnetOwner", [netuid], block_hash=at),
                substrate.query("Timestamp", "Now", block_hash=at),
                commitment_at(substrate, netuid, at=at, hotkey=hotkey),
            )
            ours = next((neuron.uid for neuron in neurons if neuron.hotkey == hotkey), None)
            subnet = await subnet_at(substrate, netuid, at=at, block=block, hotkey=hotkey, uid=ours, owner=owner)
            return BlockState(
                block=block,
                hash=block_hash,
                at=moment(now),
                neurons=neurons,
                reveals=reveals,
                undecodable=spoilt,
                owner_hotkey=owner,
                owner_coldkey=cold,
                block_seconds=await substrate.block_time(),
                subnet=subnet,
                commitment=commitment,
            )

        return await self.bounded(ask, timeout_s=READING * self.timeout_s)

    async def reveals(self, netuid: int, *, block_hash: str) -> tuple[Heaps, tuple[str, ...]]:
        return await self.bounded(lambda substrate: reveals_at(substrate, netuid, at=f"0x{block_hash}"))

    # -- writing ---------------------------------------------------------------------------------------

    async def set_weights(self, netuid: int, values: Mapping[int, int], *, key: Keypair, period: int) -> SendResult:
        """Plain or timelocked, as the chain asks; waits until it is in a finalised block."""
        intent = bittensor.SetWeights(netuid=netuid, weights={uid: float(value) for uid, value in values.items()})

        async def compose(substrate: Any) -> Any:
            plan = await bittensor.Client(self.url, substrate=substrate).plan(intent, key)
            if not plan.ok:
                raise ValueError("; ".join(plan.violations))
            return plan.call

        return await self._send(compose, key=key, period=period)

    async def commit(self, netuid: int, text: bytes, *, key: Keypair, period: int) -> SendResult:
        """Put `text` (128 bytes at most) where everybody can read it, in the name of `key`."""
        info = {"fields": [{f"Raw{len(text)}": text}]}
        call = calls.Commitments.set_commitment(netuid=netuid, info=info)
        return await self._send(lambda substrate: substrate.compose(call), key=key, period=period)

    async def _send(self, compose: Callable[[Any], Awaitable[Any]], *, key: Keypair, period: int) -> SendResult:
        """A failure before anything is signed is a no.  Afterwards only a block can say no: the client reports a
        connection that broke, and a pool that knows the extrinsic already, as failures of the extrinsic."""
        signed = False

        async def ask(substrate: Any) -> Any:
            nonlocal signed
            call = await compose(substrate)
            extrinsic = await substrate.raw.create_signed_extrinsic(call, key, era={"period": period})
            signed = True
            return await substrate.submit_signed(extrinsic, key)

        try:
            result = await self.bounded(ask, timeout_s=SENDING * self.timeout_s)
        except NodeFault as fault:
            return SendResult(landed=None if signed else False, error=str(fault))
        if result.success:
            return SendResult(
                landed=True, extrinsic=result.extrinsic_id or "", block_hash=plain(result.block_hash or "")
            )
        if not result.block_hash:
            await self.drop()
        return SendResult(landed=False if result.block_hash else None, error=str(result.message)[:300])


async def reveals_at(substrate: Any, netuid: int, *, at: str) -> tuple[Heaps, tuple[str, ...]]:
    """hotkey -> its messages, oldest first, from the raw bytes; and the hotkeys whose bytes cannot be read."""
    rpc, prefix = substrate.raw.rpc_request, REVEALED_PREFIX + netuid.to_bytes(2, "little").hex()
    reveals: dict[str, tuple[Revealed, ...]] = {}
    spoilt: list[str] = []
    last = prefix
    while keys := await rpc("state_getKeysPaged", [prefix, PAGE, last, at]):
        groups = await rpc("state_queryStorageAt", [keys, at])
        values = {key: value for group in groups for key, value in group["changes"]}
        if missing := [key for key in keys if values.get(key) is None]:
            raise ValueError(f"the node lists {len(keys)} hotkeys with reveals and leaves out those of {len(missing)}")
        for key in keys:
            hotkey = ss58_encode(bytes.fromhex(key[-64:]), SS58)
            try:
                reveals[hotkey] = revealed(bytes.fromhex(values[key][2:]))
            except (Undecodable, ValueError):
                spoilt.append(hotkey)
        last = keys[-1]
    return reveals, tuple(sorted(spoilt))


async def neurons_at(substrate: Any, netuid: int, *, at: str) -> tuple[Neuron, ...]:
    uids = await substrate.query_map("SubtensorModule", "Uids", [netuid], block_hash=at)
    pairs = sorted((int(uid), str(hotkey)) for hotkey, uid in uids)

    async def each(name: str, keys: list[list[Any]]) -> list[Any]:
        return list(await substrate.query_batch("SubtensorModule", name, keys, block_hash=at))

    owners, since, alpha = await asyncio.gather(
        each("Owner", [[hotkey] for _, hotkey in pairs]),
        each("BlockAtRegistration", [[netuid, uid] for uid, _ in pairs]),
        each("TotalHotkeyAlpha", [[hotkey, netuid] for _, hotkey in pairs]),
    )
    rows = zip(pairs, owners, since, alpha, strict=True)
    return tuple(
        Neuron(uid=uid, hotkey=hotkey, coldkey=str(cold), registered_at_block=int(block), alpha=int(stake or 0))
        for (uid, hotkey), cold, block, stake in rows
    )


async def subnet_at(
    substrate: Any, netuid: int, *, at: str, block: int, hotkey: str, uid: int | None, owner: str
) -> Subnet:
    """Rates, limits and our own weights."""

    async def of(name: str, *more: Any) -> Any:
        return await substrate.query("SubtensorModule", name, [netuid, *more], block_hash=at)

    rates = dict(zip(RATES, await asyncio.gather(*(of(name) for name in RATES)), strict=True))
    updates, permits = rates["LastUpdate"], rates["ValidatorPermit"]
    ours = await of("Weights", uid) if uid is not None else []
    return Subnet(
        block=block,
        uid=uid,
        permit=uid is not None and uid < len(permits) and bool(permits[uid]),
        owns=hotkey == owner,
        weights={int(target): int(value) for target, value in ours or []},
        last_update=int(updates[uid]) if uid is not None and uid < len(updates) else 0,
        rate_limit=int(rates["WeightsSetRateLimit"]),
        tempo=int(rates["Tempo"]),
        epoch_start=int(rates["LastEpochBlock"]),
        commit_reveal=bool(rates["CommitRevealWeightsEnabled"]),
        reveal_epochs=int(rates["RevealPeriodEpochs"]),
        least_weights=int(rates["MinAllowedWeights"]),
        most_weight=int(rates["MaxWeightsLimit"]),
        committed_at=await committed_at(substrate, netuid, at=at, hotkey=hotkey),
    )


async def committed_at(substrate: Any, netuid: int, *, at: str, hotkey: str) -> int:
    """The block of the hotkey's last timelocked commit that waits for its reveal; 0 where none does."""
    waiting = await substrate.query_map("SubtensorModule", "TimelockedWeightCommits", [netuid], block_hash=at)
    blocks = [int(entry[1]) for _, commits in waiting for entry in commits if str(entry[0]) == hotkey]
    return max(blocks, default=0)


async def commitment_at(substrate: Any, netuid: int, *, at: str, hotkey: str) -> bytes:
    """The first raw field of what the hotkey has committed; empty where there is none."""
    commitment = await substrate.query("Commitments", "CommitmentOf", [netuid, hotkey], block_hash=at)
    for part in (commitment or {}).get("info", {}).get("fields", []):
        for kind, value in part.items() if isinstance(part, dict) else ():
            if kind.startswith("Raw"):
                return bytes.fromhex(value[2:]) if str(value).startswith("0x") else bytes(value)
    return b""


async def within(seconds: float, what: Awaitable[T]) -> T:
    """`asyncio.wait_for`, but for what swallows its own cancellation, as the client's close does: it is left behind."""
    task = asyncio.ensure_future(what)
    task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
    try:
        done, _ = await asyncio.wait({task}, timeout=seconds)
    except asyncio.CancelledError:
        task.cancel()
        raise
    if not done:
        task.cancel()
        raise TimeoutError
    return task.result()


def plain(block_hash: str) -> str:
    return block_hash.lower().removeprefix("0x")


def moment(milliseconds: Any) -> datetime:
    return datetime.fromtimestamp(int(milliseconds) / 1000, tz=UTC)
