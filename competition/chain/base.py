"""What must a chain tell us, and what may we tell it?  The protocol, and the table of its implementations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Protocol


@dataclass(frozen=True)
class RawReveal:
    """One revealed message: where it stands, its bytes, unread, and the miner's signature where one is told.

    `request`: of one that came by the API, the text that was signed.
    """

    hotkey: str
    block: int
    extrinsic_index: int
    payload: bytes
    signature: bytes = b""
    request: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SendResult:
    """What became of something sent.  `landed` None: nobody knows, the chain's state must tell."""

    landed: bool | None
    extrinsic: str = ""
    block_hash: str = ""
    error: str = ""


class ChainFault(Exception):
    """The chain did not answer, or answered nonsense.  Always `infrastructure`: wait, never guess."""


class Chain(Protocol):
    """Blocks are finalised ones.  Every method may raise `ChainFault`."""

    name: str
    sets_weights: bool  # by the platform's sweep; a real chain's are set by its own process

    def block(self, *, now: datetime) -> int: ...

    def block_hash(self, number: int, *, now: datetime) -> str:
        """Hex hash of a finalised block; `ChainFault` when it has not come yet."""
        ...

    def time_of(self, number: int, *, now: datetime) -> datetime:
        """When the block came, or about when it will come."""
        ...

    def reveals(self, *, first: int, last: int, now: datetime) -> Sequence[RawReveal]:
        """Reveals of blocks first..last, both included, in the order (block, extrinsic index)."""
        ...

    def uids(self) -> Mapping[str, int]:
        """Registered hotkeys and their uids."""
        ...

    def alpha(self) -> Mapping[str, int]:
        """What is staked to each registered hotkey, in 10^-9; empty where the chain knows of no stakes."""
        ...

    def owner_uid(self) -> int: ...

    def set_weights(self, vector: Mapping[int, Fraction], *, block: int) -> None: ...

    def weights(self) -> Mapping[int, Fraction]:
        """The weights as the chain has them (read back after setting)."""
        ...
