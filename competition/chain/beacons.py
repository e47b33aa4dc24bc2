"""What did the public beacon say at a round's seed?  Asked of anybody who keeps it, believed by its signature.

`"beacon": "drand-quicknet"` in a competition's configuration asks for one.  The relay's word is worth nothing: what is
encrypted to the round by the beacon's public key must open with the signature.  A relay that is down delays the round.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import bittensor_core
from django.conf import settings

from competition import chain
from competition.chain.base import ChainFault
from competition.chain.observations import Beacon
from competition.decisions import beacon
from competition.models import Round
from core.net import http_client, url_guard
from core.net.failures import FetchFailed
from core.net.limits import Patience

CHAIN_HASH = "52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971"
MOST_BYTES = 10_000
PATIENCE = Patience(total_s=20, least_rate=1)
PROBE = b"gauntlet-beacon/1"


def due(round_: Round, *, now: datetime) -> Beacon | None:
    """The (unsaved) value for the seed, None where the competition has no beacon; ChainFault until it is out."""
    kind = str(round_.competition.config.get("beacon", ""))
    if not kind:
        return None
    if not beacon.known(kind):
        raise ChainFault(f"beacon {kind[:40]!r} of the competition's configuration is unknown: use {beacon.QUICKNET}")
    at = chain.of(round_.competition).time_of(round_.seed_block, now=now)
    after = round(at.timestamp() * 1000)
    number = beacon.round_after(after)
    return Beacon(round=round_, kind=kind, number=number, signature=fetched(number), block_ms=after)


def fetched(number: int) -> str:
    """The signature of one round, from the first relay that has it.  Raises ChainFault, which is tried again."""
    failures = []
    for relay in settings.BEACON_URLS:
        try:
            signature = _fetch(relay, number)
        except (FetchFailed, ValueError) as failed:
            failures.append(f"{urlsplit(relay).hostname}: {failed}")
            continue
        if opens(signature, number=number):
            return signature
        failures.append(f"{urlsplit(relay).hostname}: its signature of round {number} does not hold")
    raise ChainFault(
        f"no relay gave round {number} of the beacon: {'; '.join(failures) or 'GAUNTLET_BEACON_URLS is empty'}"
    )


def opens(signature: str, *, number: int) -> bool:
    """Is it the beacon's signature of this round?  18 ms of pairing."""
    if not beacon.well_formed(signature):
        return False
    sealed, _ = bittensor_core.encrypt_at_round(PROBE, number)
    try:
        return bytes(bittensor_core.decrypt_with_signature(sealed, signature)) == PROBE
    except ValueError:
        return False


def _fetch(relay: str, number: int) -> str:
    port = urlsplit(relay).port
    url = f"{relay.rstrip('/')}/{CHAIN_HASH}/public/{number}"
    origin = url_guard.check(url, loopback_ports=(port,) if settings.DEMO and port else ())
    answer = http_client.ask(origin, headers={"Accept": "application/json"}, patience=PATIENCE, most=MOST_BYTES)
    if answer.status != 200:
        raise ValueError(f"status {answer.status}")
    document: Any = json.loads(answer.content)
    if not isinstance(document, dict) or document.get("round") != number:
        raise ValueError("it told of another round")
    return str(document.get("signature", "")).lower()
