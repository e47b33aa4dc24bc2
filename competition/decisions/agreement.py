"""Which block do the endpoints agree on?  One that answers may lie; what two say of the same block is used."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What one endpoint answered: the number of its last finalised block and the chain's genesis, or why it did not."""

    endpoint: str
    finalised: int = -1
    genesis: str = ""
    fault: str = ""

    @property
    def answered(self) -> bool:
        return not self.fault


@dataclass(frozen=True, slots=True, kw_only=True)
class HashAgreement:
    """The hash that may be used and who reported it, or the sentence why none may be."""

    hash: str = ""
    agreeing: tuple[str, ...] = ()
    dissenting: tuple[str, ...] = ()
    code: str = ""
    objection: str = ""

    @property
    def usable(self) -> bool:
        return not self.objection


def common_height(sights: Sequence[Sight], *, quorum: int) -> int | None:
    """The highest block that `quorum` endpoints have finalised; None where fewer answer."""
    heights = sorted((sight.finalised for sight in sights if sight.answered), reverse=True)
    return heights[quorum - 1] if len(heights) >= quorum else None


def on_chain(sights: Sequence[Sight], *, genesis: str) -> tuple[Sight, ...]:
    """The sights, with a fault on each that shows another chain than `genesis`; "" trusts the most frequent one."""
    counts = Counter(sight.genesis for sight in sights if sight.answered)
    wanted = genesis or (max(sorted(counts), key=lambda each: counts[each]) if counts else "")
    return tuple(
        Sight(endpoint=s.endpoint, fault=f"another chain: its genesis is {s.genesis[:18]}, ours {wanted[:18]}")
        if s.answered and s.genesis != wanted
        else s
        for s in sights
    )


def agree(hashes: Mapping[str, str | None], *, block: int, quorum: int) -> HashAgreement:
    """`hashes`: endpoint -> what it says of `block`, None where it does not say.

    A hash is used when at least `quorum` endpoints report it and they are more than half of all that report any.
    """
    answered = {endpoint: value for endpoint, value in hashes.items() if value}
    if len(answered) < quorum:
        return HashAgreement(
            code="TOO_FEW", objection=f"{len(answered)} of {quorum} endpoints needed tell the hash of {block}"
        )
    counted = Counter(answered.values())
    best = max(sorted(counted), key=lambda each: counted[each])
    agreeing = tuple(sorted(endpoint for endpoint, value in answered.items() if value == best))
    dissenting = tuple(sorted(set(answered) - set(agreeing)))
    if len(agreeing) < quorum or 2 * len(agreeing) <= len(answered):
        by_hash = {
            value: sorted(endpoint for endpoint in answered if answered[endpoint] == value) for value in sorted(counted)
        }
        listed = ", ".join(f"{value[:12]} by {', '.join(endpoints)}" for value, endpoints in by_hash.items())
        return HashAgreement(
            code="DISAGREEMENT",
            dissenting=tuple(sorted(answered)),
            objection=f"the endpoints disagree on finalised block {block}: {listed}",
        )
    return HashAgreement(hash=best, agreeing=agreeing, dissenting=dissenting)


def unchanged(verdict: HashAgreement, *, block: int, stored: str) -> HashAgreement:
    """The verdict on a block that was used before: a finalised block never changes."""
    if not verdict.usable or verdict.hash == stored:
        return verdict
    return HashAgreement(
        code="HISTORY_CHANGED",
        dissenting=verdict.agreeing,
        objection=f"finalised block {block} was {stored[:12]} when we used it, and is {verdict.hash[:12]} now",
    )
