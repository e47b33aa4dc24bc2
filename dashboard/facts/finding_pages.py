"""What does the verifier say of a competition's records, and where is the evidence of each?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q
from django.urls import reverse

from competition.models import Competition
from dashboard.doors.numbers import whole_number
from dashboard.facts import matches
from dashboard.facts.wording import PartLabel, count, labels
from dashboard.models import RecordFile, VerifierFinding
from verify.findings import meaning

MOST = 500  # on one page
MOST_FILES = 500
NO_ROUND = "none"
SEVERITIES = {"error": "contradicts the rules or another file", "notable": "no contradiction, and worth knowing"}


@dataclass(frozen=True, kw_only=True)
class FindingLine:
    """`evidence_url` is the page of what it is about, `file_url` the file itself, as it was read."""

    round: int | None
    severity: str
    kind: str
    meaning: str
    file: str
    field: str
    found: Any
    expected: Any
    sentence: str
    evidence: str
    evidence_url: str
    file_url: str


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One value of a filter, and how many findings it leaves beside the other filters."""

    value: str
    name: str
    findings: int
    chosen: bool


@dataclass(frozen=True, kw_only=True)
class UnreadFile:
    """A file of which something could not be read, or that nobody announced."""

    file: str
    known: bool
    troubles: tuple[Mapping[str, Any], ...]
    url: str


@dataclass(frozen=True, kw_only=True)
class FindingsPage:
    competition: str
    competition_name: str
    labels: tuple[PartLabel, ...]
    sentence: str
    commit: str
    imported: bool
    rounds: tuple[Choice, ...]
    kinds: tuple[Choice, ...]
    severities: tuple[Choice, ...]
    total: int
    page: int
    pages: int
    findings: tuple[FindingLine, ...]
    unread: tuple[UnreadFile, ...]
    url: str


@dataclass(frozen=True, kw_only=True)
class FindingFilters:
    """The filters of a request; empty: all."""

    round: str = ""
    kind: str = ""
    severity: str = ""
    page: int = 1


Counted = Sequence[tuple[int | None, str, str, int]]
"""(round, kind, severity, how many), of all findings of the competition."""


def read(competition: Competition, filters: FindingFilters) -> FindingsPage:
    every = VerifierFinding.objects.filter(competition=competition)
    counted = every.order_by().values_list("round__number", "kind", "severity").annotate(n=Count("pk"))
    rows = every.filter(chosen(filters)).select_related(
        "round__competition", "match__defender__miner", "match__challenger__miner", "submission__miner"
    )
    shown = rows.prefetch_related("submission__audits")[(filters.page - 1) * MOST : filters.page * MOST]
    odd = RecordFile.objects.filter(competition=competition, current=True).filter(Q(known=False) | ~Q(troubles=[]))
    files = list(odd.defer("content")[:MOST_FILES])
    return page(competition, filters, counted=list(counted), findings=list(shown), files=files)


def chosen(filters: FindingFilters) -> Q:
    """The rows that the filters leave; a round that is no number leaves none."""
    wanted = Q()
    if filters.kind:
        wanted &= Q(kind=filters.kind)
    if filters.severity:
        wanted &= Q(severity=filters.severity)
    if filters.round == NO_ROUND:
        wanted &= Q(round=None)
    elif filters.round:
        number = whole_number(filters.round)
        wanted &= Q(round__number=-1 if number is None else number)
    return wanted


def page(
    competition: Competition,
    filters: FindingFilters,
    *,
    counted: Counted,
    findings: Sequence[VerifierFinding],
    files: Sequence[RecordFile],
) -> FindingsPage:
    total = sum(row[3] for row in counted if fits(row, filters))
    source = competition.config.get("source")
    unread = []
    for file in files:
        troubles = tuple({name: trouble.get(name) for name in ("line", "reason")} for trouble in file.troubles)
        url = file_url(competition, file.path)
        unread.append(UnreadFile(file=file.path, known=file.known, troubles=troubles, url=url))
    return FindingsPage(
        competition=competition.slug,
        competition_name=competition.name,
        labels=labels(competition),
        sentence=sentence(counted, imported=isinstance(source, Mapping)),
        commit=str(source.get("commit", "")) if isinstance(source, Mapping) else "",
        imported=isinstance(source, Mapping),
        rounds=_choices(counted, filters, field="round"),
        kinds=_choices(counted, filters, field="kind"),
        severities=_choices(counted, filters, field="severity"),
        total=total,
        page=filters.page,
        pages=max(1, -(-total // MOST)),
        findings=tuple(_row(competition, finding) for finding in findings),
        unread=tuple(unread),
        url=reverse("findings", args=[competition.slug]),
    )


def sentence(counted: Counted, *, imported: bool) -> str:
    if not imported:
        return "This competition is played here: its rounds are checked by their bundles, not by records."
    wrong = sum(row[3] for row in counted if row[2] == "error")
    rest = sum(row[3] for row in counted) - wrong
    if not wrong and not rest:
        return "The verifier finds nothing wrong in these records, and nothing to note."
    return f"The verifier finds {count(wrong, 'error')} in these records, and {count(rest, 'thing')} worth knowing."


def of_round(row: tuple[int | None, str, str, int]) -> str:
    return NO_ROUND if row[0] is None else str(row[0])


def fits(row: tuple[int | None, str, str, int], filters: FindingFilters, *, but: str = "") -> bool:
    values = {"round": of_round(row), "kind": row[1], "severity": row[2]}
    return all(name == but or getattr(filters, name) in ("", value) for name, value in values.items())


def _choices(counted: Counted, filters: FindingFilters, *, field: str) -> tuple[Choice, ...]:
    """Every value that occurs, with the number it would leave."""
    totals: dict[str, int] = {}
    for row in sorted(counted, key=lambda row: (-1 if row[0] is None else row[0], row[2], row[1])):
        value = {"round": of_round(row), "kind": row[1], "severity": row[2]}[field]
        totals[value] = totals.get(value, 0) + (row[3] if fits(row, filters, but=field) else 0)
    chosen = getattr(filters, field)
    choices = []
    for value, number in totals.items():
        name = value.replace("-", " ")
        if field == "round":
            name = "no round" if value == NO_ROUND else f"round {value}"
        choices.append(Choice(value=value, name=name, findings=number, chosen=value == chosen))
    return tuple(choices)


def _row(competition: Competition, row: VerifierFinding) -> FindingLine:
    evidence, url = _evidence(competition, row)
    names = ("severity", "kind", "file", "field", "found", "expected", "sentence")
    return FindingLine(
        round=row.round.number if row.round else None,
        meaning=meaning(row.kind),
        evidence=evidence,
        evidence_url=url,
        file_url=file_url(competition, row.file),
        **{name: getattr(row, name) for name in names},
    )


def _evidence(competition: Competition, row: VerifierFinding) -> tuple[str, str]:
    """The page that shows what it is about: its match, its audit, its miner's round, else the round."""
    if row.match is not None and row.round is not None:
        return "the match", matches.match_url(row.round, row.match)
    if row.round is None:
        return "the competition", reverse("competition", args=[competition.slug])
    hotkey = row.submission.miner.hotkey if row.submission else ""
    of_audit = row.kind.startswith(("audit", "critical", "rejected", "source", "winner-unaudited"))
    if row.submission and of_audit and row.submission.audits.all():
        return "the audit", reverse("audit", args=[competition.slug, row.round.number, hotkey])
    if row.submission and row.submission.role == "challenger":
        return "the miner", reverse("miner", args=[hotkey])
    return "the round", reverse("round", args=[competition.slug, row.round.number])


def file_url(competition: Competition, path: str) -> str:
    """Empty for a folder, or for a file that is not there."""
    return reverse("record-file", args=[competition.slug, path]) if "." in path.rsplit("/", 1)[-1] else ""
