"""When are weights set, and when never?"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from competition.decisions.weights import (
    SPREAD,
    WHOLE_U16,
    SentWeights,
    Subnet,
    arrived,
    jitter,
    next_action,
    not_before,
    quantised,
    same,
)

WANTED = {0: 16384, 1: 65535}
SUBNET = Subnet(
    block=1000,
    uid=2,
    permit=True,
    owns=False,
    weights={},
    last_update=0,
    rate_limit=100,
    tempo=360,
    epoch_start=900,
    commit_reveal=False,
)
SHARES = st.dictionaries(st.integers(0, 255), st.fractions(0, 1), min_size=1, max_size=4)


def act(*, wanted: dict[int, int] = WANTED, since: int = 0, last: SentWeights | None = None, **of: Any) -> str:
    subnet = replace(SUBNET, **of)
    return next_action(subnet, wanted=wanted, since=since, hotkey="h", last=last).do


@pytest.mark.parametrize(
    ("of", "expected"),
    [
        ({}, "set"),
        ({"weights": WANTED, "last_update": 990}, "keep"),
        ({"weights": {0: 1, 1: 4}, "last_update": 990}, "keep"),  # the same shares, scaled otherwise
        ({"weights": {0: 65535}, "last_update": 990}, "wait"),  # the rate limit
        ({"weights": {0: 65535}, "last_update": 500}, "set"),
        ({"weights": WANTED, "last_update": 1000 - 360 - 18}, "set"),  # stale, and our turn has come
        ({"uid": None}, "refuse"),
        ({"permit": False}, "refuse"),
        ({"permit": False, "owns": True}, "set"),
        ({"least_weights": 3}, "refuse"),
        ({"most_weight": 40_000}, "refuse"),
        ({"wanted": {}}, "refuse"),
        ({"wanted": {2: 65535}, "most_weight": 1, "least_weights": 9}, "set"),  # a weight on itself is exempt
    ],
)
def test_what_is_done(of: dict[str, Any], expected: str) -> None:
    assert act(**of) == expected


def test_what_may_still_arrive_is_waited_for_and_what_cannot_is_not() -> None:
    sent = SentWeights(values=WANTED, block=950, until=1014)
    assert act(last=sent) == "wait"
    assert act(last=sent, block=1014) == "wait"
    assert act(last=sent, block=1015) == "set"
    assert act(last=replace(sent, outcome="set"), weights={0: 1}, last_update=500) == "set"


def test_a_refusal_goes_before_everything() -> None:
    told = next_action(SUBNET, wanted=WANTED, since=0, hotkey="h", last=None, refusal="verify says no")
    assert (told.do, told.because) == ("refuse", "verify says no")


def test_a_commit_that_waits_for_its_reveal_is_not_made_again_before_it_is_stale() -> None:
    last = SentWeights(values=WANTED, block=940, until=1004, outcome="committed")
    assert act(last=last, committed_at=941, last_update=941, commit_reveal=True) == "keep"
    other = replace(last, values={0: 65535})
    assert act(last=other, committed_at=941, last_update=941, commit_reveal=True) == "wait"


def test_arrival_needs_a_newer_update_and_the_same_weights() -> None:
    sent = SentWeights(values=WANTED, block=950, until=1014)
    assert not arrived(replace(SUBNET, weights=WANTED, last_update=949), sent)
    assert not arrived(replace(SUBNET, weights={0: 65535}, last_update=951), sent)
    assert arrived(replace(SUBNET, weights=WANTED, last_update=951), sent)
    assert arrived(replace(SUBNET, committed_at=951), sent)


@given(vector=SHARES)
def test_what_is_quantised_is_the_same_shares_to_one_part_in_65535(vector: dict[int, Fraction]) -> None:
    values = quantised(vector)
    top = max(vector.values())
    if top == 0:
        assert values == {}
        return
    assert max(values.values()) == WHOLE_U16 and same(values, values)
    for uid, share in vector.items():
        assert abs(Fraction(values.get(uid, 0), WHOLE_U16) - share / top) <= Fraction(1, 2 * WHOLE_U16)


@given(scale=st.fractions(Fraction(1, 1000), 1), vector=SHARES)
def test_the_chain_may_scale_what_it_stores(scale: Fraction, vector: dict[int, Fraction]) -> None:
    values = quantised(vector)
    if values and min(values.values()) * scale > 1000:  # below, scaling itself loses more than rounding does
        scaled = {uid: round(value * scale) for uid, value in values.items()}
        assert same(scaled, values) or 2 * max(scaled.values()) < WHOLE_U16
    assert not same({**values, 300: 65535}, values)


@given(
    last=st.none()
    | st.builds(
        SentWeights,
        values=st.just(WANTED),
        block=st.integers(0, 2000),
        until=st.just(0),
        outcome=st.just("failed"),
        failures=st.integers(0, 20),
    ),
    updated=st.integers(0, 1000),
    due=st.integers(0, 1000),
    tempo=st.integers(1, 1000),
)
def test_nothing_is_ever_sent_inside_the_rate_limit(
    last: SentWeights | None, updated: int, due: int, tempo: int
) -> None:
    subnet = replace(SUBNET, last_update=updated, tempo=tempo)
    at = not_before(subnet, due=due, hotkey="h", last=last)
    assert at >= (updated + subnet.rate_limit if updated else 0)
    end = subnet.epoch_start + tempo
    assert not (subnet.epoch_start <= at < end and end - at <= 2), "too late in the epoch to arrive in it"


@given(failures=st.integers(1, 12))
def test_each_failure_makes_us_more_patient(failures: int) -> None:
    last = SentWeights(values=WANTED, block=100, until=0, outcome="failed", failures=failures)
    at = not_before(replace(SUBNET, epoch_start=0, tempo=0), due=0, hotkey="h", last=last)
    width = 2 ** min(failures, 6)
    assert 100 + width <= at < 100 + 2 * width


def test_jitter_spreads_hotkeys_over_a_twentieth_of_an_epoch() -> None:
    width = 360 // SPREAD
    drawn = [jitter(f"hotkey {n}", number=5, width=width) for n in range(400)]
    assert set(drawn) == set(range(width))
    assert jitter("x", number=5, width=width) == jitter("x", number=5, width=width)
