"""Who is paid how much at a block?  One leader, the rest to the subnet's owner, and it always adds up to one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol, TypeVar

from competition.decisions.schedule import Schedule
from competition.rulesets.rules import Rules

WHOLE = Fraction(1)


class TakesEffect(Protocol):
    @property
    def effective_block(self) -> int: ...


Entry = TypeVar("Entry", bound=TakesEffect)


@dataclass(frozen=True, slots=True, kw_only=True)
class PaidReign:
    """From `effective_block` on, `hotkey` is paid `weight` of the emission, until a later reign takes effect."""

    hotkey: str
    weight: Fraction
    effective_block: int

    def __post_init__(self) -> None:
        if not 0 <= self.weight <= 1:
            raise ValueError(f"a weight of {self.weight} is no share")


def next_reign_weight(previous: Fraction, *, defended: bool, rules: Rules) -> Fraction:
    """A defence costs `weight_decay` down to the floor; a new leader starts at the whole."""
    return max(rules.weight_floor, previous - rules.weight_decay) if defended else WHOLE


def effective_block(next_round: Schedule, *, rules: Rules) -> int:
    """The block from which a round's outcome is paid: never before the next round is fixed."""
    if rules.paid_from == "next_earliest_reveal":
        return next_round.earliest_reveal_block
    return next_round.latest_reveal_block


def at_block(reigns: Sequence[Entry], block: int) -> Entry | None:
    """The last entry of the append-only list that is in effect: a later entry for the same block corrects it."""
    return next((reign for reign in reversed(reigns) if reign.effective_block <= block), None)


def vector(reigns: Sequence[PaidReign], *, block: int, uids: Mapping[str, int], owner_uid: int) -> dict[int, Fraction]:
    """uid -> share, exactly 1 in sum, without zeros.  No reign, or a leader who is not registered: all to the owner."""
    reign = at_block(reigns, block)
    uid = None if reign is None else uids.get(reign.hotkey)
    if reign is None or uid is None or uid == owner_uid:
        return {owner_uid: WHOLE}
    shares = {uid: reign.weight, owner_uid: WHOLE - reign.weight}
    return {key: share for key, share in shares.items() if share}
