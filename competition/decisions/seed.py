"""Which prompts does a round use?  Nobody chooses: the block hash does, and anyone can repeat it with sha256sum."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Sequence

DOMAIN = "gauntlet-seed/1"
_HASH = re.compile(r"[0-9a-f]{64}")


def seed(competition: str, *, round_number: int, block_hash: str, beacon: str | None = None) -> str:
    """64 hex digits: SHA-256 of the ASCII lines, joined by one newline, none at the end:

        gauntlet-seed/1
        <competition slug>
        <round number, decimal>
        <block hash, 64 lower-case hex digits, without 0x>
        <public beacon value, lower-case hex>       only where the competition has one

    `block_hash` may come with 0x and in capitals.
    """
    if not re.fullmatch(r"[A-Za-z0-9_-]+", competition):
        raise ValueError(f"{competition!r} is not a slug: letters, digits, - and _")
    if round_number < 0:
        raise ValueError(f"{round_number} is not the number of a round")
    lines = [DOMAIN, competition, str(round_number), _hash(block_hash)]
    if beacon is not None:
        if not re.fullmatch(r"[0-9a-f]+", beacon):
            raise ValueError("the beacon value must be lower-case hex digits")
        lines.append(beacon)
    return hashlib.sha256("\n".join(lines).encode("ascii")).hexdigest()


def choose(seed: str, *, prompt_sha256s: Sequence[str], k: int) -> tuple[str, ...]:
    """The k prompts of the pool with the smallest SHA-256(seed bytes then prompt hash bytes, 32 each), in that order.

    That order is the order in which duels are judged.  The order of the pool changes nothing.
    """
    pool = {_hash(digest) for digest in prompt_sha256s}
    if len(pool) != len(prompt_sha256s):
        raise ValueError("the pool holds a prompt twice")
    if not 0 <= k <= len(pool):
        raise ValueError(f"{k} prompts cannot be chosen from a pool of {len(pool)}")
    drawn = bytes.fromhex(_hash(seed))
    ranks = {digest: hashlib.sha256(drawn + bytes.fromhex(digest)).digest() for digest in pool}
    return tuple(sorted(pool, key=ranks.__getitem__)[:k])


def choose_fresh(seed: str, *, pool: Sequence[str], used: Collection[str], most: int) -> tuple[str, ...]:
    """The next prompts in the same order that are not `used`: neither drawn for the screens, nor ever given to anybody.

    At most `most`; fewer where the pool holds no more.
    """
    left = [digest for digest in pool if _hash(digest) not in used]
    return choose(seed, prompt_sha256s=left, k=min(most, len(left)))


def pool_commitment(prompt_sha256s: Sequence[str]) -> str:
    """What is published before the window: SHA-256 of the sorted hashes, one a line, each line ended by a newline."""
    lines = sorted(_hash(digest) for digest in prompt_sha256s)
    return hashlib.sha256("".join(f"{line}\n" for line in lines).encode("ascii")).hexdigest()


def _hash(text: str) -> str:
    plain = text.lower().removeprefix("0x")
    if not _HASH.fullmatch(plain):
        raise ValueError(f"{text[:80]!r} is not 64 hex digits")
    return plain
