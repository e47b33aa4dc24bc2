"""What did a miner enter a round with, and what came of its reveals?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from competition.models import Round, Submission
from dashboard.facts.addresses import address
from dashboard.facts.borders import NOT_IN_BUNDLE
from dashboard.facts.people import Who, entrant, who


@dataclass(frozen=True, kw_only=True)
class EntryFacts:
    """One submission, or the leader's part in a round: what anybody may know of it.

    The round's page, the miner's page, the API and the bundle make their rows of this.  `entry` is `leader`, or the
    challenger's hotkey; `url` is the miner's page.
    """

    id: str
    competition: str
    round: int
    entry: str
    miner: Who
    role: str
    repo: str
    commit: str
    cdn_url: str
    reveal_block: int | None
    extrinsic_index: int | None
    eligible: bool
    objection: str
    copy_of: Who | None
    output_s: Annotated[
        float | None,
        "Seconds an output took on average when the platform ran the code, as it measured; null where it never did.",
        NOT_IN_BUNDLE,
    ]
    measured_files: Annotated[int, "So many of its files were measured for how sound they are.", NOT_IN_BUNDLE]
    defect_share: Annotated[
        float | None, "The share of these that has any defect; null where none was measured.", NOT_IN_BUNDLE
    ]
    median_triangles: Annotated[
        float | None, "Median of their triangles, of splats where they are splats; null likewise.", NOT_IN_BUNDLE
    ]
    pods_usd: Annotated[
        float | None,
        "USD that the pods cost on which the platform ran the code: their price an hour by the time they were rented; "
        "null where one has no price, or none was rented.",
        NOT_IN_BUNDLE,
    ]

    @property
    def round_url(self) -> str:
        return address("round", self.competition, self.round)

    @property
    def url(self) -> str:
        return self.miner.url


def entry_facts(submission: Submission, *, round_: Round) -> EntryFacts:
    """`round_`: its round, read with the competition; the submission was read with its miner and whom it copies."""
    slug, number = round_.competition.slug, round_.number
    sound = getattr(submission, "integrity", None) or {}
    measured = sound.get("measured", 0)
    return EntryFacts(
        id=f"{slug}/{number}/{submission.key}",
        competition=slug,
        round=number,
        entry=submission.key,
        miner=entrant(submission),
        role=submission.role,
        repo=submission.repo,
        commit=submission.commit,
        cdn_url=submission.cdn_url,
        reveal_block=submission.reveal_block,
        extrinsic_index=submission.extrinsic_index,
        eligible=submission.eligible,
        objection=submission.objection,
        copy_of=who(submission.copy_of.miner) if submission.copy_of else None,
        output_s=getattr(submission, "output_s", None),
        measured_files=measured,
        defect_share=sound["defective"] / measured if measured else None,
        median_triangles=sound.get("median_triangles"),
        pods_usd=getattr(submission, "pods_usd", None),
    )
