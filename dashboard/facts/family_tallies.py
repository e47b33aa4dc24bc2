"""What would each model of a panel have come to alone?  A match that one of them alone decided is seen here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from competition.rulesets.tally import DuelResult, Tally
from judging.decisions.two_families import DISAGREE
from judging.models import Duel

RESULT_OF = {"challenger": DuelResult.WON, "draw": DuelResult.DRAWN, "defender": DuelResult.LOST}


@dataclass(frozen=True, kw_only=True)
class FamilyTally:
    """Its own verdicts on the duels that both were asked about, as the challenger sees them.

    `decisive`: duels in which it named a side and the other saw nothing to choose.
    """

    family: str
    model: str
    won: int
    drawn: int
    lost: int
    decisive: int


@dataclass(frozen=True, kw_only=True)
class Families:
    """`contradictions`: duels in which the two named opposite sides, and which are draws for that."""

    duels: int
    contradictions: int
    tallies: tuple[FamilyTally, ...]


def families(duels: Sequence[Duel]) -> Families | None:
    """None where no duel was judged by a panel."""
    details = [duel.detail for duel in duels if isinstance(duel.detail, dict) and duel.detail.get("families")]
    if not details:
        return None
    names = [(str(row["family"]), str(row["model"])) for row in details[0]["families"]]
    return Families(
        duels=len(details),
        contradictions=sum(detail["decided_by"] == DISAGREE for detail in details),
        tallies=tuple(
            _tally([detail["families"] for detail in details], place, family=family, model=model)
            for place, (family, model) in enumerate(names)
        ),
    )


def _tally(rows: Sequence[Sequence[Mapping[str, Any]]], place: int, *, family: str, model: str) -> FamilyTally:
    own = Tally.of(RESULT_OF[both[place]["outcome"]] for both in rows)
    other_neutral = [both for both in rows if both[1 - place]["outcome"] == "draw"]
    decisive = sum(both[place]["outcome"] != "draw" for both in other_neutral)
    return FamilyTally(family=family, model=model, won=own.won, drawn=own.drawn, lost=own.lost, decisive=decisive)
