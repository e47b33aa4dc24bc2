"""At which blocks does a round open, close, draw its seed and end its generation?  Blocks only: clocks differ."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from competition.rulesets.values import BadRules, count


@dataclass(frozen=True, slots=True, kw_only=True)
class Cadence:
    """A competition's rhythm, in blocks (about 12 s each on the real chain)."""

    round_blocks: int = field(metadata={"unit": "blocks", "means": "from one round's first block to the next one's"})
    open_blocks: int = field(
        metadata={"unit": "blocks", "means": "how long reveals are taken, from the first block on"}
    )
    seed_delay_blocks: int = field(
        metadata={"unit": "blocks", "means": "the seed block comes this long after the last reveal block"}
    )
    generation_blocks: int = field(
        metadata={"unit": "blocks", "means": "outputs must be up this long after the last reveal block"}
    )
    lead_blocks: int = field(
        default=0, metadata={"unit": "blocks", "means": "a new round is announced at least this long before it opens"}
    )

    def __post_init__(self) -> None:
        for name in ("round_blocks", "open_blocks", "seed_delay_blocks", "generation_blocks"):
            _require(getattr(self, name) > 0, name, "must be at least one block", fix="Write 1 or more")
        _require(self.lead_blocks >= 0, "lead_blocks", "cannot be negative", fix="Write 0 or more")
        _require(
            self.open_blocks <= self.round_blocks,
            "open_blocks",
            f"{self.open_blocks} blocks do not fit into a round of {self.round_blocks}",
            fix="Write at most round_blocks, else two windows overlap",
        )
        _require(
            self.generation_blocks > self.seed_delay_blocks,
            "generation_blocks",
            "ends before the seed is known",
            fix="Write more than seed_delay_blocks",
        )

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Raises BadRules, which names the field and the fix; fields of other parts of the config are left alone."""
        given = {}
        for each in dataclasses.fields(cls):
            if each.name in value:
                given[each.name] = count(each.name, value[each.name])
            elif each.default is dataclasses.MISSING:
                raise BadRules(each.name, "is missing", fix="Write a number of blocks")
        return cls(**given)


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """One round's blocks.  Reveals count from `earliest_reveal_block` to `latest_reveal_block`, both included."""

    earliest_reveal_block: int
    latest_reveal_block: int
    seed_block: int
    generation_deadline_block: int


def first(cadence: Cadence, *, earliest_reveal_block: int) -> Schedule:
    """The round that opens at this block."""
    latest = earliest_reveal_block + cadence.open_blocks - 1
    return Schedule(
        earliest_reveal_block=earliest_reveal_block,
        latest_reveal_block=latest,
        seed_block=latest + cadence.seed_delay_blocks,
        generation_deadline_block=latest + cadence.generation_blocks,
    )


def lengthened(schedule: Schedule, *, paused_at: int, block: int) -> Schedule:
    """The schedule of a round whose open window has been paused from one block to the other.

    The window ends as much later as the pause lasts, and never while it lasts; what comes after it moves along.
    """
    later = max(0, block - min(paused_at, schedule.latest_reveal_block))
    return dataclasses.replace(
        schedule,
        latest_reveal_block=schedule.latest_reveal_block + later,
        seed_block=schedule.seed_block + later,
        generation_deadline_block=schedule.generation_deadline_block + later,
    )


def following(cadence: Cadence, *, earliest_reveal_block: int, current_block: int) -> Schedule:
    """The round after the one that opened at `earliest_reveal_block`: on the same grid, never announced late.

    A round that took long skips grid points; it never shifts the grid.
    """
    soonest = current_block + cadence.lead_blocks
    steps = max(1, -(-(soonest - earliest_reveal_block) // cadence.round_blocks))
    return first(cadence, earliest_reveal_block=earliest_reveal_block + steps * cadence.round_blocks)


def _require(holds: bool, field: str, problem: str, *, fix: str) -> None:
    if not holds:
        raise BadRules(field, problem, fix=fix)
