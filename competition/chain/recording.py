"""What of a look is written down, once?  Blocks, messages, neurons, in one transaction with the block they are of."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from competition.chain.bittensor import BlockState
from competition.chain.node_quorum import ChainLook, Known
from competition.chain.observations import (
    ObservedBlock,
    ObservedChain,
    ObservedEndpoint,
    ObservedNeuron,
    ObservedReveal,
)
from competition.chain.scale import Revealed
from competition.models import Competition, Round

SKEW = timedelta(minutes=10)
RETAINED_BLOCKS = 50_400  # about a week; older ones are kept where a round drew its seed from them
MOST_PAYLOAD = 65_536
WATCHED_STAGES = ("open", "miner_generation", "downloading", "duels", "finalizing", "paused")


def row_of(name: str) -> ObservedChain:
    return ObservedChain.objects.get_or_create(name=name)[0]


def known(chain: ObservedChain) -> Known:
    """What the next look needs to know; the hashes that rounds of this chain wait for among it."""
    competitions = Competition.objects.filter(chain=chain.name, active=True)
    rounds = Round.objects.filter(competition__in=competitions, state__in=WATCHED_STAGES)
    seeds = set(rounds.values_list("seed_block", flat=True))
    there = set(chain.blocks.filter(number__in=seeds).values_list("number", flat=True))
    wanted = tuple(sorted(seeds - there))
    return Known(genesis=chain.genesis, block=chain.block, block_hash=chain.block_hash, wanted=wanted)


def record(chain: ObservedChain, look: ChainLook, *, now: datetime) -> int:
    """How many messages were new.  The block moves on only together with all that was read of it."""
    with transaction.atomic():
        chain = ObservedChain.objects.select_for_update().get(pk=chain.pk)
        _endpoints(chain, look, now=now)
        fresh = 0 if look.fault else _read(chain, look, now=now)
        chain.fault_since = None if not look.fault else chain.fault_since if chain.fault_code == look.code else now
        chain.fault_code, chain.fault = look.code, look.fault
        chain.remark = "; ".join([*look.remarks, *_asides(chain, look.reading, now=now)])
        chain.save()
        if look.reading and not look.fault:
            ObservedChain.objects.filter(pk=chain.pk).update(read_at=Now())
        ObservedChain.objects.filter(pk=chain.pk).update(looked_at=Now())
    return fresh


def _read(chain: ObservedChain, look: ChainLook, *, now: datetime) -> int:
    for block in look.blocks:  # it has one hash: what is there already is the same, or the look would have failed
        values = {"hash": block.hash, "at": block.at, "told_by": list(block.by), "seen_at": now}
        ObservedBlock.objects.get_or_create(chain=chain, number=block.number, defaults=values)
    reading = look.reading
    if reading is None:
        return 0
    fresh = sum(_reveal(chain, hotkey, one, block=at, block_hash=h, now=now) for hotkey, at, h, one in look.older)
    fresh += sum(
        _reveal(chain, hotkey, one, block=reading.block, block_hash=reading.hash, now=now)
        for hotkey, heap in reading.reveals.items()
        for one in heap
    )
    _neurons(chain, reading)
    chain.genesis = chain.genesis or look.genesis
    chain.block, chain.block_hash, chain.block_at = reading.block, reading.hash, reading.at
    chain.subnet = {
        **asdict(reading.subnet),
        "owner_hotkey": reading.owner_hotkey,
        "owner_coldkey": reading.owner_coldkey,
        "block_seconds": reading.block_seconds,
        "commitment": reading.commitment.hex(),
        "undecodable": list(reading.undecodable),
    }
    _forget(chain)
    return fresh


def _reveal(chain: ObservedChain, hotkey: str, one: Revealed, *, block: int, block_hash: str, now: datetime) -> bool:
    """False when it is already there.  The same bytes twice in one block say nothing more than once."""
    digest = hashlib.sha256(one.payload).hexdigest()
    if ObservedReveal.objects.filter(chain=chain, hotkey=hotkey, block=one.block, sha256=digest).exists():
        return False
    position = ObservedReveal.objects.filter(chain=chain, hotkey=hotkey, block=one.block).count()
    ObservedReveal.objects.create(
        chain=chain,
        hotkey=hotkey,
        block=one.block,
        position=position,
        payload=one.payload[:MOST_PAYLOAD],
        sha256=digest,
        read_block=block,
        read_hash=block_hash,
        seen_at=now,
    )
    return True


def _neurons(chain: ObservedChain, reading: BlockState) -> None:
    neurons = {n.uid: (n.hotkey, n.coldkey, n.registered_at_block, n.alpha) for n in reading.neurons}
    names = ("uid", "hotkey", "coldkey", "registered_at_block", "alpha")
    there = {uid: tuple(rest) for uid, *rest in chain.neurons.values_list(*names)}
    changed = [uid for uid in {*neurons, *there} if neurons.get(uid) != there.get(uid)]
    chain.neurons.filter(uid__in=changed).delete()
    ObservedNeuron.objects.bulk_create(
        ObservedNeuron(chain=chain, **dict(zip(names, (uid, *neurons[uid]), strict=True)))
        for uid in changed
        if uid in neurons
    )


def _endpoints(chain: ObservedChain, look: ChainLook, *, now: datetime) -> None:
    for sight in look.sights:
        values: dict[str, Any] = {
            "finalised": sight.finalised if sight.answered else None,
            "spec": look.specs.get(sight.endpoint),
            "fault": sight.fault,
            "seconds": round(look.seconds.get(sight.endpoint, 0.0), 3),
        }
        values |= {"answered_at": now} if sight.answered else {}
        ObservedEndpoint.objects.update_or_create(chain=chain, shown=sight.endpoint, defaults=values)
    chain.endpoints.exclude(shown__in=[sight.endpoint for sight in look.sights]).delete()


def _asides(chain: ObservedChain, reading: BlockState | None, *, now: datetime) -> Iterable[str]:
    """Nothing is decided by a clock or by what cannot be read; both are still worth a sentence."""
    if reading is not None and abs(now - reading.at) > SKEW:
        yield f"this machine's clock and the chain's differ by {round(abs(now - reading.at).total_seconds())} s"
    if spoilt := chain.subnet.get("undecodable"):
        yield f"the messages of {', '.join(spoilt)} cannot be decoded and were left out"


def _forget(chain: ObservedChain) -> None:
    """Hashes of heads that nobody can ask for again; each hundredth stays."""
    if chain.block % 100:
        return
    seeds = Round.objects.filter(competition__chain=chain.name).values("seed_block")
    old = chain.blocks.filter(number__lt=chain.block - RETAINED_BLOCKS).exclude(number__in=seeds)
    old.annotate(rest=F("number") % 100).exclude(rest=0).delete()
