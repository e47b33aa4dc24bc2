"""How do a reveal that was taken, an appeal, and a webhook with its deliveries read?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from django.urls import reverse

from audits.models import Appeal
from competition.decisions.attempts import number_of
from competition.notices.models import Delivery, Subscription
from dashboard.api.rows.game import ID, FailureRow, MinerRow, RevealRow, failure, miner


@dataclass(frozen=True, kw_only=True)
class RevealTaken:
    """A reveal that counts, and what the miner's reveals of this window add up to by now."""

    round: int
    reveal: RevealRow
    closes_at_block: Annotated[int, "The last block in which a reveal counts."]
    repo: str
    commit: str
    cdn_url: str
    eligible: Annotated[bool, "Would it take part if the window closed now?"]
    objection: Annotated[str, "If not: why."]
    place: Annotated[int | None, "In the queue, from 1, among eligible entries so far."]


@dataclass(frozen=True, kw_only=True)
class AppealRow:
    """A miner's objection to a verdict."""

    id: Annotated[str, ID]
    competition: str
    round: int
    entry: Annotated[str, "Whose audit it is about."]
    audit: Annotated[str, "`source` or `generation`."]
    version: Annotated[int, "Of the verdict."]
    appellant: MinerRow
    state: str
    document: Annotated[Mapping[str, Any], "What was signed, to the letter."]
    signature: str
    block: Annotated[int, "When it was lodged."]
    decide_by: datetime
    code: str
    reason: Annotated[str, "What was decided, and why; empty before."]
    since: datetime


def appeal(row: Appeal) -> AppealRow:
    audit = row.audit
    slug, number = audit.round.competition.slug, audit.round.number
    at = f"{slug}/{number}/{audit.submission.key}/{audit.kind}/{number_of(audit.attempt)}"
    return AppealRow(
        id=f"{at}/{row.appellant.hotkey}",
        competition=slug,
        round=number,
        entry=audit.submission.key,
        audit=audit.kind,
        version=number_of(audit.attempt),
        appellant=miner(row.appellant),
        state=row.state,
        document=row.document,
        signature=row.signature,
        block=row.block,
        decide_by=row.decide_by,
        code=row.code,
        reason=row.reason,
        since=row.since,
    )


@dataclass(frozen=True, kw_only=True)
class WebhookRow:
    """Who hears of which events, and where."""

    id: Annotated[str, "Given when it was made."]
    address: str
    kinds: Annotated[tuple[str, ...], "Kinds of ledger events, such as `audit.*`."]
    competition: Annotated[str | None, "Null: of all competitions."]
    miner: Annotated[str, "Only events that name this hotkey; empty: of everybody."]
    active: bool
    ended_because: str
    created_at: datetime
    failing_since: Annotated[datetime | None, "Of the first try since the last letter that arrived; null: none failed."]
    suspended_at: Annotated[datetime | None, "Set: nothing is sent until you switch it on again."]
    suspended_because: Annotated[str, "Why, and how to switch it on again."]


def webhook(row: Subscription) -> WebhookRow:
    suspended = ""
    if row.suspended_at is not None:
        at = reverse("api-webhook-resume", args=[row.public_id])
        suspended = (
            f"{row.suspended_because} Mend the receiver, then POST {at} "
            f"(or: gauntlet webhooks --resume {row.public_id})."
        )
    return WebhookRow(
        id=str(row.public_id),
        address=row.address,
        kinds=tuple(row.kinds),
        competition=row.competition.slug if row.competition else None,
        miner=row.miner,
        active=row.active,
        ended_because=row.ended_because,
        created_at=row.created_at,
        failing_since=row.failing_since,
        suspended_at=row.suspended_at,
        suspended_because=suspended,
    )


@dataclass(frozen=True, kw_only=True)
class WebhookMade:
    """A webhook that was just made, with its secret: it is shown this once."""

    webhook: WebhookRow
    secret: Annotated[str, "For checking `webhook-signature`, as Standard Webhooks says (`whsec_…`)."]


@dataclass(frozen=True, kw_only=True)
class Try:
    """One try to deliver."""

    at: datetime
    status: Annotated[int | None, "What the receiver answered; null where it did not."]
    code: str
    sentence: str


@dataclass(frozen=True, kw_only=True)
class DeliveryRow:
    """One event on its way to one receiver."""

    id: Annotated[str, "Sent as `webhook-id`: the same in every try, and when it is sent again."]
    webhook: str
    competition: str
    seq: Annotated[int, "Of the event in its ledger."]
    kind: str
    state: Annotated[str, "`waiting`, `delivered` or `failed`."]
    attempts: int
    next_try: datetime | None
    failure: FailureRow | None
    tries: tuple[Try, ...]


def delivery(row: Delivery) -> DeliveryRow:
    tries = (Try(at=t.at, status=t.status, code=t.code, sentence=t.sentence) for t in row.tried.all())
    return DeliveryRow(
        id=str(row.public_id),
        webhook=str(row.subscription.public_id),
        competition=row.event.competition.slug,
        seq=row.event.seq,
        kind=row.event.kind,
        state=row.state,
        attempts=row.attempts,
        next_try=row.due_at if row.state == "waiting" else None,
        failure=failure(row),
        tries=tuple(tries),
    )
