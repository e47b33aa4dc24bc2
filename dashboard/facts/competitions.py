"""What is a competition, as anybody may know it?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import reverse

from competition.models import Competition


@dataclass(frozen=True, kw_only=True)
class CompetitionFacts:
    """A series of rounds.

    The front page, the API and the bundle make their rows of this.  `judge`, `renderer`, `chain` and `pods` name what
    stands behind each edge; `signed_reveals`: it takes reveals through the API.  `config` holds its own numbers, with
    the demo's cast: the bundle alone has that.
    """

    id: str
    competition: str
    name: str
    description: str
    ruleset: str
    judge: str
    renderer: str
    chain: str
    pods: str
    config: Mapping[str, Any]
    active: bool
    signed_reveals: bool
    created_at: datetime

    @property
    def url(self) -> str:
        return reverse("competition", args=[self.competition])


def competition_facts(competition: Competition) -> CompetitionFacts:
    return CompetitionFacts(
        id=competition.slug,
        competition=competition.slug,
        name=competition.name,
        description=competition.description,
        ruleset=competition.ruleset,
        judge=competition.judge,
        renderer=competition.renderer,
        chain=competition.chain,
        pods=competition.pods,
        config=competition.config,
        active=competition.active,
        signed_reveals=competition.config.get("signed_reveals") is True,
        created_at=competition.created_at,
    )
