"""How do a ladder, statistics, a leader and a vector of weights read?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Any

from dashboard.api.rows.evidence import CheckpointRow, EventRow
from dashboard.api.rows.game import MinerRow, ReignRow
from dashboard.facts.ladders import RungFacts
from dashboard.facts.rounds import RoundPage
from dashboard.facts.weights import PaidFrom


@dataclass(frozen=True, kw_only=True)
class LadderRow:
    """The order in which qualified challengers met the defender of the moment."""

    competition: str
    round: int
    ruleset: str
    stage: str
    final: Annotated[bool, "False: the round is not decided yet, and rungs may still change."]
    rungs: tuple[RungFacts, ...]
    decision: Annotated[Any, "What was decided; null before."]


def ladder(page: RoundPage) -> LadderRow:
    return LadderRow(
        competition=page.competition,
        round=page.round,
        ruleset=page.ruleset,
        stage=page.stage,
        final=page.stage == "finished",
        rungs=page.ladder,
        decision=page.decision,
    )


@dataclass(frozen=True, kw_only=True)
class RoundStatisticsRow:
    """A round in numbers."""

    competition: str
    round: int
    entries: Annotated[int, "Who revealed, the leader not counted."]
    eligible: int
    copies: int
    prompts: int
    matches: Annotated[Mapping[str, int], "By kind."]
    duels: Annotated[Mapping[str, int], "By state."]
    results: Annotated[Mapping[str, int], "Judged duels by outcome: challenger, defender, draw."]
    decisive_share: Annotated[Fraction, "Of judged duels, how many were no draw."]
    unneeded: Annotated[int, "Duels that were never judged, because their match was certain before."]
    files: Annotated[Mapping[str, int], "3D files by state."]
    file_bytes: Annotated[int, "Of stored 3D files, each content once."]


@dataclass(frozen=True, kw_only=True)
class InForceRow:
    """A judge or a ruleset, and the rounds it was in force in."""

    name: str
    version: str
    first_round: int
    last_round: int


@dataclass(frozen=True, kw_only=True)
class PromptCountRow:
    """How the duels on one prompt ended, over all decided matches."""

    stem: str
    judged: int
    won: int
    lost: int
    forfeited: int
    void: int
    rounds: int


@dataclass(frozen=True, kw_only=True)
class CompetitionStatisticsRow:
    """A competition in numbers."""

    competition: str
    judges: tuple[InForceRow, ...]
    rulesets: tuple[InForceRow, ...]
    repeated_pairs: Annotated[int, "Pairs of duels that asked the judge the same twice."]
    repeated_same: int
    repeated_opposite: int
    prompts: tuple[PromptCountRow, ...]


@dataclass(frozen=True, kw_only=True)
class LeaderRow:
    """Who leads at a block."""

    competition: str
    block: Annotated[int | None, "Null where no chain says it and none was asked for."]
    reign: Annotated[ReignRow | None, "Null before the first leader."]
    following: Annotated[ReignRow | None, "Decided already, in effect from a later block."]


@dataclass(frozen=True, kw_only=True)
class Share:
    """One entry of the vector."""

    uid: Annotated[int | None, "Null where the chain is not played here."]
    who: Annotated[str, "`leader` or `owner`."]
    miner: Annotated[MinerRow | None, "Null for the owner."]
    weight: Fraction


@dataclass(frozen=True, kw_only=True)
class Formula:
    """What the leader's weight follows from: a new leader starts at 1, a defence costs `weight_decay`, never below
    `weight_floor`."""

    weight_decay: Fraction | None
    weight_floor: Fraction | None
    paid_from: Annotated[str, "From which block a decision is paid."]
    previous_weight: Annotated[Fraction | None, "Of the reign before."]
    defence: bool
    won_in: int | None


@dataclass(frozen=True, kw_only=True)
class WeightsRow:
    """Who is paid which share of the emission at a block, and why."""

    competition: str
    chain: Annotated[str, "`simulated:…` pays nobody."]
    block: int
    vector: Annotated[tuple[Share, ...], "Adds up to exactly 1."]
    later: Annotated[tuple[PaidFrom, ...], "Decided, and not in force at this block: what follows, and from where."]
    reign: ReignRow | None
    formula: Formula | None
    event: Annotated[EventRow | None, "The ledger's event of this reign."]
    checkpoint: Annotated[CheckpointRow | None, "The last signed head; it covers events of its seq and before."]
    covered: Annotated[bool, "Does the checkpoint cover the event?"]
    remark: Annotated[str, "What is missing for a proof, or is simulated; empty for nothing."]
