"""What do measurements do to a duel, under each rule?  Values in a table, and what holds for all."""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from competition.rulesets import BadRules
from competition.rulesets.integrity import (
    COUNTED_AMONG,
    MEASURE,
    OF_SPLATS,
    IntegrityBound,
    IntegrityRule,
    Numbers,
    broken_tie,
    excesses,
    read_rule,
)
from competition.rulesets.tally import DuelResult
from formats.integrity.measures import MEASURES, SPLAT_MEASURES, VERSION

CLEAN: Numbers = dict.fromkeys([*COUNTED_AMONG, *COUNTED_AMONG.values()], 0) | {
    "triangles": 1000,
    "crossing_sample": 500,
    "splats": 2000,
    "floater_sample": 100,
}
GATE = read_rule({"mode": "gate", "bounds": {"open_edges": "1/20", "crossing_faces": 0.1}})
TIEBREAK = read_rule({"mode": "tiebreak", "bounds": {"open_edges": "1/20", "inverted_faces": "1/100"}})
DRAWN, WON, LOST = DuelResult.DRAWN, DuelResult.WON, DuelResult.LOST

mesh_defects = [name for name in COUNTED_AMONG if name not in OF_SPLATS]
counts = st.integers(0, 1_000_000)
meshes = st.fixed_dictionaries(
    {**dict.fromkeys(mesh_defects, counts), "triangles": counts, "crossing_sample": st.integers(0, 8192)}
)
shares = st.fractions(0, 1, max_denominator=1000)
bounds = st.dictionaries(st.sampled_from(mesh_defects), shares, min_size=1, max_size=4)


def rule(mode: str, written: dict[str, Fraction]) -> IntegrityRule:
    return read_rule({"mode": mode, "bounds": {name: str(most) for name, most in written.items()}})


def test_a_bound_holds_for_the_defects_of_this_version_of_the_measure_as_it_compares_them() -> None:
    faults = [measure for measures in MEASURES.values() for measure in measures if measure.is_fault]
    assert {measure.name: measure.part_of for measure in faults} == dict(COUNTED_AMONG) and MEASURE == VERSION
    assert set(OF_SPLATS) == {measure.name for measure in SPLAT_MEASURES if measure.is_fault}


def test_a_rule_that_nobody_wrote_changes_nothing() -> None:
    usual = read_rule({})
    assert usual == IntegrityRule() == read_rule({"mode": "report"})
    broken = {**CLEAN, **dict.fromkeys(COUNTED_AMONG, 1000)}
    assert excesses(usual, broken) == ()
    for result in DuelResult:
        assert broken_tie(usual, result, defender=broken, challenger=CLEAN) is result


@pytest.mark.parametrize(
    ("written", "field"),
    [
        ([], "integrity"),
        ("gate", "integrity"),
        ({"mode": "ban"}, "integrity.mode"),
        ({"mode": ["gate"]}, "integrity.mode"),
        ({"mode": "report", "gates": {}}, "integrity.gates"),
        ({"mode": "gate"}, "integrity.bounds"),
        ({"mode": "tiebreak", "bounds": {}}, "integrity.bounds"),
        ({"bounds": {"open_edges": 0}}, "integrity.bounds"),
        ({"mode": "gate", "bounds": ["open_edges"]}, "integrity.bounds"),
        ({"mode": "gate", "bounds": {"triangles": 0.5}}, "integrity.bounds.triangles"),
        ({"mode": "gate", "bounds": {"open_edges": -0.1}}, "integrity.bounds.open_edges"),
        ({"mode": "gate", "bounds": {"open_edges": 1.5}}, "integrity.bounds.open_edges"),
        ({"mode": "gate", "bounds": {"open_edges": True}}, "integrity.bounds.open_edges"),
        ({"mode": "gate", "bounds": {"open_edges": float("nan")}}, "integrity.bounds.open_edges"),
        ({"mode": "gate", "bounds": {"open_edges": "1e-2"}}, "integrity.bounds.open_edges"),
        ({"mode": "gate", "bounds": {"open_edges": 0, "needles": 0}}, "integrity.bounds"),
        ({"mode": "gate", "measure": "integrity-0", "bounds": {"open_edges": 0}}, "integrity.measure"),
    ],
)
def test_a_rule_that_cannot_be_played_is_refused_by_its_field_and_with_the_fix(written: Any, field: str) -> None:
    with pytest.raises(BadRules) as refused:
        read_rule(written)
    assert refused.value.field == field and refused.value.fix


@given(written=bounds, mode=st.sampled_from(["gate", "tiebreak"]))
def test_a_rule_reads_as_it_was_written_in_whatever_order(written: dict[str, Fraction], mode: str) -> None:
    read = rule(mode, written)
    assert read_rule(read.to_json()) == read == rule(mode, dict(reversed(written.items())))
    assert hash(read) == hash(rule(mode, written))
    assert {bound.defect: bound.most for bound in read.bounds} == written


@pytest.mark.parametrize(
    ("numbers", "beyond"),
    [
        ({}, []),
        ({"open_edges": 50}, []),
        ({"open_edges": 51}, ["open_edges"]),
        ({"crossing_faces": 50}, []),
        ({"crossing_faces": 51}, ["crossing_faces"]),
        ({"open_edges": 3000, "crossing_faces": 500}, ["open_edges", "crossing_faces"]),
        ({"inverted_faces": 1000}, []),
        ({"open_edges": 1, "triangles": 0}, ["open_edges"]),
        ({"open_edges": None}, []),
    ],
)
def test_a_file_beyond_a_bound_is_forfeited_and_one_at_the_bound_is_not(
    numbers: dict[str, int], beyond: list[str]
) -> None:
    assert [excess.defect for excess in excesses(GATE, {**CLEAN, **numbers})] == beyond


def test_a_forfeit_says_what_the_miner_has_to_mend_and_how_far() -> None:
    (excess,) = excesses(GATE, {**CLEAN, "open_edges": 123})
    assert (excess.share, excess.most) == (Fraction(123, 1000), Fraction(1, 20))
    assert excess.sentence == "open edges: 12.30% of triangles, and at most 5.00% are allowed."


@pytest.mark.parametrize(
    ("defender", "challenger", "result"),
    [
        ({}, {}, DRAWN),
        ({"open_edges": 50}, {}, DRAWN),
        ({"open_edges": 51}, {}, WON),
        ({}, {"open_edges": 51}, LOST),
        ({"open_edges": 151}, {"open_edges": 100}, WON),
        ({"open_edges": 51}, {"inverted_faces": 11}, DRAWN),
        ({"open_edges": 51}, {"inverted_faces": 10}, WON),
        ({"open_edges": 51, "inverted_faces": 11}, {}, WON),
        ({"crossing_faces": 500}, {}, DRAWN),
        ({"open_edges": 60, "triangles": 10_000}, {}, DRAWN),
    ],
)
def test_a_draw_goes_to_the_sounder_file_where_the_difference_is_beyond_a_bound(
    defender: dict[str, int], challenger: dict[str, int], result: DuelResult
) -> None:
    sides: dict[str, Any] = {"defender": {**CLEAN, **defender}, "challenger": {**CLEAN, **challenger}}
    assert broken_tie(TIEBREAK, DRAWN, **sides) is result
    for judged in set(DuelResult) - {DRAWN}:
        assert broken_tie(TIEBREAK, judged, **sides) is judged


def test_a_file_that_is_not_measured_neither_forfeits_nor_loses_a_tie() -> None:
    broken = {**CLEAN, "open_edges": 1000}
    assert excesses(GATE, None) == ()
    assert broken_tie(TIEBREAK, DRAWN, defender=None, challenger=broken) is DRAWN
    assert broken_tie(TIEBREAK, DRAWN, defender=broken, challenger=None) is DRAWN


@given(written=bounds, one=meshes, other=meshes)
def test_with_the_sides_changed_a_tie_is_broken_the_other_way(
    written: dict[str, Fraction], one: Numbers, other: Numbers
) -> None:
    swapped = {WON: LOST, LOST: WON, DRAWN: DRAWN}
    read = rule("tiebreak", written)
    there = broken_tie(read, DRAWN, defender=one, challenger=other)
    assert broken_tie(read, DRAWN, defender=other, challenger=one) is swapped[there]
    assert broken_tie(read, DRAWN, defender=one, challenger=one) is DRAWN


@given(written=bounds, numbers=meshes, defect=st.sampled_from(mesh_defects), more=counts)
def test_one_defect_more_never_helps(written: dict[str, Fraction], numbers: Any, defect: str, more: int) -> None:
    worse = {**numbers, defect: numbers[defect] + more}
    gate = rule("gate", written)
    assert {e.defect for e in excesses(gate, numbers)} <= {e.defect for e in excesses(gate, worse)}
    assert broken_tie(rule("tiebreak", written), DRAWN, defender=numbers, challenger=worse) is not WON


@given(written=bounds, numbers=meshes)
def test_a_wider_bound_never_forfeits_more(written: dict[str, Fraction], numbers: Numbers) -> None:
    gate = rule("gate", written)
    wider = dataclasses.replace(
        gate, bounds=tuple(IntegrityBound(defect=b.defect, most=b.most + Fraction(1, 100)) for b in gate.bounds)
    )
    assert {e.defect for e in excesses(wider, numbers)} <= {e.defect for e in excesses(gate, numbers)}
