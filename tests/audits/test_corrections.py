"""A decided round is decided anew beside itself, as a whole, and takes effect by supersession or not at all."""

from __future__ import annotations

from typing import Any

import pytest

from audits.decisions import corrections as decisions
from audits.decisions.corrections import Reigned
from audits.models import Audit, Correction, PodRun
from audits.pods import runs
from audits.reviews import corrections, in_force, waiting_cases
from audits.reviews.rulings import RulingRefused
from competition import weights
from competition.models import LedgerEvent, Reign, Round, Submission
from core import ledger
from core.machine import engine
from core.machine.outcomes import Move, Retry, Wait
from tests.audits import appealing
from tests.audits.appealing import NOW
from tests.audits.reviewing import both_sign, decided, lodge, passed, person, screen
from tests.competition import made

pytestmark = pytest.mark.django_db
ANN, RIVAL, BASE = (made.key(name).ss58_address for name in ("Ann", "Rival", "base"))


@pytest.fixture
def round_() -> Round:
    return decided()


def upheld(round_: Round) -> Correction:
    appeal = lodge(round_.audits.get(kind="source"), by="Rival")
    both_sign(appeal, "upheld", "fact_was_wrong", first=person("ann"), second=person("carol", "lead"))
    return Correction.objects.get()


def look(correction: Correction) -> Any:
    """One look of a worker's."""
    correction.refresh_from_db()
    outcome = corrections.prepare(correction, NOW)
    if isinstance(outcome, Move):
        assert engine.move(correction, outcome, now=NOW)
    return outcome


def ready(round_: Round) -> Correction:
    """Without Ann the ladder asks for audits of Rival, which pass."""
    correction = upheld(round_)
    look(correction)
    return ready_from(correction)


def applied(correction: Correction) -> None:
    both_sign(
        correction,
        "applied",
        "appeal_upheld",
        first=person("lea", "lead"),
        second=person("otto", "operator"),
    )


def test_an_upheld_appeal_of_a_decided_round_changes_nothing_before_two_more_people_apply_it(round_: Round) -> None:
    correction = upheld(round_)
    assert correction.state == "staged" and correction.before["winner"] == ANN
    assert {a.attempt for a in in_force.verdicts(round_).values()} == {None}
    assert Reign.objects.order_by("-sequence")[0].miner.hotkey == ANN


def test_the_ladder_climbs_anew_beside_the_old_one_and_asks_for_what_it_needs(round_: Round) -> None:
    correction = upheld(round_)
    assert isinstance(look(correction), Wait)
    assert [a.submission.miner.hotkey for a in correction.audits.filter(state="gathering")] == [RIVAL]
    correction = ready_from(correction)
    assert (correction.state, correction.preview["winner"], correction.preview["changes"]) == ("ready", RIVAL, True)
    assert {rung["challenger"]: rung["verdict"] for rung in correction.preview["ladder"]} == {
        ANN: "rejected",
        RIVAL: "advanced",
    }
    round_.refresh_from_db()
    assert round_.decision is not None and round_.decision["winner"] == ANN


def ready_from(correction: Correction) -> Correction:
    for _ in range(2):
        for audit in Audit.objects.filter(correction=correction, state="gathering"):
            assert engine.move(audit, Move("passed", because="Nothing was found."), now=NOW)
        look(correction)
    return Correction.objects.get(pk=correction.pk)


def test_the_reign_changes_by_supersession_and_both_reigns_stay(round_: Round) -> None:
    applied(ready(round_))
    first, ann, rival = Reign.objects.order_by("sequence")
    assert (first.miner.hotkey, ann.miner.hotkey, rival.miner.hotkey) == (BASE, ANN, RIVAL)
    assert rival.supersedes == ann and rival.effective_block == ann.effective_block and rival.weight == "1"
    following = Round.objects.get(number=2)
    assert following.defending == rival
    round_.refresh_from_db()
    assert round_.decision is not None and (round_.decision["winner"], round_.decision["leader"]) == (RIVAL, RIVAL)
    assert Correction.objects.get().before["winner"] == ANN
    told = LedgerEvent.objects.get(kind="correction.applied").body
    assert (told["before"], told["winner"], told["supersedes"], told["makes_edition"]) == (ANN, RIVAL, 2, 2)
    assert [one["name"] for one in told["by"]] == ["lea", "otto"]
    assert ledger.broken_at(LedgerEvent.objects.order_by("seq")) is None


def test_who_was_never_to_be_paid_never_is(round_: Round) -> None:
    competition = round_.competition
    block = Reign.objects.get(sequence=2).effective_block
    applied(ready(round_))
    from competition.decisions import weights as shares

    vector = shares.vector(weights.reigns(competition), block=block, uids={ANN: 2, RIVAL: 3, BASE: 1}, owner_uid=0)
    assert set(vector) == {3}


def test_a_discarded_correction_leaves_everything_as_it_was(round_: Round) -> None:
    correction = ready(round_)
    both_sign(correction, "discarded", "no_fault", first=person("lea", "lead"), second=person("otto", "operator"))
    assert Reign.objects.count() == 2 and {a.attempt for a in in_force.verdicts(round_).values()} == {None}
    assert in_force.verdicts(round_).keys() == {(ANN, "source"), (ANN, "generation")}


def test_nothing_is_replaced_while_a_round_is_played_against_it(round_: Round) -> None:
    correction = ready(round_)
    Round.objects.filter(number=2).update(state="duels")
    with pytest.raises(Exception, match="being played"):
        applied(correction)
    assert Reign.objects.count() == 2 and Correction.objects.get().state == "ready"


def test_a_correction_needs_two_leads_or_operators(round_: Round) -> None:
    correction = ready(round_)
    with pytest.raises(Exception, match="role"):
        both_sign(correction, "applied", "appeal_upheld", first=person("ann"), second=person("otto", "operator"))


def test_every_source_audit_is_made_anew_nobody_picks_one(round_: Round) -> None:
    third = appealing.entered(round_, "Third")
    screen(round_, round_.submissions.get(role="leader"), third, won=0)
    passed(third)
    correction = corrections.stage(
        round_,
        scope="source",
        code="scanner_fault",
        sentence="The licence check misread one licence.",
        opened_by="otto",
        now=NOW,
    )
    assert {a.submission.miner.label for a in correction.audits.all()} == {"Ann", "Third"}
    assert {a.kind for a in correction.audits.all()} == {"source"}
    assert len(LedgerEvent.objects.get(kind="correction.staged").body["anew"]) == 2
    for audit in correction.audits.all():
        assert engine.move(audit, Move("passed", because="Nothing was found."), now=NOW)
    look(correction)
    correction.refresh_from_db()
    assert correction.state == "ready" and not correction.preview["changes"]


@pytest.mark.parametrize(
    ("field", "scope", "code", "sentence"),
    [
        ("scope", "one_duel", "scanner_fault", "x" * 20),
        ("code", "source", "it_lost", "x" * 20),
        ("sentence", "source", "scanner_fault", "x"),
    ],
)
def test_only_what_is_ours_to_mend_is_a_reason(field: str, scope: str, code: str, sentence: str) -> None:
    told = decisions.unfit(scope=scope, code=code, sentence=sentence)
    assert told is not None and told[0] == field


def stuck(round_: Round) -> Correction:
    correction = corrections.stage(
        round_,
        scope="source",
        code="scanner_fault",
        sentence="The licence check misread one licence.",
        opened_by="otto",
        now=NOW,
    )
    why = {"failure_class": "infrastructure", "failure_code": "HOST", "failure_reason": "The code's host is away."}
    correction.audits.update(attempts=6, **why)
    outcome = look(correction)
    assert isinstance(outcome, Retry)
    assert engine.release(Correction.objects.get(pk=correction.pk), outcome, now=NOW)
    return Correction.objects.get(pk=correction.pk)


def test_what_is_stuck_says_so_and_who_must_act_and_waits_for_people(round_: Round) -> None:
    correction = stuck(round_)
    assert correction.failure_class == "infrastructure"
    assert "host is away" in correction.failure_reason and "operator must mend" in correction.failure_reason
    assert [row.case for row in waiting_cases.everything()] == [correction]


def test_what_is_stuck_can_be_discarded_and_not_applied(round_: Round) -> None:
    correction, people = stuck(round_), {"first": person("lea", "lead"), "second": person("otto", "operator")}
    with pytest.raises(RulingRefused, match="can only be discarded"):
        both_sign(correction, "applied", "fault_confirmed", **people)
    both_sign(correction, "discarded", "cannot_be_done", **people)
    correction.refresh_from_db()
    assert correction.state == "discarded" and {a.state for a in correction.audits.all()} == {"dropped"}
    assert {a.attempt for a in in_force.verdicts(round_).values()} == {None}
    assert not waiting_cases.everything()


def drawn_for(round_: Round) -> Submission:
    """The leader's entry, as it is now, of a round whose prompts are drawn."""
    Round.objects.filter(pk=round_.pk).update(seed="5eed" * 16)
    return Submission.objects.get(round=round_.pk, role="leader")


def test_a_pod_that_is_lost_again_and_again_is_not_started_for_ever(round_: Round) -> None:
    """Of a decided round there is nothing left to pause: after a few pods people are asked."""
    correction, entry = upheld(round_), drawn_for(round_)
    lost = {"state": "failed", "failure_class": "infrastructure", "failure_reason": "The GPU host is away."}
    for _ in range(runs.MOST_LOST):
        run = runs.want(entry, purpose=PodRun.Purpose.TITLE, now=NOW)
        PodRun.objects.filter(pk=run.pk).update(**lost)
    again = runs.want(entry, purpose=PodRun.Purpose.TITLE, now=NOW)
    assert (again.state, PodRun.objects.count()) == ("failed", runs.MOST_LOST)
    correction.audits.all().update(state="rejected")
    outcome = corrections.prepare(correction, NOW)
    assert isinstance(outcome, Retry) and outcome.failure.code == "PODS"
    assert "GPU host is away" in outcome.failure.sentence


def test_while_its_round_is_paused_no_pod_is_started_anew(round_: Round) -> None:
    Round.objects.filter(pk=round_.pk).update(state="finalizing")
    run = runs.want(drawn_for(round_), purpose=PodRun.Purpose.TITLE, now=NOW)
    PodRun.objects.filter(pk=run.pk).update(state="failed", failure_class="infrastructure")
    Round.objects.filter(pk=round_.pk).update(state="paused")
    assert runs.want(drawn_for(round_), purpose=PodRun.Purpose.TITLE, now=NOW).pk == run.pk
    Round.objects.filter(pk=round_.pk).update(state="finalizing")
    assert runs.want(drawn_for(round_), purpose=PodRun.Purpose.TITLE, now=NOW).pk != run.pk


def test_one_correction_of_a_round_at_a_time(round_: Round) -> None:
    upheld(round_)
    with pytest.raises(corrections.NotNow, match="Another correction"):
        corrections.stage(round_, scope="source", code="scanner_fault", sentence="x" * 20, opened_by="otto", now=NOW)


@pytest.mark.parametrize(
    ("changes", "playing", "since", "refused"),
    [
        (True, "open", [], False),
        (True, "open", [True, True], False),
        (True, "open", [True, False], True),
        (True, "duels", [], True),
        (False, "duels", [False], False),
    ],
)
def test_when_a_new_decision_may_take_the_old_ones_place(
    changes: bool, playing: str, since: list[bool], refused: bool
) -> None:
    reigns = [Reigned(sequence=n, defence=defence) for n, defence in enumerate(since, 3)]
    told = decisions.cannot_apply(changes_leader=changes, now_playing=playing, since=reigns)
    assert (told is not None) is refused


def test_before_it_is_decided_or_published_a_round_needs_no_correction() -> None:
    good = {"state": "finished", "imported": False, "published": True, "open_already": False}
    assert decisions.cannot_stage(**good) is None  # type: ignore[arg-type]
    for name, value in (("state", "duels"), ("imported", True), ("published", False), ("open_already", True)):
        assert decisions.cannot_stage(**{**good, name: value})  # type: ignore[arg-type]
