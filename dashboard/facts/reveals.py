"""What is a message of a miner, as anybody may know it?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from competition.models import Competition, Reveal
from dashboard.facts.people import Who, who

LONGEST_PAYLOAD = 240  # characters of a message that are shown


@dataclass(frozen=True, kw_only=True)
class RevealFacts:
    """One message, whatever it holds.  Pages, the API and the bundle make their rows of this.

    `payload` is its beginning as text, and what cannot be shown is replaced; `payload_hex` all its bytes; `fields` what
    could be read of it; `objection` the sentence that says what is wrong with it.
    """

    id: str
    competition: str
    miner: Who
    block: int
    extrinsic_index: int
    payload: str
    payload_bytes: int
    payload_hex: str
    fields: Mapping[str, Any]
    objection: str
    seen_at: datetime


def reveal_facts(reveal: Reveal, *, competition: Competition) -> RevealFacts:
    """Of a message that was read with its miner."""
    raw = bytes(reveal.payload)
    text = raw.decode("utf-8", errors="replace")
    printable = "".join(letter if letter.isprintable() else "�" for letter in text[: LONGEST_PAYLOAD + 1])
    return RevealFacts(
        id=f"{competition.slug}/{reveal.block}/{reveal.extrinsic_index}/{reveal.miner.hotkey}",
        competition=competition.slug,
        miner=who(reveal.miner),
        block=reveal.block,
        extrinsic_index=reveal.extrinsic_index,
        payload=printable if len(printable) <= LONGEST_PAYLOAD else f"{printable[:LONGEST_PAYLOAD]}…",
        payload_bytes=len(raw),
        payload_hex=raw.hex(),
        fields=reveal.fields,
        objection=reveal.objection,
        seen_at=reveal.seen_at,
    )
