"""How does a miner object to a verdict?  With a document signed by its hotkey, once, in time.

`lodge` is the one door, for the API and for commands.  Who may object to what, and until when, is decided by
`audits.decisions.appeals`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import rfc8785
from django.db import transaction

from audits.decisions import appeals as decisions
from audits.decisions.appeals import Hours, Refusal, VerdictFacts
from audits.models import Appeal, Audit
from audits.reviews import in_force
from competition import chain
from competition.attempts import is_nth
from competition.decisions.attempts import number_of
from competition.models import Competition, Miner, Round, Submission
from core import hotkey_signatures, ledger


class AppealRefused(Exception):
    """The appeal is not taken: `refusal` says which field, why, and what to do."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(str(refusal))
        self.refusal = refusal


def message(document: Mapping[str, Any]) -> bytes:
    """What the hotkey signs."""
    return f"{decisions.FORMAT}\n".encode() + bytes(rfc8785.dumps(dict(document)))


def lodge(document: Mapping[str, Any], *, signature: str, now: datetime) -> Appeal:
    """Take the appeal, or raise AppealRefused.  The signature is lower-case hex of 64 bytes."""
    _require(decisions.malformed(document))
    entry = {"submission__role": "leader"}
    if document["entry"] != "leader":
        entry = {"submission__role": Submission.Role.CHALLENGER, "submission__miner__hotkey": document["entry"]}
    audits = Audit.objects.filter(
        is_nth(document["version"]),
        round__competition__slug=document["competition"],
        round__number=document["round"],
        round__source={},
        kind=document["audit"],
        **entry,
    )
    audit = audits.select_related("round__competition", "submission__miner").first()
    if audit is None:
        raise AppealRefused(_NO_SUCH_VERDICT)
    with transaction.atomic():
        ledger.hold(audit.competition_pk())  # nobody supersedes the verdict, or appeals twice, meanwhile
        facts = facts_of(audit, now=now)
        _require(decisions.objection(document, facts=facts))
        _require(None if signed(document, signature=signature) else _UNSIGNED)
        made = Appeal.objects.create(
            audit=audit,
            appellant=Miner.objects.get(hotkey=document["appellant"]),
            document=dict(document),
            signature=signature,
            block=facts.block,
            last_block=facts.last_block,
            decide_by=now + timedelta(hours=hours_of(audit.round.competition).decide_hours),
            **Appeal.born(now=now),
        )
        body = {
            **made.describe(),
            "verdict": facts.verdict,
            "block": facts.block,
            "last_block": facts.last_block,
            "document": dict(document),
            "signature": signature,
        }
        ledger.append(made.competition_pk(), kind="appeal.lodged", body=body, at=now)
    return made


def unsigned(
    audit: Audit, *, appellant: str, ground: str, statement: str, finding: int | None = None, evidence: str = ""
) -> dict[str, Any]:
    """The document that a miner would sign to object to this verdict."""
    return {
        "format": decisions.FORMAT,
        "competition": audit.round.competition.slug,
        "round": audit.round.number,
        "entry": audit.submission.key,
        "audit": audit.kind,
        "version": number_of(audit.attempt),
        "finding": finding,
        "ground": ground,
        "statement": statement,
        "evidence": evidence,
        "appellant": appellant,
    }


def signed(document: Mapping[str, Any], *, signature: str) -> bool:
    """Is the document signed by its appellant?"""
    return hotkey_signatures.signed_in_hex(document["appellant"], message(document), signature=signature)


def facts_of(audit: Audit, *, now: datetime) -> VerdictFacts:
    round_ = audit.round
    return VerdictFacts(
        competition=round_.competition.slug,
        round=round_.number,
        entry=audit.submission.key,
        entry_hotkey=audit.submission.miner.hotkey,
        audit=audit.kind,
        version=number_of(audit.attempt),
        in_force=in_force.is_in_force(audit),
        verdict=audit.state,
        findings=audit.findings.count(),
        entrants=set(round_.submissions.filter(objection="").values_list("miner__hotkey", flat=True)),
        appealed_by=set(audit.appeals.values_list("appellant__hotkey", flat=True)),
        block=chain.of(round_.competition).block(now=now),
        last_block=last_block(round_),
    )


def last_block(round_: Round) -> int | None:
    """Until when verdicts of the round may be objected to; None: it is not decided yet."""
    following = round_.competition.rounds.filter(number=round_.number + 1).first()
    return None if round_.state != "finished" or following is None else last_block_by(following)


def last_block_by(following: Round) -> int:
    """Until when verdicts of a decided round may be objected to, by the round after it."""
    return decisions.last_block(
        latest_reveal_block=following.latest_reveal_block, earliest_reveal_block=following.earliest_reveal_block
    )


def _require(refusal: Refusal | None) -> None:
    if refusal is not None:
        raise AppealRefused(refusal)


_NO_SUCH_VERDICT = Refusal(
    field="audit",
    reason="there is no such verdict here.",
    fix="Take competition, round, entry, audit and version from the audit's page.",
)
_UNSIGNED = Refusal(
    field="signature",
    reason="not the appellant's signature of this document.",
    fix=f"Sign '{decisions.FORMAT}', a newline and the RFC 8785 form of the document with the hotkey; give hex.",
)


def hours_of(competition: Competition) -> Hours:
    return Hours.from_json(competition.config.get("appeals", {}))
