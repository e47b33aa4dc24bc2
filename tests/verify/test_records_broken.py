"""A good repository broken in one way must be found out, and by the right name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.verify import made_records
from tests.verify.broken_records import BREAKS, CONSEQUENCES
from tests.verify.made_records import Files
from tests.verify.ways_to_break import put
from verify.kinds import KINDS
from verify.records.repository import check


def findings(files: Files, root: Path) -> list[tuple[str, str]]:
    return [(finding.severity, finding.kind) for finding in check(made_records.write(files, root))]


@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_repository_is_found_out_by_name(name: str, tmp_path: Path) -> None:
    era, kind, change = BREAKS[name]
    files = made_records.ERAS[era]()
    change(files)
    assert (KINDS[kind].severity, kind) in findings(files, tmp_path)


@pytest.mark.parametrize("name", [name for name, (_, kind, _) in BREAKS.items() if KINDS[kind].severity == "notable"])
def test_what_is_only_notable_is_no_error(name: str, tmp_path: Path) -> None:
    era, _, change = BREAKS[name]
    files = made_records.ERAS[era]()
    change(files)
    wrong = {found for severity, found in findings(files, tmp_path) if severity == "error"}
    assert wrong == CONSEQUENCES.get(name, set())


def test_every_kind_of_finding_about_records_is_provoked() -> None:
    provoked = {kind for _, kind, _ in BREAKS.values()}
    assert KINDS.keys() - provoked <= {"unreadable-file"}, "see test_records_reading for the rest"


@pytest.mark.parametrize("era", made_records.ERAS)
def test_a_good_repository_has_no_findings(era: int, tmp_path: Path) -> None:
    assert findings(made_records.ERAS[era](), tmp_path) == []


def renamed(value: Any, old: str, new: str) -> Any:
    return json.loads(json.dumps(value).replace(old, new))


def test_what_miners_make_may_be_of_any_format(tmp_path: Path) -> None:
    assert findings(renamed(made_records.era_3(), "glb", "toy"), tmp_path) == []


def test_a_file_stands_under_the_ending_that_its_address_has(tmp_path: Path) -> None:
    files = made_records.era_3()
    path = next(path for path in files if "/duels" in path)
    files[path]["duels"][0] = renamed(files[path]["duels"][0], '"left_glb"', '"left_toy"')
    assert {("error", "missing-field"), ("notable", "unknown-key")} <= set(findings(files, tmp_path))


def test_a_key_that_nobody_announced_is_never_taken_for_the_file(tmp_path: Path) -> None:
    files = made_records.era_3()
    path = next(path for path in files if path.endswith("/submitted.json"))
    files[path] = {stem: {"note": "see x.y", **asset} for stem, asset in files[path].items()}
    assert set(findings(files, tmp_path)) == {("notable", "unknown-key")}


def skipped_last(files: Files, *, states: list[str]) -> None:
    """The last duels of a lost match are left out; `states`: what their records say of each, "" for an older one."""
    path = next(path for path in files if "/duels" in path and files[path]["margin"] < 0)
    match = files[path]
    for duel, state in zip(match["duels"][-len(states) :], states, strict=True):
        duel |= {"winner": "skipped", "issues": "In words of its own"} | ({"state": state} if state else {})
    winners = [duel["winner"] for duel in match["duels"]]
    net, counted = winners.count("right") - winners.count("left"), len(winners) - winners.count("skipped")
    match |= {"score": net, "margin": net / counted}
    left, right = match["left"], match["right"]
    table = path.rpartition("/")[0].rpartition("/")[0] + "/matches_matrix.csv"
    rows = files[table].splitlines()
    files[table] = "\n".join(
        f"{left},{right},{match['margin']}" if row.startswith(f"{left},{right},") else row for row in rows
    )


@pytest.mark.parametrize("states", [["", ""], ["unneeded", "unneeded"]])
def test_duels_that_a_certain_match_left_out_are_known_by_their_states_or_their_place(
    states: list[str], tmp_path: Path
) -> None:
    files = made_records.era_3()
    skipped_last(files, states=states)
    assert findings(files, tmp_path) == []


def test_a_void_duel_is_told_wherever_it_stands(tmp_path: Path) -> None:
    files = made_records.era_3()
    skipped_last(files, states=["void", "unneeded"])
    assert findings(files, tmp_path) == [("notable", "duel-skipped")]


OLD = {era: made_records.ERAS[era]() for era in made_records.ERAS}
JUNK = st.sampled_from(
    ["", "null", "[]", "{}", "5", '"x"', "[[]]", '{"a": 5}', "left,right,margin\nx", "\x00", "é,é\n"]
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_file_may_be_junk_and_the_rest_is_read_on(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    files = made_records.ERAS[data.draw(st.sampled_from(sorted(OLD)))]()
    path = data.draw(st.sampled_from(sorted(files)))
    whole = files[path] if isinstance(files[path], str) else json.dumps(files[path])
    files[path] = data.draw(st.one_of(JUNK, st.integers(0, len(whole) - 1).map(lambda end: whole[:end])))
    check(made_records.write(files, tmp_path_factory.mktemp("junk")))


def leaves(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        return [leaf for key, inner in value.items() for leaf in leaves(inner, (*at, key))]
    if isinstance(value, list):
        return [leaf for key, inner in enumerate(value) for leaf in leaves(inner, (*at, key))]
    return [at]


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_value_may_be_of_any_type(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    files = made_records.ERAS[data.draw(st.sampled_from(sorted(OLD)))]()
    path = data.draw(st.sampled_from(sorted(path for path in files if path.endswith(".json"))))
    at = data.draw(st.sampled_from(leaves(files[path]) or [()]))
    junk = data.draw(st.sampled_from([None, True, -1, 10**30, 1e308, "", "\x1b[31m", [], {}, [5], {"a": None}]))
    if at:
        put(path, *at, to=junk)(files)
    check(made_records.write(files, tmp_path_factory.mktemp("junk")))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_one_changed_verdict_never_goes_unseen(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    era = data.draw(st.sampled_from(sorted(OLD)))
    files = made_records.ERAS[era]()
    path = data.draw(st.sampled_from(sorted(path for path in files if "/duels" in path)))
    duel = data.draw(st.sampled_from(files[path]["duels"]))
    words = ["leader", "miner", "draw"] if era == 0 else ["left", "right", "draw"]
    duel["winner"] = data.draw(st.sampled_from([word for word in words if word != duel["winner"]]))
    found = findings(files, tmp_path_factory.mktemp("changed"))
    assert {("error", "score"), ("error", "margin")} <= set(found)
