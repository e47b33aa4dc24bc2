"""What does one solution share with another?  Pure: fingerprints in, shares and pairs out.

A file is shared when its text is the same but for white space; a function when its syntax tree is, with its own names
for arguments and variables forgotten; the rest by winnowing (Schleimer, Wilkerson, Aiken 2003): of every window of
hashes of short runs of tokens the smallest is kept, so a run of `RUN + WINDOW - 1` shared tokens is always found.

Sharing is allowed and usual: it earns credit.  What it may not do is pass for one's own.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Self

RUN, WINDOW = 12, 8
SHORTEST_FUNCTION = 24  # tokens of the tree: below, equal code proves nothing
COPY, MOSTLY, SOME = Fraction(95, 100), Fraction(60, 100), Fraction(10, 100)


@dataclass(frozen=True, kw_only=True)
class Fingerprint:
    """`files`: path -> hash; `functions`: hash -> "path:line name"; `marks`: path -> winnowed hashes; `weight`: path ->
    how much of the solution the file is, in tokens."""

    files: Mapping[str, str] = field(default_factory=dict)
    functions: Mapping[str, str] = field(default_factory=dict)
    marks: Mapping[str, Sequence[int]] = field(default_factory=dict)
    weight: Mapping[str, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {
            "files": dict(self.files),
            "functions": dict(self.functions),
            "marks": {path: list(marks) for path, marks in self.marks.items()},
            "weight": dict(self.weight),
        }

    @classmethod
    def from_json(cls, payload: Mapping[str, Any]) -> Self:
        return cls(
            files=payload["files"], functions=payload["functions"], marks=payload["marks"], weight=payload["weight"]
        )


@dataclass(frozen=True, kw_only=True)
class Shared:
    """`kind`: file (same text) or similar; `share` of our file that is in theirs."""

    path: str
    theirs: str
    kind: str
    share: Fraction


@dataclass(frozen=True, kw_only=True)
class Lineage:
    """`share`: of our tokens, how many lie in marks that the other has too."""

    share: Fraction
    files: tuple[Shared, ...]
    functions: tuple[tuple[str, str], ...]

    @property
    def verdict(self) -> str:
        """copy, mostly, some or none."""
        return next(
            (word for word, bar in (("copy", COPY), ("mostly", MOSTLY), ("some", SOME)) if self.share >= bar), "none"
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "share": str(self.share),
            "verdict": self.verdict,
            "files": [{"path": f.path, "theirs": f.theirs, "kind": f.kind, "share": str(f.share)} for f in self.files],
            "functions": [list(pair) for pair in self.functions],
        }


def winnow(tokens: Sequence[str]) -> list[int]:
    """The marks of a text: the smallest hash of every window of hashes of runs.  Fewer tokens than a run: none."""
    runs = ("\x1f".join(tokens[at : at + RUN]).encode("utf-8", "replace") for at in range(len(tokens) - RUN + 1))
    hashes = [int.from_bytes(hashlib.blake2b(run, digest_size=6).digest(), "big") for run in runs]
    if not hashes:
        return []
    chosen = {min(hashes[at : at + WINDOW]) for at in range(max(1, len(hashes) - WINDOW + 1))}
    return sorted(chosen)


def compare(ours: Fingerprint, theirs: Fingerprint, *, base: Iterable[int] = ()) -> Lineage:
    """What `ours` shares with `theirs`.  `base`: marks of a common template, which do not count."""
    common = set(base)
    known = {mark for marks in theirs.marks.values() for mark in marks} - common
    by_hash = {digest: path for path, digest in theirs.files.items()}
    files = []
    for path, digest in ours.files.items():
        if digest in by_hash:
            files.append(Shared(path=path, theirs=by_hash[digest], kind="file", share=Fraction(1)))
            continue
        marks = set(ours.marks.get(path, ())) - common
        best = max(((_share(marks, set(m)), name) for name, m in theirs.marks.items()), default=(Fraction(0), ""))
        if best[0] >= SOME:
            files.append(Shared(path=path, theirs=best[1], kind="similar", share=best[0]))
    files.sort(key=lambda f: (-f.share, f.path))
    functions = tuple(sorted((ours.functions[h], theirs.functions[h]) for h in ours.functions if h in theirs.functions))
    total = sum(_weighed(ours, path, common) for path in ours.marks)
    shared = sum(
        (_weighed(ours, path, common) * _share(set(m) - common, known) for path, m in ours.marks.items()),
        start=Fraction(0),
    )
    return Lineage(share=Fraction(shared) / total if total else Fraction(0), files=tuple(files), functions=functions)


def _weighed(of: Fingerprint, path: str, common: set[int]) -> int:
    """A file of nothing but the template weighs nothing."""
    marks = set(of.marks[path])
    return of.weight.get(path, 0) * len(marks - common) // len(marks) if marks else 0


def _share(marks: set[int], known: set[int]) -> Fraction:
    return Fraction(len(marks & known), len(marks)) if marks else Fraction(0)


def base_of(fingerprints: Sequence[Fingerprint], *, least: int = 4) -> set[int]:
    """Marks in more than half of at least `least` solutions: a template that all begin with, not anybody's work."""
    if len(fingerprints) < least:
        return set()
    seen = Counter(mark for one in fingerprints for mark in {m for marks in one.marks.values() for m in marks})
    return {mark for mark, number in seen.items() if 2 * number > len(fingerprints)}
