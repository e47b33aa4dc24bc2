"""How does a miner's standing read, and what only the miner may see of it?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Annotated, Any

from dashboard.api.rows.game import PAGE, FailureRow, MinerRow, RevealRow, SubmissionRow
from dashboard.api.rows.judging import MatchRow
from dashboard.facts.appeals import Objection
from dashboard.facts.borders import row_of
from dashboard.facts.clock import BlockClock
from dashboard.facts.pod_runs import PodRunFacts
from dashboard.facts.weights import PaidFrom


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """When the entry's own match is likely to be decided, from how fast this round's duels were settled so far."""

    seconds: int
    at: datetime
    duels_ahead: Annotated[int, "Duels of the round that are still to be settled, up to its own last one."]
    duels_per_minute: Annotated[float, "Measured over this stage."]


@dataclass(frozen=True, kw_only=True)
class PromptResult:
    """One duel of the entry, from its side."""

    prompt: str
    match: Annotated[str, "The id of the match."]
    result: Annotated[str, "won, lost, drawn, forfeit_challenger, forfeit_defender, void, unneeded or judging."]
    meaning: str
    score_micro: int | None
    url: Annotated[str, PAGE]


@dataclass(frozen=True, kw_only=True)
class Cause:
    """Files, views or duels that failed for one reason."""

    what: Annotated[str, "`file`, `picture`, `duel` or `pod`."]
    failure_class: str
    code: str
    who_must_act: str
    count: int
    reason: Annotated[str, "The first of them, in a sentence."]
    prompts: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class AuditState:
    """One audit of the entry, with the time that is left for what it waits for."""

    kind: str
    state: str
    reason: str
    waiting_for: str
    failure: FailureRow | None
    since: datetime
    limit_s: Annotated[int | None, "For generating everything; null where nothing is generated."]
    used_s: int | None
    deadline: Annotated[
        datetime | None, "When the limit is reached if it goes on without a pause; null where none runs."
    ]
    version: Annotated[int, "A further version supersedes the one before."]
    appeal_last_block: Annotated[int | None, "The last block in which an appeal is taken; null while none runs."]
    appeal_until: Annotated[datetime | None, "About when that block comes, or came."]
    appeal_open: Annotated[bool | None, "Is an appeal taken now?  False: the last block is past; null: not known."]
    appeals: Annotated[tuple[Objection, ...], "Against this verdict, oldest first."]
    url: Annotated[str, PAGE]


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Where a miner stands in one round, and why."""

    competition: str
    round: int
    stage: str
    miner: MinerRow
    sentence: Annotated[str, "The one thing to know."]
    submission: Annotated[SubmissionRow | None, "What the reveals add up to; null where there were none."]
    place: Annotated[int | None, "In the queue, from 1, among eligible entries."]
    queue: Annotated[int, "Eligible entries."]
    rank: Annotated[
        int | None,
        "By margin among decided screens, from 1; equal margins share a rank. Null without a delivered file, or where "
        "nothing tells several entries apart.",
    ]
    ranked: Annotated[int, "Decided screens in which anything was delivered."]
    rank_shared: Annotated[int, "How many have this rank; 0 without one."]
    margin: Annotated[Fraction | None, "Of its screen against the leader; null until decided."]
    interval_95: Annotated[tuple[float, float] | None, "Null where every duel ended alike, or none counted."]
    win_margin: Annotated[Fraction | None, "The bar."]
    gap: Annotated[int | None, "Net duels missing to the bar; 0: reached."]
    clock: Annotated[BlockClock | None, "The block that ends what is going on now."]
    estimate: Annotated[Estimate | None, "Null where nothing can be measured yet, or nothing is left."]
    matches: tuple[MatchRow, ...]
    prompts: Annotated[tuple[PromptResult, ...], "Of all its matches, in seed order."]
    causes: Annotated[tuple[Cause, ...], "What failed, by cause, most frequent first."]
    audits: tuple[AuditState, ...]
    appeals: Annotated[tuple[Objection, ...], "What this miner objected to in this round."]
    leads: Annotated[bool, "Does this miner lead the competition now?"]
    weight: Annotated[
        Fraction | None,
        "What this miner is paid at the chain's current block: 0 where another is; null where the chain is silent.",
    ]
    weight_later: Annotated[tuple[PaidFrom, ...], "What this miner is to be paid from later blocks on."]
    url: Annotated[str, PAGE]


@dataclass(frozen=True, kw_only=True)
@row_of(
    PodRunFacts,
    but={
        "`failure` is made of it": "failure_class failure_code failure_reason",
        "the audit's page has it": "seed",
    },
)
class PodLog:
    """One run of the miner's code on a pod, with the end of what it wrote."""

    purpose: str
    repeat: int
    state: str
    provider: str
    isolation: tuple[str, ...]
    progress: Annotated[Mapping[str, Any], "What happened so far, as counted against the limits."]
    generated_s: int
    failure: FailureRow | None
    waiting_for: str
    log: Annotated[
        str,
        "The end of what the service printed, as of the last look while it runs. What would steer a terminal is "
        "spelled out, such as `\\x1b`.",
    ]
    log_withheld: Annotated[str, "Why the log is not shown yet; empty where it is."]
    since: datetime


@dataclass(frozen=True, kw_only=True)
class BuildLog:
    """The image of a revealed commit, with the end of what its build printed."""

    entry: str
    builder: str
    state: Annotated[str, "`building`, `built` or `failed`."]
    archive: Annotated[str, "The hash of the archive it is built from: the one that was audited."]
    digest: Annotated[str, "Of the image; empty until it is built."]
    disturbed: Annotated[int, "How many tries ended by our doing; after three the round is paused."]
    failure: Annotated[FailureRow | None, "Why the last try ended without an image, and who must act."]
    waiting_for: str
    log: Annotated[str, "The end of what the build printed, once a try has ended. Spelled out as a pod's log is."]
    since: datetime


@dataclass(frozen=True, kw_only=True)
class RefusedPicture:
    """A file that arrived and could not be drawn."""

    prompt: str
    origin: str
    asset_sha256: str
    failure: FailureRow | None
    triangles: int


@dataclass(frozen=True, kw_only=True)
class MissingFile:
    """A file that is not here, or not yet."""

    prompt: str
    origin: str
    state: str
    attempts: int
    failure: FailureRow | None
    waiting_for: str


@dataclass(frozen=True, kw_only=True)
class Diagnostics:
    """What only the miner may see, before anything of it is published."""

    competition: str
    round: int
    miner: MinerRow
    reveals: tuple[RevealRow, ...]
    submission: SubmissionRow | None
    builds: Annotated[tuple[BuildLog, ...], "Empty where pods run the code without an image."]
    pods: tuple[PodLog, ...]
    missing_files: tuple[MissingFile, ...]
    refused_pictures: tuple[RefusedPicture, ...]
