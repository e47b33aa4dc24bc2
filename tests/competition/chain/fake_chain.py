"""A small chain in memory: blocks with hashes, forks, finality, state as raw storage, and the rules for weights.

Everything that goes out is encoded by the real codec from the runtime's description, so that what a client decodes from
it is decoded as a real node's answer is.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from bittensor_core import Keypair

from tests.competition.chain.runtime import BLOCK_MS, ERRORS, codec

FINALITY = 3
KEPT_REVEALS = 10
START_MS = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp() * 1000)
ACCOUNT_TAIL = 32


@dataclass
class Block:
    number: int
    hash: str
    parent: str
    state: dict[str, bytes]
    extrinsics: list[str] = field(default_factory=list)


class FakeChain:
    """One subnet on one chain.  `produce` makes blocks; a fork shares the past and differs from a block on."""

    def __init__(self, *, netuid: int = 17, salt: str = "main", rules: Any = None) -> None:
        self.netuid, self.salt = netuid, salt
        self.lock = threading.RLock()
        self.state: dict[str, bytes] = {}
        self.blocks: list[Block] = []
        self.pool: list[str] = []
        self.dispatched: list[dict[str, Any]] = []
        self.refusing = ""  # the error that every weight extrinsic meets, by its name
        self.skew_ms = 0
        self.heaps: dict[str, list[tuple[bytes, int]]] = {}
        self.hidden: dict[int, dict[int, list[tuple[int, int]]]] = {}  # epoch -> uid -> weights under a timelock
        self._append([])

    # -- state -----------------------------------------------------------------------------------------

    def key(self, pallet: str, name: str, *params: Any) -> str:
        return "0x" + bytes(codec().storage_key(pallet, name, list(params))).hex()

    def put(self, pallet: str, name: str, *params: Any, value: Any) -> None:
        entry = codec().storage_entry(pallet, name)
        self.state[self.key(pallet, name, *params)] = bytes(codec().encode(entry.value_type, value))

    def get(self, pallet: str, name: str, *params: Any) -> Any:
        entry = codec().storage_entry(pallet, name)
        raw = self.state.get(self.key(pallet, name, *params))
        if raw is None:
            optional = entry.modifier != "Default"
            return None if optional else codec().decode(entry.value_type, bytes(entry.default_bytes), True)
        return codec().decode(entry.value_type, raw, True)

    def subtensor(self, name: str, *params: Any) -> Any:
        return self.get("SubtensorModule", name, *params)

    def register(self, hotkeys: Mapping[int, str], *, coldkey: str, permits: tuple[int, ...] = ()) -> None:
        """uid -> hotkey; all belong to one coldkey here.  Takes effect with the next block."""
        for uid, hotkey in hotkeys.items():
            self.put("SubtensorModule", "Uids", self.netuid, hotkey, value=uid)
            self.put("SubtensorModule", "Keys", self.netuid, uid, value=hotkey)
            self.put("SubtensorModule", "Owner", hotkey, value=coldkey)
            self.put("SubtensorModule", "BlockAtRegistration", self.netuid, uid, value=self.head.number + 1)
            self.put("SubtensorModule", "TotalHotkeyAlpha", hotkey, self.netuid, value=10**9 * (uid + 1))
        most = max(hotkeys) + 1
        permitted = [uid in permits for uid in range(most)]
        self.put("SubtensorModule", "ValidatorPermit", self.netuid, value=permitted)
        self.put("SubtensorModule", "LastUpdate", self.netuid, value=[0] * most)

    def deregister(self, hotkey: str) -> None:
        self.state.pop(self.key("SubtensorModule", "Uids", self.netuid, hotkey), None)

    def own(self, *, hotkey: str, coldkey: str) -> None:
        self.put("SubtensorModule", "SubnetOwner", self.netuid, value=coldkey)
        self.put("SubtensorModule", "SubnetOwnerHotkey", self.netuid, value=hotkey)

    def reveal(self, hotkey: str, payload: bytes, *, kept: int = KEPT_REVEALS) -> int:
        """A timelocked commitment opens in the next block; the chain keeps the last ten of each hotkey."""
        with self.lock:
            number = self.head.number + 1
            heap = [*self.heaps.get(hotkey, []), (payload, number)][-kept:]
            self.heaps = {**self.heaps, hotkey: heap}
            self.put("Commitments", "RevealedCommitments", self.netuid, hotkey, value=heap)
            return number

    def spoil(self, hotkey: str, raw: bytes) -> None:
        """Bytes under the hotkey's reveals that are not what the metadata promise."""
        self.state[self.key("Commitments", "RevealedCommitments", self.netuid, hotkey)] = raw

    # -- blocks ----------------------------------------------------------------------------------------

    @property
    def head(self) -> Block:
        return self.blocks[-1]

    @property
    def finalised(self) -> int:
        return max(0, self.head.number - FINALITY)

    def produce(self, count: int = 1) -> int:
        for _ in range(count):
            with self.lock:
                taken, self.pool = self.pool, []
                self._epoch(self.head.number + 1)
                events = [self._dispatch(number, raw) for number, raw in enumerate(taken)]
                self._append(taken, events)
        return self.head.number

    def _append(self, extrinsics: list[str], events: list[Any] | None = None) -> None:
        number = len(self.blocks)
        parent = self.blocks[-1].hash if self.blocks else "0x" + "0" * 64
        stamp = START_MS + number * BLOCK_MS + self.skew_ms
        self.put("Timestamp", "Now", value=stamp)
        self.put("System", "Number", value=number)
        self.put("System", "Events", value=events or [])
        # without the extrinsics: their signatures differ from run to run, and runs are compared
        told = f"{self.salt if number else 'genesis'}\n{parent}\n{number}"
        block_hash = "0x" + hashlib.blake2b(told.encode(), digest_size=32).hexdigest()
        self.blocks.append(Block(number, block_hash, parent, dict(self.state), extrinsics))

    def _epoch(self, number: int) -> None:
        """Timelocked weights of two epochs ago come to light; the drand round is not waited for."""
        tempo = self.subtensor("Tempo", self.netuid)
        if number < self.subtensor("LastEpochBlock", self.netuid) + tempo:
            return
        index = self.subtensor("SubnetEpochIndex", self.netuid)
        for epoch in range(index):
            key = self.key("SubtensorModule", "TimelockedWeightCommits", self.netuid, epoch)
            if self.state.pop(key, None):
                for uid, pairs in self.hidden.pop(epoch, {}).items():
                    self.put("SubtensorModule", "Weights", self.netuid, uid, value=pairs)
        self.put("SubtensorModule", "SubnetEpochIndex", self.netuid, value=index + 1)
        self.put("SubtensorModule", "LastEpochBlock", self.netuid, value=number)

    def fork(self, depth: int, *, salt: str = "fork") -> FakeChain:
        """Another chain that agrees with this one up to `depth` blocks below the head, and is as long."""
        other = FakeChain(netuid=self.netuid, salt=self.salt)
        with self.lock:
            keep = max(1, len(self.blocks) - depth)
            other.blocks = self.blocks[:keep]
            other.state, other.heaps = dict(other.blocks[-1].state), dict(self.heaps)
        other.salt = salt
        other.produce(depth)
        return other

    def at(self, block_hash: str | None) -> Block | None:
        if block_hash is None:
            return self.head
        return next((block for block in reversed(self.blocks) if block.hash == block_hash), None)

    # -- extrinsics ------------------------------------------------------------------------------------

    def submit(self, raw: str) -> str:
        with self.lock:
            if raw not in self.pool:
                self.pool.append(raw)
        return extrinsic_hash(raw)

    def nonce(self, address: str) -> int:
        mined = sum(entry["signer"] == address for entry in self.dispatched)
        return mined + sum(signer_of(raw) == address for raw in self.pool)

    def _dispatch(self, index: int, raw: str) -> Any:
        decoded = codec().decode_extrinsic(bytes.fromhex(raw[2:]))
        call, signer = decoded["call"], signer_of(raw)
        arguments = {arg["name"]: arg["value"] for arg in call["call_args"]}
        error = self._apply(call["call_function"], arguments, signer)
        record = {"call": call["call_function"], "signer": signer, "block": self.head.number + 1, "error": error}
        self.dispatched.append({**record, "arguments": arguments})
        weight = {"ref_time": 1, "proof_size": 0}
        if not error:
            event = {"ExtrinsicSuccess": {"dispatch_info": {"weight": weight}}}
        else:
            module = {"Module": {"index": 7, "error": bytes([ERRORS.index(error), 0, 0, 0])}}
            event = {"ExtrinsicFailed": {"dispatch_error": module, "dispatch_info": {"weight": weight}}}
        return {"phase": {"ApplyExtrinsic": index}, "event": {"System": event}, "topics": []}

    def _apply(self, function: str, told: dict[str, Any], signer: str) -> str:
        number = self.head.number + 1
        if function == "set_commitment":
            info = {"deposit": 0, "block": number, "info": told["info"]}
            self.put("Commitments", "CommitmentOf", self.netuid, signer, value=info)
            return ""
        uid = self.subtensor("Uids", self.netuid, signer)
        if uid is None:
            return "HotKeyNotRegisteredInSubNet"
        updates = self.subtensor("LastUpdate", self.netuid)
        limit = self.subtensor("WeightsSetRateLimit", self.netuid)
        if self.refusing or (updates[uid] and number - updates[uid] < limit):
            return self.refusing or "SettingWeightsTooFast"
        if function == "set_mechanism_weights":
            pairs = list(zip(told["dests"], told["weights"], strict=True))
            self.put("SubtensorModule", "Weights", self.netuid, uid, value=pairs)
        else:
            epoch = self.subtensor("SubnetEpochIndex", self.netuid)
            place = ("SubtensorModule", "TimelockedWeightCommits", self.netuid, epoch)
            waiting = [(who, at, as_bytes(commit), when) for who, at, commit, when in self.get(*place) or []]
            sealed = (signer, number, as_bytes(told["commit"]), told["reveal_round"])
            self.put(*place, value=[*waiting, sealed])
        updates[uid] = number
        self.put("SubtensorModule", "LastUpdate", self.netuid, value=updates)
        return ""

    def open_commits(self, values: Mapping[int, int], *, uid: int) -> None:
        """What the drand beacon would do: the commits are opened, and they hold these weights."""
        self.put("SubtensorModule", "Weights", self.netuid, uid, value=sorted(values.items()))
        for epoch in range(self.subtensor("SubnetEpochIndex", self.netuid) + 1):
            self.state.pop(self.key("SubtensorModule", "TimelockedWeightCommits", self.netuid, epoch), None)


def signer_of(raw: str) -> str:
    """The ss58 address in whose name it is; the fake takes its signature for granted."""
    decoded = codec().decode_extrinsic(bytes.fromhex(raw[2:]))
    address = decoded.get("address") or decoded.get("signature", {}).get("address")
    return str(address["Id"] if isinstance(address, dict) else address)


def extrinsic_hash(raw: str) -> str:
    return "0x" + hashlib.blake2b(bytes.fromhex(raw[2:]), digest_size=32).hexdigest()


def as_bytes(value: Any) -> bytes:
    """The codec decodes bytes as text where it can."""
    if isinstance(value, str):
        return bytes.fromhex(value[2:]) if value.startswith("0x") else value.encode()
    return bytes(value)


def key(name: str) -> Keypair:
    return Keypair.create_from_uri(f"//gauntlet-test/{name}")
