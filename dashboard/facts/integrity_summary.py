"""How sound are the files of an entry, beside another's?  Of each number the median, the largest, and how they lie."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from dashboard.facts.integrity import WORDS, in_order, number_words

Numbers = Mapping[str, int | float | None]

STEPS = 8  # of a distribution, beside the one for nought
SIZES = ("triangles", "splats", "bytes")  # shown whether they differ or not


@dataclass(frozen=True, kw_only=True)
class IntegritySide:
    """The files of one side: of `files` that it has, `measured` were measured, and `defective` of these have any
    defect."""

    role: str
    files: int
    measured: int
    defective: int


@dataclass(frozen=True, kw_only=True)
class IntegritySpread:
    """One number over the files of one side: `files` of them have it.  `steps` count them: first those with nought,
    then those between each two `edges` of the line, as far as the upper one.  Null where no file has the number."""

    role: str
    files: int
    median: float | None
    largest: int | float | None
    steps: tuple[int, ...]

    @property
    def shown(self) -> str:
        return f"{number_words(self.median)} · {number_words(self.largest)}" if self.files else "–"


@dataclass(frozen=True, kw_only=True)
class IntegrityDistribution:
    """One number over the files of all sides.  `edges` grow by the same factor each, from the smallest value above
    nought to the largest."""

    name: str
    label: str
    unit: str
    definition: str
    fault: bool
    edges: tuple[float, ...]
    sides: tuple[IntegritySpread, ...]

    @property
    def occurs(self) -> bool:
        return any(side.largest for side in self.sides)


@dataclass(frozen=True, kw_only=True)
class IntegritySummary:
    """The numbers of one version of the measure, side by side; `decides`: what follows from them by the round's
    rules."""

    version: str
    decides: str
    sides: tuple[IntegritySide, ...]
    numbers: tuple[IntegrityDistribution, ...]

    @property
    def shown(self) -> tuple[IntegrityDistribution, ...]:
        """The defects that occur, and the sizes."""
        return tuple(row for row in self.numbers if row.occurs and (row.fault or row.name in SIZES))

    @property
    def absent(self) -> tuple[str, ...]:
        """The defects that no file has."""
        return tuple(row.label for row in self.numbers if row.fault and not row.occurs)


def integrity_summary(
    files: Mapping[str, Sequence[str]], *, version: str, numbers: Mapping[str, Numbers], decides: str
) -> IntegritySummary | None:
    """`files`: role -> the hash of each of its files, one that serves several prompts as often; `numbers`: hash -> what
    `version` of the measure counted.  None where nothing is measured."""
    measured = {role: [numbers[sha] for sha in hashes if sha in numbers] for role, hashes in files.items()}
    names = {name: None for rows in measured.values() for row in rows for name in row}
    if not names:
        return None
    return IntegritySummary(
        version=version,
        decides=decides,
        sides=tuple(
            IntegritySide(role=role, files=len(files[role]), measured=len(rows), defective=sum(map(_has_defect, rows)))
            for role, rows in measured.items()
        ),
        numbers=tuple(_distribution(name, measured) for name, _ in in_order(names)),
    )


def _has_defect(numbers: Numbers) -> bool:
    return any(value and name in WORDS and WORDS[name].is_fault for name, value in numbers.items())


def _distribution(name: str, measured: Mapping[str, Sequence[Numbers]]) -> IntegrityDistribution:
    words = WORDS.get(name)
    values = {
        role: [value for numbers in rows if (value := numbers.get(name)) is not None] for role, rows in measured.items()
    }
    edges = _edges([value for side in values.values() for value in side])
    return IntegrityDistribution(
        name=name,
        label=words.label if words else name,
        unit=words.unit if words else "",
        definition=words.definition if words else "",
        fault=bool(words and words.is_fault),
        edges=edges,
        sides=tuple(
            IntegritySpread(
                role=role,
                files=len(side),
                median=float(median(side)) if side else None,
                largest=max(side, default=None),
                steps=_steps(side, edges),
            )
            for role, side in values.items()
        ),
    )


def _edges(values: Sequence[int | float]) -> tuple[float, ...]:
    above = [value for value in values if value > 0]
    if not above:
        return ()
    low, high = float(min(above)), float(max(above))
    if math.isclose(low, high):
        return (low, high)
    long, first = math.log(high) - math.log(low), math.log(low)
    return (low, *(math.exp(first + long * step / STEPS) for step in range(1, STEPS)), high)


def _steps(values: Sequence[int | float], edges: Sequence[float]) -> tuple[int, ...]:
    counts = Counter(_step(value, edges) for value in values)
    return tuple(counts[step] for step in range(max(len(edges), 1)))


def _step(value: int | float, edges: Sequence[float]) -> int:
    """0 is for nought."""
    if value <= 0:
        return 0
    low, high = math.log(edges[0]), math.log(edges[-1])
    way = (math.log(value) - low) / (high - low) if len(edges) > 2 else 0
    return max(1, math.ceil(round(STEPS * way, 9)))
