"""How sound is a file, as anybody may know it?  Numbers, each with its unit and what it means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from competition.rulesets import Rules
from competition.rulesets.integrity import GATE, gate_reason
from core.machine.stateful import FailureClass
from formats.integrity.measures import MESH_MEASURES, SPLAT_MEASURES, IntegrityMeasure
from judging.integrity_outcomes import counts_of
from judging.models import Measurement

WORDS = {measure.name: measure for measure in (*MESH_MEASURES, *SPLAT_MEASURES)}
PLACES = {measure.name: place for place, measure in enumerate((*MESH_MEASURES, *SPLAT_MEASURES))}  # of two, the last


@dataclass(frozen=True, kw_only=True)
class IntegrityNumber:
    """`fault`: each one counted is a defect, and `value` is above zero.  A `value` is null where there is nothing to
    measure: of a file without textures, how much of them overlaps."""

    name: str
    label: str
    unit: str
    definition: str
    value: int | float | None
    fault: bool

    @property
    def shown(self) -> str:
        return number_words(self.value)


@dataclass(frozen=True, kw_only=True)
class IntegrityFacts:
    """`state`: `measured`, `measuring`, `unmeasured` (`reason` says why), or "" of a file that nobody asked about.

    `picture`: the hash of one that shows where a mesh is at fault, or ""; `positions`: of a file that has them for the
    viewer, or "".
    """

    state: str
    version: str
    reason: str
    failure_class: str
    numbers: tuple[IntegrityNumber, ...]
    picture: str
    positions: str


@dataclass(frozen=True, kw_only=True)
class IntegrityCell:
    """One side's number as it is written; a dash where it has none."""

    shown: str
    fault: bool


@dataclass(frozen=True, kw_only=True)
class IntegrityLine:
    """One number of both sides of a duel."""

    label: str
    unit: str
    definition: str
    cells: tuple[IntegrityCell, ...]


def rule_words(rules: Mapping[str, Any]) -> str:
    """What follows from measurements under these rules, as rounds store them."""
    rule = rules.get("integrity")
    if not rule:
        return "Measurements of files decide nothing."
    bounds = ", ".join(_bound_words(defect, most) for defect, most in sorted(rule["bounds"].items()))
    if rule["mode"] == GATE:
        return f"A file with more than this is a forfeit: {bounds}. So is one that breaks its measurement."
    return (
        f"A drawn duel goes to the file that is sounder by more than: {bounds}. One that breaks its measurement is the "
        "worse one."
    )


def _bound_words(defect: str, most: str) -> str:
    words = WORDS.get(defect) or IntegrityMeasure(name=defect, label=defect, unit="", definition="")
    return f"{words.label} {float(Fraction(most)):.2%} of its {words.part_of}"


def forfeit_words(rules: Rules | None, row: Measurement | None) -> str:
    """Why the file is a forfeit under these rules, for its miner; "" where it is none, or not known to be one."""
    if rules is None or row is None or (row.state != "measured" and row.failure_class != FailureClass.MINER):
        return ""
    return gate_reason(rules.integrity, counts_of(row))


def number_words(value: int | float | None) -> str:
    """`12,345`, `0.125`; `none` where there is nothing to measure."""
    if value is None:
        return "none"
    return f"{value:,.3f}".rstrip("0").rstrip(".")


UNKNOWN = IntegrityFacts(state="", version="", reason="", failure_class="", numbers=(), picture="", positions="")


def integrity_facts(row: Measurement | None) -> IntegrityFacts:
    if row is None:
        return UNKNOWN
    return IntegrityFacts(
        state=row.state,
        version=row.version,
        reason=row.failure_reason,
        failure_class=row.failure_class,
        numbers=tuple(_number(name, value) for name, value in in_order(row.numbers)),
        picture=row.picture,
        positions=row.positions,
    )


def in_order(numbers: Mapping[str, int | float | None]) -> list[tuple[str, int | float | None]]:
    """A database gives the names in an order of its own; a name that is no longer measured comes last."""
    return sorted(numbers.items(), key=lambda pair: (PLACES.get(pair[0], len(numbers) + len(PLACES)), pair[0]))


def _number(name: str, value: int | float | None) -> IntegrityNumber:
    words = WORDS.get(name) or IntegrityMeasure(name=name, label=name, unit="", definition="")
    return IntegrityNumber(
        name=name,
        label=words.label,
        unit=words.unit,
        definition=words.definition,
        value=value,
        fault=words.is_fault and bool(value),
    )


def integrity_lines(sides: Mapping[str, IntegrityFacts]) -> tuple[IntegrityLine, ...]:
    """The numbers of all sides, in their order, beside one another."""
    each_side = [{number.name: number for number in facts.numbers} for facts in sides.values()]
    known = {name: number for numbers in each_side for name, number in numbers.items()}
    return tuple(
        IntegrityLine(
            label=words.label,
            unit=words.unit,
            definition=words.definition,
            cells=tuple(_cell(numbers.get(name)) for numbers in each_side),
        )
        for name, words in known.items()
    )


def _cell(number: IntegrityNumber | None) -> IntegrityCell:
    return IntegrityCell(shown=number.shown if number else "–", fault=bool(number and number.fault))
