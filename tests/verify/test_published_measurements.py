"""What was measured of each drawn file lies in the bundle of every round that was announced so, and no less passes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from formats.integrity.measures import MESH_MEASURES, VERSION
from tests.verify import made_bundle, made_files
from tests.verify.made_files import Made
from verify.bundles import bundle
from verify.findings import LoggedFinding

SOUND: dict[str, Any] = {measure.name: 0 for measure in MESH_MEASURES} | {"triangles": 12, "uv_overlap": None}
BY_MINER = {"class": "miner", "code": "NOT_MEASURED"}
BY_US = {"class": "infrastructure", "code": "KILLED"}
NAME = "integrity.json"


def drawn(made: Made) -> dict[str, int]:
    """Hash -> bytes of each drawn file, in the order of the hashes."""
    files = {row["sha256"]: row["bytes"] for row in made.documents["assets.json"] if row["rendering"]}
    return dict(sorted(files.items()))


def announced() -> Made:
    """A round that publishes what was measured: two files could not be, one by its miner's doing and one by ours."""
    made = made_bundle.make()
    for number in (1, 2):
        made.event("round.open", round=number)["measure"] = VERSION
    rows = [
        {"sha256": sha256, "numbers": {**SOUND, "uv_overlap": 0.25, "bytes": size}, "failure": None}
        for sha256, size in drawn(made).items()
    ]
    rows[0] |= {"numbers": None, "failure": dict(BY_MINER)}
    rows[1] |= {"numbers": None, "failure": dict(BY_US)}
    made.documents[NAME] = {"measure": VERSION, "files": rows}
    return made


def findings(made: Made, folder: Path) -> list[LoggedFinding]:
    return list(bundle.examine(made.write(folder), operator=made_files.hotkey("operator")).log.findings)


def kinds(made: Made, folder: Path) -> set[str]:
    return {finding.kind for finding in findings(made, folder) if finding.severity == "error"}


def test_a_round_that_publishes_what_was_measured_has_no_findings(tmp_path: Path) -> None:
    assert [finding.line() for finding in findings(announced(), tmp_path)] == []


def test_a_round_that_was_announced_before_needs_no_document(tmp_path: Path) -> None:
    assert NAME not in made_bundle.make().documents
    assert kinds(made_bundle.make(), tmp_path) == set()


def rows(made: Made) -> list[dict[str, Any]]:
    return list(made.documents[NAME]["files"])


def left_out(made: Made) -> None:
    del made.documents[NAME]


def added_to_an_older_round(made: Made) -> None:
    for number in (1, 2):
        del made.event("round.open", round=number)["measure"]


def the_next_round_publishes_less(made: Made) -> None:
    del made.event("round.open", round=2)["measure"]


def a_file_less(made: Made) -> None:
    made.documents[NAME]["files"].pop()


def a_file_twice(made: Made) -> None:
    made.documents[NAME]["files"].append(rows(made)[-1])


def a_file_nobody_delivered(made: Made) -> None:
    made.documents[NAME]["files"].append({**rows(made)[-1], "sha256": "f" * 64})


def another_order(made: Made) -> None:
    made.documents[NAME]["files"].reverse()


def a_number_less(made: Made) -> None:
    del rows(made)[-1]["numbers"]["open_edges"]


def a_number_more(made: Made) -> None:
    rows(made)[-1]["numbers"]["beauty"] = 1


def a_count_that_is_none(made: Made) -> None:
    rows(made)[-1]["numbers"]["open_edges"] = None


def half_an_edge(made: Made) -> None:
    rows(made)[-1]["numbers"]["open_edges"] = 0.5


def fewer_than_none(made: Made) -> None:
    rows(made)[-1]["numbers"]["open_edges"] = -1


def of_another_size(made: Made) -> None:
    rows(made)[-1]["numbers"]["bytes"] += 1


def nobody_s_failure(made: Made) -> None:
    rows(made)[0]["failure"] = None


def the_judge_s_failure(made: Made) -> None:
    rows(made)[0]["failure"]["class"] = "judge"


def numbers_of_a_failure(made: Made) -> None:
    rows(made)[0]["numbers"] = dict(SOUND)


def as_older_rounds_had_it(made: Made) -> None:
    for row in rows(made):
        del row["failure"]
        row["numbers"] = row["numbers"] and {"triangles": 12}


def another_measure(made: Made) -> None:
    made.documents[NAME]["measure"] = "integrity-0"


def a_measure_nobody_knows(made: Made) -> None:
    made.documents[NAME]["measure"] = "integrity-0"
    for number in (1, 2):
        made.event("round.open", round=number)["measure"] = "integrity-0"


LIES: dict[Callable[[Made], None], str] = {
    left_out: "file-missing",
    added_to_an_older_round: "file-missing",
    **dict.fromkeys(
        (
            the_next_round_publishes_less,
            a_file_less,
            a_file_twice,
            a_file_nobody_delivered,
            another_order,
            a_number_less,
            a_number_more,
            a_count_that_is_none,
            half_an_edge,
            fewer_than_none,
            of_another_size,
            nobody_s_failure,
            the_judge_s_failure,
            numbers_of_a_failure,
            as_older_rounds_had_it,
            another_measure,
            a_measure_nobody_knows,
        ),
        "wrong-measurements",
    ),
}


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.__name__)
def test_a_signed_lie_about_measurements_is_named(lie: Callable[[Made], None], tmp_path: Path) -> None:
    made = announced()
    lie(made)
    assert LIES[lie] in kinds(made, tmp_path)


def with_rule(mode: str) -> Made:
    """The same round under a rule that bounds open edges; no file has any."""
    made, bounds = announced(), {"open_edges": "1/20"}
    rule = {"mode": mode, "measure": VERSION, "bounds": bounds}
    made.documents["competition.json"]["config"]["rules"]["integrity"] = {"mode": mode, "bounds": dict(bounds)}
    made.documents["round.json"]["rules"]["integrity"] = rule
    made.event("round.open", round=1)["rules"]["integrity"] = rule
    for row in rows(made):
        row |= {"numbers": {**SOUND, "bytes": drawn(made)[row["sha256"]]}, "failure": None}
    return made


@pytest.mark.parametrize("mode", ["gate", "tiebreak"])
def test_no_duel_is_decided_by_a_file_that_is_not_measured_for_a_reason_of_the_platform(
    mode: str, tmp_path: Path
) -> None:
    made = with_rule(mode)
    assert "wrong-measurements" not in kinds(made, tmp_path / "good")
    played = next(d["right"] for m in made.documents["matches.json"] for d in m["duels"] if d["state"] == "judged")
    row = next(row for row in rows(made) if row["sha256"] == played)
    row |= {"numbers": None, "failure": dict(BY_US)}
    named = [finding.field for finding in findings(made, tmp_path / "lie") if finding.kind == "wrong-measurements"]
    assert named == [played]


def test_a_file_that_broke_its_measurement_is_a_forfeit_under_a_gate(tmp_path: Path) -> None:
    made = with_rule("gate")
    played = next(d["right"] for m in made.documents["matches.json"] for d in m["duels"] if d["state"] == "judged")
    next(row for row in rows(made) if row["sha256"] == played).update(numbers=None, failure=dict(BY_MINER))
    assert "wrong-forfeit" in kinds(made, tmp_path)
