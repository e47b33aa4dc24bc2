"""How do competitions, rounds, submissions, prompts, files, reigns and reveals read?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Annotated, Any

from competition.models import Asset, Competition, Prompt, Reign, Reveal, Round, Submission
from dashboard.facts.assets import AssetFacts, asset_facts
from dashboard.facts.borders import row_of, shown_as
from dashboard.facts.competitions import CompetitionFacts, competition_facts
from dashboard.facts.entries import EntryFacts, entry_facts
from dashboard.facts.people import MinerFacts
from dashboard.facts.prompts import PromptFacts, prompt_facts
from dashboard.facts.reigns import ReignFacts, reign_facts
from dashboard.facts.reveals import RevealFacts, reveal_facts
from dashboard.facts.round_facts import RoundFacts, round_facts
from dashboard.facts.wording import WHO_MUST_ACT, labels

ID = "Stable: the same in every copy of the data."
PAGE = "The page that shows it."
ORIGIN = "`submitted` by the miner, or `generated` by the platform; again it is `generated_1`, `generated_2`, …"
LABEL = "A name the demo gives; real miners have none, and it proves nothing."


@dataclass(frozen=True, kw_only=True)
@row_of(MinerFacts, but={"the miner's page says it, and its hotkey leads there": "note url"})
class MinerRow:
    """Who submits."""

    hotkey: Annotated[str, "ss58 address (sr25519)."]
    label: Annotated[str, LABEL]


@dataclass(frozen=True, kw_only=True)
class Part:
    """What stands behind one edge of the platform."""

    part: Annotated[str, "`judge`, `chain`, `pods` or `renderer`."]
    name: Annotated[str, "The implementation."]
    caution: Annotated[str, "What follows for a reader where it is embedded or simulated; empty in production."]


@dataclass(frozen=True, kw_only=True)
@row_of(
    CompetitionFacts,
    but={
        "the id is it": "competition",
        "`parts` name what stands behind each edge": "judge renderer chain pods",
    },
)
class CompetitionRow:
    """A series of rounds."""

    id: Annotated[str, ID]
    name: str
    description: str
    ruleset: Annotated[str, "The rules of its next round."]
    parts: tuple[Part, ...]
    active: Annotated[bool, "False: imported or ended, nothing of it moves here."]
    signed_reveals: Annotated[bool, "Does it take reveals through this API, without the chain?"]
    config: Annotated[Mapping[str, Any], "The competition's own numbers: blocks, prompts a round, rig, limits, rules."]
    current_round: Annotated[int | None, "The number of its last round."]
    created_at: datetime
    url: Annotated[str, PAGE]


def competition(row: Competition) -> CompetitionRow:
    facts = competition_facts(row)
    return shown_as(
        CompetitionRow,
        facts,
        parts=tuple(Part(part=label.part, name=label.name, caution=label.caution) for label in labels(row)),
        config={name: value for name, value in facts.config.items() if name not in ("cast", "hosting")},
        current_round=getattr(row, "last_round", None),
    )


@dataclass(frozen=True, kw_only=True)
class FailureRow:
    """Why something does not move, and whose turn it is."""

    failure_class: Annotated[str, "`miner`, `infrastructure` or `judge`."]
    code: str
    reason: str
    who_must_act: str


def failure(row: Any) -> FailureRow | None:
    if not row.failure_class:
        return None
    return FailureRow(
        failure_class=row.failure_class,
        code=row.failure_code,
        reason=row.failure_reason,
        who_must_act=WHO_MUST_ACT.get(row.failure_class, ""),
    )


@dataclass(frozen=True, kw_only=True)
@row_of(
    RoundFacts,
    but={
        "the competition's row has it": "competition_name",
        "`failure` is made of it": "failure_class failure_code failure_reason",
    },
)
class RoundRow:
    """One round, with the rules it is played under."""

    id: Annotated[str, ID]
    competition: str
    round: int
    stage: Annotated[str, "open, miner_generation, downloading, duels, finalizing, finished or paused."]
    since: Annotated[datetime, "When it came into this stage."]
    headline: Annotated[str, "The decision in a sentence; empty before it."]
    ruleset: str
    rules: Annotated[Mapping[str, Any], "A copy of the ruleset's values, never edited."]
    schedule: Annotated[
        Mapping[str, int], "Blocks: the window of reveals (both ends included), the seed's, the deadline's."
    ]
    seed_block_hash: str
    seed: Annotated[str, "From which prompts and order follow; empty until its block is final."]
    defending: Annotated[MinerRow | None, "Who led when it began."]
    decision: Annotated[Any, "What was decided, with the ladder; null before."]
    waiting_for: Annotated[str, "What the machine says it waits for."]
    failure: Annotated[FailureRow | None, "Why it is paused, or what is being retried."]
    source: Annotated[Mapping[str, Any], "Of a round played elsewhere: where its records are from; empty for our own."]
    url: Annotated[str, PAGE]


def round_(row: Round) -> RoundRow:
    facts = round_facts(row)
    defending = miner(facts.defending) if facts.defending else None
    return shown_as(RoundRow, facts, defending=defending, failure=failure(facts))


def miner(row: Any) -> MinerRow:
    return shown_as(MinerRow, row)


@dataclass(frozen=True, kw_only=True)
@row_of(
    EntryFacts,
    but={
        "`competition` and `round` lead there": "round_url",
    },
)
class SubmissionRow:
    """What a miner's reveals add up to in one round, or the leader's part in it."""

    id: Annotated[str, ID]
    competition: str
    round: int
    entry: Annotated[str, "`leader`, or the challenger's hotkey."]
    miner: MinerRow
    role: Annotated[str, "`leader` or `challenger`."]
    repo: str
    commit: str
    cdn_url: str
    reveal_block: Annotated[int | None, "Its place in the queue: the block of the latest reveal with a commit."]
    extrinsic_index: int | None
    eligible: bool
    objection: Annotated[str, "Why it takes no part; empty where it does."]
    copy_of: Annotated[MinerRow | None, "Who revealed the same commit first."]
    url: Annotated[str, PAGE]


def submission(row: Submission) -> SubmissionRow:
    facts = entry_facts(row, round_=row.round)
    copied = miner(facts.copy_of) if facts.copy_of else None
    return shown_as(SubmissionRow, facts, miner=miner(facts.miner), copy_of=copied)


@dataclass(frozen=True, kw_only=True)
@row_of(
    PromptFacts,
    but={
        "`picture_url` is it where there is no picture of ours": "link",
    },
)
class PromptRow:
    """A picture that miners generate from, once a round has shown it."""

    id: Annotated[str, ID]
    competition: str
    stem: str
    sha256: Annotated[str, "Of the picture; empty for one that lies on another host."]
    bytes: int
    picture_url: Annotated[str, "Where the picture is."]
    url: Annotated[str, PAGE]


def prompt(row: Prompt) -> PromptRow:
    return shown_as(PromptRow, prompt_facts(row, competition=row.competition))


@dataclass(frozen=True, kw_only=True)
@row_of(
    AssetFacts,
    but={
        "`failure` is made of it": "failure_class failure_code failure_reason",
        "a miner's own diagnostics have it": "waiting_for",
    },
)
class AssetRow:
    """One 3D file of a submission for one prompt."""

    id: Annotated[str, ID]
    competition: str
    round: int
    entry: Annotated[str, "`leader`, or the challenger's hotkey."]
    prompt: str
    origin: Annotated[str, ORIGIN]
    state: Annotated[str, "`downloading`, `stored` or `failed`."]
    sha256: Annotated[str, "Frozen at the first download; empty while there is no file."]
    bytes: int
    content_type: str
    since: datetime
    failure: FailureRow | None
    file_url: Annotated[str, "Where the file is; empty while there is none."]


def asset(row: Asset) -> AssetRow:
    facts = asset_facts(row)
    return shown_as(AssetRow, facts, failure=failure(facts))


@dataclass(frozen=True, kw_only=True)
@row_of(
    ReignFacts,
    but={
        "`competition` and `won_in` lead there": "round_url",
        "`leader` is it": "miner",
    },
)
class ReignRow:
    """Who leads from which block, and what share of the emission follows."""

    id: Annotated[str, ID]
    competition: str
    sequence: int
    leader: MinerRow
    repo: str
    commit: str
    weight: Annotated[Fraction, "The leader's share; the rest is the subnet owner's."]
    effective_block: Annotated[int, "Paid from this block on."]
    won_in: Annotated[int | None, "The round that decided it; null for the first leader."]
    defence: Annotated[bool, "True: the leader before defended."]


def reign(row: Reign) -> ReignRow:
    facts = reign_facts(row, competition=row.competition)
    return shown_as(ReignRow, facts, leader=miner(facts.miner))


@dataclass(frozen=True, kw_only=True)
@row_of(RevealFacts, but={"`payload` is its beginning; the bundle has all of it": "payload_hex"})
class RevealRow:
    """One message of a miner, whatever it holds."""

    id: Annotated[str, ID]
    competition: str
    miner: MinerRow
    block: int
    extrinsic_index: int
    payload: Annotated[str, "Its beginning as text; what cannot be shown is replaced."]
    payload_bytes: int
    fields: Annotated[Mapping[str, Any], "What could be read of it."]
    objection: str
    seen_at: datetime


def reveal(row: Reveal) -> RevealRow:
    facts = reveal_facts(row, competition=row.competition)
    return shown_as(RevealRow, facts, miner=miner(facts.miner))
