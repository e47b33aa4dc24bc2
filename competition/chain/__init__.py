"""The chain: one protocol, one table of implementations."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from competition.chain.base import Chain
    from competition.models import Competition


def of(competition: Competition) -> Chain:
    """The chain that `competition.chain` names, as `kind:name`."""
    kind, _, name = competition.chain.partition(":")
    if kind == "simulated":
        from competition.chain.simulated import Simulated

        return Simulated(name)
    if kind == "bittensor" and name.isdigit():
        from competition.chain.observed import Observed

        return Observed(competition.chain)
    raise LookupError(
        f"competition {competition.slug}: unknown chain {competition.chain!r}; "
        "use simulated:<name> or bittensor:<netuid>"
    )
