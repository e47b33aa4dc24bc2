"""Who is paid what at a block: one leader and the owner, and never more or less than everything."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from competition.decisions import weights
from competition.decisions.schedule import Schedule
from competition.decisions.weights import PaidReign
from competition.rulesets import MARGIN_1

OWNER = 0
UIDS = {"a": 1, "b": 2, "owner": OWNER}
REIGNS = st.lists(
    st.builds(
        PaidReign,
        hotkey=st.sampled_from(["a", "b", "gone", "owner"]),
        weight=st.fractions(min_value=0, max_value=1, max_denominator=20),
        effective_block=st.integers(0, 100),
    ),
    max_size=6,
)


def reign(hotkey: str, weight: str, block: int) -> PaidReign:
    return PaidReign(hotkey=hotkey, weight=Fraction(weight), effective_block=block)


@pytest.mark.parametrize(
    ("previous", "defended", "weight"),
    [
        ("1", True, "4/5"),
        ("4/5", True, "3/5"),
        ("3/5", True, "2/5"),
        ("2/5", True, "1/5"),
        ("1/5", True, "1/5"),
        ("0", True, "1/5"),
        ("1", False, "1"),
        ("1/5", False, "1"),
    ],
)
def test_a_defence_decays_to_the_floor_and_a_new_leader_starts_whole(
    previous: str, defended: bool, weight: str
) -> None:
    assert weights.next_reign_weight(Fraction(previous), defended=defended, rules=MARGIN_1) == Fraction(weight)


def test_thirds_stay_thirds() -> None:
    rules = replace(MARGIN_1, weight_decay=Fraction(1, 3), weight_floor=Fraction(0))
    weight = Fraction(1)
    for _ in range(3):
        weight = weights.next_reign_weight(weight, defended=True, rules=rules)
    assert weight == 0


def test_a_reign_is_paid_from_the_next_rounds_block() -> None:
    following = Schedule(earliest_reveal_block=10, latest_reveal_block=20, seed_block=22, generation_deadline_block=30)
    assert weights.effective_block(following, rules=MARGIN_1) == 20
    assert weights.effective_block(following, rules=replace(MARGIN_1, paid_from="next_earliest_reveal")) == 10


@pytest.mark.parametrize(
    ("block", "shares"),
    [
        (9, {OWNER: Fraction(1)}),  # before anybody reigns
        (10, {1: Fraction(1)}),
        (19, {1: Fraction(1)}),
        (20, {1: Fraction(4, 5), OWNER: Fraction(1, 5)}),
        (30, {OWNER: Fraction(1)}),  # the leader left the subnet
        (40, {2: Fraction(1, 2), OWNER: Fraction(1, 2)}),  # a correction of the entry before it
        (50, {OWNER: Fraction(1)}),  # the owner leads
        (60, {OWNER: Fraction(1)}),  # a weight of nothing
    ],
)
def test_known_blocks(block: int, shares: dict[int, Fraction]) -> None:
    reigns = [
        reign("a", "1", 10),
        reign("a", "4/5", 20),
        reign("gone", "1", 30),
        reign("a", "1", 40),
        reign("b", "1/2", 40),
        reign("owner", "1/2", 50),
        reign("a", "0", 60),
    ]
    assert weights.vector(reigns, block=block, uids=UIDS, owner_uid=OWNER) == shares


@given(REIGNS, st.integers(0, 120))
def test_everything_is_given_and_nothing_more(reigns: list[PaidReign], block: int) -> None:
    shares = weights.vector(reigns, block=block, uids=UIDS, owner_uid=OWNER)
    assert sum(shares.values()) == 1 and all(share > 0 for share in shares.values())
    assert len(set(shares) - {OWNER}) <= 1


@given(REIGNS, st.integers(0, 120))
def test_the_leader_at_a_block_is_the_last_entry_in_effect(reigns: list[PaidReign], block: int) -> None:
    found = weights.at_block(reigns, block)
    assert found == ([None, *(r for r in reigns if r.effective_block <= block)])[-1]


@pytest.mark.parametrize("weight", ["-1/5", "6/5"])
def test_no_reign_takes_more_than_everything(weight: str) -> None:
    with pytest.raises(ValueError, match="no share"):
        reign("a", weight, 1)
