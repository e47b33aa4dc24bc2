"""Whole rounds that decide by measurements of files: what the platform publishes, the verifier confirms."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import rfc8785

from core import operator_key
from tests.verify import played_round
from tests.verify.conftest import once
from verify.__main__ import examine_all
from verify.bundles import bundle

pytestmark = pytest.mark.long  # short ones: test_integrity_differential, tests/judging/test_integrity_outcomes

BOUNDS = {"open_edges": 0.1, "inverted_faces": "3/20"}
RULES = {mode: {"mode": mode, "bounds": BOUNDS} for mode in ("gate", "tiebreak")}
ROUNDS = (1, 2)
Played = Callable[..., Path]


@pytest.fixture
def played(db: None, monkeypatch: pytest.MonkeyPatch) -> Played:
    def play(mode: str, *, seed: int = 1, order: int = 0, ruleset: str = "margin-1", file_format: str = "glb") -> Path:
        def playing(folder: Path) -> None:
            with monkeypatch.context() as patch:
                stage = played_round.stage(
                    seed=seed,
                    order=order,
                    patch=patch,
                    folder=folder,
                    ruleset=ruleset,
                    integrity=RULES.get(mode),
                    file_format=file_format,
                )
                stage.doubt = 4
                for number in ROUNDS:
                    stage.reveal_some(number)
                    stage.play(number)

        return once(f"measured {mode} {seed} {order} {ruleset} {file_format}", playing) / "bundles" / "played"

    return play


def document(folder: Path, name: str) -> Any:
    return json.loads((folder / name).read_text())


def duels(folder: Path) -> Iterator[Any]:
    for number in ROUNDS:
        for match in document(folder / str(number), "matches.json"):
            yield from (duel for duel in match["duels"] if duel["state"] != "unneeded")


def no_errors(folder: Path) -> bool:
    report = examine_all(folder, operator=operator_key.keypair().ss58_address)
    assert report is not None and len(report.rounds) == len(ROUNDS)
    assert [finding.line() for finding in report.findings if finding.severity == "error"] == []
    return True


def files_of(folder: Path, number: int) -> list[str]:
    rows = document(folder / str(number), "assets.json")
    return sorted({row["sha256"] for row in rows if (row["rendering"] or {}).get("state") == "rendered"})


@pytest.mark.parametrize(("mode", "file_format"), [*((mode, "glb") for mode in ("report", *RULES)), ("report", "ply")])
def test_each_drawn_file_of_each_round_is_published_with_what_was_measured(
    mode: str, file_format: str, played: Played
) -> None:
    folder = played(mode, file_format=file_format)
    assert no_errors(folder)
    for number in ROUNDS:
        rows = document(folder / str(number), "integrity.json")["files"]
        assert [row["sha256"] for row in rows] == files_of(folder, number)
        assert all((row["numbers"] is None) != (row["failure"] is None) for row in rows)
    broken = {row["failure"]["class"] for row in rows if row["failure"]}
    assert broken <= {"miner"}, "what failed once by our doing was tried again"


PLAYS = [
    *((seed, "margin-1") for seed in (1, 2)),
    (5, "margin-2"),
    (6, "title-1"),
]


@pytest.mark.parametrize(("seed", "ruleset"), PLAYS)
def test_a_round_with_a_gate_is_played_published_and_verified(seed: int, ruleset: str, played: Played) -> None:
    folder = played("gate", seed=seed, ruleset=ruleset)
    assert no_errors(folder)
    numbers = {
        row["sha256"]: row["numbers"] for n in ROUNDS for row in document(folder / str(n), "integrity.json")["files"]
    }
    assert any(duel["state"] == "forfeited" for duel in duels(folder))
    for duel in (duel for duel in duels(folder) if duel["state"] == "judged"):
        for side in (numbers[duel["left"]], numbers[duel["right"]]):
            assert side is not None and side["open_edges"] <= 100 and side["inverted_faces"] <= 150


@pytest.mark.parametrize(("seed", "ruleset"), PLAYS)
def test_a_round_with_a_tiebreak_is_played_published_and_verified(seed: int, ruleset: str, played: Played) -> None:
    folder = played("tiebreak", seed=seed, ruleset=ruleset)
    assert no_errors(folder)
    broken = [duel for duel in duels(folder) if "tie_broken_by" in duel["detail"]]
    assert broken and all(duel["outcome"] != "draw" for duel in broken)


@pytest.mark.parametrize("mode", RULES)
def test_a_round_of_modules_is_played_published_and_verified(mode: str, played: Played) -> None:
    folder = played(mode, seed=5, ruleset="margin-2", file_format="threejs")
    assert no_errors(folder) and document(folder / "1", "competition.json")["config"]["format"] == "threejs"
    assert document(folder / "1", "integrity.json")["files"]
    followed = [duel for duel in duels(folder) if duel["state"] == "forfeited" or "tie_broken_by" in duel["detail"]]
    assert followed


@pytest.mark.parametrize("mode", ["report", *RULES])
def test_a_bundle_with_measurements_does_not_depend_on_who_was_first(mode: str, played: Played) -> None:
    def manifests(folder: Path) -> list[str]:
        return [hashlib.sha256((folder / str(n) / "manifest.json").read_bytes()).hexdigest() for n in ROUNDS]

    assert manifests(played(mode)) == manifests(played(mode, order=2))


def a_number(doc: Any) -> None:
    sound = {**next(row["numbers"] for row in doc["files"] if row["numbers"]), "open_edges": 0, "inverted_faces": 0}
    for row in doc["files"]:
        row |= {"numbers": dict(sound), "failure": None}


def nothing_counted(doc: Any) -> None:
    for row in doc["files"]:
        row["numbers"] = row["numbers"] and {"triangles": 1000}


LIES: dict[str, tuple[str, str, Callable[[Any], None], str]] = {
    "files that were forfeited are sound": ("gate", "integrity.json", a_number, "wrong-forfeit"),
    "files that broke a tie are alike": ("tiebreak", "integrity.json", a_number, "wrong-outcome"),
    "what is bounded is not there": ("gate", "integrity.json", nothing_counted, "wrong-measurements"),
    "a file less": ("gate", "integrity.json", lambda doc: doc["files"].pop(), "wrong-measurements"),
    "another measure": ("gate", "integrity.json", lambda doc: doc.update(measure="x"), "wrong-measurements"),
    "a wider bound": (
        "gate",
        "round.json",
        lambda doc: doc["rules"]["integrity"]["bounds"].update(open_edges="1"),
        "wrong-rules",
    ),
    "no rule": ("tiebreak", "round.json", lambda doc: doc["rules"].pop("integrity"), "wrong-rules"),
}


@pytest.mark.parametrize("lie", LIES)
def test_every_lie_about_measurements_is_named(lie: str, played: Played, tmp_path: Path) -> None:
    mode, name, change, kind = LIES[lie]
    folder = shutil.copytree(next(path for path in with_duels(played(mode))), tmp_path / "lie")
    value = document(folder, name)
    change(value)
    (folder / name).unlink()
    (folder / name).write_bytes(rfc8785.dumps(value))
    assert kind in {finding.kind for finding in bundle.examine(folder).log.findings}


def test_measurements_that_are_left_out_are_missed(played: Played, tmp_path: Path) -> None:
    folder = shutil.copytree(next(path for path in with_duels(played("gate"))), tmp_path / "lie")
    (folder / "integrity.json").unlink()
    assert "file-missing" in {finding.kind for finding in bundle.examine(folder).log.findings}


def with_duels(folder: Path) -> Iterator[Path]:
    """The rounds in which a measurement decided."""
    for number in ROUNDS:
        if document(folder / str(number), "matches.json"):
            yield folder / str(number)
