"""The chain: one protocol, one table of implementations."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_

from django.db.models import Q

from competition.chain.base import Chain, ChainFault
from competition.chain.observed import Observed
from competition.chain.simulated import Simulated
from competition.models import Competition


@dataclass(frozen=True, kw_only=True)
class ChainKind:
    """`names`: what may follow the kind's colon, as a pattern; `usage` says it to a person.

    `simulated`: it stands in for a chain, so nobody is paid on it and it knows of no stakes.  There is no default: who
    adds a chain says which it is.
    """

    names: str
    usage: str
    made: Callable[[str], Chain]
    simulated: bool


CHAINS: dict[str, ChainKind] = {
    "simulated": ChainKind(names=r".*", usage="<name>", made=Simulated, simulated=True),
    "bittensor": ChainKind(
        names=r"[0-9]+", usage="<netuid>", made=lambda netuid: Observed(f"bittensor:{netuid}"), simulated=False
    ),
}
"""All chains there are: a row is all that one needs."""


def is_simulated(name: str) -> bool:
    """Does a chain of this name, as `kind:name`, stand in for one?  One that this version does not know does not."""
    kind = CHAINS.get(name.partition(":")[0])
    return kind is not None and kind.simulated


def on_simulated() -> Q:
    """The competitions whose chain stands in for one."""
    kinds = [kind for kind, row in CHAINS.items() if row.simulated]
    return reduce(or_, (Q(chain__startswith=f"{kind}:") for kind in kinds), Q(pk__in=[]))


def block_now(competition: Competition, *, now: datetime) -> int | None:
    """None where the chain does not answer, or is none that this version knows."""
    try:
        return of(competition).block(now=now)
    except (ChainFault, LookupError):
        return None


def of(competition: Competition) -> Chain:
    """The chain that `competition.chain` names, as `kind:name`."""
    kind, _, name = competition.chain.partition(":")
    if kind not in CHAINS or re.fullmatch(CHAINS[kind].names, name, re.ASCII) is None:
        known = " or ".join(f"{kind}:{row.usage}" for kind, row in CHAINS.items())
        raise LookupError(f"competition {competition.slug}: unknown chain {competition.chain!r}; use {known}")
    return CHAINS[kind].made(name)
