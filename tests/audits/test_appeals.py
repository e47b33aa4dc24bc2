"""A miner may object to a verdict: its own hotkey, the right verdict, once, in time; and what it said stays said."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from audits.decisions import appeals as decisions
from audits.models import Appeal, Audit
from audits.reviews import appeals
from competition import attempts
from competition.models import Attempt, LedgerEvent, Round
from competition.notices.models import Subscription
from tests.audits.appealing import NOW, a_round, audit, entered, objection
from tests.competition import made

pytestmark = pytest.mark.django_db


@pytest.fixture
def rejected() -> Audit:
    _, round_ = a_round()
    entered(round_, "leader", role="leader")
    entered(round_, "Rival")
    return audit(entered(round_, "Ann"), state="rejected")


def refusal(document: dict[str, Any], signature: str, now: Any = NOW) -> decisions.Refusal:
    with pytest.raises(appeals.AppealRefused) as refused:
        appeals.lodge(document, signature=signature, now=now)
    assert refused.value.refusal.fix
    assert not Appeal.objects.exists()
    return refused.value.refusal


def refused_of(pair: tuple[dict[str, Any], str]) -> decisions.Refusal:
    return refusal(pair[0], pair[1])


def test_a_rejected_miner_objects_and_the_ledger_keeps_every_word(rejected: Audit) -> None:
    document, signature = objection(rejected, by="Ann")
    appeal = appeals.lodge(document, signature=signature, now=NOW)
    event = LedgerEvent.objects.get(kind="appeal.lodged")
    assert appeal.state == "lodged" and appeal.decide_by == NOW + timedelta(hours=72)
    assert (event.body["document"], event.body["signature"]) == (document, signature)
    assert event.body["appellant"] == made.key("Ann").ss58_address == event.body["entry"]
    assert appeals.signed(event.body["document"], signature=event.body["signature"])


def test_what_a_browser_wallet_wraps_is_signed_too(rejected: Audit) -> None:
    document, _ = objection(rejected, by="Ann")
    wrapped = bytes(made.key("Ann").sign(b"<Bytes>" + appeals.message(document) + b"</Bytes>")).hex()
    assert appeals.lodge(document, signature=wrapped, now=NOW).state == "lodged"


@pytest.mark.parametrize("field", ["statement", "ground", "evidence", "finding"])
def test_a_document_changed_after_signing_is_not_signed(rejected: Audit, field: str) -> None:
    document, signature = objection(rejected, by="Ann")
    other = {"statement": "x" * 30, "ground": "overlooked", "evidence": "0" * 64, "finding": 0}[field]
    assert refusal({**document, field: other}, signature).field == "signature"


def test_nobody_else_can_sign_for_the_miner(rejected: Audit) -> None:
    document, _ = objection(rejected, by="Ann")
    foreign = bytes(made.key("Rival").sign(appeals.message(document))).hex()
    assert refusal(document, foreign).field == "signature"
    for broken in ("", "00", "zz" * 64, foreign.upper(), foreign + "00"):
        assert refusal(document, broken).field == "signature"


def test_a_rejection_is_objected_to_by_nobody_else(rejected: Audit) -> None:
    assert refused_of(objection(rejected, by="Rival")).field == "appellant"


def test_a_pass_is_objected_to_by_another_miner_of_the_round(rejected: Audit) -> None:
    passed = audit(rejected.round.submissions.get(miner__label="Rival"), state="passed")
    assert refused_of(objection(passed, by="Rival")).field == "appellant"
    assert refused_of(objection(passed, by="stranger")).field == "appellant"
    document, signature = objection(passed, by="Ann")
    assert appeals.lodge(document, signature=signature, now=NOW).state == "lodged"


def test_a_verdict_is_objected_to_once(rejected: Audit) -> None:
    document, signature = objection(rejected, by="Ann")
    appeals.lodge(document, signature=signature, now=NOW)
    again, signed_again = objection(rejected, by="Ann", statement="Another thing that I forgot to mention before.")
    with pytest.raises(appeals.AppealRefused) as refused:
        appeals.lodge(again, signature=signed_again, now=NOW)
    assert refused.value.refusal.field == "appellant"
    with pytest.raises(IntegrityError), transaction.atomic():  # and the database holds it, whoever races
        first = Appeal.objects.get()
        first.pk = None
        first.save()


def test_an_open_audit_and_one_that_is_superseded_have_no_verdict_to_object_to(rejected: Audit) -> None:
    Audit.objects.filter(pk=rejected.pk).update(state="reviewing")
    assert refused_of(objection(rejected, by="Ann")).field == "audit"
    Audit.objects.filter(pk=rejected.pk).update(state="rejected")
    again = attempts.later(rejected.round, 2, of=rejected.kind, entry=rejected.submission, cause=Attempt.Cause.APPEAL)
    audit(rejected.submission, state="passed", attempt=again)
    assert refused_of(objection(rejected, by="Ann")).field == "version"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("format", "gauntlet-appeal/2"),
        ("competition", "other"),
        ("round", 9),
        ("version", 7),
        ("audit", "generation"),
        ("entry", "5Nobody"),
        ("finding", 1),
        ("finding", -1),
        ("finding", True),
        ("ground", "because"),
        ("statement", "too short"),
        ("statement", "x" * 2001),
        ("statement", "nul \0 " * 9),
        ("statement", "half \ud800 " * 9),
        ("evidence", "ABC"),
        ("round", 2**70),
        ("round", 1.5),
        ("statement", None),
        ("appellant", "5"),
    ],
)
def test_a_document_that_is_not_right_is_refused_by_the_name_of_its_field(
    rejected: Audit, field: str, value: object
) -> None:
    document, signature = objection(rejected, by="Ann")
    told = refusal({**document, field: value}, signature)
    assert told.field in ({field, "audit"} if field in ("competition", "round", "entry", "version") else {field})


def test_a_field_more_or_less_is_refused(rejected: Audit) -> None:
    document, signature = objection(rejected, by="Ann")
    assert refusal({**document, "more": 1}, signature).field == "more"
    assert refusal({k: v for k, v in document.items() if k != "ground"}, signature).field == "ground"


def test_the_window_closes_with_a_third_of_the_next_reveal_window_left_for_the_reviewers(rejected: Audit) -> None:
    competition, round_ = rejected.round.competition, rejected.round
    Round.objects.filter(pk=round_.pk).update(state="finished")
    Round.objects.create(
        competition=competition,
        number=2,
        ruleset="margin-1",
        earliest_reveal_block=105,
        latest_reveal_block=113,
        seed_block=116,
        generation_deadline_block=150,
        **Round.born(now=NOW),
    )
    document, signature = objection(Audit.objects.get(pk=rejected.pk), by="Ann")
    assert refusal(document, signature, now=made.after(111)).field == "round"
    assert appeals.lodge(document, signature=signature, now=made.after(110)).last_block == 110


def test_imported_rounds_are_decided_elsewhere(rejected: Audit) -> None:
    Round.objects.update(source={"era": 1})
    assert refused_of(objection(rejected, by="Ann")).field == "audit"


def test_the_last_third_belongs_to_the_reviewers() -> None:
    for opened in range(1, 200):
        last = decisions.last_block(earliest_reveal_block=1000, latest_reveal_block=1000 + opened - 1)
        assert 1000 <= last <= 1000 + opened - 1
        assert (1000 + opened - 1 - last) == opened // 3


def test_whoever_asked_hears_of_an_appeal(rejected: Audit) -> None:
    from competition.notices import steps, subscribing

    subscribing.subscribe(
        channel="email", address="lead@example.org", kinds=["appeal.*"], owner="lead", now=NOW - timedelta(days=1)
    )
    document, signature = objection(rejected, by="Ann")
    appeals.lodge(document, signature=signature, now=NOW)
    steps.write_letters(NOW)
    assert Subscription.objects.get().deliveries.get().event.kind == "appeal.lodged"
