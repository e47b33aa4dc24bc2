"""How do audits, findings, ledger events, checkpoints and bundles read?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from django.urls import reverse

from audits.models import Audit
from competition.models import Checkpoint, LedgerEvent
from dashboard.api.rows.game import ID, PAGE, FailureRow, MinerRow, failure, miner
from dashboard.facts.audits import AuditFacts, audit_facts
from dashboard.facts.borders import row_of, shown_as
from dashboard.models import Publication, VerifierFinding


@dataclass(frozen=True, kw_only=True)
class FindingRow:
    """One observation of an audit, with its evidence."""

    check: Annotated[str, "Which check saw it; empty for older rows."]
    tool: str
    tool_version: str
    severity: Annotated[str, "`blocking` or `notice`, as the check says."]
    rule: str
    file: str
    line: int | None
    excerpt: Annotated[str, "A miner's text: never run it, never render it as markup."]
    sentence: str


@dataclass(frozen=True, kw_only=True)
@row_of(
    AuditFacts,
    but={
        "`miner` is whose it is, and the id has the entry": "entry",
        "the case on the reviews' page names them": "people case_url",
        "`failure` is made of it": "failure_class failure_code failure_reason",
    },
)
class AuditRow:
    """A source audit or a generation audit of one entry."""

    id: Annotated[str, ID]
    competition: str
    round: int
    miner: MinerRow
    kind: Annotated[str, "`source` or `generation`."]
    version: Annotated[int, "A further version supersedes the one before, once its correction is applied."]
    state: Annotated[str, "`gathering`, `reviewing` (a person must decide), `passed` or `rejected`."]
    code: Annotated[str, "A stable word for the reason."]
    reason: str
    limits: Annotated[Mapping[str, Any], "What `numbers` are held against."]
    numbers: Mapping[str, Any]
    findings: tuple[FindingRow, ...]
    waiting_for: str
    failure: FailureRow | None
    since: datetime
    url: Annotated[str, PAGE]


def audit(row: Audit) -> AuditRow:
    facts = audit_facts(row, round_=row.round)
    findings = tuple(shown_as(FindingRow, finding) for finding in facts.findings)
    return shown_as(AuditRow, facts, miner=miner(facts.miner), findings=findings, failure=failure(facts))


@dataclass(frozen=True, kw_only=True)
class VerifierFindingRow:
    """What the verifier finds in records that were imported."""

    id: Annotated[str, ID]
    competition: str
    round: int | None
    kind: str
    severity: str
    file: str
    field: str
    found: Any
    expected: Any
    sentence: str


def verifier_finding(row: VerifierFinding) -> VerifierFindingRow:
    slug = row.competition.slug
    return VerifierFindingRow(
        id=f"{slug}/{row.place}",
        competition=slug,
        round=row.round.number if row.round else None,
        kind=row.kind,
        severity=row.severity,
        file=row.file,
        field=row.field,
        found=row.found,
        expected=row.expected,
        sentence=row.sentence,
    )


@dataclass(frozen=True, kw_only=True)
class EventRow:
    """One link of a ledger: `hash` = SHA-256("gauntlet-ledger/1\\n" + previous + JCS({body, kind, seq}))."""

    id: Annotated[str, ID]
    competition: str
    seq: int
    kind: str
    body: Mapping[str, Any]
    previous: str
    hash: str
    created_at: datetime


def event(row: LedgerEvent) -> EventRow:
    slug = row.competition.slug
    return EventRow(
        id=f"{slug}/{row.seq}",
        competition=slug,
        seq=row.seq,
        kind=row.kind,
        body=row.body,
        previous=row.previous,
        hash=row.hash,
        created_at=row.created_at,
    )


@dataclass(frozen=True, kw_only=True)
class CheckpointRow:
    """The signed head of a ledger."""

    id: Annotated[str, ID]
    competition: str
    seq: Annotated[int, "Of the event that was the head."]
    text: Annotated[str, "What is signed: origin, seq, head hash in base64, what was reached."]
    signature: Annotated[str, "sr25519, hex, over the UTF-8 bytes of `text`."]
    signed_by: Annotated[str, "The operator's hotkey."]
    created_at: datetime


def checkpoint(row: Checkpoint) -> CheckpointRow:
    slug = row.competition.slug
    return CheckpointRow(
        id=f"{slug}/{row.seq}",
        competition=slug,
        seq=row.seq,
        text=row.text,
        signature=row.signature,
        signed_by=row.signed_by,
        created_at=row.created_at,
    )


@dataclass(frozen=True, kw_only=True)
class BundleRow:
    """The published files of a finished round."""

    id: Annotated[str, ID]
    competition: str
    round: int
    hash: Annotated[str, "SHA-256 of its manifest, which is an event of the ledger."]
    files: int
    bytes: int
    manifest_url: str
    archive_url: str


def bundle(row: Publication) -> BundleRow:
    at = [row.round.competition.slug, row.round.number]
    return BundleRow(
        id=f"{at[0]}/{at[1]}",
        competition=str(at[0]),
        round=row.round.number,
        hash=row.bundle_hash,
        files=row.files,
        bytes=row.bytes,
        manifest_url=reverse("bundle-file", args=[*at, "manifest.json"]),
        archive_url=reverse("bundle", args=at),
    )
