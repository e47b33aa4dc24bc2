"""A match may stop when, and only when, the duels that are left can change nothing."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from competition.rulesets import MARGIN_1, Rules
from competition.rulesets.stopping import certain, stop_index
from competition.rulesets.tally import DuelResult, Tally, clears

W, D, L, V = DuelResult.WON, DuelResult.DRAWN, DuelResult.LOST, DuelResult.VOID
RESULTS = st.sampled_from(list(DuelResult))
RULES = st.builds(
    lambda bar, least: replace(MARGIN_1, win_margin=bar, least_counted=least),
    st.fractions(min_value=Fraction(1, 100), max_value=1, max_denominator=100),
    st.integers(1, 8),
)


@pytest.mark.parametrize(
    ("results", "total", "expected"),
    [
        ([], 128, None),
        ([W] * 128, 128, "qualified"),
        ([L] * 128, 128, "below"),
        ([D] * 121, 128, None),  # seven wins in the last seven would do
        ([D] * 122, 128, "below"),
        ([D] * 121 + [L], 128, "below"),
        ([W] * 67, 128, None),  # 61 losses: 6/128 is below
        ([W] * 68, 128, "qualified"),  # 60 losses: 8/128
        ([V] * 127, 128, None),
        ([V] * 128, 128, "below"),
        ([V] * 127 + [W], 128, "qualified"),
        ([W] * 100 + [None] + [L] * 27, 128, "qualified"),
        ([None] + [W] * 127, 128, None),
    ],
)
def test_known_prefixes(results: list[DuelResult | None], total: int, expected: str | None) -> None:
    assert certain(results, total, rules=MARGIN_1) == expected


def by_brute_force(prefix: list[DuelResult], total: int, *, rules: Rules) -> str | None:
    """Every way the rest could end; forfeits count as what they are worth."""
    ends = {
        clears(Tally.of([*prefix, *rest]), rules=rules)
        for rest in itertools.combinations_with_replacement([W, D, L, V], total - len(prefix))
    }
    return None if len(ends) == 2 else "qualified" if ends == {True} else "below"


@given(st.lists(RESULTS, max_size=8), st.integers(0, 6), RULES)
def test_certain_means_whatever_the_rest_gives(prefix: list[DuelResult], left: int, rules: Rules) -> None:
    total = len(prefix) + left
    assert certain(prefix, total, rules=rules) == by_brute_force(prefix, total, rules=rules)


@given(st.lists(RESULTS, max_size=40), RULES)
def test_the_stopped_match_says_what_the_whole_one_would(results: list[DuelResult], rules: Rules) -> None:
    index = stop_index(results, rules=rules)
    assert index is not None and index <= len(results)
    assert clears(Tally.of(results[:index]), rules=rules) == clears(Tally.of(results), rules=rules)
    assert all(certain(results[:n], len(results), rules=rules) is None for n in range(index))


@given(st.lists(RESULTS, min_size=1, max_size=30), RULES, st.data())
def test_the_order_of_completion_decides_nothing(results: list[DuelResult], rules: Rules, data: st.DataObject) -> None:
    """Workers finish in any order; whenever an index is named, it is the final one."""
    done: list[DuelResult | None] = [None] * len(results)
    final = stop_index(results, rules=rules)
    for at in data.draw(st.permutations(range(len(results)))):
        done[at] = results[at]
        index = stop_index(done, rules=rules)
        assert index in (None, final)
        if index is None:
            assert None in done[:final]


def test_an_earlier_duel_that_is_missing_keeps_the_match_open() -> None:
    assert stop_index([None, *[W] * 127], rules=MARGIN_1) is None
    assert stop_index([*[W] * 127, None], rules=MARGIN_1) == 68


def test_a_ruleset_may_ask_for_every_duel() -> None:
    rules = replace(MARGIN_1, stop_early=False)
    assert stop_index([W] * 127, total=128, rules=rules) is None
    assert stop_index([*[W] * 127, None], rules=rules) is None
    assert stop_index([W] * 128, rules=rules) == 128


def test_more_results_than_duels_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="3 results of a match of 2"):
        certain([W, W, W], 2, rules=MARGIN_1)


def test_the_fold_reads_a_sequence_only() -> None:
    results: Sequence[DuelResult] = (W, L)
    assert stop_index(results, rules=MARGIN_1) == 2
