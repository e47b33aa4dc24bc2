"""Is this hotkey registered?  As the chain says, asked at most once a block."""

from __future__ import annotations

from django.core.cache import cache

from competition import chain
from competition.chain.base import ChainFault
from competition.models import Competition

BLOCK_SECONDS = 12


def on(competition: Competition, hotkey: str) -> bool:
    """Raises ChainFault where the chain does not answer: then nobody knows."""
    key = f"registered:{competition.chain}"
    known: frozenset[str] | None = cache.get(key)
    if known is None:
        known = frozenset(chain.of(competition).uids())
        cache.set(key, known, BLOCK_SECONDS)
    return hotkey in known


def anywhere(hotkey: str) -> bool:
    """On the chain of any competition that is played.  Raises ChainFault where one that does not answer may know it."""
    chains: dict[str, Competition] = {}
    for competition in Competition.objects.filter(active=True).order_by("pk"):
        chains.setdefault(competition.chain, competition)
    silent: ChainFault | None = None
    for competition in chains.values():
        try:
            if on(competition, hotkey):
                return True
        except ChainFault as fault:
            silent = fault
    if silent is not None:
        raise silent
    return False
