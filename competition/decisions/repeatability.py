"""Does a judge that is asked the same twice say the same?  Copies of one commit tell: their outputs are meant alike."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One judged duel of a challenger with this commit; `outcome` as it was recorded, `left` and `right` are hashes."""

    kind: str
    defender: str
    commit: str
    prompt: str
    left: str
    right: str
    outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeatability:
    """pairs: verdicts on a further copy's other file · same: as on the first's · opposite: the other side won."""

    pairs: int = 0
    same: int = 0
    opposite: int = 0


def of_copies(duels: Iterable[Judged]) -> Repeatability:
    """`duels` in reveal order of the challengers.  Two verdicts about the same files are one verdict, asked once."""
    first: dict[tuple[str, str, str, str], Judged] = {}
    pairs = same = opposite = 0
    for duel in duels:
        before = first.setdefault((duel.kind, duel.defender, duel.commit, duel.prompt), duel)
        if (duel.left, duel.right) == (before.left, before.right):
            continue
        pairs += 1
        same += duel.outcome == before.outcome
        opposite += {duel.outcome, before.outcome} == {"challenger", "defender"}
    return Repeatability(pairs=pairs, same=same, opposite=opposite)
