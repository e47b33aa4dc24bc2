"""What the tests of reviews share: people with roles, a decided round, and two signatures in one call."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.auth.models import Group, User
from django.db import transaction

from audits import steps
from audits.models import Appeal, Audit, Ruling
from audits.reviews import rulings
from audits.reviews.rulings import Signer
from competition.models import Round, Submission
from competition.rulesets.tally import Tally
from core import ledger
from core.machine import engine
from core.machine.outcomes import Move
from judging.models import Match
from tests.audits import appealing
from tests.audits.appealing import NOW

WHY = "The author grants this use in the file that the appeal names."


def person(name: str, *roles: str) -> Signer:
    user, _ = User.objects.get_or_create(username=name)
    user.groups.set([Group.objects.get_or_create(name=role)[0] for role in roles or ("reviewer",)])
    return Signer.of(user, second_factor=True)


def both_sign(
    case: Any, outcome: str, code: str, *, first: Signer, second: Signer, now: Any = NOW, why: str = WHY
) -> Ruling:
    made = rulings.propose(case, signer=first, outcome=outcome, code=code, sentence=why, now=now)
    rulings.confirm(Ruling.objects.get(pk=made.pk), signer=second, now=now)
    return Ruling.objects.get(pk=made.pk)


def screen(round_: Round, defender: Submission, challenger: Submission, *, won: int, kind: str = "screen") -> Match:
    tally = Tally(won=won, drawn=100 - won, lost=0, void=0, forfeits_challenger=0, forfeits_defender=0)
    numbers = {name: getattr(tally, name) for name in Tally.__slots__}
    return Match.objects.create(
        round=round_,
        kind=kind,
        defender=defender,
        challenger=challenger,
        state="decided",
        since=NOW,
        defender_origin="generated",
        challenger_origin="submitted",
        margin_micro=tally.margin_micro(),
        stopped="",
        stopped_after=100,
        **numbers,
    )


def passed(submission: Submission, **more: Any) -> list[Audit]:
    return [
        appealing.audit(submission, state="passed", kind=kind, code="nothing_blocking", **more)
        for kind in ("source", "generation")
    ]


def decided(slug: str = "small") -> Round:
    """Ann and Rival both beat the leader; Ann met first and leads, with her audits passed; round 2 takes reveals."""
    _, round_ = appealing.a_round(slug=slug)
    leader = appealing.entered(round_, "base", role="leader")
    ann, rival = appealing.entered(round_, "Ann"), appealing.entered(round_, "Rival")
    Submission.objects.filter(pk=rival.pk).update(reveal_block=8)
    screen(round_, leader, ann, won=60)
    screen(round_, leader, rival, won=30)
    screen(round_, ann, rival, won=0, kind="ladder")
    passed(ann)
    tell_of(round_)
    round_.refresh_from_db()
    outcome = steps.finalize(round_, NOW)
    assert isinstance(outcome, Move), outcome
    assert engine.move(round_, outcome, now=NOW)
    with transaction.atomic():
        body = {"round": 1, "from": "signing", "to": "published", "because": "signed"}
        ledger.append(round_.competition_id, kind="publication.published", body=body, at=NOW)
    return Round.objects.get(pk=round_.pk)


def tell_of(round_: Round) -> None:
    """The events of the matches and audits that were made without the engine: nothing is decided from other rows."""
    with transaction.atomic():
        for match in round_.matches.all():
            body = {**match.describe(), "margin_micro": match.margin_micro, "stopped_after": match.stopped_after}
            ledger.append(round_.competition_id, kind="match.decided", body=body, at=NOW)
        for audit in round_.audits.all():
            body = {**audit.describe(), "to": audit.state, "code": audit.code}
            ledger.append(round_.competition_id, kind=f"audit.{audit.state}", body=body, at=NOW)


def lodge(audit: Audit, *, by: str, now: Any = NOW + timedelta(seconds=1)) -> Appeal:
    from audits.reviews.appeals import lodge as door

    document, signature = appealing.objection(audit, by=by, ground="overlooked")
    return door(document, signature=signature, now=now)
