"""Which weights are due, on what evidence, does the chain have them, and is it our turn to set them?

An attempt is a row before it is an extrinsic.  What became of it is read from a finalised block's state, never from
the answer to the sending: the process may be killed, and the node may lie, between any two lines here.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any

from bittensor_core import Keypair
from django.db import transaction

from competition import chain
from competition.chain.base import ChainFault, SendResult
from competition.chain.observations import ObservedChain, WeightSetting
from competition.decisions import weights as decisions
from competition.decisions.weights import SentWeights, Subnet, WeightAction, arrived, next_action, quantised
from competition.models import Checkpoint, Competition, LedgerEvent, Reign
from competition.publication.bundle_folders import folder_of, newest_edition
from competition.publication.bundle_verifier import errors_in_bundle
from core import ledger, operator_key

RULE = "the leader's uid gets the reign's weight at the block, the subnet owner's uid the rest"
PERIOD = 32  # blocks for which what we sign can be included
MARGIN = 32  # blocks by which the node that signs may be ahead of what we have read
Send = Callable[[dict[int, int]], SendResult]


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
    rows = competition.events.filter(kind="reign", seq__lte=signed.seq).order_by("seq")
    events = list(rows)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is due, what the chain has, and what is to be done.  `proof` None: nothing can be shown to be due."""

    competition: Competition
    chain: ObservedChain
    subnet: Subnet
    proof: Proof | None
    wanted: dict[int, int]
    action: WeightAction


def subnet_of(chain: ObservedChain) -> Subnet:
    """As it was stored; JSON made the uids text."""
    known = {name: chain.subnet[name] for name in Subnet.__dataclass_fields__ if name in chain.subnet}
    return Subnet(**{**known, "weights": {int(uid): int(value) for uid, value in known["weights"].items()}})


def of_chain(name: str) -> Competition:
    """The competition whose weights the chain shows; raises Unproven where that is not one."""
    competitions = list(Competition.objects.filter(chain=name, active=True))
    if len(competitions) != 1:
        listed = ", ".join(each.slug for each in competitions) or "none"
        raise Unproven(f"one active competition must be played on {name}; there are {len(competitions)}: {listed}")
    return competitions[0]


def plan(name: str, *, now: datetime, look_only: bool = False) -> Plan:
    """Settle what was sent before, then decide.  Raises Unproven or ChainFault where there is nothing to decide on."""
    chain = ObservedChain.objects.filter(name=name).first()
    if chain is None or "weights" not in chain.subnet:
        raise ChainFault(f"{name} has not been read yet: start `manage.py runchain`")
    competition, hotkey, subnet = of_chain(name), str(operator_key.keypair().ss58_address), subnet_of(chain)
    if not look_only:
        settle(chain, subnet, now=now)
    proof, wanted, why = None, dict[int, int](), ""
    try:
        proof = proven(competition, now=now)
        wanted = quantised(proof.vector)
        events = competition.events.filter(seq__lte=proof.checkpoint.seq).order_by("seq")
        why = objection(proof, events.iterator()) or unverified(competition, proof)
    except Unproven as error:
        why = str(error)
    last = attempt_of(chain, hotkey=hotkey)
    since = proof.since if proof else 0
    action = next_action(subnet, wanted=wanted, since=since, hotkey=hotkey, last=last, refusal=why)
    return Plan(competition=competition, chain=chain, subnet=subnet, proof=proof, wanted=wanted, action=action)


def attempt_of(chain: ObservedChain, *, hotkey: str) -> SentWeights | None:
    row = WeightSetting.objects.filter(chain=chain, hotkey=hotkey).order_by("-pk").first()
    if row is None:
        return None
    return SentWeights(
        values=_values(row), block=row.block, until=row.until_block, outcome=row.outcome, failures=row.failures
    )


def settle(chain: ObservedChain, subnet: Subnet, *, now: datetime) -> None:
    """What became of the attempt that is still open?  The state of the last finalised block tells."""
    row = WeightSetting.objects.filter(chain=chain, outcome="").first()
    if row is None:
        return
    sent = SentWeights(values=_values(row), block=row.block, until=row.until_block)
    if arrived(subnet, sent):
        committed = subnet.committed_at >= row.block
        _close(row, WeightSetting.Outcome.COMMITTED if committed else WeightSetting.Outcome.SET, now=now)
    elif subnet.block > row.until_block:
        error = "the chain took it and shows other weights" if row.extrinsic else "it never reached the chain"
        _close(row, WeightSetting.Outcome.LOST, now=now, error=row.error or error)


def _close(row: WeightSetting, outcome: str, *, now: datetime, error: str = "") -> None:
    """Once: the ledger tells of weights that are on the chain, not of those that never came there."""
    good = outcome in (WeightSetting.Outcome.SET, WeightSetting.Outcome.COMMITTED)
    with transaction.atomic():
        ledger.hold(row.competition_id)
        failures = 0 if good else row.failures + 1
        closed = {"outcome": outcome, "error": error, "failures": failures, "settled_at": now}
        if not WeightSetting.objects.filter(pk=row.pk, outcome="").update(**closed) or not good:
            return
        body = {
            "block": row.block,
            "weights": row.vector,
            "uids": row.proof.get("uids", {}),
            "owner_uid": row.proof.get("owner_uid"),
            "reign": row.proof.get("reign", {}).get("seq"),
            "hotkey": row.hotkey,
            "extrinsic": row.extrinsic,
            "read_back": "agrees" if outcome == WeightSetting.Outcome.SET else "committed",
        }
        ledger.append(row.competition_id, kind="chain.weights", body=body, at=now)


def carry_out(made: Plan, *, send: Send, sure: Callable[[], bool], now: datetime) -> SendResult | None:
    """Write the attempt down, then send it.  None where it was not our turn, or another process holds the lock."""
    if made.action.do != "set" or made.proof is None or not sure():
        return None
    hotkey = str(operator_key.keypair().ss58_address)
    last = attempt_of(made.chain, hotkey=hotkey)
    row = WeightSetting.objects.create(
        competition=made.competition,
        chain=made.chain,
        hotkey=hotkey,
        block=made.subnet.block,
        until_block=made.subnet.block + PERIOD + MARGIN,
        failures=last.failures if last else 0,
        created_at=now,
        vector={str(uid): str(share) for uid, share in sorted(made.proof.vector.items())},
        values={str(uid): value for uid, value in made.wanted.items()},
        proof=made.proof.as_json(),
    )
    sent = send(made.wanted)
    if sent.landed is False:
        _close(row, WeightSetting.Outcome.FAILED, now=now, error=sent.error)
    else:
        WeightSetting.objects.filter(pk=row.pk).update(extrinsic=sent.extrinsic, error=sent.error)
    return sent


def _values(row: WeightSetting) -> dict[int, int]:
    return {int(uid): int(value) for uid, value in row.values.items()}


# -- the standalone verifier has the last word ---------------------------------------------------------

_good: dict[str, str] = {}


def unverified(competition: Competition, proof: Proof) -> str:
    """Why the round that led to the reign must not be paid: the newest edition of its bundle is missing, `verify` finds
    an error in it, or it says that somebody else is to be paid."""
    sequence = proof.reign.get("body", {}).get("sequence")
    reign = Reign.objects.filter(competition=competition, sequence=sequence).select_related("won_in").first()
    if reign is None or reign.won_in is None:  # of the leader a competition begins with the ledger alone tells
        return "" if sequence in (None, 1) else f"no round is known that led to reign {sequence}"
    edition = newest_edition(reign.won_in)
    named = f"round {reign.won_in.number}" + (f", edition {edition}" if edition > 1 else "")
    folder = folder_of(reign.won_in, edition=edition)
    if not (folder / "manifest.json").is_file():
        return f"the bundle of {named} is not published yet"
    digest = hashlib.sha256(b"".join((folder / n).read_bytes() for n in ("manifest.json", "ledger.jsonl"))).hexdigest()
    if digest not in _good:
        if problem := errors_in_bundle(folder):
            return f"verify refuses {named}: {problem}"
        _good[digest] = competition.slug
    # the bundle that was verified and the ledger must mean the same reign
    rows = json.loads((folder / "decision.json").read_bytes())["reigns"]
    due, body = decisions.at_block([PublishedReign(**row) for row in rows], proof.block), proof.reign["body"]
    paid = PublishedReign(hotkey=body["leader"], weight=body["weight"], effective_block=body["effective_block"])
    return "" if due == paid else f"the bundle of {named} says that another reign is to be paid: {due}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedReign:
    """A reign as a bundle's decision has it; `weight` is written "n/d"."""

    hotkey: str
    weight: str
    effective_block: int
