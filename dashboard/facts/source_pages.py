"""What did the tools say of a submission's code, where in it, and with whom is it shared?

Every text of the code is a stranger's; the template shows it as text.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from django.urls import reverse
from django.utils.http import urlencode

from audits.models import Audit
from audits.source import queries
from audits.source.queries import CheckRow, CodeLine, Relative
from competition.models import Submission
from dashboard.facts.people import Who, entrant
from dashboard.facts.wording import PartLabel, labels

MOST_SHARED = 20
MOST_WITH_CODE = 200  # findings with their code around them; the rest without


@dataclass(frozen=True, kw_only=True)
class CodeFinding:
    severity: str
    rule: str
    file: str
    line: int | None
    sentence: str
    excerpt: str
    check: str
    tool: str
    tool_version: str
    code: tuple[CodeLine, ...]


@dataclass(frozen=True, kw_only=True)
class SharedFile:
    path: str
    theirs: str
    kind: str
    share: Fraction
    percent: str
    diff_url: str


@dataclass(frozen=True, kw_only=True)
class Kin:
    """`share` of all tokens, `own_share` of those that are not in a template that most entries begin with.  `files` and
    `functions` are the first of those that are shared; how many there are say `files_shared`, `functions_shared`."""

    entry: str
    commit: str
    share: Fraction
    own_share: Fraction
    percent: str
    own_percent: str
    files: tuple[SharedFile, ...]
    functions: tuple[tuple[str, str], ...]
    functions_shared: int
    files_shared: int


@dataclass(frozen=True, kw_only=True)
class Diff:
    entry: str
    path: str
    their_path: str
    lines: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class SourcePage:
    competition: str
    round: int
    miner: Who
    repo: str
    commit: str
    origin: str
    archive: str
    files: int
    bytes: int
    labels: tuple[PartLabel, ...]
    findings: tuple[CodeFinding, ...]
    checks: tuple[CheckRow, ...]
    parts: tuple[dict[str, str], ...]
    kin: tuple[Kin, ...]
    diff: Diff | None
    audit_url: str
    round_url: str
    url: str


def page(audit: Audit, *, compared: tuple[str, str, str] | None) -> SourcePage:
    """`compared`: (entry, path, their path) of a file to be compared."""
    entry, copy = audit.submission, queries.copy_of(audit.submission)
    at = [audit.round.competition.slug, audit.round.number]
    url = reverse("source-audit", args=[*at, entry.miner.hotkey])
    relatives = queries.relatives_of(audit)
    findings = [f for group in queries.findings_by_severity(audit).values() for f in group]
    files = queries.files_of(copy, wanted={f.file for f in findings[:MOST_WITH_CODE] if f.line})
    return SourcePage(
        competition=audit.round.competition.slug,
        round=audit.round.number,
        miner=entrant(entry),
        repo=entry.repo,
        commit=entry.commit,
        origin=copy.origin if copy else "",
        archive=copy.archive if copy else "",
        files=copy.files if copy else 0,
        bytes=copy.size if copy else 0,
        labels=labels(audit.round.competition),
        findings=tuple(
            CodeFinding(
                severity=f.severity,
                rule=f.rule,
                file=f.file,
                line=f.line,
                sentence=f.sentence,
                excerpt=f.excerpt,
                check=f.check_name,
                tool=f.tool,
                tool_version=f.tool_version,
                code=tuple(queries.code_around(files if n < MOST_WITH_CODE else {}, f)),
            )
            for n, f in enumerate(findings)
        ),
        checks=tuple(queries.checks_of(audit)),
        parts=tuple(queries.parts_of(audit)),
        kin=tuple(_kin(one, url=url) for one in relatives),
        diff=_diff(entry, relatives, compared),
        audit_url=reverse("audit", args=[*at, entry.miner.hotkey]),
        round_url=reverse("round", args=at),
        url=url,
    )


def _kin(one: Relative, *, url: str) -> Kin:
    shared = [
        SharedFile(
            path=f.path,
            theirs=f.theirs,
            kind=f.kind,
            share=f.share,
            percent=_percent(f.share),
            diff_url=f"{url}?{urlencode({'with': one.entry, 'path': f.path, 'their': f.theirs})}#diff",
        )
        for f in one.shared.files[:MOST_SHARED]
    ]
    return Kin(
        entry=one.entry,
        commit=one.commit,
        share=one.shared.share,
        own_share=one.own.share,
        percent=_percent(one.shared.share),
        own_percent=_percent(one.own.share),
        files=tuple(shared),
        functions=one.own.functions[:MOST_SHARED],
        functions_shared=len(one.own.functions),
        files_shared=len(one.shared.files),
    )


def _diff(entry: Submission, relatives: list[Relative], compared: tuple[str, str, str] | None) -> Diff | None:
    """Only of files that are told to be shared: nobody browses the archives by this address."""
    if compared is None:
        return None
    key, path, theirs = compared
    one = next((r for r in relatives if r.entry == key), None)
    if one is None or (path, theirs) not in {(f.path, f.theirs) for f in one.shared.files}:
        return None
    others = {other.key: other for other in queries.entries_of(entry.round)}
    lines = queries.diff_between(entry, others[key], path=path, their_path=theirs)
    return Diff(entry=key, path=path, their_path=theirs, lines=tuple(lines))


def _percent(share: Fraction) -> str:
    """Rounded down: only all of it is 100 %."""
    return f"{int(share * 100)} %"
