"""What is a reign, as anybody may know it?"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from competition.models import Competition, Reign
from dashboard.facts.addresses import address
from dashboard.facts.people import Who, who


@dataclass(frozen=True, kw_only=True)
class ReignFacts:
    """One entry of the register: who leads from which block, and what share of the emission follows.

    The front page, the page of leaders and the API make their rows of this.  `won_in` is the round that decided it,
    null for the first leader.
    """

    id: str
    competition: str
    sequence: int
    miner: Who
    repo: str
    commit: str
    weight: Fraction
    effective_block: int
    won_in: int | None
    defence: bool

    @property
    def round_url(self) -> str:
        return address("round", self.competition, self.won_in) if self.won_in is not None else ""


def reign_facts(reign: Reign, *, competition: Competition) -> ReignFacts:
    """`competition`: its own; the reign was read with its miner and the round that decided it."""
    return ReignFacts(
        id=f"{competition.slug}/{reign.sequence}",
        competition=competition.slug,
        sequence=reign.sequence,
        miner=who(reign.miner),
        repo=reign.repo,
        commit=reign.commit,
        weight=Fraction(reign.weight),
        effective_block=reign.effective_block,
        won_in=reign.won_in.number if reign.won_in else None,
        defence=reign.defence,
    )
