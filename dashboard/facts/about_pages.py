"""What does the site say of itself: how it measures, what it hands out, what has changed?"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from django.urls import reverse

from competition.models import Competition
from dashboard.facts.exam_pages import ShownExam, shown_exam
from dashboard.facts.figures import MatchFigures
from dashboard.facts.judge_pages import RoundHealth
from dashboard.facts.rounds import Bundle, bundle
from dashboard.facts.wording import PartLabel, labels
from dashboard.models import Publication
from judging.exam.models import JudgeExam

HEADING = re.compile(r"^## (.+)$")
ITEM = re.compile(r"^- (.+)$")


@dataclass(frozen=True, kw_only=True)
class Repeats:
    """How often a judge that was asked the same twice said the same.  `share` is null where it never was."""

    competition: str
    pairs: int
    same: int
    opposite: int

    @property
    def share(self) -> Fraction | None:
        return Fraction(self.same, self.pairs) if self.pairs else None


@dataclass(frozen=True, kw_only=True)
class Example:
    """A decided match, counted through."""

    round: int
    sentence: str
    tally: MatchFigures
    url: str


@dataclass(frozen=True, kw_only=True)
class MethodPage:
    competition: str
    labels: tuple[PartLabel, ...]
    interval: str
    repeats: tuple[Repeats, ...]
    health: RoundHealth | None
    example: Example | None
    exams: tuple[ShownExam, ...]
    url: str


def method(
    competition: Competition | None,
    *,
    repeats: Mapping[str, Mapping[str, int]],
    health: RoundHealth | None,
    example: Example | None,
    exams: Sequence[JudgeExam] = (),
) -> MethodPage:
    return MethodPage(
        competition=competition.slug if competition else "",
        labels=labels(competition) if competition else (),
        interval="margin ∓ 1.96 · √(((won + lost)/n − margin²)/n)",
        repeats=tuple(Repeats(competition=slug, **counts) for slug, counts in repeats.items()),
        health=health,
        example=example,
        exams=tuple(shown_exam(row) for row in exams),
        url=reverse("method"),
    )


@dataclass(frozen=True, kw_only=True)
class PublishedBundle:
    competition: str
    round: int
    round_url: str
    bundle: Bundle


@dataclass(frozen=True, kw_only=True)
class CompetitionData:
    """What there is of one competition, besides its bundles."""

    competition: str
    name: str
    url: str
    tables: tuple[str, ...]
    records: int
    records_bytes: int
    findings_url: str


@dataclass(frozen=True, kw_only=True)
class DataPage:
    bundles: tuple[PublishedBundle, ...]
    holdings: tuple[CompetitionData, ...]
    url: str

    @property
    def bytes(self) -> int:
        return sum(each.bundle.bytes for each in self.bundles)


def data(
    competitions: Sequence[Competition],
    publications: Sequence[Publication],
    *,
    records: Mapping[int, Mapping[str, int]],
) -> DataPage:
    published = []
    for publication in publications:
        round_ = publication.round
        published_bundle = bundle(round_, publication)
        if published_bundle is None:
            raise ValueError("only published bundles are listed")
        slug, number = round_.competition.slug, round_.number
        url = reverse("round", args=[slug, number])
        published.append(PublishedBundle(competition=slug, round=number, round_url=url, bundle=published_bundle))
    holdings = []
    for each in competitions:
        counts, at = records.get(each.pk, {}), [each.slug]
        holdings.append(
            CompetitionData(
                competition=each.slug,
                name=each.name,
                url=reverse("competition", args=at),
                tables=tuple(reverse(name, args=at) for name in ("leaders-csv", "prompt-gallery-csv")),
                records=counts.get("files", 0),
                records_bytes=counts.get("bytes", 0),
                findings_url=reverse("findings", args=at) if counts else "",
            )
        )
    return DataPage(
        bundles=tuple(published),
        holdings=tuple(holdings),
        url=reverse("data"),
    )


@dataclass(frozen=True, kw_only=True)
class Version:
    """A judge or a ruleset, and the rounds it was in force in.  `hash` is empty for a ruleset; `count` counts matches
    that a judge decided, or rounds."""

    competition: str
    name: str
    hash: str
    first: int
    last: int
    count: int
    rules: Mapping[str, Any]

    @property
    def url(self) -> str:
        return reverse("round", args=[self.competition, self.first])


@dataclass(frozen=True, kw_only=True)
class Release:
    title: str
    changes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ChangelogPage:
    judges: tuple[Version, ...]
    rulesets: tuple[Version, ...]
    releases: tuple[Release, ...]
    url: str


def changelog(
    judges: Mapping[str, Sequence[Mapping[str, Any]]],
    rulesets: Mapping[str, Sequence[Mapping[str, Any]]],
    *,
    text: str,
) -> ChangelogPage:
    """`judges` and `rulesets`: competition -> what its rounds name, first used first."""
    judge_versions, ruleset_versions = [], []
    for slug, rows in judges.items():
        for row in rows:
            version = {"name": row["judge_name"], "hash": row["judge"], "count": row["matches"], "rules": {}}
            judge_versions.append(Version(competition=slug, first=row["first"], last=row["last"], **version))
    for slug, rows in rulesets.items():
        for row in rows:
            rules = row["rules"] if isinstance(row["rules"], dict) else {}
            version = {"name": row["ruleset"], "hash": "", "count": row["rounds"], "rules": rules}
            ruleset_versions.append(Version(competition=slug, first=row["first"], last=row["last"], **version))
    return ChangelogPage(
        judges=tuple(judge_versions),
        rulesets=tuple(ruleset_versions),
        releases=releases(text),
        url=reverse("changelog"),
    )


def releases(text: str) -> tuple[Release, ...]:
    """The headings and items of a changelog in Markdown; a line that goes on is part of the item above it."""
    sections: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        if heading := HEADING.match(line):
            sections.append((heading[1], []))
        elif (item := ITEM.match(line)) and sections:
            sections[-1][1].append(item[1])
        elif line.strip() and sections and sections[-1][1]:
            sections[-1][1][-1] += f" {line.strip()}"
    return tuple(Release(title=title, changes=tuple(changes)) for title, changes in sections)
