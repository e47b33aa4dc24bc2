"""Does the chain know how long our ledger is, and what its last event's hash was?

At each stage change the head of the ledger is signed, and the first three lines of the signed note (origin, seq, head)
are committed on the chain by the operator's hotkey: 115 bytes at most.  Every miner reads the same chain, so nobody can
be shown another ledger later.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from competition import steps
from competition.chain.base import SendResult
from competition.chain.observations import Anchor, ObservedChain
from competition.models import Checkpoint, Competition
from core import operator_key

STAGES = "round."
PATIENCE = 64  # blocks until what was sent can no longer arrive
MOST_DOUBLINGS = 8


def text_of(checkpoint: Checkpoint) -> str:
    """What is committed: origin, seq and head, one a line, none ended at the last."""
    return "\n".join(checkpoint.text.split("\n")[:3])


def due(chain: ObservedChain, competition: Competition, *, now: datetime) -> Anchor | None:
    """The anchor to send now, after what was sent before is settled; None where there is nothing to send."""
    checkpoint = _checkpoint(competition, now=now)
    if checkpoint is None or not chain.block:
        return None
    anchor, _ = Anchor.objects.get_or_create(
        checkpoint=checkpoint,
        defaults={"chain": chain, "text": text_of(checkpoint), "hotkey": checkpoint.signed_by, "created_at": now},
    )
    if anchor.block is not None:
        return None
    if bytes.fromhex(chain.subnet.get("commitment", "")) == anchor.text.encode():  # read back from the last block
        arrived = {"block": chain.block, "block_hash": chain.block_hash, "error": ""}
        Anchor.objects.filter(pk=anchor.pk, block=None).update(**arrived)
        return None
    return anchor if chain.block >= not_before(anchor) else None


def _checkpoint(competition: Competition, *, now: datetime) -> Checkpoint | None:
    """The last one; a new one where the round has come to another stage since."""
    last = competition.checkpoints.order_by("-seq").first()
    moved = competition.events.filter(kind__startswith=STAGES, seq__gt=last.seq if last else 0)
    if moved.exists():
        last = steps.checkpoint(competition, now=now)
    return last if last and last.signed_by == operator_key.keypair().ss58_address else None


def not_before(anchor: Anchor) -> int:
    """The block to send at: at once, then when the last try cannot arrive any more, then more patiently."""
    if not anchor.sent_at_block:
        return 0
    if not anchor.failures:
        return anchor.sent_at_block + PATIENCE + 1
    return anchor.sent_at_block + int(2 ** min(anchor.failures, MOST_DOUBLINGS))


def carry_out(anchor: Anchor, *, send: Callable[[bytes], SendResult], block: int) -> SendResult:
    """Sending it twice writes the same bytes twice."""
    Anchor.objects.filter(pk=anchor.pk).update(sent_at_block=block)
    sent = send(anchor.text.encode())
    if sent.landed is False:
        Anchor.objects.filter(pk=anchor.pk).update(failures=anchor.failures + 1, error=sent.error[:300])
    return sent
