"""Does the chain pay whom the reigns say, in the proportion they say, and on what evidence?"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any

from bittensor_core import Keypair
from django.db import transaction

from competition import chain
from competition.models import Checkpoint, Competition, LedgerEvent, Reign
from competition.rulesets import weights as decisions
from core import ledger, operator_key

RULE = "the leader's uid gets the reign's weight at the block, the subnet owner's uid the rest"


class Unproven(Exception):
    """No signed checkpoint tells which weights are due; the sentence says what is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """The vector, and all it follows from."""

    competition: str
    chain: str
    block: int
    block_hash: str
    vector: dict[int, Fraction]
    leader: str
    uids: dict[str, int]  # of the leader, where registered
    owner_uid: int
    since: int  # the block from which the reign is paid
    reign: dict[str, Any]  # the event of the ledger; {} before the first reign takes effect
    checkpoint: Checkpoint

    def as_json(self) -> dict[str, Any]:
        signed = self.checkpoint
        return {
            "competition": self.competition,
            "chain": self.chain,
            "block": self.block,
            "block_hash": self.block_hash,
            "weights": {str(uid): str(share) for uid, share in sorted(self.vector.items())},
            "leader": self.leader,
            "uids": self.uids,
            "owner_uid": self.owner_uid,
            "reign": self.reign,
            "checkpoint": {"text": signed.text, "signature": signed.signature, "signed_by": signed.signed_by},
            "rule": RULE,
        }


def reigns(competition: Competition) -> list[decisions.PaidReign]:
    return paid_reigns(competition.reigns.select_related("miner").order_by("sequence"))


def paid_reigns(rows: Iterable[Reign]) -> list[decisions.PaidReign]:
    return [
        decisions.PaidReign(hotkey=r.miner.hotkey, weight=Fraction(r.weight), effective_block=r.effective_block)
        for r in rows
    ]


def keep(competition: Competition, *, now: datetime) -> bool:
    """Set the weights of the current block where the chain has others.  True when something was set."""
    connected = chain.of(competition)
    if not connected.sets_weights:
        return False
    block = connected.block(now=now)
    vector = decisions.vector(reigns(competition), block=block, uids=connected.uids(), owner_uid=connected.owner_uid())
    if dict(connected.weights()) == vector:
        return False
    connected.set_weights(vector, block=block)
    read_back = dict(connected.weights())
    body = {
        "block": block,
        "weights": {str(uid): str(share) for uid, share in sorted(vector.items())},
        "read_back": "agrees" if read_back == vector else "differs",
    }
    with transaction.atomic():
        ledger.append(competition.pk, kind="weights", body=body, at=now)
    return True


def proven(competition: Competition, *, now: datetime) -> Proof:
    """The weights due now, from what the last signed checkpoint covers: a reign nobody has signed for pays nobody.

    Raises Unproven, or ChainFault where the chain does not tell its block.
    """
    signed = competition.checkpoints.order_by("-seq").first()
    if signed is None:
        raise Unproven(f"{competition.slug} has no signed checkpoint yet")
    told = competition.events.filter(kind="reign", seq__lte=signed.seq).order_by("seq")
    events = list(told)
    connected = chain.of(competition)
    block = connected.block(now=now)
    uids, owner = connected.uids(), connected.owner_uid()
    listed = [
        decisions.PaidReign(
            hotkey=body["leader"], weight=Fraction(body["weight"]), effective_block=body["effective_block"]
        )
        for body in (event.body for event in events)
    ]
    reign = decisions.at_block(listed, block)
    event = next((e for e, r in zip(reversed(events), reversed(listed), strict=True) if r is reign), None)
    return Proof(
        competition=competition.slug,
        chain=competition.chain,
        block=block,
        block_hash=connected.block_hash(block, now=now),
        vector=decisions.vector(listed, block=block, uids=uids, owner_uid=owner),
        leader=reign.hotkey if reign else "",
        owner_uid=owner,
        since=reign.effective_block if reign else 0,
        uids={reign.hotkey: uids[reign.hotkey]} if reign and reign.hotkey in uids else {},
        reign=event.as_json() if event else {},
        checkpoint=signed,
    )


def objection(proof: Proof, events: Iterable[LedgerEvent]) -> str:
    """Why the evidence does not hold, or "".  `events`: the ledger up to the checkpoint, from its first event on."""
    signed = proof.checkpoint
    if signed.signed_by != operator_key.keypair().ss58_address:
        return f"the last checkpoint is signed by {signed.signed_by}, which is not the operator's key here"
    if not Keypair(ss58_address=signed.signed_by).verify(signed.text.encode(), bytes.fromhex(signed.signature)):
        return f"the signature of checkpoint {signed.seq} does not hold"
    previous, last, seq = ledger.GENESIS, "", 0
    for event in events:
        if event.previous != previous or event.seq != seq + 1 or ledger.broken_at([event], previous=previous):
            return f"the ledger is broken at event {event.seq}"
        previous, last, seq = event.hash, event.hash, event.seq
    head = base64.b64encode(bytes.fromhex(last)).decode()
    if signed.text.split("\n")[:3] != [f"gauntlet/{proof.competition}", str(seq), head]:
        return f"checkpoint {signed.seq} is not of this ledger's event {seq}"
    return ""
