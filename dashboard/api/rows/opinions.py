"""How does the report of an independent asker read?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from dashboard.api.rows.game import ID
from dashboard.models import SecondOpinion


@dataclass(frozen=True, kw_only=True)
class OpinionRow:
    """What a model of somebody's own answered to the questions of a published bundle."""

    id: Annotated[str, ID]
    competition: str
    round: int
    bundle: Annotated[str, "SHA-256 of the bundle's manifest."]
    hotkey: Annotated[str, "Who asked, and signed."]
    registered: Annotated[bool, "On the competition's chain when it was posted.  Other keys cost nothing to make."]
    model: Annotated[str, "The model that was asked, as its server names it."]
    judge_model: Annotated[str, "The round's judge."]
    same: Annotated[int, "Answers whose likeliest label is the judge's."]
    of: Annotated[int, "Answers that the model gave."]
    interval95_micro: Annotated[tuple[int, ...], "95 % interval of the share, in millionths: both ends."]
    winner: Annotated[str, "`stands`, `changes` or `not covered`."]
    document: Annotated[Mapping[str, Any], "What was signed, to the letter."]
    signature: str
    posted_at: datetime


def opinion(row: SecondOpinion) -> OpinionRow:
    slug, number, report = row.round.competition.slug, row.round.number, row.document["report"]
    return OpinionRow(
        id=f"{slug}/{number}/{row.bundle}/{row.hotkey}",
        competition=slug,
        round=number,
        bundle=row.bundle,
        hotkey=row.hotkey,
        registered=row.registered,
        model=report["model"],
        judge_model=report["judge_model"],
        same=report["answers"]["same"],
        of=report["answers"]["of"],
        interval95_micro=tuple(report["answers"]["interval95_micro"]),
        winner=report["winner"]["result"],
        document=row.document,
        signature=row.signature,
        posted_at=row.posted_at,
    )
