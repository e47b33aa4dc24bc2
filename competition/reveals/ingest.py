"""Who entered this round, and with what?  Every reveal is kept; what it adds up to is derived by `eligibility`."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import Max

from competition import chain
from competition.chain.base import RawReveal
from competition.decisions import eligibility, standing
from competition.decisions.standing import HotkeyStanding
from competition.models import Competition, Miner, Reveal, Round, Submission
from core import ledger

SIGNED_FROM = 1_000_000  # extrinsic indices of reveals that came by the API: after all of their block's own
STORED_BYTES = (
    8192  # of a payload; a longer one is refused whatever follows, so its beginning and length are evidence enough
)


def take_reveals(competition: Competition, *, now: datetime) -> int:
    """Store what the chain has revealed since the last look.  Reading a block again changes nothing."""
    connected = chain.of(competition)
    read = competition.reveals.filter(extrinsic_index__lt=SIGNED_FROM)
    seen = read.aggregate(last=Max("block"))["last"] or 0
    fresh = connected.reveals(first=seen, last=connected.block(now=now), now=now)
    return sum(store(competition, raw, now=now) for raw in fresh)


def store(competition: Competition, raw: RawReveal, *, now: datetime) -> bool:
    """Keep one reveal with what can be read of it.  False when it is already there."""
    reading = eligibility.read(raw.payload)
    miner, _ = Miner.objects.get_or_create(hotkey=raw.hotkey)
    with transaction.atomic():
        _, made = Reveal.objects.get_or_create(
            competition=competition,
            miner=miner,
            block=raw.block,
            extrinsic_index=raw.extrinsic_index,
            defaults={
                "payload": raw.payload[:STORED_BYTES],
                "fields": dict(reading.fields),
                "objection": reading.objection or "",
                "seen_at": now,
            },
        )
        if made:
            body = {
                "miner": raw.hotkey,
                "block": raw.block,
                "extrinsic_index": raw.extrinsic_index,
                "bytes": len(raw.payload),
                "payload": raw.payload[:STORED_BYTES].hex(),
                "signature": raw.signature.hex(),
                "objection": reading.objection or "",
            }
            body |= {"request": raw.request} if raw.request else {}
            ledger.append(competition.pk, kind="reveal", body=body, at=now)
    return made


def entries(round_: Round) -> tuple[eligibility.Derived, ...]:
    """What the reveals of the round's window add up to, in queue order."""
    earliest, latest = round_.reveal_window
    window = round_.competition.reveals.filter(block__range=(earliest, latest)).select_related("miner")
    read = [
        eligibility.RevealMessage(
            hotkey=row.miner.hotkey, block=row.block, extrinsic_index=row.extrinsic_index, raw=bytes(row.payload)
        )
        for row in window
    ]
    return eligibility.derive(read, earliest=earliest, latest=latest, demo=settings.DEMO)


def submissions(round_: Round, derived: Sequence[eligibility.Derived]) -> dict[str, Submission]:
    """The row of each entry by its hotkey, unsaved."""
    miners = {miner.hotkey: miner for miner in Miner.objects.filter(hotkey__in=[entry.hotkey for entry in derived])}
    return {
        entry.hotkey: Submission(
            round=round_,
            miner=miners[entry.hotkey],
            role=Submission.Role.CHALLENGER,
            repo=entry.repo[:200],
            commit=entry.commit[:40],
            cdn_url=entry.cdn_url,
            reveal_block=entry.reveal_block,
            extrinsic_index=entry.extrinsic_index,
            objection=entry.objection or "",
        )
        for entry in derived
    }


def submit(round_: Round, *, now: datetime) -> Sequence[Submission]:
    """Write down the submissions of the closed window, copies pointing to the first reveal of their commit."""
    standings = standings_of(round_, now=now)
    derived = list(entries(round_))
    if standings is not None:
        asks = standing.Condition.from_json(round_.competition.config["entry"])
        for place, entry in enumerate(derived):
            why = entry.objection or standing.objection(standings[entry.hotkey], asks) or None
            derived[place] = dataclasses.replace(entry, objection=why)
    rows = submissions(round_, derived)
    Submission.objects.bulk_create(rows.values())
    for copy, first in eligibility.copies(derived).items():
        rows[copy].copy_of = rows[first]
        rows[copy].save(update_fields=["copy_of"])
    for row in rows.values():
        ledger.append(round_.competition_id, kind="submission", body=_event(round_, row, standings), at=now)
    return list(rows.values())


def standings_of(round_: Round, *, now: datetime) -> Mapping[str, HotkeyStanding] | None:
    """What the chain says of each registered hotkey when the window is over; None where nothing is asked of anybody."""
    if not round_.competition.config.get("entry"):
        return None
    connected = chain.of(round_.competition)
    block, alpha = connected.block(now=now), connected.alpha()
    uids = connected.uids()
    known = {hotkey: HotkeyStanding(block=block, uid=uid, alpha=alpha.get(hotkey, 0)) for hotkey, uid in uids.items()}
    return defaultdict(lambda: HotkeyStanding(block=block, uid=None), known)


def _event(round_: Round, row: Submission, standings: Mapping[str, HotkeyStanding] | None) -> dict[str, object]:
    standing = standings[row.miner.hotkey] if standings is not None else None
    stands = (
        {"standing": {"block": standing.block, "uid": standing.uid, "alpha": str(standing.alpha)}} if standing else {}
    )
    return {
        **stands,
        "round": round_.number,
        "miner": row.miner.hotkey,
        "repo": row.repo,
        "commit": row.commit,
        "cdn_url": row.cdn_url,
        "reveal_block": row.reveal_block,
        "objection": row.objection,
        "copy_of": row.copy_of.miner.hotkey if row.copy_of else "",
    }
