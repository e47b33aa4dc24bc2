"""Who is told of an event, when is a letter that did not arrive sent again, and when is it given up?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

FIRST_PAUSE_S, LONGEST_PAUSE_S = 10, 6 * 3600
FAILS_FOR_S = 3600  # a receiver that takes no letter for so long is written to no more
MOST_WAITING = 2000  # letters of one subscription
IN_FLIGHT = 2  # letters of one owner at a time, however many receivers it has
WHO = ("miner", "entry", "challenger", "defender", "leader", "winner", "appellant")
"""The fields of an event that name a miner."""


def asks_for(kind: str, body: Mapping[str, Any], *, kinds: Iterable[str], miner: str = "") -> bool:
    """Does a subscription to these kinds (`audit.*`) and this miner (none: everybody) cover the event?"""
    if not any(fnmatchcase(kind, pattern) for pattern in kinds):
        return False
    return not miner or miner in {body.get(name) for name in WHO}


def pause_s(attempts: int) -> int:
    """10, 20, 40 … seconds, at most six hours."""
    return int(min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** max(0, attempts - 1)))


def given_up(attempts: int, *, tries: int, permanent: bool) -> bool:
    return permanent or attempts >= tries


def too_long(failing_s: float) -> bool:
    """Has a receiver failed for so long that it must be suspended?"""
    return failing_s >= FAILS_FOR_S


def permanent(status: int) -> bool:
    """A receiver that refuses the letter itself; one that is busy, or whose server is ill, is asked again."""
    return 300 <= status < 500 and status not in (408, 425, 429)
