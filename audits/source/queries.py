"""What do pages read of a source audit: checks, findings with their code, and what it shares with whom?

Every text here came from a stranger.  It is returned as text, cut and printable; the page must show it as text.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from audits.decisions import lineage as kinship
from audits.decisions.verdicts import BLOCKING, NOTICE, PERSON, UNCHECKED
from audits.models import Audit, CheckRun, Finding, SourceCopy
from audits.source import CHECKS, archive, lineage, source_audits
from competition.models import Miner, Round, Submission
from core import store

WORST_FIRST = (BLOCKING, UNCHECKED, PERSON, NOTICE)
AROUND = 4  # lines before and after
MOST_RELATIVES = 64
QUESTIONS = {
    **{name: check.question for name, check in CHECKS.items()},
    source_audits.FETCH: "Is the revealed commit there, and does a branch lead to it?",
    source_audits.HADOLINT: "What does a linter say of the recipe?",
    source_audits.VULNERABILITIES: "Do its packages have known vulnerabilities?",
}


@dataclass(frozen=True, kw_only=True)
class CodeLine:
    number: int
    text: str
    marked: bool


@dataclass(frozen=True, kw_only=True)
class CheckRow:
    """One check as a page shows it; `raw_sha256` names its whole output in the store."""

    name: str
    question: str
    tool: str
    version: str
    ruleset: str
    outcome: str
    why: str
    walls: tuple[str, ...]
    raw_sha256: str


@dataclass(frozen=True, kw_only=True)
class Relative:
    """What the code shares with another entry of the round, and what of it is not in the template of the others."""

    entry: str
    commit: str
    shared: kinship.Lineage
    own: kinship.Lineage


def findings_by_severity(audit: Audit) -> dict[str, list[Finding]]:
    """Worst first; an empty list where there is none of that weight."""
    findings = list(audit.findings.all())
    return {severity: [f for f in findings if f.severity == severity] for severity in WORST_FIRST}


def checks_of(audit: Audit) -> list[CheckRow]:
    """In the order they ran."""
    rows = {row.check_name: row for row in CheckRun.objects.filter(audit=audit)}
    return [
        CheckRow(
            name=row.check_name,
            question=QUESTIONS.get(row.check_name, ""),
            tool=row.tool,
            version=row.tool_version,
            ruleset=row.ruleset,
            outcome=row.outcome,
            why=row.why,
            walls=tuple(row.walls),
            raw_sha256=row.raw,
        )
        for row in (rows[name] for name in source_audits.ORDER if name in rows)
    ]


def copy_of(submission: Submission) -> SourceCopy | None:
    return SourceCopy.objects.filter(repo=submission.repo, commit=submission.commit).first()


def files_of(copy: SourceCopy | None, *, wanted: Collection[str]) -> Mapping[str, bytes]:
    """Some files of the archive, cut where they are long; none where it was never fetched."""
    if copy is None or not wanted or not store.default().exists(copy.archive):
        return {}
    return archive.some(store.default().path(copy.archive), wanted)


def code_around(files: Mapping[str, bytes], finding: Finding, *, around: int = AROUND) -> list[CodeLine]:
    """The lines that a finding is about; none where it is about a whole file, or a secret (its excerpt is masked)."""
    if finding.line is None or finding.rule == "secret" or finding.file not in files:
        return []
    lines = lineage.printable_lines(files[finding.file])
    first, last = max(1, finding.line - around), min(len(lines), finding.line + around)
    return [CodeLine(number=n, text=lines[n - 1], marked=n == finding.line) for n in range(first, last + 1)]


def parts_of(audit: Audit) -> list[dict[str, Any]]:
    """What the solution consists of: kind, name, version ("" if it is not exact), file."""
    row = CheckRun.objects.filter(audit=audit, check_name="inventory").first()
    return list(row.summary.get("parts", [])) if row else []


def relatives_of(audit: Audit) -> list[Relative]:
    """Every other entry of the round whose code was brought here, the closest first.

    Compared from fingerprints that were taken in the sandbox; what four or more entries begin with counts for nobody.
    """
    entries = entries_of(audit.round)[:MOST_RELATIVES]
    # only what was taken before: a page never runs a check
    copies = SourceCopy.objects.filter(commit__in={entry.commit for entry in entries}).exclude(fingerprint="")
    stored = copies.values_list("repo", "commit", "fingerprint")
    prints = {(repo, commit): sha256 for repo, commit, sha256 in stored if store.default().exists(sha256)}
    ours = prints.get((audit.submission.repo, audit.submission.commit))
    if ours is None:
        return []
    rows = [
        Relative(entry=entry.key, commit=entry.commit, shared=shared, own=own)
        for entry in entries
        if (theirs := prints.get((entry.repo, entry.commit))) and entry.commit != audit.submission.commit
        for shared, own in [_compared(ours, theirs, tuple(sorted(prints.values())))]
    ]
    return sorted(rows, key=lambda row: (-row.own.share, -row.shared.share, row.entry))


@lru_cache(maxsize=512)
def _compared(ours: str, theirs: str, all_: tuple[str, ...]) -> tuple[kinship.Lineage, kinship.Lineage]:
    """In all, and without what most begin with.  Names are hashes, so what was compared once stays so."""
    one, two, base = _read(ours), _read(theirs), kinship.base_of([_read(sha256) for sha256 in all_])
    return kinship.compare(one, two), kinship.compare(one, two, base=base)


@lru_cache(maxsize=128)
def _read(sha256: str) -> kinship.Fingerprint:
    return kinship.Fingerprint.from_json(json.loads(store.default().path(sha256).read_bytes()))


def diff_between(ours: Submission, theirs: Submission, *, path: str, their_path: str) -> list[str]:
    """One shared file of two entries, as a unified diff from theirs to ours."""
    left, right = files_of(copy_of(theirs), wanted={their_path}), files_of(copy_of(ours), wanted={path})
    return lineage.diff(right, left, path=path, their_path=their_path)


def entries_of(round_: Round) -> list[Submission]:
    return list(source_audits.relatives(round_))


def latest_audit(round_: Round, *, miner: Miner) -> Audit | None:
    """The newest source audit of a miner's entry in a round."""
    rows = Audit.objects.filter(round=round_, submission__miner=miner, kind=Audit.Kind.SOURCE)
    return rows.select_related("submission__miner", "round__competition").order_by("-pk").first()
