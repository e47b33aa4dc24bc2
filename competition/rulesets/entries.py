"""Which submissions are the same solution?  One entry each, by the first to reveal; the others are its copies."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from competition.rulesets.ladder import Key, LadderEntry, in_reveal_order

Why = Literal["commit", "outputs"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An eligible challenger.  `outputs`: prompt -> sha256 of every file that came; empty where none did."""

    entry: LadderEntry
    commit: str
    outputs: Mapping[str, str]

    @property
    def key(self) -> Key:
        return self.entry.key


@dataclass(frozen=True, slots=True, kw_only=True)
class Solution:
    """Candidates with one commit, or with byte-identical outputs, in reveal order."""

    candidates: tuple[Candidate, ...]

    @property
    def first(self) -> Candidate:
        return self.candidates[0]

    def representative(self, rejected: Collection[Key]) -> Candidate | None:
        """Who enters for them: the first whose commit was not rejected.

        So nobody who uploads another's outputs and reveals earlier can take the place from whose code makes them.
        """
        commits = {candidate.commit for candidate in self.candidates if candidate.key in rejected}
        return next((candidate for candidate in self.candidates if candidate.commit not in commits), None)

    def why(self, candidate: Candidate) -> Why:
        return "commit" if candidate.commit == self.first.commit else "outputs"


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryField:
    """`canaries` hold the leader's own commit: they challenge nobody, and their margin should be 0."""

    solutions: tuple[Solution, ...]
    canaries: tuple[Candidate, ...]


def field(candidates: Iterable[Candidate], *, leader_commit: str | None) -> EntryField:
    """Group what is the same, in reveal order.  The order of the input changes nothing."""
    by_key = {candidate.key: candidate for candidate in candidates}
    ordered = [by_key[entry.key] for entry in in_reveal_order(c.entry for c in by_key.values())]
    canaries = tuple(c for c in ordered if leader_commit and c.commit == leader_commit)
    groups: list[list[Candidate]] = []
    for candidate in (c for c in ordered if c not in canaries):
        same = [group for group in groups if any(_same(candidate, other) for other in group)]
        merged = [other for group in same for other in group]
        groups = [group for group in groups if group not in same] + [[*merged, candidate]]
    place = {candidate.key: number for number, candidate in enumerate(ordered)}
    sorted_groups = [sorted(group, key=lambda c: place[c.key]) for group in groups]
    sorted_groups.sort(key=lambda group: place[group[0].key])
    return EntryField(solutions=tuple(Solution(candidates=tuple(group)) for group in sorted_groups), canaries=canaries)


def _same(one: Candidate, other: Candidate) -> bool:
    return one.commit == other.commit or (bool(one.outputs) and dict(one.outputs) == dict(other.outputs))
