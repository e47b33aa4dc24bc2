"""Two people are two; what they were shown is what is written; nothing decided is ever edited."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from audits.decisions import people
from audits.models import Appeal, Audit, Correction, Ruling
from audits.reviews import in_force, rulings
from competition.models import LedgerEvent
from tests.audits import appealing
from tests.audits.appealing import NOW
from tests.audits.reviewing import WHY, both_sign, lodge, person

pytestmark = pytest.mark.django_db


@pytest.fixture
def borderline() -> Audit:
    _, round_ = appealing.a_round()
    appealing.entered(round_, "Rival")
    return appealing.audit(appealing.entered(round_, "Ann"), state="reviewing")


def proposed(case: Any, by: rulings.Signer, outcome: str = "rejected", code: str = "licence_forbids") -> Ruling:
    return rulings.propose(case, signer=by, outcome=outcome, code=code, sentence=WHY, now=NOW)


def events(kind: str) -> list[dict[str, Any]]:
    return [event.body for event in LedgerEvent.objects.filter(kind=kind).order_by("seq")]


def test_a_borderline_finding_is_decided_by_two_people_and_the_ledger_names_both(borderline: Audit) -> None:
    both_sign(borderline, "rejected", "licence_forbids", first=person("ann"), second=person("bob", "lead"))
    borderline.refresh_from_db()
    assert (borderline.state, borderline.code, borderline.reason) == ("rejected", "licence_forbids", WHY)
    (told,) = events("audit.rejected")
    assert told["by"] == [{"name": "ann", "role": "reviewer"}, {"name": "bob", "role": "lead"}]
    assert (told["from"], told["code"], told["because"]) == ("reviewing", "licence_forbids", WHY)
    assert [e["by"] for e in events("ruling.proposed")] == [[{"name": "ann", "role": "reviewer"}]]


def test_one_proposal_decides_nothing(borderline: Audit) -> None:
    proposed(borderline, person("ann"))
    borderline.refresh_from_db()
    assert borderline.state == "reviewing" and not events("audit.rejected")


def test_the_same_person_twice_is_one_person(borderline: Audit) -> None:
    ann = person("ann", "reviewer", "lead", "operator")
    made = proposed(borderline, ann)
    with pytest.raises(rulings.RulingRefused, match="somebody else"):
        rulings.confirm(made, signer=ann, now=NOW)
    ann.user.username = "ann-renamed"
    ann.user.save()
    with pytest.raises(rulings.RulingRefused, match="somebody else"):
        rulings.confirm(made, signer=rulings.Signer.of(ann.user, second_factor=True), now=NOW)
    with pytest.raises(IntegrityError), transaction.atomic():  # the database knows it, too
        Ruling.objects.filter(pk=made.pk).update(state="confirmed", second=ann.user)
    borderline.refresh_from_db()
    assert borderline.state == "reviewing"


def test_who_disagrees_declines_and_the_case_waits_again(borderline: Audit) -> None:
    made = proposed(borderline, person("ann"))
    rulings.decline(made, signer=person("bob"), sentence="The licence file is the one of a test fixture.", now=NOW)
    assert events("ruling.declined")[0]["because"].startswith("The licence file")
    with pytest.raises(rulings.RulingRefused, match="waits for nobody"):
        rulings.confirm(Ruling.objects.get(pk=made.pk), signer=person("carol"), now=NOW)
    proposed(borderline, person("bob"), outcome="passed", code="false_alarm")


def test_what_was_shown_is_what_is_written_to_the_letter(borderline: Audit) -> None:
    ann, bob = person("ann"), person("bob")

    def write() -> object:
        return rulings.propose(
            Audit.objects.get(pk=borderline.pk),
            signer=ann,
            outcome="rejected",
            code="licence_forbids",
            sentence=WHY,
            now=NOW,
        )

    shown = rulings.preview(write, competition_pk=borderline.competition_pk())
    assert not Ruling.objects.exists() and not events("ruling.proposed")
    made = rulings.propose(
        borderline, signer=ann, outcome="rejected", code="licence_forbids", sentence=WHY, now=NOW, shown=shown.digest
    )
    before = LedgerEvent.objects.order_by("-seq")[0].seq
    shown = rulings.preview(
        lambda: rulings.confirm(Ruling.objects.get(pk=made.pk), signer=bob, now=NOW),
        competition_pk=borderline.competition_pk(),
    )
    rulings.confirm(Ruling.objects.get(pk=made.pk), signer=bob, now=NOW, shown=shown.digest)
    written = [
        (e.kind, {k: v for k, v in e.body.items() if k != "at"})
        for e in LedgerEvent.objects.filter(seq__gt=before).order_by("seq")
    ]
    assert written == list(shown.events) and [kind for kind, _ in written] == ["ruling.confirmed", "audit.rejected"]


def test_nothing_is_written_but_what_was_shown(borderline: Audit) -> None:
    made = proposed(borderline, person("ann"))
    with pytest.raises(rulings.RulingRefused, match="moved on"):
        rulings.confirm(made, signer=person("bob"), now=NOW, shown="0" * 64)
    assert not events("audit.rejected") and Ruling.objects.get().state == "proposed"


@pytest.mark.parametrize(
    ("roles", "factor", "why"), [((), True, "role"), (("visitor",), True, "role"), (("lead",), False, "second factor")]
)
def test_who_has_no_role_or_no_second_factor_decides_nothing(
    borderline: Audit, roles: tuple[str, ...], factor: bool, why: str
) -> None:
    user = person("eve", *(roles or ("none",))).user
    with pytest.raises(rulings.RulingRefused, match=why):
        proposed(borderline, rulings.Signer.of(user, second_factor=factor))


@pytest.mark.parametrize(
    ("field", "outcome", "code", "sentence"),
    [
        ("outcome", "upheld", "fact_stands", WHY),
        ("code", "rejected", "licence_allows", WHY),
        ("code", "rejected", "", WHY),
        ("sentence", "rejected", "licence_forbids", "no"),
        ("sentence", "rejected", "licence_forbids", "x" * 601),
    ],
)
def test_a_decision_has_an_outcome_a_code_and_a_sentence(
    borderline: Audit, field: str, outcome: str, code: str, sentence: str
) -> None:
    with pytest.raises(rulings.RulingRefused) as refused:
        rulings.propose(borderline, signer=person("ann"), outcome=outcome, code=code, sentence=sentence, now=NOW)
    assert refused.value.field == field


def test_an_upheld_appeal_supersedes_the_verdict_and_both_stay(borderline: Audit) -> None:
    both_sign(borderline, "rejected", "licence_forbids", first=person("ann"), second=person("bob"))
    appeal = lodge(Audit.objects.get(pk=borderline.pk), by="Ann")
    both_sign(appeal, "upheld", "new_evidence", first=person("ann"), second=person("carol", "lead"))
    old, new = Audit.objects.order_by("pk")
    assert (old.state, new.state, new.code) == ("rejected", "passed", "appeal_upheld")
    assert (old.attempt, new.attempt.number, new.attempt.cause) == (None, 2, "appeal")
    assert new.findings.count() == old.findings.count() == 1
    assert in_force.is_in_force(new) and not in_force.is_in_force(old)
    assert Appeal.objects.get().state == "upheld" and not Correction.objects.exists()
    assert events("audit.passed")[0]["version"] == 2


def test_a_dismissed_appeal_changes_nothing(borderline: Audit) -> None:
    Audit.objects.update(state="rejected")
    appeal = lodge(Audit.objects.get(), by="Ann")
    both_sign(appeal, "dismissed", "fact_stands", first=person("ann"), second=person("carol", "lead"))
    assert Audit.objects.get().state == "rejected" and Appeal.objects.get().code == "fact_stands"


def test_those_who_signed_a_verdict_do_not_decide_alone_about_the_appeal_against_it(borderline: Audit) -> None:
    ann, bob = person("ann", "lead"), person("bob", "lead")
    both_sign(borderline, "rejected", "licence_forbids", first=ann, second=bob)
    appeal = lodge(Audit.objects.get(pk=borderline.pk), by="Ann")
    made = proposed(appeal, ann, outcome="dismissed", code="fact_stands")
    with pytest.raises(rulings.RulingRefused, match="somebody else"):
        rulings.confirm(made, signer=bob, now=NOW)
    with pytest.raises(rulings.RulingRefused, match="a lead or an operator"):
        made.first_role = "reviewer"
        rulings.confirm(made, signer=person("carol"), now=NOW)


@pytest.mark.django_db(transaction=True)
def test_of_many_who_confirm_at_once_one_does_and_who_proposed_never(borderline: Audit) -> None:
    ann = person("ann")
    signers = [ann, ann, *(person(f"reviewer{n}") for n in range(6))]
    made = proposed(borderline, ann)
    done: list[str] = []
    ready = threading.Barrier(len(signers))

    def sign(signer: rulings.Signer) -> None:
        row = Ruling.objects.get(pk=made.pk)
        ready.wait(timeout=120)
        try:
            rulings.confirm(row, signer=signer, now=NOW)
            done.append(signer.person.name)
        except rulings.RulingRefused:
            pass
        finally:
            connection.close()

    threads = [threading.Thread(target=sign, args=[signer]) for signer in signers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 1 and done[0] != "ann"
    assert len(events("audit.rejected")) == len(events("ruling.confirmed")) == 1


@pytest.mark.django_db(transaction=True)
def test_of_many_who_propose_at_once_one_does(borderline: Audit) -> None:
    signers = [person(f"reviewer{n}") for n in range(6)]
    refused: list[str] = []
    ready = threading.Barrier(len(signers))

    def propose(signer: rulings.Signer) -> None:
        case = Audit.objects.get(pk=borderline.pk)
        ready.wait(timeout=120)
        try:
            proposed(case, signer)
        except rulings.RulingRefused as error:
            refused.append(error.sentence)
        finally:
            connection.close()

    threads = [threading.Thread(target=propose, args=[signer]) for signer in signers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 5 and Ruling.objects.count() == 1


def test_every_outcome_has_reasons_and_every_reason_an_outcome() -> None:
    outcomes = {outcome for found in people.OUTCOMES.values() for outcome in found}
    assert outcomes == set(people.REASONS) and all(people.REASONS.values())
    assert set(people.NEEDED) == set(people.OUTCOMES)
