"""Which block is it, and when does another come?  A chain that does not answer costs a page its clock, nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from competition import chain
from competition.chain.base import ChainFault
from competition.models import Competition


@dataclass(frozen=True, kw_only=True)
class BlockClock:
    """`seconds_left` is an estimate: blocks come about when they should."""

    block: int
    ends_block: int
    blocks_left: int
    seconds_left: int
    ends_at: datetime


def until(competition: Competition, *, block: int, now: datetime) -> BlockClock | None:
    """How far away `block` is; None when the chain does not say."""
    try:
        connected = chain.of(competition)
        current, comes = connected.block(now=now), connected.time_of(block, now=now)
    except (ChainFault, LookupError):
        return None
    return BlockClock(
        block=current,
        ends_block=block,
        blocks_left=max(0, block - current),
        seconds_left=max(0, round((comes - now).total_seconds())),
        ends_at=comes,
    )
