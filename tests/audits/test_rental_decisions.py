"""What the pods of a run cost, and on which card and from when on they ran: tables and properties."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from audits.decisions import rentals
from audits.decisions.rentals import PodRental

START = datetime(2026, 1, 1, 12, tzinfo=UTC)


def pod(
    card: str = "H200 at verda", *, usd: float | None = 3.0, begin: float = 0, end: float | None = 3600
) -> PodRental:
    until = None if end is None else START + timedelta(seconds=end)
    return PodRental(card=card, usd_per_hour=usd, since=START + timedelta(seconds=begin), until=until)


@pytest.mark.parametrize(
    ("rows", "pods", "usd"),
    [
        ([pod()], 1, 3.0),
        ([pod(end=1800), pod(begin=1800, usd=1.0)], 2, 2.0),  # a replacement costs, too
        ([pod(usd=0)], 1, 0.0),  # what its provider gives away costs nothing, and that is known
        ([pod(usd=None)], 1, None),
        ([pod(), pod(usd=None)], 2, None),  # one without a price makes the sum unknown
        ([pod(end=None)], 1, None),  # it still runs
        ([pod()], 2, None),  # one was not written down, as in a run of before
        ([], 0, None),  # none was rented: unknown, never nothing
    ],
)
def test_a_run_costs_what_its_pods_cost_or_it_is_unknown(rows: list[PodRental], pods: int, usd: float | None) -> None:
    assert rentals.total_usd(rows, pods=pods) == usd


@given(some.lists(some.tuples(some.floats(0, 100), some.integers(0, 10**6), some.integers(0, 10**5)), min_size=1))
def test_the_cost_is_the_sum_of_price_by_time_whatever_the_order(rows: list[tuple[float, int, int]]) -> None:
    pods = [pod(usd=price, begin=begin, end=begin + length) for price, begin, length in rows]
    expected = sum(price * length / 3600 for price, _, length in rows)
    for turned in (pods, pods[::-1]):
        assert rentals.total_usd(turned, pods=len(pods)) == pytest.approx(expected)
    assert [PodRental.from_json(row.to_json()) for row in pods] == pods
    assert rentals.begun_at(pods) == min(row.since for row in pods)


def test_giving_up_a_pod_ends_the_one_that_runs_and_no_other() -> None:
    first, second = rentals.ended([pod(end=10), pod(begin=10, end=None)], at=START + timedelta(seconds=50))
    assert (first, second) == (pod(end=10), pod(begin=10, end=50))


@pytest.mark.parametrize(
    ("cards", "card"),
    [(["H200"], "H200"), (["H200", "H200"], "H200"), (["H200", "H100"], ""), (["H200", ""], ""), ([""], ""), ([], "")],
)
def test_a_run_has_a_card_where_all_its_pods_had_that_one(cards: list[str], card: str) -> None:
    assert rentals.card_of([pod(each) for each in cards]) == card
