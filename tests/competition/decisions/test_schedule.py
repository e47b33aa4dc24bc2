"""Rounds keep to a grid of blocks, and no window is announced late or overlaps another."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from competition.decisions import schedule
from competition.decisions.schedule import Cadence, Schedule
from competition.rulesets import BadRules

THREE_DAYS = Cadence(
    round_blocks=21_600, open_blocks=21_000, seed_delay_blocks=10, generation_blocks=600, lead_blocks=300
)


@st.composite
def cadences(draw: st.DrawFn) -> Cadence:
    round_blocks = draw(st.integers(1, 1000))
    delay = draw(st.integers(1, 50))
    return Cadence(
        round_blocks=round_blocks,
        open_blocks=draw(st.integers(1, round_blocks)),
        seed_delay_blocks=delay,
        generation_blocks=delay + draw(st.integers(1, 500)),
        lead_blocks=draw(st.integers(0, 500)),
    )


def test_one_round() -> None:
    assert schedule.first(THREE_DAYS, earliest_reveal_block=1000) == Schedule(
        earliest_reveal_block=1000, latest_reveal_block=21_999, seed_block=22_009, generation_deadline_block=22_599
    )


@pytest.mark.parametrize(
    ("current", "earliest"),
    [
        (0, 22_600),  # long before: the very next grid point
        (22_300, 22_600),  # just in time for the lead
        (22_301, 44_200),  # one block late: a grid point is left out
        (44_000, 65_800),
        (1_000_000, 1_016_200),
    ],
)
def test_a_round_that_took_long_skips_grid_points_and_shifts_none(current: int, earliest: int) -> None:
    plan = schedule.following(THREE_DAYS, earliest_reveal_block=1000, current_block=current)
    assert plan.earliest_reveal_block == earliest


@given(cadences(), st.integers(0, 10**7), st.integers(0, 10**7))
def test_the_next_round_is_the_first_grid_point_that_leaves_the_lead(cadence: Cadence, this: int, now: int) -> None:
    plan = schedule.following(cadence, earliest_reveal_block=this, current_block=now)
    steps, off = divmod(plan.earliest_reveal_block - this, cadence.round_blocks)
    assert off == 0 and steps >= 1
    assert plan.earliest_reveal_block >= now + cadence.lead_blocks
    assert steps == 1 or plan.earliest_reveal_block - cadence.round_blocks < now + cadence.lead_blocks


@given(cadences(), st.integers(0, 10**7), st.integers(0, 10**7))
def test_windows_never_overlap_and_blocks_come_in_order(cadence: Cadence, this: int, now: int) -> None:
    plan = schedule.first(cadence, earliest_reveal_block=this)
    after = schedule.following(cadence, earliest_reveal_block=this, current_block=now)
    assert plan.latest_reveal_block < after.earliest_reveal_block
    assert plan.earliest_reveal_block <= plan.latest_reveal_block < plan.seed_block < plan.generation_deadline_block


GOOD: dict[str, Any] = {"round_blocks": 100, "open_blocks": 60, "seed_delay_blocks": 2, "generation_blocks": 20}


def test_other_parts_of_the_config_are_left_alone() -> None:
    assert Cadence.from_json({**GOOD, "rig": {}}) == Cadence(**GOOD)
    assert Cadence.from_json({**GOOD, "lead_blocks": 5}).lead_blocks == 5


@pytest.mark.parametrize(
    ("change", "field", "says"),
    [
        ({"open_blocks": 101}, "open_blocks", "overlap"),
        ({"generation_blocks": 2}, "generation_blocks", "before the seed"),
        ({"round_blocks": 0}, "round_blocks", "at least one"),
        ({"seed_delay_blocks": 0}, "seed_delay_blocks", "at least one"),
        ({"seed_delay_blocks": "2"}, "seed_delay_blocks", "not a count"),
        ({"lead_blocks": -1}, "lead_blocks", "not a count"),
        ({"lead_blocks": True}, "lead_blocks", "not a count"),
    ],
)
def test_a_rhythm_that_cannot_be_is_refused_by_name(change: dict[str, Any], field: str, says: str) -> None:
    with pytest.raises(BadRules) as refused:
        Cadence.from_json(GOOD | change)
    assert refused.value.field == field and says in str(refused.value)


@pytest.mark.parametrize("field", GOOD)
def test_a_missing_field_is_named(field: str) -> None:
    with pytest.raises(BadRules, match=f"{field}: is missing"):
        Cadence.from_json({name: value for name, value in GOOD.items() if name != field})


@given(cadences(), st.integers(0, 1000))
def test_the_grid_is_the_same_from_every_round_of_it(cadence: Cadence, now: int) -> None:
    assume(now + cadence.lead_blocks > 5 + cadence.round_blocks)
    one = schedule.following(cadence, earliest_reveal_block=5, current_block=now)
    two = schedule.following(cadence, earliest_reveal_block=5 + cadence.round_blocks, current_block=now)
    assert one.earliest_reveal_block <= two.earliest_reveal_block
    assert (two.earliest_reveal_block - one.earliest_reveal_block) in (0, cadence.round_blocks)
