"""A screen of title-1 ends early downward only, and what workers finish late or early changes nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from competition.rulesets import TITLE_1
from competition.rulesets.screening import stop
from competition.rulesets.tally import DuelResult, Tally, clears

W, D, L, V = DuelResult.WON, DuelResult.DRAWN, DuelResult.LOST, DuelResult.VOID
FD, FC = DuelResult.FORFEIT_DEFENDER, DuelResult.FORFEIT_CHALLENGER
JUDGED = (W, D, L, V)
NEVER = replace(TITLE_1, title=replace(TITLE_1.title, futility_z=10**6))  # type: ignore[type-var]


@pytest.mark.parametrize(
    ("results", "after", "because"),
    [
        ([W] * 128, 128, ""),  # who qualifies plays to the end: finalists are ranked by whole matches
        ([D] * 128, 67, "hopeless"),
        ([L] * 128, 9, "hopeless"),
        ([None] * 30 + [FC] * 98, 0, "below"),  # 98 forfeits: nothing needs to be judged
        ([D] * 40 + [L] * 8 + [D] * 80, 45, "hopeless"),
    ],
)
def test_known_screens(results: list[DuelResult | None], after: int, because: str) -> None:
    stopped = stop(results, rules=TITLE_1)
    assert stopped is not None and (stopped.after, stopped.because) == (after, because)


def test_a_forfeit_counts_before_its_turn_and_once() -> None:
    stopped = stop([L] * 20 + [FC] * 5 + [D] * 5, rules=TITLE_1)
    assert stopped is not None and stopped.tally.forfeits_challenger == 5 and stopped.after < 20


def test_an_open_duel_keeps_the_screen_open() -> None:
    assert stop([W, None, *[W] * 126], rules=TITLE_1) is None


@given(st.lists(st.sampled_from(list(DuelResult)), min_size=1, max_size=60), st.data())
def test_the_order_of_completion_decides_nothing(results: list[DuelResult], data: st.DataObject) -> None:
    final = stop(results, rules=TITLE_1)
    done: list[DuelResult | None] = [r if r in (FC, FD) else None for r in results]
    for at in data.draw(st.permutations(range(len(results)))):
        done[at] = results[at]
        assert stop(done, rules=TITLE_1) in (None, final)
    assert stop(done, rules=TITLE_1) == final


@given(st.lists(st.sampled_from(list(DuelResult)), min_size=1, max_size=60))
def test_without_futility_a_stopped_screen_says_what_the_whole_one_would(results: list[DuelResult]) -> None:
    stopped = stop(results, rules=NEVER)
    assert stopped is not None and stopped.because in ("", "below")
    assert clears(stopped.tally, rules=NEVER) == clears(Tally.of(results), rules=NEVER)


@given(st.lists(st.sampled_from(JUDGED), min_size=8, max_size=60))
def test_nobody_at_or_above_the_bar_so_far_is_hopeless(results: list[DuelResult]) -> None:
    stopped = stop(results, rules=TITLE_1)
    assert stopped is not None
    if stopped.because == "hopeless":
        assert stopped.tally.margin < TITLE_1.win_margin
