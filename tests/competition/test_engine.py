"""Is a row moved exactly once, whoever else is at it, and does every move leave a trace?"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from competition.models import LedgerEvent, Round
from core.machine import engine
from core.machine.graph import Graph, GraphError, State
from core.machine.outcomes import Move, Retry, StepFailure, Wait
from tests.competition import made

NOW = made.after(1)
FAILURE = StepFailure("infrastructure", "TEST", "The test said so.")


@pytest.fixture
def round_(db: Any) -> Round:
    return made.first_round(made.competition())


def claimed(round_: Round) -> Round:
    row = engine.claim(Round, round_.pk, now=NOW)
    assert row is not None
    return row


def test_a_wrong_diagram_cannot_be_imported() -> None:
    with pytest.raises(GraphError, match="unknown state"):
        type("Lost", (Graph,), {"here": State(to=("nowhere",))})
    with pytest.raises(GraphError, match="never reaches"):
        type("Cut", (Graph,), {"here": State(), "there": State()})
    with pytest.raises(GraphError, match="settled"):
        type("Idle", (Graph,), {"here": State(queue="io")})


def test_only_one_worker_gets_a_row(round_: Round) -> None:
    assert engine.claim(Round, round_.pk, now=NOW) is not None
    assert engine.claim(Round, round_.pk, now=NOW) is None


def test_a_row_that_is_not_due_is_left_alone(round_: Round) -> None:
    Round.objects.filter(pk=round_.pk).update(due_at=NOW + timedelta(seconds=1))
    assert engine.claim(Round, round_.pk, now=NOW) is None


def test_a_dead_workers_row_comes_due_by_itself(round_: Round) -> None:
    row = claimed(round_)
    later = NOW + engine.lease_length(row) + timedelta(seconds=1)
    assert engine.claim(Round, round_.pk, now=later) is not None


def test_a_worker_whose_lease_ran_out_writes_nothing(round_: Round) -> None:
    slow = claimed(round_)
    later = NOW + engine.lease_length(slow) + timedelta(seconds=1)
    quick = engine.claim(Round, round_.pk, now=later)
    assert quick is not None
    assert not engine.move(slow, Move("paused", because="late"), now=later)
    assert not engine.release(slow, Wait(timedelta(0), "late"), now=later)
    assert engine.move(quick, Move("paused", because="in time"), now=later)


def test_a_move_happens_once(round_: Round) -> None:
    first, second = claimed(round_), Round.objects.get(pk=round_.pk)
    assert engine.move(first, Move("paused", because="first"), now=NOW)
    assert not engine.move(second, Move("paused", because="second"), now=NOW)
    assert LedgerEvent.objects.filter(kind="round.paused").count() == 1


def test_an_undeclared_edge_is_a_bug_not_a_race(round_: Round) -> None:
    with pytest.raises(GraphError, match="open -> finished"):
        engine.move(claimed(round_), Move("finished", because="too soon"), now=NOW)


def test_a_move_and_its_event_stand_or_fall_together(round_: Round) -> None:
    def broken() -> None:
        raise RuntimeError("power cut")

    before = LedgerEvent.objects.count()
    with pytest.raises(RuntimeError, match="power cut"):
        engine.move(claimed(round_), Move("paused", because="x", also=broken), now=NOW)
    round_.refresh_from_db()
    assert round_.state == "open"
    assert LedgerEvent.objects.count() == before


def test_a_move_tells_from_where_to_where_and_why(round_: Round) -> None:
    engine.move(claimed(round_), Move("paused", because="a reason", failure=FAILURE, facts={"n": 1}), now=NOW)
    body = LedgerEvent.objects.get(kind="round.paused").body
    assert body["from"] == "open"
    assert body["to"] == "paused"
    assert body["because"] == "a reason"
    assert body["failure"] == {"class": "infrastructure", "code": "TEST"}
    assert body["n"] == 1


def test_a_retry_counts_tries_and_a_wait_forgets_them(round_: Round) -> None:
    engine.release(claimed(round_), Retry(timedelta(0), FAILURE), now=NOW)
    round_.refresh_from_db()
    assert (round_.attempts, round_.failure_code) == (1, "TEST")
    engine.release(claimed(round_), Retry(timedelta(0), FAILURE, counts=False), now=NOW)
    round_.refresh_from_db()
    assert round_.attempts == 1
    engine.release(claimed(round_), Wait(timedelta(0), "nothing yet"), now=NOW)
    round_.refresh_from_db()
    assert (round_.attempts, round_.failure_code, round_.waiting_for) == (0, "", "nothing yet")


def test_a_wake_while_a_worker_holds_the_row_is_not_lost(round_: Round) -> None:
    row = claimed(round_)
    Round.objects.filter(pk=row.pk).update(due_at=NOW)  # what `wake` does
    engine.release(row, Wait(timedelta(hours=1), "nothing yet"), now=NOW)
    round_.refresh_from_db()
    assert round_.due_at == NOW
    assert engine.claim(Round, round_.pk, now=NOW) is not None


def test_a_step_that_raises_is_our_fault_and_is_tried_again(round_: Round, monkeypatch: Any) -> None:
    def broken(row: Round, now: Any) -> None:
        raise ValueError("a bug")

    monkeypatch.setitem(engine.STEPS, ("competition.Round", "open"), broken)
    engine.advance("competition.Round", round_.pk, now=NOW)
    round_.refresh_from_db()
    assert round_.state == "open"
    assert round_.failure_class == "infrastructure"
    assert "a bug" in round_.failure_reason


def test_a_row_is_out_of_tries_as_its_state_declares(round_: Round) -> None:
    tries = Round.graph.states["open"].tries
    for attempts, failed, expected in ((tries, "judge", 1), (tries - 1, "judge", 0), (tries, "", 0)):
        Round.objects.filter(pk=round_.pk).update(attempts=attempts, failure_class=failed)
        assert Round.objects.filter(Round.out_of_tries()).count() == expected


def test_a_row_whose_workers_die_is_left_alone_until_a_person_has_looked(round_: Round, monkeypatch: Any) -> None:
    """Whatever a step reads may end its process; the next worker must not take it up for ever."""
    steps: list[Round] = []
    monkeypatch.setitem(engine.STEPS, ("competition.Round", "open"), lambda row, now: steps.append(row))
    later = NOW
    for _ in range(round_.declared.deaths):
        assert engine.claim(Round, round_.pk, now=later) is not None  # and its worker dies
        later += timedelta(hours=1)
    for _ in range(2):
        engine.advance("competition.Round", round_.pk, now=later)
        later += timedelta(hours=1)
    round_.refresh_from_db()
    assert not steps and round_.failure_code == "WORKER_DIED"
    assert Round.objects.filter(Round.out_of_tries()).exists()
    engine.try_again(round_.competition_id, now=later)
    round_.refresh_from_db()
    assert (round_.attempts, round_.failure_code) == (0, "")
    assert engine.claim(Round, round_.pk, now=later) is not None


def test_every_due_row_is_told_of_again_until_somebody_looks(round_: Round, settings: Any) -> None:
    settings.REKICK_SECONDS = 30
    assert engine.kick_due(Round, now=NOW) == 1
    assert engine.kick_due(Round, now=NOW) == 0
    assert engine.kick_due(Round, now=NOW + timedelta(seconds=31)) == 1


def test_a_row_that_was_told_of_too_early_is_told_of_again_when_it_is_due(round_: Round) -> None:
    engine.kick(round_, now=NOW)
    Round.objects.filter(pk=round_.pk).update(due_at=NOW + timedelta(seconds=2))
    assert engine.kick_due(Round, now=NOW + timedelta(seconds=3)) == 1


def test_every_state_in_which_a_worker_acts_has_a_step() -> None:
    missing = [
        f"{model.__name__}.{state}"
        for model in engine.stateful_models()
        for state in model.graph.active()
        if (model._meta.label, state) not in engine.STEPS
    ]
    assert not missing, f"a row would wait there for ever: {missing}"


def test_backoff_grows_and_is_bounded() -> None:
    assert [engine.backoff(n).total_seconds() for n in (1, 2, 3, 20)] == [1, 2, 4, 64]


def test_a_look_asks_once_of_all_kinds_of_rows_and_kicks_what_is_due(
    round_: Round, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    sent: list[tuple[str, int]] = []
    monkeypatch.setattr(engine, "SWEEPS", [])
    monkeypatch.setattr(engine.CONNECTED, "send", lambda label, pk, *, queue: sent.append((label, pk)))
    Round.objects.filter(pk=round_.pk).update(due_at=NOW)
    with django_assert_num_queries(2):  # one looks, one writes down what was kicked
        assert engine.reconcile(now=NOW) == 1
    assert sent == [("competition.Round", round_.pk)]
    with django_assert_num_queries(1):
        assert engine.reconcile(now=NOW) == 0
