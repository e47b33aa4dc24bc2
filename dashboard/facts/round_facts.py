"""What is a round, as anybody may know it?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from competition.decisions.schedule import Schedule
from competition.models import Round
from dashboard.facts.addresses import address
from dashboard.facts.people import Who, who

BLOCKS = tuple(field.name for field in fields(Schedule))


@dataclass(frozen=True, kw_only=True)
class RoundFacts:
    """One round with the rules it is played under.

    Its page, the front page, the API and the bundle make their rows of this.  `stage` is the state it is in since
    `since`; `schedule` is in blocks; `headline` and `decision` are empty before the decision; `source` is empty for
    a round of our own; `defending` led when it began.
    """

    id: str
    competition: str
    competition_name: str
    round: int
    stage: str
    since: datetime
    headline: str
    ruleset: str
    rules: Mapping[str, Any]
    schedule: Mapping[str, int]
    seed_block_hash: str
    seed: str
    defending: Who | None
    decision: Mapping[str, Any] | None
    waiting_for: str
    failure_class: str
    failure_code: str
    failure_reason: str
    source: Mapping[str, Any]

    @property
    def url(self) -> str:
        return address("round", self.competition, self.round)


def round_facts(round_: Round, *, block: int | None = None) -> RoundFacts:
    """Of a round that was read with its competition and with who defends.

    `block`: the chain's current one: a window that is paused is shown as if the pause ended there.
    """
    slug, schedule = round_.competition.slug, round_.schedule_at(block or 0)
    return RoundFacts(
        id=f"{slug}/{round_.number}",
        competition=slug,
        competition_name=round_.competition.name,
        round=round_.number,
        stage=round_.state,
        since=round_.since,
        headline=round_.headline,
        ruleset=round_.ruleset,
        rules=round_.rules,
        schedule={name: getattr(schedule, name) for name in BLOCKS},
        seed_block_hash=round_.seed_block_hash,
        seed=round_.seed,
        defending=who(round_.defending.miner) if round_.defending else None,
        decision=round_.decision,
        waiting_for=round_.waiting_for,
        failure_class=round_.failure_class,
        failure_code=round_.failure_code,
        failure_reason=round_.failure_reason,
        source=round_.source,
    )
