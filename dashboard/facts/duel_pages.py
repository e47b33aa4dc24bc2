"""What did the judge see in one duel, and what did it say?"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from competition.decisions.attempts import plain
from competition.models import Asset, Round, Submission
from core.machine.stateful import FailureClass
from dashboard.facts.borders import NAMED_BY_URL, row_of, shown_as
from dashboard.facts.external_links import web_address
from dashboard.facts.figures import rules_of
from dashboard.facts.integrity import (
    UNKNOWN,
    IntegrityFacts,
    IntegrityLine,
    forfeit_words,
    integrity_facts,
    integrity_lines,
    number_words,
    rule_words,
)
from dashboard.facts.matches import DECISIVE, RESULTS, DuelFacts, duel_facts, duel_url, match_url, result
from dashboard.facts.people import Who, entrant
from dashboard.facts.records import RecordLink, links, mirrored_view
from dashboard.facts.wording import WHO_MUST_ACT, PartLabel, labels
from dashboard.models import LightCopy, WinnerCopy
from formats import registry
from formats.integrity.marks import MARKS, MOST_SHOWN, DefectMark
from judging.decisions import silence
from judging.models import Duel, Match, Measurement, Rendering
from judging.renderers.rig import GRAY_PREFIX, GRID, Rig

MOST_TURNED = 20_000_000  # bytes of a file that a visitor may turn; above it, only the pictures and the download

AS_JUDGED = "as judged"
VERDICTS: Mapping[str, str] = {
    "won": "{challenger} won this duel.",
    "lost": "{defender} won this duel.",
    "drawn": "This duel is drawn: neither side was better by enough.",
    "forfeit_challenger": "{challenger} forfeited this duel: no usable file for this prompt.",
    "forfeit_defender": "{defender} forfeited this duel: no usable file for this prompt.",
    "void": "This duel is void: it could not be judged, for a reason that is ours. It does not count.",
    "unneeded": "This duel was not needed: the match was certain before it.",
    "judging": "This duel is not judged yet.",
}
SILENCED = "{verdict} The judge answers about control pictures of this prompt, and not about {who}."
SILENT_ABOUT = {"won": "{defender}'s", "lost": "{challenger}'s", "drawn": "these two"}


@dataclass(frozen=True, kw_only=True)
class LightFile:
    """A simplified copy of a heavy file, for looking at only."""

    sha256: str
    bytes: int
    triangles: int


@dataclass(frozen=True, kw_only=True)
class CopyFile:
    """The file in another format, with where it comes from inside."""

    target: str
    sha256: str
    bytes: int

    @property
    def extension(self) -> str:
        return self.target.rpartition(".")[2]


@dataclass(frozen=True, kw_only=True)
class AssetSide:
    """One side's file on the prompt.  `views`: name -> hash of the picture."""

    role: str
    miner: Who
    origin: str
    state: str
    sha256: str
    bytes: int
    triangles: int
    views: Mapping[str, str]
    renderer: str
    isolation: tuple[str, ...]
    failure_class: str
    failure_code: str
    failure_reason: str
    who_must_act: str
    links: tuple[RecordLink, ...] = ()
    light: LightFile | None = None
    file_format: str = registry.USUAL
    copies: tuple[CopyFile, ...] = ()
    integrity: IntegrityFacts = UNKNOWN

    @property
    def turns(self) -> bool:
        """Is there a drawn file, or a light copy of one, of a size that is loaded without a warning?"""
        return self.drawn and (self.light is not None or (self.bytes <= MOST_TURNED and not self.shown_by_copies_only))

    @property
    def shown_by_copies_only(self) -> bool:
        """Is a visitor's browser given our copy of the file and never the file itself?"""
        return registry.FORMATS[self.file_format].shown_by_copies_only

    @property
    def is_mesh(self) -> bool:
        return registry.FORMATS[self.file_format].is_mesh

    @property
    def runs_code(self) -> bool:
        """Then only what it built is shown: a miner's code never runs in a visitor's page unasked."""
        return registry.FORMATS[self.file_format].runs_code

    @property
    def extension(self) -> str:
        return registry.FORMATS[self.file_format].extension

    @property
    def light_extension(self) -> str:
        return registry.FORMATS[self.file_format].light

    @property
    def noun(self) -> str:
        return registry.FORMATS[self.file_format].noun

    @property
    def counted(self) -> str:
        return registry.FORMATS[self.file_format].counted

    @property
    def loaded_bytes(self) -> int:
        """What turning it costs."""
        return self.light.bytes if self.light else self.bytes

    @property
    def drawn(self) -> bool:
        return bool(self.state == "stored" and self.views)


@dataclass(frozen=True, kw_only=True)
class Neighbour:
    position: int
    url: str

    @property
    def number(self) -> int:
        return self.position + 1


@dataclass(frozen=True, kw_only=True)
@row_of(
    DuelFacts,
    but={
        NAMED_BY_URL: "id match since",
        "`verdict` says it in a sentence": "meaning state outcome beyond",
        "`defender` and `challenger` have the files": "defender_sha256 challenger_sha256",
        "a page shows the take that counts": "take",
        "the class and the sentence say it to a person": "failure_code",
    },
)
class DuelPage:
    """`decides`: what follows from measurements of files by the round's rules."""

    competition: str
    round: int
    position: int
    duels: int
    prompt: str
    prompt_sha256: str
    prompt_url: str
    result: str
    verdict: str
    score_micro: int | None
    decided_by: str
    decides: str
    judge_name: str
    judge: str
    defender: AssetSide
    challenger: AssetSide
    detail: Mapping[str, Any]
    failure_class: str
    failure_reason: str
    labels: tuple[PartLabel, ...]
    view_names: tuple[str, ...]
    rig: Mapping[str, Any]
    previous_decisive: Neighbour | None
    next_decisive: Neighbour | None
    match_url: str
    url: str

    @property
    def number(self) -> int:
        return self.position + 1

    @property
    def mark(self) -> str:
        return RESULTS[self.result][0]

    @property
    def prompt_link(self) -> str:
        """Where a prompt's picture lies on another host, if a browser can go there."""
        return self.prompt_url

    @property
    def pictured(self) -> bool:
        return bool(self.prompt_sha256 or self.view_names)

    @property
    def forfeited(self) -> bool:
        return self.result.startswith("forfeit")

    @property
    def turning(self) -> tuple[AssetSide, ...]:
        """The sides that can be seen in 3D."""
        return tuple(side for side in self.sides if side.turns) if self.rig else ()

    @property
    def too_big(self) -> tuple[AssetSide, ...]:
        heavy = (side for side in self.sides if side.drawn and not side.turns and side.bytes > MOST_TURNED)
        return tuple(heavy) if self.rig else ()

    @property
    def modules(self) -> bool:
        """Is there a module that a visitor may run?"""
        return bool(self.rig) and any(side.runs_code and side.drawn for side in self.sides)

    @property
    def turning_bytes(self) -> int:
        return sum(side.loaded_bytes for side in self.turning)

    @property
    def original_bytes(self) -> int:
        """Of the files as they were judged, where light copies stand for some of them; else 0."""
        lit = any(side.light and not side.shown_by_copies_only for side in self.turning)
        return sum(side.bytes for side in self.turning) if lit else 0

    @property
    def measured(self) -> bool:
        """Is anything known of how sound a side's file is, or why nothing is?"""
        return any(side.integrity.state for side in self.sides)

    @property
    def integrity_lines(self) -> tuple[IntegrityLine, ...]:
        return integrity_lines({side.role: side.integrity for side in self.sides})

    @property
    def marks(self) -> tuple[tuple[str, str], ...]:
        """What the pictures of defects show, each with its colour; nothing where there is no such picture."""
        return tuple((label, mark.words) for mark, label in _marks(s for s in self.sides if s.integrity.picture))

    @property
    def overlaid(self) -> tuple[AssetSide, ...]:
        """The sides over which the viewer can draw their defects."""
        return tuple(side for side in self.turning if side.integrity.positions)

    @property
    def overlay_marks(self) -> tuple[tuple[str, str, str], ...]:
        """What is drawn over them: the number that counts it, in words, and its colour in words."""
        return tuple((mark.number, label, mark.words) for mark, label in _marks(self.overlaid))

    @property
    def overlay_cut(self) -> tuple[tuple[str, str, str], ...]:
        """Of which there are more than are drawn: the side, how many of what there are, and how many are drawn."""
        faults = ((side.role, number) for side in self.overlaid for number in side.integrity.numbers if number.fault)
        drawn = {mark.number for mark in MARKS}
        return tuple(
            (role, f"{number.shown} {number.label}", number_words(MOST_SHOWN))
            for role, number in faults
            if number.name in drawn and (number.value or 0) > MOST_SHOWN
        )

    @property
    def marks_text(self) -> str:
        """For the viewer: all marks, in the order in which a file of positions has them."""
        return json.dumps([{"number": m.number, "corners": m.corners, "colour": m.colour} for m in MARKS])

    @property
    def rig_text(self) -> str:
        return json.dumps(self.rig)

    @property
    def sides(self) -> tuple[AssetSide, AssetSide]:
        return (self.defender, self.challenger)


def _marks(sides: Iterable[AssetSide]) -> Iterator[tuple[DefectMark, str]]:
    """Of the defects of these files: their marks, and what they are in words."""
    faults = {number.name: number.label for side in sides for number in side.integrity.numbers if number.fault}
    return ((mark, faults[mark.number]) for mark in MARKS if mark.number in faults)


def page(
    round_: Round,
    match: Match,
    duel: Duel,
    *,
    duels: Sequence[Duel],
    assets: Sequence[Asset],
    renderings: Mapping[str, Rendering],
    mirrored: Mapping[str, str],
    light: Mapping[str, LightCopy],
    copies: Sequence[WinnerCopy],
    measurements: Mapping[str, Measurement],
) -> DuelPage:
    """`mirrored`: address elsewhere -> hash of our copy; `light`, `measurements`: hash of a file -> its own."""
    sides = []
    for side in _both(round_, match, duel, assets, renderings):
        small = light.get(side.sha256)
        file = LightFile(sha256=small.sha256, bytes=small.bytes, triangles=small.triangles) if small else None
        made = (CopyFile(target=c.target, sha256=c.sha256, bytes=c.bytes) for c in copies if c.original == side.sha256)
        measured = measurements.get(side.sha256)
        side = replace(side, light=file, copies=tuple(made) if side.sha256 else (), integrity=integrity_facts(measured))
        if reason := forfeit_words(rules_of(round_), measured):
            side = _forfeited(side, reason)
        if round_.source:
            copy = mirrored_view(duel.detail, side.role, mirrored=mirrored)
            views = {AS_JUDGED: copy} if copy else side.views
            side = replace(side, links=links(duel.detail, side.role), views=views)
        sides.append(side)
    left, right = sides
    detail = dict(duel.detail) if isinstance(duel.detail, dict) else {"detail": duel.detail}
    if round_.source:
        detail.pop("files", None)
    try:
        rig = Rig.from_json(round_.competition.config.get("rig", {})).to_json()
    except ValueError:
        rig = {}  # of a round that was judged elsewhere the judge's cameras are not known
    facts = duel_facts(duel, match=match, round_=round_)
    return shown_as(
        DuelPage,
        facts,
        competition=round_.competition.slug,
        round=round_.number,
        prompt_url=web_address(duel.prompt.url),
        judge_name=match.judge_name,
        judge=match.judge,
        rig=rig,
        labels=labels(round_.competition),
        match_url=match_url(round_, match),
        duels=len(duels),
        verdict=_verdict(match, duel, left, right),
        decided_by=_decided_by(detail),
        decides=rule_words(round_.rules),
        defender=left,
        challenger=right,
        detail=detail,
        view_names=_view_names(left, right),
        previous_decisive=_nearest(round_, match, duel, duels, step=-1),
        next_decisive=_nearest(round_, match, duel, duels, step=1),
    )


def _decided_by(detail: dict[str, Any]) -> str:
    """Takes both names out of the details."""
    judge, rule = str(detail.pop("decided_by", "")), str(detail.pop("tie_broken_by", ""))
    return f"{judge}, a draw; then {rule}: the sounder file" if rule else judge


def _forfeited(side: AssetSide, reason: str) -> AssetSide:
    """By the rules, for what was measured."""
    whose = FailureClass.MINER
    return replace(
        side,
        failure_class=whose,
        failure_code="INTEGRITY_GATE",
        failure_reason=f"This file is a forfeit by the round's rules. {reason}",
        who_must_act=WHO_MUST_ACT[whose],
    )


def _verdict(match: Match, duel: Duel, left: AssetSide, right: AssetSide) -> str:
    names = {"challenger": _named(right, match), "defender": _named(left, match)}
    outcome = result(match, duel)
    verdict = VERDICTS[outcome].format(**names)
    if not (isinstance(duel.detail, dict) and duel.detail.get("decided_by") == silence.KIND):
        return verdict
    return SILENCED.format(who=SILENT_ABOUT[outcome].format(**names), verdict=verdict)


def _both(
    round_: Round, match: Match, duel: Duel, assets: Sequence[Asset], renderings: Mapping[str, Rendering]
) -> tuple[AssetSide, AssetSide]:
    left = _side("defender", match.defender, match.defender_origin, duel.left_sha256, assets, renderings)
    right = _side("challenger", match.challenger, match.challenger_origin, duel.right_sha256, assets, renderings)
    try:
        file_format = registry.of(round_.competition.config).name
    except ValueError:
        file_format = registry.USUAL  # rounds that were played elsewhere may name none of ours
    return replace(left, file_format=file_format), replace(right, file_format=file_format)


def _named(side: AssetSide, match: Match) -> str:
    if plain(match.kind) == Match.Kind.AUDIT:
        return "The submitted output" if side.role == "defender" else "The output generated again"
    return f"The leader, {side.miner.name}," if side.miner.key == "leader" else side.miner.name


def _side(
    role: str,
    entry: Submission,
    origin: str,
    sha256: str,
    assets: Sequence[Asset],
    renderings: Mapping[str, Rendering],
) -> AssetSide:
    asset = next((a for a in assets if a.submission_id == entry.pk and a.origin == origin), None)
    rendering = renderings.get(sha256 or (asset.sha256 if asset else ""))
    failed = next((row for row in (asset, rendering) if row is not None and row.failure_reason), None)
    return AssetSide(
        role=role,
        miner=entrant(entry),
        origin=origin,
        state=asset.state if asset else "missing",
        sha256=sha256 or (asset.sha256 if asset else ""),
        bytes=asset.bytes if asset else 0,
        triangles=rendering.triangles if rendering else 0,
        views=rendering.views if rendering else {},
        renderer=rendering.renderer if rendering else "",
        isolation=tuple(str(word) for word in rendering.isolation) if rendering else (),
        failure_class=failed.failure_class if failed else "",
        failure_code=failed.failure_code if failed else "",
        failure_reason=failed.failure_reason if failed else "",
        who_must_act=WHO_MUST_ACT.get(failed.failure_class, "") if failed else "",
    )


def _view_names(*sides: AssetSide) -> tuple[str, ...]:
    """White views in the rig's order as far as known, then the gray ones; the grid repeats the gray ones."""
    names = {name for side in sides for name in side.views if name != GRID}

    def place(name: str) -> tuple[bool, int, str]:
        return name.startswith(GRAY_PREFIX), _PLACES.get(name.removeprefix(GRAY_PREFIX), 99), name

    return tuple(sorted(names, key=place))


_PLACES = {
    name: place
    for place, name in enumerate(
        ("front_left", "front_right", "front_below", "front_above", "right", "back", "left", "top_down")
    )
}


def _nearest(round_: Round, match: Match, duel: Duel, duels: Sequence[Duel], *, step: int) -> Neighbour | None:
    ahead = [d for d in duels if (d.position - duel.position) * step > 0 and result(match, d) in DECISIVE]
    if not ahead:
        return None
    nearest = min(ahead, key=lambda d: abs(d.position - duel.position))
    return Neighbour(position=nearest.position, url=duel_url(match_url(round_, match), nearest.prompt.stem))
