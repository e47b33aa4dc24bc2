"""What is known of a real chain here?  What `manage.py runchain` wrote down; nothing in this module asks a node.

Stages, pages and receipts read the rows of `competition.chain.observations`, so no worker and no web process needs the
chain's client, and a node that hangs stops nothing but the watching.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

from django.conf import settings
from django.db.models import DurationField, ExpressionWrapper, F
from django.db.models.functions import Now

from competition.chain.base import ChainFault, RawReveal
from competition.chain.observations import ObservedChain

BLOCK_SECONDS = 12.0
# With these, what was used before may be wrong: nothing goes on before a person has looked.  Others are outages: the
# last block agreed on stays true, until it is too old.
PAUSING = frozenset({"DISAGREEMENT", "HISTORY_CHANGED", "READINGS_DIFFER", "OTHER_CHAIN"})


class Observed:
    """The chain `bittensor:<netuid>` as it was last agreed on."""

    sets_weights = False  # `runchain` does, with the operator's hotkey

    def __init__(self, name: str) -> None:
        self.name = name

    def row(self) -> ObservedChain:
        """The last agreed state; `ChainFault` while it must not be used."""
        row = self.watched()
        if row is None or not row.block:
            raise ChainFault(f"{self.name} has not been read yet: start `manage.py runchain`")
        if row.fault_code in PAUSING:
            raise ChainFault(f"{row.fault} ({row.fault_code})")
        if row.age is None or row.age > timedelta(seconds=settings.CHAIN_STALE_SECONDS):
            raise ChainFault(
                f"no new finalised block since {row.block}: {row.fault or 'runchain does not run'} (STALE)"
            )
        chain: ObservedChain = row
        return chain

    def watched(self) -> Any:
        """The row with its age by the database's clock, whatever its state; None where there is none."""
        age = ExpressionWrapper(Now() - F("read_at"), output_field=DurationField())
        return ObservedChain.objects.annotate(age=age).filter(name=self.name).first()

    def block(self, *, now: datetime) -> int:
        return int(self.row().block)

    def block_hash(self, number: int, *, now: datetime) -> str:
        row = self.row()
        if number > row.block:
            raise ChainFault(f"block {number} is not finalised yet (now {row.block})")
        known = row.blocks.filter(number=number).first()
        if known is None:
            raise ChainFault(f"the hash of block {number} has not been agreed on yet")
        return str(known.hash)

    def time_of(self, number: int, *, now: datetime) -> datetime:
        """As the chain reported it, or an estimate: the last one's time and 12 s for each block more."""
        row = self.row()
        known = row.blocks.filter(number=number).first() if number <= row.block else None
        if known is not None:
            return known.at
        seconds = float(row.subnet.get("block_seconds", BLOCK_SECONDS))
        return (row.block_at or now) + timedelta(seconds=(number - row.block) * seconds)

    def reveals(self, *, first: int, last: int, now: datetime) -> Sequence[RawReveal]:
        rows = self.row().reveals.filter(block__gte=first, block__lte=last).order_by("block", "position", "hotkey")
        return [RawReveal(row.hotkey, row.block, row.position, bytes(row.payload)) for row in rows]

    def uids(self) -> Mapping[str, int]:
        return dict(self.row().neurons.values_list("hotkey", "uid"))

    def alpha(self) -> Mapping[str, int]:
        return dict(self.row().neurons.values_list("hotkey", "alpha"))

    def owner_uid(self) -> int:
        """The subnet owner's neuron; 0 where the owner's hotkey has none, as the chain burns what goes there."""
        row = self.row()
        owner = row.neurons.filter(hotkey=row.subnet.get("owner_hotkey", "")).first()
        return owner.uid if owner else 0

    def set_weights(self, vector: Mapping[int, Fraction], *, block: int) -> None:
        raise ChainFault("weights of a real chain are set by `manage.py runchain`")

    def weights(self) -> Mapping[int, Fraction]:
        weights = {int(uid): int(value) for uid, value in self.row().subnet.get("weights", {}).items()}
        total = sum(weights.values())
        return {uid: Fraction(value, total) for uid, value in weights.items()} if total else {}
