"""Who is paid how much at a block, and are those weights to be set on the chain now, later, or not at all?

One leader is paid, the rest goes to the subnet's owner, and it always adds up to one.  Set wrongly, weights cost money.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, Protocol, TypeVar

from competition.decisions.schedule import Schedule
from competition.rulesets.rules import Rules

WHOLE = Fraction(1)
WHOLE_U16 = 65_535
SPREAD = 20  # a twentieth of an epoch: validators that all start at one block would crowd it
MOST_DOUBLINGS = 6


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Subnet:
    """What the chain says of the subnet and of our hotkey at one finalised block."""

    block: int
    uid: int | None  # of our hotkey; None: not registered
    permit: bool
    owns: bool  # our hotkey is the subnet owner's
    weights: Mapping[int, int]  # ours, uid -> u16, as the chain has them
    last_update: int
    rate_limit: int
    tempo: int
    epoch_start: int
    commit_reveal: bool
    reveal_epochs: int = 1
    committed_at: int = 0  # the block of our last timelocked commit that is not revealed yet; 0: none
    least_weights: int = 1
    most_weight: int = WHOLE_U16  # the largest share of one uid, of 65,535


@dataclass(frozen=True, slots=True, kw_only=True)
class SentWeights:
    """The last thing we sent for this hotkey.  `outcome` "" is unknown: the process died, or nobody answered."""

    values: Mapping[int, int]
    block: int
    until: int  # after this block the chain takes it no more
    outcome: str = ""
    failures: int = 0  # attempts in a row that came to nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightAction:
    """`set`: now; `wait`: not before `at`; `keep`: the chain has them; `refuse`: somebody must act."""

    do: Literal["set", "wait", "keep", "refuse"]
    because: str
    at: int = 0


def quantised(vector: Mapping[int, Fraction]) -> dict[int, int]:
    """uid -> u16, the largest share at 65,535, as the chain stores them; shares that round to nothing are left out."""
    top = max(vector.values(), default=Fraction(0))
    if top <= 0:
        return {}
    values = {uid: round(share / top * WHOLE_U16) for uid, share in sorted(vector.items())}
    return {uid: value for uid, value in values.items() if value}


def same(current: Mapping[int, int], wanted: Mapping[int, int]) -> bool:
    """Are they the same shares?  The chain scales to its own maximum, and rounds: by one unit of what it stores, and
    by no more than two parts in 65,535."""
    top = max(current.values(), default=0)
    stored = {uid: value for uid, value in current.items() if value}
    rounding = min(WHOLE_U16, 2 * top)
    return set(stored) == set(wanted) and all(
        abs(stored[uid] * WHOLE_U16 - wanted[uid] * top) <= rounding for uid in wanted
    )


def next_action(
    subnet: Subnet, *, wanted: Mapping[int, int], since: int, hotkey: str, last: SentWeights | None, refusal: str = ""
) -> WeightAction:
    """`since`: the block from which `wanted` is due; `refusal`: why these weights must not be set by anybody."""
    refused = refusal or _impossible(subnet, wanted)
    if refused:
        return WeightAction(do="refuse", because=refused)
    if last and not last.outcome and subnet.block <= last.until and not arrived(subnet, last):
        return WeightAction(
            do="wait", because=f"what was sent at block {last.block} may still arrive", at=last.until + 1
        )
    stale = subnet.last_update + subnet.tempo
    if same(subnet.weights, wanted) and subnet.block < stale:
        return WeightAction(do="keep", because=f"the chain has them since block {subnet.last_update}", at=stale)
    if subnet.committed_at and last and same(last.values, wanted) and subnet.block < stale:
        return WeightAction(do="keep", because=f"committed at block {subnet.committed_at}, not revealed yet", at=stale)
    due = stale if same(subnet.weights, wanted) else since
    at = not_before(subnet, due=due, hotkey=hotkey, last=last)
    if subnet.block < at:
        limited = subnet.last_update and subnet.block < subnet.last_update + subnet.rate_limit
        why = f"{'the rate limit ends' if limited else 'our turn comes'} at block {at}"
        return WeightAction(do="wait", because=why, at=at)
    return WeightAction(do="set", because="they are stale" if same(subnet.weights, wanted) else "the chain has others")


def not_before(subnet: Subnet, *, due: int, hotkey: str, last: SentWeights | None) -> int:
    """The block to send at: after the rate limit, with jitter, doubled for each failure, inside an epoch."""
    free = subnet.last_update + subnet.rate_limit if subnet.last_update else 0
    failures = min(last.failures, MOST_DOUBLINGS) if last else 0
    if last and failures:
        width = 2**failures
        at = max(free, last.block + width + jitter(hotkey, number=last.block, width=width))
    else:
        at = max(free, due) + jitter(hotkey, number=due, width=max(1, subnet.tempo // SPREAD))
    end = subnet.epoch_start + subnet.tempo
    late = subnet.tempo and subnet.epoch_start <= at < end and end - at <= 2
    return end + 1 if late else at  # two blocks before the epoch's end it would arrive in the next one anyway


def jitter(hotkey: str, *, number: int, width: int) -> int:
    """0 … width − 1, the same for the same hotkey and number: nobody has to remember it."""
    digest = hashlib.sha256(f"gauntlet-jitter/1\n{hotkey}\n{number}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % max(1, width)


def arrived(subnet: Subnet, last: SentWeights) -> bool:
    """Did the chain take what we sent?  Only its own state can tell."""
    if max(subnet.last_update, subnet.committed_at) < last.block:
        return False
    return subnet.committed_at >= last.block or same(subnet.weights, last.values)


def _impossible(subnet: Subnet, wanted: Mapping[int, int]) -> str:
    if not wanted:
        return "there is nothing to set: every share is zero"
    if subnet.uid is None:
        return "the operator's hotkey is not registered on the subnet"
    if not (subnet.permit or subnet.owns):
        return "the operator's hotkey has no validator permit"
    only_self = set(wanted) == {subnet.uid}
    if not only_self and len(wanted) < subnet.least_weights:
        return f"the subnet takes {subnet.least_weights} weights or more, these are {len(wanted)}"
    top, total = max(wanted.values()), sum(wanted.values())
    if not only_self and top * WHOLE_U16 > subnet.most_weight * total:
        return f"the subnet caps one weight at {subnet.most_weight} of {WHOLE_U16}: these would be changed on the way"
    return ""
