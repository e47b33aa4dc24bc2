"""Which block may be used, whatever some endpoints say?"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from competition.decisions.agreement import HashAgreement, Sight, agree, common_height, on_chain, unchanged

NAMES = st.sampled_from([f"node-{n}" for n in range(6)])
HASHES = st.sampled_from(["a" * 64, "b" * 64, "c" * 64])


@pytest.mark.parametrize(
    ("heights", "quorum", "expected"),
    [
        ([100, 100], 2, 100),
        ([100, 80], 2, 80),
        ([100, 99, 80], 2, 99),
        ([100, 99, 80], 3, 80),
        ([100, None], 2, None),
        ([None, None], 1, None),
        ([100, None], 1, 100),
    ],
)
def test_the_height_is_one_that_enough_endpoints_have(
    heights: list[int | None], quorum: int, expected: int | None
) -> None:
    sights = [
        Sight(endpoint=str(n), fault="silent") if h is None else Sight(endpoint=str(n), finalised=h)
        for n, h in enumerate(heights)
    ]
    assert common_height(sights, quorum=quorum) == expected


@pytest.mark.parametrize(
    ("told", "quorum", "code"),
    [
        ("aa", 2, ""),
        ("ab", 2, "DISAGREEMENT"),
        ("aab", 2, ""),
        ("aabb", 2, "DISAGREEMENT"),
        ("aabbb", 2, ""),
        ("a-", 2, "TOO_FEW"),
        ("--", 1, "TOO_FEW"),
        ("a", 1, ""),
        ("abc", 1, "DISAGREEMENT"),
        ("aabbc", 2, "DISAGREEMENT"),
    ],
)
def test_enough_and_more_than_half_must_say_the_same(told: str, quorum: int, code: str) -> None:
    hashes = {f"node-{n}": None if letter == "-" else letter * 64 for n, letter in enumerate(told)}
    assert agree(hashes, block=7, quorum=quorum).code == code


@given(hashes=st.dictionaries(NAMES, st.none() | HASHES), quorum=st.integers(1, 4))
def test_what_is_used_was_told_by_a_quorum_and_a_majority(hashes: dict[str, str | None], quorum: int) -> None:
    verdict = agree(hashes, block=7, quorum=quorum)
    telling = [name for name, value in hashes.items() if value]
    if verdict.usable:
        assert all(hashes[name] == verdict.hash for name in verdict.agreeing)
        assert len(verdict.agreeing) >= quorum and 2 * len(verdict.agreeing) > len(telling)
        assert set(verdict.agreeing) | set(verdict.dissenting) == set(telling)
    else:
        assert not verdict.hash and verdict.objection


@given(hashes=st.dictionaries(NAMES, HASHES), quorum=st.integers(1, 4))
def test_two_hashes_are_never_both_usable(hashes: dict[str, str], quorum: int) -> None:
    """Whoever hears a part of the endpoints that is a majority of all hears the same or nothing."""
    verdict = agree(hashes, block=7, quorum=quorum)
    turned = agree(dict(reversed(list(hashes.items()))), block=7, quorum=quorum)
    assert verdict == turned


def test_a_finalised_block_never_changes() -> None:
    verdict = HashAgreement(hash="a" * 64, agreeing=("x", "y"))
    assert unchanged(verdict, block=5, stored="a" * 64) is verdict
    assert unchanged(verdict, block=5, stored="b" * 64).code == "HISTORY_CHANGED"


def test_endpoints_of_another_chain_are_set_aside() -> None:
    sights = [Sight(endpoint=str(n), finalised=9, genesis=g * 64) for n, g in enumerate("aab")]
    assert [sight.answered for sight in on_chain(sights, genesis="")] == [True, True, False]
    assert [sight.answered for sight in on_chain(sights, genesis="b" * 64)] == [False, False, True]
    assert on_chain([], genesis="") == ()
