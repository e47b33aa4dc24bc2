"""Which weight is in force at the current block, and which weights come later?

The one source of every weight that is shown as "the weight": front page, competition, miner, badge, embedded round,
feeds and API.  A reign that is decided but not in force is a later one: with its block, and about when that comes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from functools import cached_property
from typing import Literal

from django.db.models import Subquery

from competition import chain
from competition.chain.base import Chain, ChainFault
from competition.decisions import weights as decisions
from competition.models import Checkpoint, Competition, LedgerEvent, Reign
from dashboard.facts.people import Who, who

Status = Literal["later", "in force", "past", "replaced", "unknown"]


@dataclass(frozen=True, kw_only=True)
class PaidFrom:
    """A weight, and the block from which it is paid.

    `expected_at`: about when that block comes, null where the chain does not say.  `signed`: a signed checkpoint covers
    the decision; without one it is not paid even when its block has come.
    """

    leader: Who
    weight: Fraction
    from_block: int
    expected_at: datetime | None
    signed: bool

    @property
    def words(self) -> str:
        """`0.40 from block 2,417, about 2026-11-29 21:40 UTC`."""
        about = f", about {self.expected_at:%Y-%m-%d %H:%M} UTC" if self.expected_at else ""
        unsigned = "" if self.signed else ", once a signed checkpoint covers it"
        return f"{shown(self.weight)} from block {self.from_block:,}{about}{unsigned}"


@dataclass(frozen=True, kw_only=True)
class WeightInForce:
    """What is paid at `block`, the chain's current one, and what has been decided for later blocks.

    `block` is null, and so is all that hangs on it, where the chain does not say which block it is.  `leader` and
    `weight` are null before anybody is paid.  `later` is what will be in force one day, in the order of the blocks.
    """

    block: int | None
    leader: Who | None
    weight: Fraction | None
    since_block: int | None
    later: tuple[PaidFrom, ...]

    def of(self, hotkey: str) -> Fraction | None:
        """What this miner is paid now: 0 where another is paid, None where the block is not known."""
        if self.block is None:
            return None
        paid = self.leader is not None and self.leader.hotkey == hotkey and self.weight is not None
        return self.weight if paid else Fraction(0)

    def later_of(self, hotkey: str) -> tuple[PaidFrom, ...]:
        return tuple(row for row in self.later if row.leader.hotkey == hotkey)

    @property
    def settled(self) -> bool:
        """Can only another event of the ledger change it?  A block that comes cannot."""
        return self.block is not None and not self.later


NOBODY = WeightInForce(block=None, leader=None, weight=None, since_block=None, later=())


@dataclass(frozen=True, kw_only=True)
class Payment:
    """What one decision pays, and whether its block has come, is over, or was given to another decision."""

    leader: Who
    weight: Fraction
    effective_block: int
    defence: bool
    status: Status
    expected_at: datetime | None

    @property
    def words(self) -> str:
        """`Lathe 0.60 from block 617, in force now`."""
        text = f"{self.leader.name}, {shown(self.weight)} from block {self.effective_block:,}"
        about = f", about {self.expected_at:%Y-%m-%d %H:%M} UTC" if self.expected_at else ""
        ends = {"later": f" (later{about})", "in force": " (in force now)", "past": " (over)"}
        return text + (ends | {"replaced": " (never in force: replaced)", "unknown": ""})[self.status]


@dataclass(frozen=True, kw_only=True)
class Register:
    """A competition's reigns, oldest first, at a block (null: the chain does not say which).

    `unsigned`: the sequence numbers that no signed checkpoint covers, where a chain is told by checkpoints.
    """

    reigns: Sequence[Reign]
    block: int | None
    unsigned: frozenset[int]

    @cached_property
    def signed(self) -> Sequence[Reign]:
        return [reign for reign in self.reigns if reign.sequence not in self.unsigned]

    @cached_property
    def in_force(self) -> Reign | None:
        return None if self.block is None else decisions.at_block(self.signed, self.block)

    @cached_property
    def later(self) -> list[Reign]:
        """Those that will be in force at some block to come: never one that another has replaced by then."""
        if self.block is None:
            return []
        blocks = sorted({reign.effective_block for reign in self.reigns if reign.effective_block > self.block})
        coming = [decisions.at_block(self.reigns, block) for block in blocks]
        now = decisions.at_block(self.reigns, self.block)
        waiting = [now] if now is not None and now.sequence in self.unsigned else []
        reigns: list[Reign] = []
        for reign in (*waiting, *coming):
            if reign is not None and reign != self.in_force and reign not in reigns:
                reigns.append(reign)
        return reigns

    def status(self, reign: Reign) -> Status:
        if self.block is None:
            return "unknown"
        if reign == self.in_force:
            return "in force"
        if reign in self.later:
            return "later"
        if self.reigns and reign.sequence < self.reigns[0].sequence:
            return "past"  # older than what the register was read from
        over = reign.effective_block <= self.block and decisions.at_block(self.reigns, reign.effective_block) == reign
        return "past" if over else "replaced"


def register(competition: Competition, reigns: Sequence[Reign], *, now: datetime, block: int | None = None) -> Register:
    """`reigns`: in any order.  `block`: as of this one, instead of the chain's current block."""
    rows = sorted(reigns, key=lambda reign: reign.sequence)
    played = is_played(competition)
    if block is None and not played:  # records, whose chain nobody asks: the block of their last entry
        block = max((reign.effective_block for reign in rows), default=0)
    elif block is None:
        block = chain.block_now(competition, now=now)
    return Register(reigns=rows, block=block, unsigned=_unsigned(competition) if played and rows else frozenset())


def statuses(at: Register) -> dict[int, Status]:
    """Sequence number of a reign -> is it in force?"""
    return {reign.sequence: at.status(reign) for reign in at.reigns}


def payment(competition: Competition, at: Register, reign: Reign, *, now: datetime) -> Payment:
    """Of one decision among the register's reigns."""
    status = at.status(reign)
    return Payment(
        leader=who(reign.miner),
        weight=Fraction(reign.weight),
        effective_block=reign.effective_block,
        defence=reign.defence,
        status=status,
        expected_at=expected_at(competition, reign.effective_block, now=now) if status == "later" else None,
    )


def weight_in_force(competition: Competition, reigns: Sequence[Reign], *, now: datetime) -> WeightInForce:
    """Of all that is shown.  `reigns`: those of the competition with their miners, in any order."""
    return summary(competition, register(competition, reigns, now=now), now=now)


def summary(competition: Competition, at: Register, *, now: datetime) -> WeightInForce:
    reign = at.in_force
    return WeightInForce(
        block=at.block,
        leader=who(reign.miner) if reign else None,
        weight=Fraction(reign.weight) if reign else None,
        since_block=reign.effective_block if reign else None,
        later=tuple(
            PaidFrom(
                leader=who(each.miner),
                weight=Fraction(each.weight),
                from_block=each.effective_block,
                expected_at=expected_at(competition, each.effective_block, now=now),
                signed=each.sequence not in at.unsigned,
            )
            for each in at.later
        ),
    )


def is_played(competition: Competition) -> bool:
    """Is there a chain that this installation can ask?  Records of rounds played elsewhere have none."""
    return _connected(competition) is not None


def shown(weight: Fraction) -> str:
    return f"{float(weight):.2f}"


def expected_at(competition: Competition, block: int, *, now: datetime) -> datetime | None:
    """About when a block comes, or came; None where the chain does not say."""
    connected = _connected(competition)
    try:
        return connected.time_of(block, now=now) if connected else None
    except ChainFault:
        return None


def _connected(competition: Competition) -> Chain | None:
    try:
        return chain.of(competition)
    except LookupError:
        return None


def _unsigned(competition: Competition) -> frozenset[int]:
    """Before the first checkpoint nothing is told apart, and this is empty."""
    last = Checkpoint.objects.filter(competition=competition).order_by("-seq").values("seq")[:1]
    events = LedgerEvent.objects.filter(competition=competition, kind="reign", seq__gt=Subquery(last))
    return frozenset(events.order_by().values_list("body__sequence", flat=True))
