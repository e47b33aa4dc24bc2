"""What do the nodes say now, and do enough of them say the same?  One look asks them all; nothing here writes a row."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TypeVar

from competition.chain.bittensor import BlockState, Node, NodeFault
from competition.chain.scale import MOST_REVEALS, Revealed
from competition.decisions.agreement import HashAgreement, Sight, agree, common_height, on_chain, unchanged

T = TypeVar("T")
MOST_STEPS_BACK = 64  # states of earlier blocks read in one look, where a hotkey may have pushed its own reveals out
LATE_BLOCKS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What earlier looks wrote down: the last block used, and the blocks whose hash somebody waits for."""

    genesis: str = ""
    block: int = 0
    block_hash: str = ""
    wanted: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreedBlock:
    """A block's hash, and the endpoints that reported it."""

    number: int
    hash: str
    at: datetime
    by: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class ChainLook:
    """Everything one look found.  `reading` None: nothing new, or a fault."""

    sights: tuple[Sight, ...]
    specs: Mapping[str, int]
    seconds: Mapping[str, float]
    genesis: str = ""
    code: str = ""
    fault: str = ""
    remarks: list[str] = field(default_factory=list)
    reading: BlockState | None = None
    blocks: list[AgreedBlock] = field(default_factory=list)
    older: list[tuple[str, int, str, Revealed]] = field(default_factory=list)  # hotkey, block and hash read, message

    def fail(self, code: str, fault: str) -> ChainLook:
        self.code, self.fault, self.reading, self.blocks = code, fault, None, []
        return self


class Watcher:
    """The nodes of one subnet."""

    def __init__(self, netuid: int, *, endpoints: Iterable[str], quorum: int, timeout_s: float, hotkey: str) -> None:
        self.netuid, self.quorum, self.hotkey = netuid, quorum, hotkey
        self.nodes = {node.shown: node for node in (Node(url, timeout_s=timeout_s) for url in endpoints)}

    async def close(self) -> None:
        await asyncio.gather(*(node.drop() for node in self.nodes.values()))

    async def look(self, known: Known) -> ChainLook:
        look = await self._sights(known)
        height = common_height(look.sights, quorum=self.quorum)
        if height is None:
            silent = "; ".join(f"{s.endpoint}: {s.fault}" for s in look.sights if not s.answered)
            answering = f"{sum(s.answered for s in look.sights)} of {len(look.sights)} endpoints can be used"
            return look.fail("TOO_FEW", f"{answering} and {self.quorum} are needed. {silent}".strip())
        able = [self.nodes[s.endpoint] for s in look.sights if s.answered and s.finalised >= height]
        verdict = await self._agreed(able, height)
        if known.block and height >= known.block and verdict.usable:
            before = await self._agreed(able, known.block)
            before = unchanged(before, block=known.block, stored=known.block_hash)
            verdict = verdict if before.usable else before
        if not verdict.usable:
            return look.fail(verdict.code, verdict.objection)
        look.remarks += _odd(look.sights, verdict)
        if height < known.block:
            look.remarks.append(f"the endpoints are at block {height}, behind block {known.block} that was read")
            return look
        agreeing = [self.nodes[name] for name in verdict.agreeing]
        return await self._read(look, agreeing, known, block=height, verdict=verdict)

    async def _sights(self, known: Known) -> ChainLook:
        answers = await self._each(self.nodes.values(), Node.finalised)
        sights = tuple(
            Sight(endpoint=name, fault=str(answer))
            if isinstance(answer, NodeFault)
            else Sight(endpoint=name, finalised=answer[0], genesis=answer[1])
            for name, answer in answers.items()
        )
        specs = {name: answer[2] for name, answer in answers.items() if not isinstance(answer, NodeFault)}
        checked = on_chain(sights, genesis=known.genesis)
        genesis = next((sight.genesis for sight in checked if sight.answered), "")
        seconds = {name: self.nodes[name].seconds for name in answers}
        return ChainLook(sights=checked, specs=specs, seconds=seconds, genesis=genesis)

    async def _each(self, nodes: Iterable[Node], ask: Callable[[Node], Awaitable[T]]) -> dict[str, T | NodeFault]:
        listed = list(nodes)
        answers = await asyncio.gather(*(ask(node) for node in listed), return_exceptions=True)
        by_node: dict[str, T | NodeFault] = {}
        for node, answer in zip(listed, answers, strict=True):
            if isinstance(answer, BaseException) and not isinstance(answer, NodeFault):
                raise answer
            by_node[node.shown] = answer
        return by_node

    async def _agreed(self, nodes: Iterable[Node], number: int) -> HashAgreement:
        answers = await self._each(nodes, lambda node: node.hash_of(number))
        hashes = {name: None if isinstance(value, NodeFault) else value for name, value in answers.items()}
        return agree(hashes, block=number, quorum=self.quorum)

    async def _read(
        self, look: ChainLook, nodes: list[Node], known: Known, *, block: int, verdict: HashAgreement
    ) -> ChainLook:
        """The state at the agreed block, from as many nodes as must agree on it; nothing where nothing is new."""
        if block > known.block:
            at, hotkey = verdict.hash, self.hotkey
            reading = await self._same(
                look, nodes, lambda node: node.read(self.netuid, block=block, block_hash=at, hotkey=hotkey)
            )
            if reading is None:
                return look
            look.reading = reading
            look.blocks.append(AgreedBlock(number=block, hash=verdict.hash, at=reading.at, by=verdict.agreeing))
            if known.block:
                await self._catch_up(look, nodes, known, reading)
        for number in known.wanted:
            if not look.fault and number <= block:
                await self._read_hash_and_time(look, nodes, number)
        return look

    async def _same(self, look: ChainLook, nodes: list[Node], ask: Callable[[Node], Awaitable[T]]) -> T | None:
        """What `quorum` nodes say alike, and more of them than say anything else; else the look has failed."""
        answers = await self._each(nodes, ask)
        read = {name: value for name, value in answers.items() if not isinstance(value, NodeFault)}
        faults = "; ".join(f"{name}: {value}" for name, value in answers.items() if isinstance(value, NodeFault))
        if len(read) < self.quorum:
            look.fail("TOO_FEW", f"{len(read)} endpoints could be read and {self.quorum} are needed. {faults}")
            return None
        groups = [[name for name, value in read.items() if value == each] for each in read.values()]
        best = max(groups, key=len)
        if len(best) < self.quorum or 2 * len(best) <= len(read):
            look.fail("READINGS_DIFFER", f"endpoints tell different states of one block: {', '.join(sorted(read))}")
            return None
        if odd := sorted(set(read) - set(best)):
            look.remarks.append(f"{', '.join(odd)} told another state than {', '.join(sorted(best))}; it was left out")
        return read[best[0]]

    async def _read_hash_and_time(self, look: ChainLook, nodes: list[Node], number: int) -> None:
        """The hash and the time of a block that somebody waits for."""
        verdict = await self._agreed(nodes, number)
        if not verdict.usable:
            look.fail(verdict.code, verdict.objection)
            return
        at = await self._same(look, nodes, lambda node: node.time_of(verdict.hash))
        if at is not None:
            look.blocks.append(AgreedBlock(number=number, hash=verdict.hash, at=at, by=verdict.agreeing))

    async def _catch_up(self, look: ChainLook, nodes: list[Node], known: Known, reading: BlockState) -> None:
        """Messages that newer ones of the same hotkey have pushed out since the last look: from earlier states."""
        at = missing_before(reading.reveals, since=known.block)
        for _ in range(MOST_STEPS_BACK):
            if at is None or look.fault:
                return
            verdict = await self._agreed(nodes, at)
            if not verdict.usable:
                look.fail(verdict.code, verdict.objection)
                return
            read_reveals = partial(Node.reveals, netuid=self.netuid, block_hash=verdict.hash)
            states = await self._each(nodes, read_reveals)
            read = [value for value in states.values() if not isinstance(value, NodeFault)]
            if not read:
                lost = f"messages of blocks {known.block + 1} to {at} may be lost: no endpoint keeps the state of {at}"
                look.remarks.append(f"{lost}; add an archive endpoint")
                return
            if any(each != read[0] for each in read):
                look.fail("READINGS_DIFFER", f"endpoints tell different reveals of block {at}")
                return
            reveals, _ = read[0]
            look.older += [(hotkey, at, verdict.hash, one) for hotkey, heap in reveals.items() for one in heap]
            at = missing_before(reveals, since=known.block)
        look.remarks.append(f"reveals between blocks {known.block + 1} and {at} could not all be read")


def missing_before(reveals: Mapping[str, tuple[Revealed, ...]], *, since: int) -> int | None:
    """The block whose state must be read too: a full heap whose oldest message is newer than the last look may have
    pushed others out.  None where nothing can be missing."""
    suspects = [heap[0].block for heap in reveals.values() if len(heap) >= MOST_REVEALS and heap[0].block > since + 1]
    return max(suspects) - 1 if suspects else None


def _odd(sights: Sequence[Sight], verdict: HashAgreement) -> list[str]:
    """What does not stop anything and should be seen: who is on another fork, who is late, who is silent."""
    best = max((s.finalised for s in sights if s.answered), default=0)
    remarks = [f"{name} has another block there: it may be on a fork" for name in verdict.dissenting]
    late = [s for s in sights if s.answered and best - s.finalised > LATE_BLOCKS]
    remarks += [f"{s.endpoint} is {best - s.finalised} blocks behind" for s in late]
    return remarks + [f"{s.endpoint}: {s.fault}" for s in sights if not s.answered]
