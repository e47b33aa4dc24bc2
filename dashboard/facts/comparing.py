"""How do any two entries of a round look side by side?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import reverse

from competition.models import Asset, Round, RoundPrompt, Submission
from dashboard.facts.matches import RESULTS, duel_url, match_url, picture, result
from dashboard.facts.people import Who, entrant
from dashboard.facts.wording import PartLabel, labels
from judging.models import Duel, Match, Rendering


@dataclass(frozen=True, kw_only=True)
class ComparedFile:
    """One side on one prompt: its picture, and how it did against the leader (empty for the leader itself)."""

    view: str
    result: str
    meaning: str
    url: str

    @property
    def mark(self) -> str:
        return RESULTS[self.result][0] if self.result else ""


@dataclass(frozen=True, kw_only=True)
class CompareRow:
    prompt: str
    prompt_sha256: str
    a: ComparedFile
    b: ComparedFile

    @property
    def differs(self) -> bool:
        return self.a.result != self.b.result


@dataclass(frozen=True, kw_only=True)
class ComparePage:
    """`match_url`: the match between the two, where there was one."""

    competition: str
    round: int
    entries: tuple[Who, ...]
    a: Who | None
    b: Who | None
    sentence: str
    prompts: tuple[CompareRow, ...]
    match_url: str
    labels: tuple[PartLabel, ...]
    url: str

    @property
    def csv_url(self) -> str:
        return f"{reverse('compare-csv')}?{self.url.partition('?')[2]}"


@dataclass(frozen=True, kw_only=True)
class Sides:
    """What the queries brought of two submissions."""

    chosen: tuple[Submission, Submission]
    prompts: Sequence[RoundPrompt]
    assets: Sequence[Asset]
    renderings: Mapping[str, Rendering]
    duels: Sequence[Duel]  # of their screens, with match and prompt
    between: Match | None
    view: str


def page(round_: Round, entries: Sequence[Submission], sides: Sides | None) -> ComparePage:
    rows = _rows(round_, sides) if sides else ()
    a, b = (entrant(side) for side in sides.chosen) if sides else (None, None)
    query = {"c": round_.competition.slug, "round": round_.number}
    chosen = {"a": a.key, "b": b.key} if a and b else {}
    sentence = "Choose two entries of the round."
    if a and b and "leader" in (a.key, b.key):
        sentence = f"{_name(a)} beside {_name(b)}, prompt by prompt."
    elif a and b:
        differ = sum(row.differs for row in rows if row.a.result and row.b.result)
        sentence = f"{_name(a)} beside {_name(b)}: against the leader they ended differently on {differ} of "
        sentence += f"{len(rows)} prompts."
    return ComparePage(
        competition=round_.competition.slug,
        round=round_.number,
        entries=tuple(entrant(entry) for entry in entries),
        a=a,
        b=b,
        sentence=sentence,
        prompts=rows,
        match_url=match_url(round_, sides.between) if sides and sides.between else "",
        labels=labels(round_.competition),
        url=f"{reverse('compare')}?{urlencode({**query, **chosen})}",
    )


def _name(person: Who) -> str:
    return f"the leader, {person.name}," if person.key == "leader" else person.name


def _rows(round_: Round, sides: Sides) -> tuple[CompareRow, ...]:
    files = {(asset.submission_id, asset.prompt_id): asset.sha256 for asset in sides.assets}
    duels = {(duel.match.challenger_id, duel.prompt_id): duel for duel in sides.duels}

    def shown(side: Submission, prompt: int) -> ComparedFile:
        rendering = sides.renderings.get(files.get((side.pk, prompt), ""))
        duel = duels.get((side.pk, prompt))
        outcome = result(duel.match, duel) if duel else ""
        return ComparedFile(
            view=picture(rendering, sides.view),
            result=outcome,
            meaning=RESULTS[outcome][1] if outcome else "",
            url=duel_url(match_url(round_, duel.match), duel.prompt.stem) if duel else "",
        )

    a, b = sides.chosen
    return tuple(
        CompareRow(
            prompt=drawn.prompt.stem,
            prompt_sha256=drawn.prompt.sha256,
            a=shown(a, drawn.prompt_id),
            b=shown(b, drawn.prompt_id),
        )
        for drawn in sides.prompts
    )
