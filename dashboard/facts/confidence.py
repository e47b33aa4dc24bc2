"""How sure is a round's outcome, and its judge?  As the round's bundle tells it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Confidence:
    """`flip_distance`: the fewest duels of one match after which the leader no longer follows (null: none).
    pairs, same, opposite: verdicts on other files of copies of one commit, against those on the first's."""

    flip_distance: int | None
    pairs: int
    same: int
    opposite: int


def published(bundle: Path) -> Confidence | None:
    """None where the bundle is not written yet, or older than these numbers."""
    try:
        document = json.loads((bundle / "statistics.json").read_bytes())
    except FileNotFoundError:
        return None
    return Confidence(flip_distance=document["flip_distance"], **document["repeatability"])
