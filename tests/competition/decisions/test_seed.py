"""Nobody chooses the prompts: the block hash does, and a shell can repeat it."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from competition.decisions import seed

BLOCK = "ab" * 32
HASHES = st.binary(min_size=32, max_size=32).map(bytes.hex)


def test_the_seed_is_what_sha256sum_says() -> None:
    """printf 'gauntlet-seed/1\\nmesh\\n3\\nabab…' | sha256sum"""
    known = "aefa8acfa85d9fbf99da98238b7a945001cda35c67e8eec8f11636c8ab9f64b2"
    assert seed.seed("mesh", round_number=3, block_hash=BLOCK) == known
    assert hashlib.sha256(f"gauntlet-seed/1\nmesh\n3\n{BLOCK}".encode()).hexdigest() == known


def test_the_hash_may_be_written_as_the_chain_writes_it() -> None:
    assert seed.seed("mesh", round_number=3, block_hash="0x" + BLOCK.upper()) == seed.seed(
        "mesh", round_number=3, block_hash=BLOCK
    )


def test_every_part_changes_it() -> None:
    seeds = {
        seed.seed("mesh", round_number=3, block_hash=BLOCK),
        seed.seed("mesg", round_number=3, block_hash=BLOCK),
        seed.seed("mesh", round_number=4, block_hash=BLOCK),
        seed.seed("mesh", round_number=3, block_hash="cd" * 32),
        seed.seed("mesh", round_number=3, block_hash=BLOCK, beacon="00"),
    }
    assert len(seeds) == 5


@pytest.mark.parametrize(
    ("slug", "number", "block", "beacon"),
    [
        ("me\nsh", 3, BLOCK, None),
        ("", 3, BLOCK, None),
        ("mésh", 3, BLOCK, None),
        ("mesh\n", 3, BLOCK, None),
        ("mesh", -1, BLOCK, None),
        ("mesh", 3, BLOCK[:-1], None),
        ("mesh", 3, "", None),
        ("mesh", 3, BLOCK + "\n", None),
        ("mesh", 3, BLOCK, "XY"),
        ("mesh", 3, BLOCK, ""),
        ("mesh", 3, BLOCK, "ab\n"),
    ],
)
def test_no_part_can_pass_for_two(slug: str, number: int, block: str, beacon: str | None) -> None:
    with pytest.raises(ValueError):
        seed.seed(slug, round_number=number, block_hash=block, beacon=beacon)


@given(st.lists(HASHES, unique=True, max_size=30), HASHES, st.data())
def test_the_order_of_the_pool_chooses_nothing(pool: list[str], drawn: str, data: st.DataObject) -> None:
    k = data.draw(st.integers(0, len(pool)))
    chosen = seed.choose(drawn, prompt_sha256s=pool, k=k)
    assert seed.choose(drawn, prompt_sha256s=data.draw(st.permutations(pool)), k=k) == chosen
    assert len(set(chosen)) == k and set(chosen) <= set(pool)
    assert seed.choose(drawn, prompt_sha256s=pool, k=len(pool))[:k] == chosen  # more prompts extend, never reshuffle


@given(st.lists(HASHES, unique=True, min_size=2, max_size=20), HASHES)
def test_they_are_the_ones_of_the_smallest_hash(pool: list[str], drawn: str) -> None:
    ranks = {p: hashlib.sha256(bytes.fromhex(drawn) + bytes.fromhex(p)).hexdigest() for p in pool}
    assert list(seed.choose(drawn, prompt_sha256s=pool, k=2)) == sorted(pool, key=ranks.__getitem__)[:2]


@pytest.mark.parametrize("k", [-1, 3])
def test_no_more_than_the_pool_holds(k: int) -> None:
    with pytest.raises(ValueError, match="from a pool of 2"):
        seed.choose(BLOCK, prompt_sha256s=["01" * 32, "02" * 32], k=k)


def test_a_prompt_cannot_be_in_the_pool_twice() -> None:
    with pytest.raises(ValueError, match="twice"):
        seed.choose(BLOCK, prompt_sha256s=["01" * 32, "0x" + "01" * 32], k=1)


def test_the_pool_is_committed_to_by_its_sorted_hashes() -> None:
    pool = ["02" * 32, "01" * 32]
    lines = "".join(f"{line}\n" for line in sorted(pool))
    assert seed.pool_commitment(pool) == hashlib.sha256(lines.encode()).hexdigest()
    assert seed.pool_commitment(pool) == seed.pool_commitment(reversed(pool))  # type: ignore[arg-type]
