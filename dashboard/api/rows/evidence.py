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
    slug, number = row.competition.slug, row.round.number if row.round else None
    return shown_as(VerifierFindingRow, row, id=f"{slug}/{row.place}", competition=slug, round=number)


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
    return shown_as(EventRow, row, id=f"{slug}/{row.seq}", competition=slug)


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
    return shown_as(CheckpointRow, row, id=f"{slug}/{row.seq}", competition=slug)


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
    return shown_as(
        BundleRow,
        row,
        id=f"{at[0]}/{at[1]}",
        competition=at[0],
        round=at[1],
        hash=row.bundle_hash,
        manifest_url=reverse("bundle-file", args=[*at, "manifest.json"]),
        archive_url=reverse("bundle", args=at),
    )
