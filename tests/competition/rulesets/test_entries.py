"""One entry per solution, by the first to reveal."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from competition.rulesets.entries import Candidate, EntryField, field
from competition.rulesets.ladder import LadderEntry


def candidate(key: str, *, block: int, commit: str, outputs: str = "") -> Candidate:
    files = {str(n): sha for n, sha in enumerate(outputs)}
    return Candidate(entry=LadderEntry(key=key, hotkey=key, reveal_block=block), commit=commit, outputs=files)


def groups(found: EntryField) -> list[str]:
    return ["".join(str(c.key) for c in solution.candidates) for solution in found.solutions]


A = candidate("a", block=1, commit="c1", outputs="xyz")
B = candidate("b", block=2, commit="c2", outputs="xyz")
C = candidate("c", block=3, commit="c1", outputs="xyw")
D = candidate("d", block=4, commit="c4", outputs="xyq")
E = candidate("e", block=5, commit="c5")
F = candidate("f", block=6, commit="c6")


def test_the_same_commit_or_the_same_bytes_are_one_entry() -> None:
    assert groups(field([D, C, B, A], leader_commit="none")) == ["abc", "d"]


def test_who_delivered_nothing_is_nobodys_copy() -> None:
    assert groups(field([E, F], leader_commit=None)) == ["e", "f"]


def test_a_link_through_a_third_makes_one_entry() -> None:
    linked = candidate("z", block=9, commit="c4", outputs="xyz")
    assert groups(field([A, D, linked], leader_commit=None)) == ["adz"]


def test_the_leaders_own_commit_is_a_canary() -> None:
    found = field([A, B, C], leader_commit="c1")
    assert groups(found) == ["b"] and [c.key for c in found.canaries] == ["a", "c"]


def test_a_thief_of_outputs_who_is_rejected_gives_the_place_to_the_next_commit() -> None:
    (solution,) = field([A, B, C], leader_commit=None).solutions
    assert solution.representative([]) == A
    assert solution.representative(["a"]) == B, "the third has the rejected commit too"
    assert solution.representative(["a", "b"]) is None
    assert (solution.why(B), solution.why(C)) == ("outputs", "commit")


@given(st.permutations([A, B, C, D, E, F]))
def test_the_order_of_the_input_changes_nothing(candidates: list[Candidate]) -> None:
    assert field(candidates, leader_commit=None) == field([A, B, C, D, E, F], leader_commit=None)
