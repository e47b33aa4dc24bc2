"""What follows from measurements is written twice: platform and verifier agree on random files and rules."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_type_hints

from hypothesis import given
from hypothesis import strategies as st

from competition import rulesets
from competition.rulesets.integrity import COUNTED_AMONG, MEASURE, OF_SPLATS, gate_reason, sounder
from formats.integrity.measures import MEASURES, VERSION, MeshIntegrity, SplatIntegrity
from judging.integrity_outcomes import OUTCOMES
from verify.bundles import integrity
from verify.bundles.files import ExaminedBundle
from verify.bundles.round import rules_of

LEFT, RIGHT = "1" * 64, "2" * 64
kinds = st.sampled_from([[d for d in COUNTED_AMONG if (d in OF_SPLATS) == splats] for splats in (False, True)])
shares = st.one_of(
    st.fractions(0, 1, max_denominator=40).map(str),
    st.sampled_from([0, 1, 0.05, "0.05", "1/20", "2/40", 0.125]),
)
rules = kinds.flatmap(lambda names: st.dictionaries(st.sampled_from(names), shares, min_size=1))
counts = st.integers(0, 40)
names = [*COUNTED_AMONG, "triangles", "splats"]
files = (
    st.none() | st.dictionaries(st.sampled_from(names), counts) | st.fixed_dictionaries(dict.fromkeys(names, counts))
)


def test_the_verifier_knows_the_same_defects_and_the_same_numbers() -> None:
    assert dict(COUNTED_AMONG) == integrity.COUNTED
    names = {kind: {measure.name for measure in measures} for kind, measures in MEASURES.items()}
    assert MEASURE == VERSION
    by_format = integrity.MEASURES[VERSION]
    assert by_format == {"glb": names[MeshIntegrity], "threejs": names[MeshIntegrity], "ply": names[SplatIntegrity]}
    kinds = {**get_type_hints(MeshIntegrity), **get_type_hints(SplatIntegrity)}
    assert {name for name, kind in kinds.items() if kind is not int} == integrity.SHARES


@given(mode=st.sampled_from(["gate", "tiebreak", "report"]), bounds=rules, left=files, right=files)
def test_forfeits_and_broken_ties_are_the_same_by_both_writings(
    mode: str, bounds: dict[str, Any], left: dict[str, int] | None, right: dict[str, int] | None
) -> None:
    given_: dict[str, Any] = {"mode": mode} if mode == "report" else {"mode": mode, "bounds": bounds}
    stored = rulesets.read({"name": "margin-1", "integrity": given_})
    assert rules_of({"ruleset": "margin-1", "config": {"rules": {"integrity": given_}}}) == stored.to_json()
    bundle = ExaminedBundle(Path("nowhere"))
    rows = [{"sha256": LEFT, "numbers": left}, {"sha256": RIGHT, "numbers": right}]
    bundle.documents = {"round.json": {"rules": stored.to_json()}, "integrity.json": {"files": rows}}
    for sha256, numbers in ((LEFT, left), (RIGHT, right)):
        assert integrity.forfeited(bundle, sha256) == bool(gate_reason(stored.integrity, numbers))
    goes_to = OUTCOMES[sounder(stored.integrity, defender=left, challenger=right)]
    assert (integrity.tie_broken(bundle, LEFT, RIGHT) or "draw") == goes_to
