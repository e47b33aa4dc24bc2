"""What do measurements do to a duel, under each rule?  Values in a table, and what holds for all."""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from competition import configuration, rulesets
from competition.rulesets import BadRules
from competition.rulesets.integrity import (
    COUNTED_AMONG,
    MEASURE,
    OF_SPLATS,
    SAMPLED,
    IntegrityBound,
    IntegrityRule,
    Numbers,
    gate_reason,
    read_rule,
    sounder,
)
from formats.integrity.measures import MEASURES, SPLAT_MEASURES, VERSION

CLEAN: Numbers = dict.fromkeys([*COUNTED_AMONG, *COUNTED_AMONG.values()], 0) | {
    "triangles": 1000,
    "splats": 2000,
}


def written(mode: str, bounds: dict[str, Any]) -> IntegrityRule:
    return read_rule("integrity", {"mode": mode, "bounds": bounds})


GATE = written("gate", {"open_edges": "1/20", "duplicate_faces": 0.1})
TIEBREAK = written("tiebreak", {"open_edges": "1/20", "inverted_faces": "1/100"})

mesh_defects = [name for name in COUNTED_AMONG if name not in OF_SPLATS]
counts = st.integers(0, 1_000_000)
meshes = st.fixed_dictionaries({**dict.fromkeys(mesh_defects, counts), "triangles": counts})
shares = st.fractions(0, 1, max_denominator=1000)
bounds = st.dictionaries(st.sampled_from(mesh_defects), shares, min_size=1, max_size=4)


def rule(mode: str, written: dict[str, Fraction]) -> IntegrityRule:
    return read_rule("integrity", {"mode": mode, "bounds": {name: str(most) for name, most in written.items()}})


def beyond(rule: IntegrityRule, numbers: Numbers | None) -> set[str]:
    """The bounded defects that its reason names."""
    reason = gate_reason(rule, numbers)
    return {bound.defect for bound in rule.bounds if f"{bound.defect.replace('_', ' ')}: " in reason}


def test_a_bound_holds_for_what_this_version_of_the_measure_counts_in_the_whole_file() -> None:
    faults = [measure for measures in MEASURES.values() for measure in measures if measure.is_fault]
    whole = {measure.name: measure.part_of for measure in faults if measure.part_of in ("triangles", "splats")}
    assert whole == dict(COUNTED_AMONG) and MEASURE == VERSION
    assert {measure.name for measure in faults} - set(whole) == set(SAMPLED)
    assert set(OF_SPLATS) == {measure.name for measure in SPLAT_MEASURES if measure.is_fault} - set(SAMPLED)


def test_a_rule_that_nobody_wrote_changes_nothing() -> None:
    usual = read_rule("integrity", {})
    assert usual == IntegrityRule() == read_rule("integrity", {"mode": "report"}) == read_rule("integrity", "report")
    broken = {**CLEAN, **dict.fromkeys(COUNTED_AMONG, 1000)}
    for numbers in (broken, None):
        assert gate_reason(usual, numbers) == ""
        assert sounder(usual, defender=numbers, challenger=CLEAN) == 0


@pytest.mark.parametrize("name", rulesets.RULESETS)
def test_rules_that_decide_nothing_by_measurements_are_stored_as_before_and_others_read_back(name: str) -> None:
    usual = rulesets.read({"name": name})
    assert usual == rulesets.read({"name": name, "integrity": "report"}) and "integrity" not in usual.to_json()
    gated = rulesets.read({"name": name, "integrity": {"mode": "gate", "bounds": {"open_edges": 0.05}}})
    stored = {"mode": "gate", "measure": MEASURE, "bounds": {"open_edges": "1/20"}}
    assert gated.to_json() == {**usual.to_json(), "integrity": stored} and rulesets.read(gated.to_json()) == gated


def test_a_competition_bounds_only_what_its_kind_of_file_has() -> None:
    blocks = {"round_blocks": 90, "open_blocks": 9, "seed_delay_blocks": 2, "generation_blocks": 20, "lead_blocks": 1}
    for file_format, defect in (("glb", "needles"), ("threejs", "faint"), ("ply", "open_edges")):
        config = {"prompts_per_round": 5, "blocks": blocks, "format": file_format}
        config |= {"rig": {"views": [{"name": "front", "theta": 0, "phi": 0}]}}
        config["rules"] = {"integrity": {"mode": "gate", "bounds": {defect: 0}}}
        with pytest.raises(BadRules) as refused:
            configuration.check(config, ruleset="margin-1")
        assert refused.value.field == "integrity.bounds" and refused.value.fix


@pytest.mark.parametrize(
    ("written", "field"),
    [
        ([], "integrity"),
        (5, "integrity"),
        ("gate", "integrity.bounds"),
        ({"mode": "gate", "bounds": {"crossing_faces": 0.1}}, "integrity.bounds.crossing_faces"),
        ({"mode": "gate", "bounds": {"floaters": 0.1}}, "integrity.bounds.floaters"),
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
        read_rule("integrity", written)
    assert refused.value.field == field and refused.value.fix


@given(written=bounds, mode=st.sampled_from(["gate", "tiebreak"]))
def test_a_rule_reads_as_it_was_written_in_whatever_order(written: dict[str, Fraction], mode: str) -> None:
    read = rule(mode, written)
    assert read_rule("integrity", read.to_json()) == read == rule(mode, dict(reversed(written.items())))
    assert hash(read) == hash(rule(mode, written))
    assert {bound.defect: bound.most for bound in read.bounds} == written


@pytest.mark.parametrize(
    ("numbers", "named"),
    [
        ({}, set()),
        ({"open_edges": 50}, set()),
        ({"open_edges": 51}, {"open_edges"}),
        ({"duplicate_faces": 100}, set()),
        ({"duplicate_faces": 101}, {"duplicate_faces"}),
        ({"open_edges": 3000, "duplicate_faces": 500}, {"open_edges", "duplicate_faces"}),
        ({"inverted_faces": 1000}, set()),
        ({"open_edges": 1, "triangles": 0}, {"open_edges"}),
        ({"open_edges": None}, {"open_edges"}),
    ],
)
def test_a_file_beyond_a_bound_is_forfeited_and_one_at_the_bound_is_not(
    numbers: dict[str, int], named: set[str]
) -> None:
    assert beyond(GATE, {**CLEAN, **numbers}) == named and bool(named) == bool(gate_reason(GATE, {**CLEAN, **numbers}))


def test_a_forfeit_says_what_the_miner_has_to_mend_and_how_far() -> None:
    sentence = "open edges: 12.30% of triangles, and at most 5.00% are allowed."
    assert gate_reason(GATE, {**CLEAN, "open_edges": 123}) == sentence


@pytest.mark.parametrize(
    ("defender", "challenger", "goes_to"),
    [
        ({}, {}, 0),
        ({"open_edges": 50}, {}, 0),
        ({"open_edges": 51}, {}, 1),
        ({}, {"open_edges": 51}, -1),
        ({"open_edges": 151}, {"open_edges": 100}, 1),
        ({"open_edges": 51}, {"inverted_faces": 11}, 0),
        ({"open_edges": 51}, {"inverted_faces": 10}, 1),
        ({"open_edges": 51, "inverted_faces": 11}, {}, 1),
        ({"duplicate_faces": 500}, {}, 0),
        ({"open_edges": 60, "triangles": 10_000}, {}, 0),
        ({"open_edges": None}, {}, 1),
        ({"open_edges": None}, {"open_edges": None}, 0),
    ],
)
def test_a_draw_goes_to_the_sounder_file_where_the_difference_is_beyond_a_bound(
    defender: dict[str, int], challenger: dict[str, int], goes_to: int
) -> None:
    assert sounder(TIEBREAK, defender={**CLEAN, **defender}, challenger={**CLEAN, **challenger}) == goes_to


def test_a_file_that_breaks_the_measurement_is_no_way_around_the_rule() -> None:
    assert "a good file was measured" in gate_reason(GATE, None)
    broken = {**CLEAN, "open_edges": 1000}
    assert sounder(TIEBREAK, defender=None, challenger=broken) == 1
    assert sounder(TIEBREAK, defender=broken, challenger=None) == -1
    assert sounder(TIEBREAK, defender=None, challenger=None) == 0


@given(written=bounds, one=meshes, other=meshes)
def test_with_the_sides_changed_a_tie_is_broken_the_other_way(
    written: dict[str, Fraction], one: Numbers, other: Numbers
) -> None:
    read = rule("tiebreak", written)
    assert sounder(read, defender=one, challenger=other) == -sounder(read, defender=other, challenger=one)
    assert sounder(read, defender=one, challenger=one) == 0


@given(written=bounds, numbers=meshes, defect=st.sampled_from(mesh_defects), more=counts)
def test_one_defect_more_never_helps(written: dict[str, Fraction], numbers: Any, defect: str, more: int) -> None:
    worse = {**numbers, defect: numbers[defect] + more}
    gate = rule("gate", written)
    assert beyond(gate, numbers) <= beyond(gate, worse)
    assert sounder(rule("tiebreak", written), defender=numbers, challenger=worse) <= 0


@given(written=bounds, numbers=meshes)
def test_a_wider_bound_never_forfeits_more(written: dict[str, Fraction], numbers: Numbers) -> None:
    gate = rule("gate", written)
    wider = dataclasses.replace(
        gate, bounds=tuple(IntegrityBound(defect=b.defect, most=b.most + Fraction(1, 100)) for b in gate.bounds)
    )
    assert beyond(wider, numbers) <= beyond(gate, numbers)
