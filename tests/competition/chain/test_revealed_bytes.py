"""Are the raw bytes of reveals read to the last one, and is nonsense told from them?"""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from competition.chain.scale import Revealed, Undecodable, revealed
from tests.competition.chain.runtime import codec

HEAPS = st.lists(st.tuples(st.binary(max_size=300), st.integers(0, 2**64 - 1)), max_size=10)


@given(heap=HEAPS)
def test_what_the_codec_writes_is_read_byte_for_byte(heap: list[tuple[bytes, int]]) -> None:
    kind = codec().storage_entry("Commitments", "RevealedCommitments").value_type
    raw = bytes(codec().encode(kind, heap))
    assert revealed(raw) == tuple(Revealed(block, payload) for payload, block in heap)


@given(raw=st.binary(max_size=200))
def test_nonsense_is_refused_or_read_and_never_anything_else(raw: bytes) -> None:
    with contextlib.suppress(Undecodable):
        assert all(len(one.payload) <= len(raw) for one in revealed(raw))


@pytest.mark.parametrize(
    "raw", [b"", b"\x04", b"\x04\x08a", b"\xfe\xff\xff\xff", b"\x04\x04a" + b"\0" * 7, b"\0\0", b"\x03\xff\xff\xff\xff"]
)
def test_bytes_that_are_cut_off_or_too_many_are_told(raw: bytes) -> None:
    with pytest.raises(Undecodable):
        revealed(raw)
