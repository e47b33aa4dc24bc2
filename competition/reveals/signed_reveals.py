"""How does a miner reveal without the chain?  By a signed request, where the competition allows it.

What was signed stays in the ledger with its signature, so that anybody can see that the miner asked for exactly this.
A reveal stands behind all of its block's own messages; the same one again changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from competition import chain
from competition.chain.base import RawReveal
from competition.decisions import eligibility
from competition.models import Competition, Reveal, Round
from competition.reveals import ingest
from core import ledger

MOST = 10  # of one miner in one window, as the chain keeps no more either


@dataclass(frozen=True, kw_only=True)
class SignedReveal:
    """The request: `payload` is its body, `request` the text that was signed."""

    hotkey: str
    payload: bytes
    request: str
    signature: bytes


class NotTaken(Exception):
    """The reveal does not count; `code` is stable, `fix` says what to do."""

    def __init__(self, code: str, sentence: str, fix: str) -> None:
        super().__init__(sentence)
        self.code, self.sentence, self.fix = code, sentence, fix


def allowed(competition: Competition) -> bool:
    return competition.active and competition.config.get("signed_reveals") is True


def accept(competition: Competition, request: SignedReveal, *, now: datetime) -> tuple[Round, Reveal]:
    """Keep the reveal, in the block that is current.  Raises NotTaken, ChainFault."""
    if not allowed(competition):
        fix = "Reveal it on the competition's chain."
        raise NotTaken("not_allowed", "This competition takes reveals from its chain only.", fix)
    readable(request.payload)
    block = chain.of(competition).block(now=now)
    with transaction.atomic():
        ledger.hold(competition.pk)  # a window that closes meanwhile waits for us, or is closed before we look
        round_ = open_round(competition, block=block)
        # all of the miner's in this window, the chain's too, in the order in which they count
        rows = competition.reveals.filter(miner__hotkey=request.hotkey, block__range=round_.reveal_window)
        stored = list(rows.select_related("miner", "competition").order_by("block", "extrinsic_index"))
        if stored and bytes(stored[-1].payload) == request.payload:
            return round_, stored[-1]
        if sum(each.extrinsic_index >= ingest.SIGNED_FROM for each in stored) >= MOST:
            sentence = f"{MOST} reveals of this hotkey were taken in this window already."
            raise NotTaken("too_many", sentence, "Reveal on the chain, or wait for the next round.")
        place = (
            ingest.SIGNED_FROM
            + competition.reveals.filter(block=block, extrinsic_index__gte=ingest.SIGNED_FROM).count()
        )
        raw = RawReveal(request.hotkey, block, place, request.payload, request.signature, request=request.request)
        ingest.store(competition, raw, now=now)
        made = competition.reveals.select_related("miner", "competition")
        return round_, made.get(block=block, extrinsic_index=place, miner__hotkey=request.hotkey)


def readable(payload: bytes) -> None:
    """What a chain keeps whatever it holds is refused here, where the miner hears it at once."""
    reading = eligibility.read(payload)
    if reading.objection:
        fix = 'Send {"competition": …, "repo": "owner/name", "commit": "40 hex digits", "cdn_url": "https://…"}.'
        raise NotTaken("unreadable", reading.objection, fix)


def open_round(competition: Competition, *, block: int) -> Round:
    """The round whose window holds this block, as the database has it now."""
    round_ = competition.current_round()
    if round_ is None:
        raise NotTaken("no_round", "This competition has no round yet.", "Ask again when one is announced.")
    schedule = round_.schedule_at(block)
    first, last = schedule.earliest_reveal_block, schedule.latest_reveal_block
    if not round_.takes_reveals or block > last:
        sentence = f"The window of round {round_.number} closed at block {last}; it is block {block}."
        raise NotTaken("window_closed", sentence, "Wait for the next round.")
    if block < first:
        sentence = f"The window of round {round_.number} opens at block {first}; it is block {block}."
        raise NotTaken("window_closed", sentence, f"Ask again from block {first} on.")
    return round_
