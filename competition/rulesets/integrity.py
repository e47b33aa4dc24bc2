"""What do measurements of files do to a duel?  Nothing, by default; otherwise what a rule says beforehand, with its
bounds.

Observed: the result of a duel, and the numbers of both files by the version of the measure that the rule names.
Derived: everything else, exactly.  A number stands in relation to what it counts among (`COUNTED_AMONG`), so that a
bound means the same for a small mesh and for a large one.  A file that is not measured, by whoever's fault, neither
forfeits nor loses a tie here: what becomes of it is decided before (it is measured again, or somebody is blamed).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from competition.rulesets.tally import DuelResult
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
    "crossing_faces": "crossing_sample",
    "faces_without_uv": "triangles",
    "floaters": "floater_sample",
    "needles": "splats",
    "faint": "splats",
}
"""Defect -> the number that it is compared with, in that version of the measure."""
OF_SPLATS = ("floaters", "needles", "faint")

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

    mode: str = REPORT
    measure: str = MEASURE
    bounds: tuple[IntegrityBound, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Without floats, so that it can be hashed."""
        bounds = {bound.defect: str(bound.most) for bound in self.bounds}
        return {"mode": self.mode, "measure": self.measure, "bounds": bounds}


@dataclass(frozen=True, slots=True, kw_only=True)
class Excess:
    """A file is beyond a bound: `share` of it has the defect, `most` was allowed."""

    defect: str
    share: Fraction
    most: Fraction

    @property
    def sentence(self) -> str:
        """For the miner, who must act."""
        name = self.defect.replace("_", " ")
        among = COUNTED_AMONG[self.defect].replace("_", " ")
        return f"{name}: {float(self.share):.2%} of {among}, and at most {float(self.most):.2%} are allowed."


def read_rule(value: Any, *, field: str = "integrity") -> IntegrityRule:
    """The rule that a JSON object asks for: `{"mode": "gate", "measure": "integrity-1", "bounds": {"open_edges":
    "1/20"}}`.  Raises BadRules, which names the field and the fix."""
    if not isinstance(value, Mapping):
        raise BadRules(field, f"an object is needed, not {kind_of(value)}", fix='Write {"mode": "report"}')
    unknown = sorted(set(value) - {"mode", "measure", "bounds"}, key=str)
    if unknown:
        raise BadRules(f"{field}.{unknown[0]}", "there is no such rule", fix="Use some of: mode, measure, bounds")
    mode, measure = value.get("mode", REPORT), value.get("measure", MEASURE)
    if mode not in MODES:
        raise BadRules(f"{field}.mode", f"{mode!r} is no mode", fix=f"Use one of: {', '.join(MODES)}")
    if measure != MEASURE:
        raise BadRules(f"{field}.measure", f"{measure!r} is no version of the measure", fix=f"Write {MEASURE}")
    bounds = _bounds(f"{field}.bounds", value.get("bounds", {}))
    if bool(bounds) != (mode != REPORT):
        problem = "report has no bounds" if bounds else f"{mode} needs a bound"
        raise BadRules(
            f"{field}.bounds", problem, fix='Write {"open_edges": "1/20"} for gate or tiebreak, or leave it out'
        )
    return IntegrityRule(mode=mode, measure=measure, bounds=bounds)


def _bounds(field: str, value: Any) -> tuple[IntegrityBound, ...]:
    """In the order of the table, however they are written."""
    if not isinstance(value, Mapping):
        raise BadRules(field, f"an object is needed, not {kind_of(value)}", fix='Write {"open_edges": "1/20"}')
    unknown = sorted(set(value) - set(COUNTED_AMONG), key=str)
    if unknown:
        raise BadRules(f"{field}.{unknown[0]}", "there is no such defect", fix=f"Use: {', '.join(COUNTED_AMONG)}")
    kinds = {defect in OF_SPLATS for defect in value}
    if len(kinds) > 1:
        raise BadRules(field, "no file is both a mesh and splats", fix="Bound the defects of one kind of file")
    return tuple(
        IntegrityBound(defect=defect, most=share(f"{field}.{defect}", value[defect]))
        for defect in COUNTED_AMONG
        if defect in value
    )


def excesses(rule: IntegrityRule, numbers: Numbers | None) -> tuple[Excess, ...]:
    """Why a file is forfeited, bound by bound; empty where it is not.  `numbers`: None of a file without a
    measurement."""
    if rule.mode != GATE or numbers is None:
        return ()
    shares = ((bound, defect_share(bound.defect, numbers)) for bound in rule.bounds)
    return tuple(
        Excess(defect=bound.defect, share=part, most=bound.most)
        for bound, part in shares
        if part is not None and part > bound.most
    )


def broken_tie(
    rule: IntegrityRule, result: DuelResult, *, defender: Numbers | None, challenger: Numbers | None
) -> DuelResult:
    """What a duel comes to that the judge ended with `result`: a draw goes to the file that is sounder by more than its
    bound in one defect, and not worse by more than its bound in any other.  Any other result stays what it is."""
    if rule.mode != TIEBREAK or result is not DuelResult.DRAWN or defender is None or challenger is None:
        return result
    sounder = {_sounder(bound, defender, challenger) for bound in rule.bounds} - {DuelResult.DRAWN}
    return sounder.pop() if len(sounder) == 1 else result


def _sounder(bound: IntegrityBound, defender: Numbers, challenger: Numbers) -> DuelResult:
    of_defender, of_challenger = defect_share(bound.defect, defender), defect_share(bound.defect, challenger)
    if of_defender is None or of_challenger is None:
        return DuelResult.DRAWN
    better = of_defender - of_challenger
    if abs(better) <= bound.most:
        return DuelResult.DRAWN
    return DuelResult.WON if better > 0 else DuelResult.LOST


def defect_share(defect: str, numbers: Numbers) -> Fraction | None:
    """Exact; None where the file has no such number.  Edges may be more than triangles: a share may exceed 1."""
    counted, among = numbers.get(defect), numbers.get(COUNTED_AMONG[defect])
    if counted is None or among is None:
        return None
    return Fraction(counted) / max(Fraction(among), Fraction(1))
