"""The chain: one protocol, one table of implementations."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from competition.chain.base import Chain
    from competition.models import Competition


@dataclass(frozen=True, kw_only=True)
class ChainKind:
    """`names`: what may follow the kind's colon, as a pattern; `usage` says it to a person."""

    names: str
    usage: str
    made: Callable[[str], Chain]


def _simulated(name: str) -> Chain:
    from competition.chain.simulated import Simulated

    return Simulated(name)


def _observed(netuid: str) -> Chain:
    from competition.chain.observed import Observed

    return Observed(f"bittensor:{netuid}")


CHAINS: dict[str, ChainKind] = {
    "simulated": ChainKind(names=r".*", usage="<name>", made=_simulated),
    "bittensor": ChainKind(names=r"[0-9]+", usage="<netuid>", made=_observed),
}
"""All chains there are: a row is all that one needs."""


def of(competition: Competition) -> Chain:
    """The chain that `competition.chain` names, as `kind:name`."""
    kind, _, name = competition.chain.partition(":")
    if kind not in CHAINS or re.fullmatch(CHAINS[kind].names, name, re.ASCII) is None:
        known = " or ".join(f"{kind}:{row.usage}" for kind, row in CHAINS.items())
        raise LookupError(f"competition {competition.slug}: unknown chain {competition.chain!r}; use {known}")
    return CHAINS[kind].made(name)
