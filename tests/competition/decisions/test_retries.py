"""Which failures are worth another try, and whose they are in the end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.net.failures import FAULTS, FetchFailed, GiveUp, RetryAfter, printable, retry_policy

CODES = st.sampled_from(sorted(FAULTS))


@pytest.mark.parametrize(
    ("code", "attempt", "verdict"),
    [
        ("too_big", 1, GiveUp()),
        ("wrong_scheme", 1, GiveUp()),
        ("not_found", 1, RetryAfter(30.0)),
        ("not_found", 2, GiveUp()),
        ("server_error", 1, RetryAfter(15.0)),
        ("server_error", 3, RetryAfter(60.0)),
        ("server_error", 5, RetryAfter(240.0)),
        ("server_error", 6, GiveUp()),
        ("refused", 5, RetryAfter(300.0)),  # 320, but no wait is longer than five minutes
        ("our_network", 1, RetryAfter(20.0)),
        ("our_network", 1000, RetryAfter(300.0)),
        ("no_slot", 1, RetryAfter(2.0)),
    ],
)
def test_known_tries(code: str, attempt: int, verdict: RetryAfter | GiveUp) -> None:
    assert retry_policy(code, attempt=attempt) == verdict
    assert retry_policy(FAULTS[code], attempt=attempt) == verdict
    assert retry_policy(FetchFailed(code), attempt=attempt) == verdict


@given(CODES, st.integers(1, 100_000))
def test_what_is_ours_never_ends_in_a_forfeit(code: str, attempt: int) -> None:
    verdict = retry_policy(code, attempt=attempt)
    if FAULTS[code].failure_class == "infrastructure":
        assert isinstance(verdict, RetryAfter) and FAULTS[code].who == "operator"
    elif attempt >= 8:
        assert verdict == GiveUp() and FAULTS[code].who == "miner"


@given(CODES, st.integers(1, 50))
def test_waits_only_grow_and_end(code: str, attempt: int) -> None:
    one, two = retry_policy(code, attempt=attempt), retry_policy(code, attempt=attempt + 1)
    if isinstance(one, GiveUp):
        assert isinstance(two, GiveUp)
    elif isinstance(two, RetryAfter):
        assert 0 < one.delay_s <= two.delay_s <= 300


def test_tries_count_from_one() -> None:
    with pytest.raises(ValueError, match="from 1"):
        retry_policy("refused", attempt=0)


@given(CODES, st.text())
def test_a_sentence_can_be_read_whatever_the_host_wrote(code: str, detail: str) -> None:
    sentence = FetchFailed(code, detail).sentence
    assert sentence.isascii() and sentence.isprintable() and len(sentence) < 400
    assert sentence.endswith(".") and "{detail}" not in sentence.replace(printable(detail), "")


def test_what_cannot_pass_is_not_tried_again() -> None:
    assert isinstance(retry_policy("too_big", attempt=1), GiveUp)
    assert all(isinstance(retry_policy(code, attempt=1), RetryAfter) for code in ("silent", "our_disk"))
