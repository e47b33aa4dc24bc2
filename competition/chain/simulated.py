"""How does a chain behave when there is none?  Blocks from a clock, reveals from a table, real sr25519 keys.

Everything that shows this chain says `simulated`.  Block hashes are SHA-256 of name and number: anybody can recompute
them, so a seed drawn from one is reproducible, but not unpredictable as a real block hash is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from fractions import Fraction

from bittensor_core import Keypair
from django.db.models import F

from competition.chain.base import ChainFault, RawReveal
from competition.models import SimulatedChain, SimulatedExtrinsic

DOMAIN = b"gauntlet-simulated-extrinsic/1\n"


class Simulated:
    """A chain kept in the database under `name`."""

    sets_weights = True

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    def row(self) -> SimulatedChain:
        try:
            return SimulatedChain.objects.get(name=self.name)
        except SimulatedChain.DoesNotExist:
            raise ChainFault(
                f"no simulated chain is named {self.name!r}: create one with manage.py seed_demo"
            ) from None

    def block(self, *, now: datetime) -> int:
        row = self.row
        return max(0, int((now - row.genesis_at).total_seconds() // row.block_seconds)) + row.skipped

    def block_hash(self, number: int, *, now: datetime) -> str:
        if number > self.block(now=now):
            raise ChainFault(f"block {number} has not come yet")
        return simulated_hash(self.name, number)

    def time_of(self, number: int, *, now: datetime) -> datetime:
        row = self.row
        return row.genesis_at + timedelta(seconds=(number - row.skipped) * row.block_seconds)

    def reveals(self, *, first: int, last: int, now: datetime) -> Sequence[RawReveal]:
        last = min(last, self.block(now=now))
        rows = SimulatedExtrinsic.objects.filter(chain__name=self.name, block__gte=first, block__lte=last)
        return [
            RawReveal(row.hotkey, row.block, row.index, bytes(row.payload), bytes(row.signature))
            for row in rows.order_by("block", "index")
            if signed(row.hotkey, bytes(row.payload), bytes(row.signature))
        ]

    def uids(self) -> Mapping[str, int]:
        return dict(self.row.registrations.values_list("hotkey", "uid"))

    def alpha(self) -> Mapping[str, int]:
        return {}

    def owner_uid(self) -> int:
        return 0

    def set_weights(self, vector: Mapping[int, Fraction], *, block: int) -> None:
        stored = {str(uid): str(weight) for uid, weight in sorted(vector.items())}
        SimulatedChain.objects.filter(name=self.name).update(weights=stored, weights_block=block)

    def weights(self) -> Mapping[int, Fraction]:
        return {int(uid): Fraction(weight) for uid, weight in self.row.weights.items()}

    def skip_to(self, number: int, *, now: datetime) -> None:
        """Let the clock jump forward (only a simulated chain can): nothing happens in the blocks between."""
        behind = number - self.block(now=now)
        if behind > 0:
            SimulatedChain.objects.filter(name=self.name).update(skipped=F("skipped") + behind)

    def reveal(self, key: Keypair, payload: bytes, *, block: int) -> SimulatedExtrinsic:
        """Put a signed reveal into a block, after those already there."""
        row = self.row
        index = row.extrinsics.filter(block=block).count()
        return row.extrinsics.create(
            block=block, index=index, hotkey=key.ss58_address, payload=payload, signature=key.sign(DOMAIN + payload)
        )


def simulated_hash(name: str, number: int) -> str:
    return hashlib.sha256(f"gauntlet-simulated-block/1\n{name}\n{number}".encode()).hexdigest()


def signed(hotkey: str, payload: bytes, signature: bytes) -> bool:
    """Is it the hotkey's signature?  A malformed key or signature is a no, not an error."""
    try:
        return bool(Keypair(ss58_address=hotkey).verify(DOMAIN + payload, signature))
    except (ValueError, TypeError):
        return False
