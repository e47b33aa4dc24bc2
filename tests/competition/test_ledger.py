"""Can history be changed without anybody seeing it?"""

from __future__ import annotations

import copy
from typing import Any
from unittest import mock

import pytest
from django.db import DatabaseError, connection, connections, transaction
from hypothesis import given
from hypothesis import strategies as st

from competition.models import LedgerEvent
from core import ledger
from tests.competition import made

# A golden value: whoever changes the hashed form breaks every bundle ever published.
GOLDEN = "23047d503bce16fce0116dfb22511004599e27092640d9bfa2698e33674b2c90"


def test_the_chain_begins_with_the_competition_and_holds(db: Any) -> None:
    competition = made.competition()
    events = list(LedgerEvent.objects.filter(competition=competition))
    assert [event.kind for event in events] == ["pool", "reign", "round.open"]
    assert [event.seq for event in events] == [1, 2, 3]
    assert ledger.broken_at(events) is None


TABLE = "competition_ledgerevent"


@pytest.mark.parametrize(
    "statement", [f"UPDATE {TABLE} SET kind = 'x'", f"DELETE FROM {TABLE}", f"TRUNCATE {TABLE} CASCADE"]
)
def test_the_database_refuses_to_change_an_event(db: Any, statement: str) -> None:
    made.competition()
    with pytest.raises(DatabaseError, match="insert-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(statement)


def test_an_event_outside_a_transaction_is_refused(db: Any) -> None:
    outside = mock.patch.object(connections["default"], "in_atomic_block", False)
    with outside, pytest.raises(RuntimeError, match="transaction"):
        ledger.append(1, kind="x", body={}, at=made.START)


@pytest.mark.parametrize("change", ["body", "kind", "previous", "hash", "drop", "swap"])
def test_any_change_to_the_chain_is_found(db: Any, change: str) -> None:
    events = list(LedgerEvent.objects.filter(competition=made.competition()))
    damaged = copy.deepcopy(events)
    if change == "drop":
        del damaged[1]
    elif change == "swap":
        damaged[0], damaged[1] = damaged[1], damaged[0]
    elif change == "body":
        damaged[1].body = {**damaged[1].body, "weight": "1"}
    else:
        setattr(damaged[1], change, "0" * 64)
    assert ledger.broken_at(damaged) is not None


def test_a_float_cannot_enter_a_hashed_body_as_nan() -> None:
    with pytest.raises(ValueError):
        ledger.event_hash(ledger.GENESIS, kind="x", seq=1, body={"n": float("nan")})


@given(st.dictionaries(st.text(max_size=5), st.integers(-(2**53) + 1, 2**53 - 1), max_size=5))
def test_the_order_of_keys_changes_nothing(body: dict[str, int]) -> None:
    backwards = dict(reversed(body.items()))
    args = {"kind": "k", "seq": 1}
    assert ledger.event_hash(ledger.GENESIS, body=body, **args) == ledger.event_hash(
        ledger.GENESIS, body=backwards, **args
    )


def test_the_hashed_form_never_changes() -> None:
    found = ledger.event_hash(ledger.GENESIS, kind="golden", seq=1, body={"a": 1, "b": ["ü", True, None]})
    assert found == GOLDEN


def test_a_checkpoint_names_the_head() -> None:
    text = ledger.checkpoint_text(origin="gauntlet/x", seq=7, head="00" * 32, round_number=1, stage="finished", block=9)
    assert text == f"gauntlet/x\n7\n{'A' * 43}=\nround 1 finished block 9\n"
