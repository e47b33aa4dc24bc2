"""How do matches, duels, views, ladders and the judge's health read?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Annotated, Any, TypeVar, get_type_hints

from competition.models import Asset
from dashboard.api.filters import MATCH_KINDS
from dashboard.api.rows.game import ID, ORIGIN, PAGE, FailureRow, MinerRow, failure, miner
from dashboard.facts.assets import asset_facts, blob_url
from dashboard.facts.borders import row_of, shown_as
from dashboard.facts.figures import MatchFigures
from dashboard.facts.integrity import integrity_facts
from dashboard.facts.matches import DuelFacts, MatchFacts, duel_facts, match_facts
from dashboard.facts.matches import match_id as match_id
from dashboard.facts.records import checked
from formats.integrity.marks import EXTENSION
from formats.integrity.measures import MEASURES, MeshIntegrity, SplatIntegrity
from judging.models import Control, Duel, Match, Measurement, Rendering


@dataclass(frozen=True, kw_only=True)
class SideRow:
    """One side of a match."""

    entry: Annotated[str, "`leader`, or the hotkey."]
    miner: MinerRow
    origin: Annotated[str, ORIGIN]


@dataclass(frozen=True, kw_only=True)
@row_of(
    MatchFacts,
    but={
        "the id of what counts stays the same in every version": "version",
        "`tally` is made of it": "counted margin_micro duels_made",
        "`defender` and `challenger` have it": "defender_origin challenger_origin",
    },
)
class MatchRow:
    """All duels of a defender and a challenger."""

    id: Annotated[str, ID]
    competition: str
    round: int
    kind: Annotated[str, f"{MATCH_KINDS.says.capitalize()}."]
    state: Annotated[str, "`waiting`, `judging` or `decided`."]
    defender: SideRow
    challenger: SideRow
    tally: Annotated[MatchFigures | None, "Null until it is decided."]
    stopped: Annotated[str, "Why it ended before its last duel; empty where it did not."]
    stopped_after: Annotated[int | None, "How many duels, in seed order, decided it."]
    stop: Annotated[str, "The same in words, as its page says it; empty where every duel was judged."]
    judge: Annotated[str, "Hash of the judge version."]
    judge_name: str
    since: datetime
    url: Annotated[str, PAGE]


def match(row: Match) -> MatchRow:
    facts = match_facts(row, round_=row.round)
    return shown_as(
        MatchRow,
        facts,
        defender=SideRow(entry=facts.defender.key, miner=miner(facts.defender), origin=facts.defender_origin),
        challenger=SideRow(entry=facts.challenger.key, miner=miner(facts.challenger), origin=facts.challenger_origin),
    )


@dataclass(frozen=True, kw_only=True)
@row_of(
    DuelFacts,
    but={
        "`result` is made of it": "outcome beyond meaning",
        "the prompt's row has it": "prompt_sha256",
        "the API shows the take that counts": "take",
        "`failure` is made of it": "failure_class failure_code failure_reason",
    },
)
class DuelRow:
    """Two files on one prompt."""

    id: Annotated[str, ID]
    match: Annotated[str, "The id of its match."]
    prompt: str
    position: Annotated[int, "In seed order, from 0."]
    state: Annotated[str, "`judging`, `judged`, `forfeited`, `unneeded` or `void`."]
    result: Annotated[str, "For the challenger, as the match counts it: won, lost, drawn, forfeit_challenger, …"]
    score_micro: Annotated[int | None, "(s_AB − s_BA)/2 in millionths; positive: the challenger is better."]
    defender_sha256: Annotated[str, "The file judged; empty where none was delivered."]
    challenger_sha256: str
    detail: Annotated[Mapping[str, Any], "What the judge was asked, and what it said."]
    failure: Annotated[FailureRow | None, "Why it is void, or being retried."]
    since: datetime
    url: Annotated[str, PAGE]


def duel(row: Duel) -> DuelRow:
    facts = duel_facts(row, match=row.match, round_=row.match.round)
    return shown_as(DuelRow, facts, detail=checked(facts.detail), failure=failure(facts))


@dataclass(frozen=True, kw_only=True)
class ViewRow:
    """One picture of a file."""

    name: Annotated[str, "Of the camera."]
    sha256: str
    bytes: Annotated[int | None, "Null where the picture is not on this machine."]
    url: Annotated[str, "Where the picture is."]


@dataclass(frozen=True, kw_only=True)
class IntegrityRow:
    """How sound a file is."""

    state: Annotated[str, "`measuring`, `measured` or `unmeasured`."]
    version: Annotated[str, "Of the measure: another one may count otherwise."]
    reason: Annotated[str, "Why it is not measured."]
    numbers: Annotated[Mapping[str, Any], "By name; what each means is in docs/formats.md. Empty until it is measured."]


@dataclass(frozen=True, kw_only=True)
class RenderingRow:
    """The pictures of one file (by content) under one rig."""

    id: Annotated[str, ID]
    competition: str
    asset_sha256: str
    rig: Annotated[str, "Hash of cameras and lights."]
    renderer: str
    state: Annotated[str, "`rendering`, `rendered` or `refused`."]
    triangles: int
    isolation: Annotated[tuple[str, ...], "What the renderer was kept from."]
    views: tuple[ViewRow, ...]
    integrity: Annotated[IntegrityRow | None, "Null where nobody has asked yet."]
    failure: FailureRow | None
    since: datetime


def integrity(row: Measurement) -> IntegrityRow:
    facts = integrity_facts(row)
    numbers = {number.name: number.value for number in facts.numbers}
    return IntegrityRow(state=facts.state, version=facts.version, reason=facts.reason, numbers=numbers)


def rendering(
    row: Rendering, *, bytes_of: Mapping[str, int | None], measurements: Mapping[str, Measurement]
) -> RenderingRow:
    measured = measurements.get(row.sha256)
    slug = row.competition.slug
    return RenderingRow(
        id=f"{slug}/{row.sha256}/{row.rig[:16]}/{row.renderer}",
        competition=slug,
        asset_sha256=row.sha256,
        rig=row.rig,
        renderer=row.renderer,
        state=row.state,
        triangles=row.triangles,
        isolation=tuple(row.isolation),
        views=tuple(
            ViewRow(name=name, sha256=sha256, bytes=bytes_of.get(sha256), url=f"/blob/{sha256}.png")
            for name, sha256 in sorted(row.views.items())
        ),
        integrity=integrity(measured) if measured else None,
        failure=failure(row),
        since=row.since,
    )


Shape = TypeVar("Shape")


def with_numbers(*kinds: type[MeshIntegrity] | type[SplatIntegrity]) -> Callable[[type[Shape]], type[Shape]]:
    """The class has a field for each number that is counted of these kinds of files.  Stands below `@dataclass`."""

    def completed(shape: type[Shape]) -> type[Shape]:
        for kind in kinds:
            types = get_type_hints(kind)
            for measure in MEASURES[kind]:
                about = f"{measure.definition} In {measure.unit}."
                shape.__annotations__[measure.name] = Annotated[types[measure.name] | None, about]
        return shape

    return completed


@dataclass(frozen=True, kw_only=True)
@with_numbers(MeshIntegrity, SplatIntegrity)
class MeasurementRow:
    """How sound one file of an entry is, a column for each number; null what its kind of file does not have."""

    id: Annotated[str, ID]
    competition: str
    round: int
    entry: Annotated[str, "`leader`, or the challenger's hotkey."]
    prompt: str
    origin: Annotated[str, ORIGIN]
    sha256: str
    state: Annotated[str, "`measuring`, `measured` or `unmeasured`."]
    version: Annotated[str, "Of the measure: another one may count otherwise."]
    reason: Annotated[str, "Why it is not measured."]
    picture_url: Annotated[str, "A picture of where a mesh is at fault; empty where there is none."]
    positions_url: Annotated[str, "A file of where exactly (formats.md); empty where there is none."]


def measurement(asset: Asset, *, measurements: Mapping[str, Measurement]) -> MeasurementRow:
    facts = integrity_facts(measurements.get(asset.sha256))
    columns: dict[str, Any] = {measure.name: None for measures in MEASURES.values() for measure in measures}
    columns |= {number.name: number.value for number in facts.numbers if number.name in columns}
    columns |= {"state": facts.state, "version": facts.version, "reason": facts.reason}
    columns["picture_url"] = blob_url(facts.picture, "png") if facts.picture else ""
    columns["positions_url"] = blob_url(facts.positions, EXTENSION) if facts.positions else ""
    return shown_as(MeasurementRow, asset_facts(asset), **columns)


@dataclass(frozen=True, kw_only=True)
class ControlRow:
    """A duel with a known answer."""

    kind: Annotated[str, "`self`, `canary`, `injection` or `repeat`."]
    variant: str
    prompt: str
    state: str
    score_micro: int | None
    before_micro: int | None


def control_row(row: Control) -> ControlRow:
    return shown_as(ControlRow, row, prompt=row.prompt.stem)


@dataclass(frozen=True, kw_only=True)
class GateRow:
    """One bar the judge must pass for its verdicts to stand."""

    gate: str
    state: Annotated[str, "`passed`, `failed`, or `unproven`: too few controls to say."]
    measured: str
    needed: str
    of: Annotated[int, "On how many it was measured."]


@dataclass(frozen=True, kw_only=True)
class JudgeHealth:
    """How well the judge of one round was."""

    competition: str
    round: int
    judge: str
    computed: Annotated[bool, "True: this judge computes, the same for ever, and has no controls."]
    well: Annotated[bool | None, "All gates passed; null where there are none."]
    take: Annotated[int, "How often its controls were made."]
    gates: tuple[GateRow, ...]
    controls: tuple[ControlRow, ...]
    void_share: Annotated[Fraction, "Duels without an answer, of all that were asked."]
