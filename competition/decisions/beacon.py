"""Which value of a public beacon goes into a seed?  The first one that nobody can have known when the block came."""

from __future__ import annotations

import re

QUICKNET = "drand-quicknet"
GENESIS_MS, PERIOD_MS = 1_692_803_367_000, 3_000  # of the League of Entropy's chain 52db9ba7…e971
DELAY_MS = 30_000  # a block's time is its author's word; half a minute is more than a chain accepts as a lie
_SIGNATURE = re.compile(r"[0-9a-f]{96}")  # BLS12-381, a point of G1


def known(kind: str) -> bool:
    return kind == QUICKNET


def round_after(block_ms: int) -> int:
    """The first round published at or after the block's time (milliseconds) and the delay."""
    passed = block_ms + DELAY_MS - GENESIS_MS
    if passed <= 0:
        raise ValueError(f"{block_ms} is before the beacon began")
    return -(-passed // PERIOD_MS) + 1


def well_formed(signature: str) -> bool:
    return bool(_SIGNATURE.fullmatch(signature))
