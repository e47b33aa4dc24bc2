"""What happened, in which order, in a form nobody can quietly edit?

One chain of events per competition: `hash = SHA256("gauntlet-ledger/1\\n" + previous hash + JCS({body, kind, seq}))`,
RFC 8785 by `rfc8785`.  Events are only ever inserted (a database trigger refuses anything else), by one writer at a
time under an advisory lock, in the transaction of the change they tell of.  Bodies hold no floats.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import rfc8785
from django.apps import apps
from django.db import connection

DOMAIN = b"gauntlet-ledger/1\n"
GENESIS = "0" * 64
LOCK_SPACE = 0x6C656467  # "ledg": keeps our advisory locks apart from others in the database


def event_hash(previous: str, *, kind: str, seq: int, body: Mapping[str, Any]) -> str:
    """Lower-case hex SHA-256 of one event after `previous` (hex)."""
    canonical = rfc8785.dumps({"kind": kind, "seq": seq, "body": dict(body)})
    return hashlib.sha256(DOMAIN + bytes.fromhex(previous) + canonical).hexdigest()


def append(competition_pk: int, *, kind: str, body: Mapping[str, Any], at: datetime) -> Any:
    """Write the next event of the competition's chain.  Call it inside the transaction of the change."""
    LedgerEvent = apps.get_model("competition", "LedgerEvent")
    if not connection.in_atomic_block:
        raise RuntimeError("a ledger event is written in the transaction of the change it tells of")
    body = {**body, "at": stamp(at)}
    hold(competition_pk)
    last = LedgerEvent.objects.filter(competition_id=competition_pk).order_by("-seq").first()
    seq, previous = (last.seq + 1, last.hash) if last else (1, GENESIS)
    return LedgerEvent.objects.create(
        competition_id=competition_pk,
        seq=seq,
        kind=kind,
        body=body,
        previous=previous,
        created_at=at,
        hash=event_hash(previous, kind=kind, seq=seq, body=body),
    )


def head(competition: Any) -> Any:
    """The newest event of the competition's chain.  Raises ValueError where there is none."""
    newest = competition.events.order_by("-seq").first()
    if newest is None:
        raise ValueError(f"{competition.slug} has no ledger yet: nothing to sign")
    return newest


def hold(competition_pk: int) -> None:
    """Be the ledger's one writer until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK_SPACE, competition_pk])


def stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def broken_at(events: Iterable[Any], *, previous: str = GENESIS) -> int | None:
    """The seq of the first event that does not follow from the one before it, or None."""
    for event in events:
        if event.previous != previous:
            return int(event.seq)
        if event.hash != event_hash(previous, kind=event.kind, seq=event.seq, body=event.body):
            return int(event.seq)
        previous = event.hash
    return None


def checkpoint_text(*, origin: str, seq: int, head: str, round_number: int, stage: str, block: int) -> str:
    """The signed note: origin, seq, head hash in base64, then what was reached."""
    digest = base64.b64encode(bytes.fromhex(head)).decode()
    return f"{origin}\n{seq}\n{digest}\nround {round_number} {stage} block {block}\n"
