"""The title match in exact fractions: what a duel moves, when it ends, and that nothing else moves anything."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from competition.rulesets import TITLE_1 as STANDARD
from competition.rulesets import bankroll
from competition.rulesets.bankroll import BankrollTally, credits, earned, flip_distance, fold, path, purses
from competition.rulesets.tally import DuelResult

W, D, L, V = DuelResult.WON, DuelResult.DRAWN, DuelResult.LOST, DuelResult.VOID
FD, FC = DuelResult.FORFEIT_DEFENDER, DuelResult.FORFEIT_CHALLENGER
RESULTS = st.lists(st.sampled_from(list(DuelResult)), max_size=60)
OPEN = st.lists(st.sampled_from([*DuelResult, None]), max_size=60)
assert STANDARD.title is not None
TITLE = replace(STANDARD.title, stakes=(Fraction(1, 5), Fraction(1, 2)), prompts=256)  # a careful purse and a bold one
TITLE_1 = replace(STANDARD, title=TITLE)


def ended(results: list[DuelResult | None], start: BankrollTally | None = None) -> tuple[str, int]:
    standing = fold(results, total=256, rules=TITLE_1, start=start)
    return standing.ending, standing.duels


@pytest.mark.parametrize(
    ("results", "ending"),
    [([W] * 16, "open"), ([W] * 17, "title"), ([L] * 8, "open"), ([L] * 9, "out"), ([W] * 20 + [L] * 3, "title")],
)
def test_the_standard_purse_stakes_a_quarter(results: list[DuelResult], ending: str) -> None:
    assert fold(results, total=320, rules=STANDARD).ending == ending
    assert path([W, L, D], rules=STANDARD) == [1, Fraction(5, 4), Fraction(15, 16), Fraction(15, 16)]


def test_everybody_starts_with_one_credit_in_two_halves() -> None:
    assert purses(BankrollTally(), title=TITLE) == (Fraction(1, 2), Fraction(1, 2))


def test_what_a_win_and_a_loss_move() -> None:
    assert purses(BankrollTally(won=1), title=TITLE) == (Fraction(3, 5), Fraction(3, 4))
    assert purses(BankrollTally(lost=1), title=TITLE) == (Fraction(2, 5), Fraction(1, 4))
    assert credits(BankrollTally(won=1, lost=1, drawn=9), title=TITLE) == Fraction(12, 25) + Fraction(3, 8)


@pytest.mark.parametrize(
    ("results", "ending"),
    [
        ([], ("open", 0)),
        ([W] * 10, ("open", 10)),  # 31.9 credits
        ([W] * 11, ("title", 11)),  # 46.9
        ([W] * 30, ("title", 11)),  # what comes after the title is not played
        ([W] * 5 + [V] * 9 + [FD] * 6, ("title", 20)),
        ([W] * 5 + [None] + [W] * 20, ("open", 5)),
        ([L] * 7, ("open", 7)),  # 0.109
        ([L] * 8, ("out", 8)),  # 0.086
        ([FC] * 8 + [W] * 90, ("out", 8)),  # whoever is out does not come back
        ([D] * 256, ("exhausted", 256)),
        ([V] * 256, ("exhausted", 256)),
        ([D] * 245 + [W] * 11, ("exhausted", 256)),  # 47 credits, but a margin of 4.3 %
        ([D] * 200 + [W] * 11, ("title", 211)),  # 5.2 %
    ],
)
def test_how_a_title_match_ends(results: list[DuelResult | None], ending: tuple[str, int]) -> None:
    assert ended(results) == ending


def test_a_bankroll_carries_over() -> None:
    assert ended([W], BankrollTally(won=10)) == ("title", 1)
    assert ended([L], BankrollTally(won=1, lost=9)) == ("out", 1)
    assert ended([W] * 99, BankrollTally(out=True)) == ("out", 0)
    assert ended([], BankrollTally(won=12, drawn=300)) == ("open", 0), (
        "the bar is looked at after a duel, not before one"
    )


@given(RESULTS)
def test_the_purses_are_the_products_of_their_duels(results: list[DuelResult]) -> None:
    careful = bold = Fraction(1, 2)
    for result in results:
        careful *= {1: Fraction(6, 5), 0: Fraction(1), -1: Fraction(4, 5)}[result.net]
        bold *= {1: Fraction(3, 2), 0: Fraction(1), -1: Fraction(1, 2)}[result.net]
    assert path(results, rules=TITLE_1)[-1] == careful + bold


@given(RESULTS)
def test_against_an_equal_the_next_duel_gains_nothing_on_average(results: list[DuelResult]) -> None:
    """What Ville's inequality asks for."""
    here = BankrollTally()
    for result in results:
        here = bankroll.after(here, result, title=TITLE)
    win = credits(replace(here, won=here.won + 1), title=TITLE)
    loss = credits(replace(here, lost=here.lost + 1), title=TITLE)
    assert (win + loss) / 2 == credits(here, title=TITLE)


@given(OPEN, st.data())
def test_a_failed_call_never_moves_a_bankroll(results: list[DuelResult | None], data: st.DataObject) -> None:
    """Not while it is retried (None), nor when it is given up (void)."""
    for at in data.draw(st.lists(st.integers(0, len(results)), max_size=5)):
        with_void = fold([*results[:at], V, *results[at:]], total=999, rules=TITLE_1)
        assert with_void.bankroll == fold(results, total=999, rules=TITLE_1).bankroll
        silent = fold([*results[:at], None, *results[at:]], total=999, rules=TITLE_1)
        assert silent.bankroll == fold(results[:at], total=999, rules=TITLE_1).bankroll


@given(RESULTS, st.integers(0, 60))
def test_a_draw_moves_no_credit_and_earns_no_title(results: list[DuelResult], at: int) -> None:
    here = BankrollTally(won=results.count(W), lost=results.count(L))
    drawn = bankroll.after(here, D, title=TITLE)
    assert credits(drawn, title=TITLE) == credits(here, title=TITLE)
    assert not earned(drawn, rules=TITLE_1) or earned(here, rules=TITLE_1)
    assert (
        fold([*results[:at], D], total=999, rules=TITLE_1).ending != "title" or ended(list(results[:at]))[0] == "title"
    )


@given(st.lists(st.sampled_from([W, D, L, FD, FC]), max_size=40), st.randoms())
def test_in_what_order_a_whole_match_is_judged_changes_no_credit(results: list[DuelResult], random: object) -> None:
    shuffled = list(results)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert path(shuffled, rules=TITLE_1)[-1] == path(results, rules=TITLE_1)[-1]


@given(RESULTS, OPEN)
def test_what_late_workers_add_never_changes_an_ending(
    results: list[DuelResult], more: list[DuelResult | None]
) -> None:
    before = fold(results, total=999, rules=TITLE_1)
    if before.ending != "open":
        assert fold([*results, *more], total=999, rules=TITLE_1) == before


@given(st.integers(0, 40), st.integers(0, 60), st.integers(0, 40))
def test_flip_distance_is_the_fewest_changes_that_flip(won: int, drawn: int, lost: int) -> None:
    here = BankrollTally(won=won, drawn=drawn, lost=lost)
    found = flip_distance(here, rules=TITLE_1)
    flips = [
        up + down + both
        for both in range(lost + 1)
        for up in range(drawn + 1)
        for down in (0,)
        if earned(BankrollTally(won=won + up + both, drawn=drawn - up, lost=lost - both), rules=TITLE_1)
    ]
    if not earned(here, rules=TITLE_1):
        assert found == min(flips, default=None)
    else:
        assert found is not None and found <= won


@pytest.mark.parametrize(
    ("results", "worse"), [([L] * 11 + [D] * 21, True), ([L] * 8 + [D] * 24, False), ([W] * 16, False), ([], False)]
)
def test_regenerated_outputs_are_worse_when_the_reversed_bankroll_says_so(
    results: list[DuelResult], worse: bool
) -> None:
    assert (bankroll.worse_than(results, rules=TITLE_1).ending == "title") is worse
