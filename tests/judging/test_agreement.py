"""How are two judges' verdicts on the same duels counted?"""

from __future__ import annotations

from fractions import Fraction

import pytest

from judging.decisions.agreement import JudgeAgreement

LEFT, DRAW, RIGHT = "defender", "draw", "challenger"


def counted(*rows: tuple[str, str, int]) -> JudgeAgreement:
    return JudgeAgreement.of((one, other) for one, other, times in rows for _ in range(times))


def test_kappa_of_a_table_that_is_worked_in_the_textbooks() -> None:
    """Of 50 proposals both readers take 20 and refuse 15: they agree on 70 %, by chance they would on half."""
    agreement = counted((LEFT, LEFT, 20), (LEFT, RIGHT, 5), (RIGHT, LEFT, 10), (RIGHT, RIGHT, 15))
    assert agreement.share == Fraction(7, 10) and agreement.kappa == Fraction(2, 5)
    assert (agreement.duels, agreement.alike, agreement.opposite) == (50, 35, 15)
    low, high = agreement.interval95
    assert (round(low, 4), round(high, 4)) == (0.5625, 0.8090)


def test_a_draw_is_an_outcome_like_others_and_no_opposite() -> None:
    agreement = counted((LEFT, DRAW, 1), (DRAW, RIGHT, 1), (DRAW, DRAW, 2))
    assert (agreement.alike, agreement.opposite, agreement.counts[LEFT, DRAW], agreement.counts[RIGHT, RIGHT]) == (
        2,
        0,
        1,
        0,
    )


@pytest.mark.parametrize("rows", [(), ((DRAW, DRAW, 9),)])
def test_kappa_is_not_defined_without_a_difference_to_explain(rows: tuple[tuple[str, str, int], ...]) -> None:
    assert counted(*rows).kappa is None


def test_no_duels_have_no_share() -> None:
    assert counted().share is None and counted().interval95 == (0.0, pytest.approx(0.793, abs=0.001))
