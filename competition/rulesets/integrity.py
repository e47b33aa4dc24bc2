"""What do measurements of files do to a duel?  Nothing, by default; otherwise what the rules say beforehand, with their
bounds.

Observed: the numbers of both files by the version of the measure that the rule names; none of a file that broke the
measurement although a good file was measured right after it.  Derived: everything else, exactly.  A number stands in
relation to what it is counted among, so that a bound means the same for a small mesh and for a large one.  A file whose
measurement failed for a reason that is ours never gets here: the round waits for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from competition.rulesets.values import BadRules, kind_of, share

REPORT, GATE, TIEBREAK = "report", "gate", "tiebreak"
MODES = (REPORT, GATE, TIEBREAK)
MEASURE = "integrity-1"
COUNTED_AMONG: Mapping[str, str] = {
    "open_edges": "triangles",
    "non_manifold_edges": "triangles",
    "non_manifold_vertices": "triangles",
    "mismatched_edges": "triangles",
    "inverted_faces": "triangles",
    "degenerate_faces": "triangles",
    "duplicate_faces": "triangles",
    "faces_without_uv": "triangles",
    "needles": "splats",
    "faint": "splats",
}
"""Defect -> the number that it is compared with, in that version of the measure."""
OF_SPLATS = ("needles", "faint")
SAMPLED = ("crossing_faces", "floaters")
"""Counted in a sample that the file's hash chooses: who writes the file could try bytes until the sample is kind."""
WRITE = 'Write {"mode": "gate", "bounds": {"open_edges": "1/20"}}, or leave it out'

Numbers = Mapping[str, int | float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegrityBound:
    """`most`: the share of a file that this defect may have (`gate`), or by which two files may differ in it
    (`tiebreak`) before anything follows from it."""

    defect: str
    most: Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegrityRule:
    """`report`: nothing follows. `gate`: a file beyond any bound is forfeited. `tiebreak`: a drawn duel goes to the
    sounder file, where the difference is beyond a bound."""

    mode: str = field(
        default=REPORT,
        metadata={
            "means": "`report`: nothing follows; `gate`: a file beyond a bound is a forfeit; `tiebreak`: a drawn duel "
            "goes to the file that is sounder by more than a bound"
        },
    )
    measure: str = field(default=MEASURE, metadata={"means": "the version of the measure"})
    bounds: tuple[IntegrityBound, ...] = field(
        default=(),
        metadata={
            "type": "object",
            "unit": "shares",
            "means": f"a share for each defect that counts, of {', '.join(f'`{name}`' for name in COUNTED_AMONG)}: of "
            "the file's triangles or splats",
        },
    )

    def to_json(self) -> dict[str, Any]:
        """Without floats, so that it can be hashed."""
        bounds = {bound.defect: str(bound.most) for bound in self.bounds}
        return {"mode": self.mode, "measure": self.measure, "bounds": bounds}


def read_rule(name: str, value: Any) -> IntegrityRule:
    """The rule that a JSON object asks for: `{"mode": "gate", "measure": "integrity-1", "bounds": {"open_edges":
    "1/20"}}`; a text is a mode alone.  `name`: of the field.  Raises BadRules, which names the field and the fix."""
    value = {"mode": value} if isinstance(value, str) else value
    if not isinstance(value, Mapping):
        raise BadRules(name, f"an object is needed, not {kind_of(value)}", fix=WRITE)
    unknown = sorted(set(value) - {"mode", "measure", "bounds"}, key=str)
    if unknown:
        raise BadRules(f"{name}.{unknown[0]}", "there is no such rule", fix="Use some of: mode, measure, bounds")
    mode, measure = value.get("mode", REPORT), value.get("measure", MEASURE)
    if mode not in MODES:
        raise BadRules(f"{name}.mode", f"{mode!r} is no mode", fix=f"Use one of: {', '.join(MODES)}")
    if measure != MEASURE:
        raise BadRules(f"{name}.measure", f"{measure!r} is no version of the measure", fix=f"Write {MEASURE}")
    bounds = _bounds(f"{name}.bounds", value.get("bounds", {}))
    if bool(bounds) != (mode != REPORT):
        raise BadRules(f"{name}.bounds", "report has no bounds" if bounds else f"{mode} needs a bound", fix=WRITE)
    return IntegrityRule(mode=mode, measure=measure, bounds=bounds)


def _bounds(name: str, value: Any) -> tuple[IntegrityBound, ...]:
    """In the order of the table, however they are written."""
    if not isinstance(value, Mapping):
        raise BadRules(name, f"an object is needed, not {kind_of(value)}", fix='Write {"open_edges": "1/20"}')
    for defect in sorted(set(value) - set(COUNTED_AMONG), key=str):
        problem = "it is counted in a sample that the file chooses" if defect in SAMPLED else "there is no such defect"
        raise BadRules(f"{name}.{defect}", problem, fix=f"Use: {', '.join(COUNTED_AMONG)}")
    if len({defect in OF_SPLATS for defect in value}) > 1:
        raise BadRules(name, "no file is both a mesh and splats", fix="Bound the defects of one kind of file")
    return tuple(
        IntegrityBound(defect=defect, most=share(f"{name}.{defect}", value[defect]))
        for defect in COUNTED_AMONG
        if defect in value
    )


def fits(rule: IntegrityRule, *, is_mesh: bool) -> bool:
    """Does a file of this kind have what is bounded?"""
    return all((bound.defect in OF_SPLATS) != is_mesh for bound in rule.bounds)


def gate_reason(rule: IntegrityRule, numbers: Numbers | None) -> str:
    """Why a file is a forfeit, for the miner, who must act; "" where it is none."""
    if rule.mode != GATE:
        return ""
    if numbers is None:
        return "It cannot be measured: it broke the measurement, and a good file was measured right after it."
    sentences = []
    for bound in rule.bounds:
        part = defect_share(bound.defect, numbers)
        if part is None or part > bound.most:
            sentences.append(_beyond(bound, part))
    return " ".join(sentences)


def _beyond(bound: IntegrityBound, part: Fraction | None) -> str:
    name, among = (word.replace("_", " ") for word in (bound.defect, COUNTED_AMONG[bound.defect]))
    counted = "not counted" if part is None else f"{float(part):.2%} of {among}"
    return f"{name}: {counted}, and at most {float(bound.most):.2%} are allowed."


def sounder(rule: IntegrityRule, *, defender: Numbers | None, challenger: Numbers | None) -> int:
    """Whose a drawn duel is: +1 the challenger's, -1 the defender's, 0 nobody's.

    The file's that is sounder by more than its bound in one defect, and not worse by more than its bound in any other.
    One that cannot be measured is worse in all.
    """
    if rule.mode != TIEBREAK:
        return 0
    signs = {_sign(bound, defender or {}, challenger or {}) for bound in rule.bounds} - {0}
    return signs.pop() if len(signs) == 1 else 0


def _sign(bound: IntegrityBound, defender: Numbers, challenger: Numbers) -> int:
    of_defender, of_challenger = defect_share(bound.defect, defender), defect_share(bound.defect, challenger)
    if of_defender is None or of_challenger is None:
        return (of_defender is None) - (of_challenger is None)
    better = of_defender - of_challenger
    return 0 if abs(better) <= bound.most else 1 if better > 0 else -1


def defect_share(defect: str, numbers: Numbers) -> Fraction | None:
    """Exact; None where the file has no such number.  Edges may be more than triangles: a share may exceed 1."""
    counted, among = numbers.get(defect), numbers.get(COUNTED_AMONG[defect])
    if counted is None or among is None:
        return None
    return Fraction(counted) / max(Fraction(among), Fraction(1))
