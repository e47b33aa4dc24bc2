"""What waits for people, and what does a case look like?  The same for everybody; who may decide gets buttons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.urls import reverse

from audits.decisions import corrections, people
from audits.models import Appeal, Audit, Correction, Ruling
from audits.reviews.rulings import OPEN, Case, kind_of, round_of
from audits.reviews.waiting_cases import WaitingCase
from competition.decisions.attempts import number_of
from competition.models import Miner

NAMES = {"audit": "Audit", "appeal": "Appeal", "correction": "Correction"}


@dataclass(frozen=True, kw_only=True)
class Proposal:
    number: int
    outcome: str
    code: str
    meaning: str
    sentence: str
    first: str
    second: str
    state: str
    since: datetime


@dataclass(frozen=True, kw_only=True)
class WorkRow:
    """`on`: whom it waits for."""

    kind: str
    name: str
    what: str
    competition: str
    round: int
    since: datetime
    hours: int
    deadline: datetime
    late: bool
    on: str
    url: str


@dataclass(frozen=True, kw_only=True)
class DecidedRow:
    name: str
    what: str
    competition: str
    round: int
    proposal: Proposal
    url: str


@dataclass(frozen=True, kw_only=True)
class WorkList:
    waiting: tuple[WorkRow, ...]
    decided: tuple[DecidedRow, ...]
    url: str


@dataclass(frozen=True, kw_only=True)
class AppealFacts:
    appellant: str
    ground: str
    statement: str
    finding: int | None
    evidence: str
    block: int
    last_block: int | None
    signature: str
    document: Mapping[str, Any]
    verdict: str


@dataclass(frozen=True, kw_only=True)
class CorrectionFacts:
    scope: str
    code: str
    sentence: str
    opened_by: str
    waiting_for: str
    failure_class: str
    choice: str
    before: Mapping[str, Any]
    preview: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class CasePage:
    competition: str
    round: int
    kind: str
    name: str
    what: str
    state: str
    open: bool
    since: datetime
    deadline: datetime
    on: str
    reason: str
    appeal: AppealFacts | None
    correction: CorrectionFacts | None
    rulings: tuple[Proposal, ...]
    round_url: str
    evidence_url: str
    url: str


def work_list(waiting: Sequence[WaitingCase], decided: Sequence[Ruling], *, now: datetime) -> WorkList:
    decided_rows = []
    for row in decided:
        case: Any = row.subject
        decided_rows.append(
            DecidedRow(
                name=NAMES[row.case],
                what=what(case),
                competition=row.round.competition.slug,
                round=row.round.number,
                proposal=proposal(row),
                url=url_of(case),
            )
        )
    return WorkList(
        waiting=tuple(work_row(row, now=now) for row in waiting),
        decided=tuple(decided_rows),
        url=reverse("reviews"),
    )


def work_row(row: WaitingCase, *, now: datetime) -> WorkRow:
    return WorkRow(
        kind=row.kind,
        name=NAMES[row.kind],
        what=what(row.case),
        competition=row.round.competition.slug,
        round=row.round.number,
        since=row.since,
        hours=int((now - row.since).total_seconds() // 3600),
        deadline=row.deadline,
        late=now > row.deadline,
        on=row.waits_for,
        url=url_of(row.case),
    )


def what(case: Case) -> str:
    """In a few words; a miner goes by its label in the demo."""
    if isinstance(case, Appeal):
        return f"{named(case.appellant)} objects to the {case.audit.kind} audit of {_entry(case.audit)}"
    if isinstance(case, Correction):
        return f"correction {case.number}: {case.get_scope_display()}"
    version = f", version {case.attempt.number}" if case.attempt else ""
    return f"{case.kind} audit of {_entry(case)}{version}"


def _entry(audit: Audit) -> str:
    return named(audit.submission.miner)


def named(miner: Miner) -> str:
    return miner.label or f"{miner.hotkey[:8]}…{miner.hotkey[-6:]}"


def name_of(case: Case) -> str:
    """Its place in addresses."""
    if isinstance(case, Correction):
        return str(case.number)
    audit = case.audit if isinstance(case, Appeal) else case
    place = f"{audit.submission.key}-{audit.kind}-{number_of(audit.attempt)}"
    return f"{place}-{case.appellant.hotkey}" if isinstance(case, Appeal) else place


def url_of(case: Case) -> str:
    round_ = round_of(case)
    return reverse("case", args=[round_.competition.slug, round_.number, kind_of(case), name_of(case)])


def proposal(row: Ruling) -> Proposal:
    return Proposal(
        number=row.number,
        outcome=row.outcome,
        code=row.code,
        sentence=row.sentence,
        first=row.first_name,
        meaning=people.REASONS.get(row.outcome, {}).get(row.code, ""),
        second=row.second_name,
        state=row.state,
        since=row.since,
    )


def case_page(waiting: WaitingCase, rulings: Sequence[Ruling]) -> CasePage:
    case, round_ = waiting.case, waiting.round
    at = [round_.competition.slug, round_.number]
    audit = case if isinstance(case, Audit) else case.audit if isinstance(case, Appeal) else None
    open_ = case.state in OPEN[waiting.kind]
    return CasePage(
        competition=round_.competition.slug,
        round=round_.number,
        kind=waiting.kind,
        name=NAMES[waiting.kind],
        what=what(case),
        state=case.state,
        open=open_,
        since=waiting.since,
        deadline=waiting.deadline,
        on=waiting.waits_for if open_ else "",
        reason=case.sentence if isinstance(case, Correction) else case.reason,
        appeal=_appeal(case) if isinstance(case, Appeal) else None,
        correction=_correction(case) if isinstance(case, Correction) else None,
        rulings=tuple(proposal(row) for row in rulings),
        round_url=reverse("round", args=at),
        evidence_url=reverse("audit", args=[*at, audit.submission.miner.hotkey]) if audit else "",
        url=url_of(case),
    )


def _appeal(case: Appeal) -> AppealFacts:
    document = case.document
    return AppealFacts(
        appellant=case.appellant.hotkey,
        ground=document["ground"],
        statement=document["statement"],
        finding=document["finding"],
        evidence=document["evidence"],
        block=case.block,
        last_block=case.last_block,
        signature=case.signature,
        document=document,
        verdict=case.audit.state,
    )


def _correction(case: Correction) -> CorrectionFacts:
    return CorrectionFacts(
        scope=case.get_scope_display(),
        code=case.code,
        sentence=case.sentence,
        opened_by=case.opened_by,
        waiting_for=case.failure_reason or case.waiting_for,
        failure_class=case.failure_class,
        choice=" ".join(case.choice.values()),
        before=case.before,
        preview=case.preview,
    )


Choices = list[tuple[str, list[tuple[str, str]]]]


def choices(page: CasePage) -> Choices:
    """(outcome, [(value of the field, what it means)]).  What is still staged can only be discarded."""
    return [
        (outcome, [(f"{outcome}:{code}", meaning) for code, meaning in people.REASONS[outcome].items()])
        for outcome in people.OUTCOMES[page.kind]
        if page.state != "staged" or outcome == "discarded"
    ]


def reasons() -> Choices:
    """(what is made anew, [(value of the field, why)]), for whoever opens a correction."""
    named = dict(Correction.Scope.choices)
    return [
        (str(named[scope]), [(f"{scope}:{code}", meaning) for code, meaning in meanings.items()])
        for scope, meanings in corrections.REASONS.items()
        if scope != Correction.Scope.DECISION
    ]


@dataclass(frozen=True, kw_only=True)
class LetterRow:
    """`to`: the channel and the host; the address itself may be a password."""

    id: str
    to: str
    owner: str
    competition: str
    event: str
    state: str
    since: datetime
    tries: tuple[str, ...]
    failure_class: str
    reason: str


def letters(rows: Any) -> tuple[LetterRow, ...]:
    letter_rows = []
    for row in rows:
        subscription = row.subscription
        mailbox, _, domain = subscription.address.rpartition("@")
        host = urlsplit(subscription.address).hostname or (domain if mailbox else "")
        letter_rows.append(
            LetterRow(
                id=str(row.public_id),
                to=f"{subscription.channel} at {host}" if host else subscription.channel,
                owner=subscription.owner,
                competition=row.event.competition.slug,
                event=f"{row.event.seq} {row.event.kind}",
                state=row.state,
                since=row.since,
                failure_class=row.failure_class,
                reason=row.failure_reason,
                tries=tuple(f"{one.at:%d %b %H:%M:%S} {one.code}" for one in row.tried.all()),
            )
        )
    return tuple(letter_rows)


@dataclass(frozen=True, kw_only=True)
class CorrectionNote:
    """What a round's page says of a correction.  `bundle_url`: of the edition it made, once it is published."""

    state: str
    sentence: str
    before: str
    edition: int
    bundle_hash: str
    bundle_url: str
    url: str


def note(row: Correction) -> CorrectionNote:
    at = [row.round.competition.slug, row.round.number]
    reissue = getattr(row, "reissue", None)
    published = reissue is not None and reissue.state == "published"
    return CorrectionNote(
        state=row.state,
        sentence=row.sentence,
        before=str(row.before.get("headline", "")),
        url=url_of(row),
        edition=reissue.edition if reissue else 0,
        bundle_hash=reissue.bundle_hash if reissue and published else "",
        bundle_url=f"{reverse('bundle', args=at)}?edition={reissue.edition}" if reissue and published else "",
    )
