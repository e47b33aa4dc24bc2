"""An export says what the database says: the same bytes for the same rows, for an import the bytes that were read."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from competition.models import Round
from competition.records import tree, writing
from competition.records.tree import write_repository
from dashboard.records import exporting
from judging.models import Duel, Match
from tests.records.dump import dump
from tests.records.importing import imported, made
from tests.records.own import competition
from tests.records.test_importing import _forget
from tests.verify import made_records
from tests.verify.ways_to_break import ADA
from verify.records.repository import check

pytestmark = pytest.mark.django_db
NOWHERE = writing.Addresses(file="{}.{}".format, prompt=str, views=str, extension="glb")


def bytes_of(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file() and ".git" not in path.parts]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def exported(path: Path) -> dict[str, bytes]:
    call_command("export_records", str(path), competition="made", stdout=StringIO())
    return bytes_of(path)


@pytest.mark.parametrize("era", made_records.ERAS)
def test_import_export_import_is_the_identity(era: int, tmp_path: Path) -> None:
    source = made(era, tmp_path)
    (source / "rounds" / "0" / "notes.txt").write_text("an unknown file is kept")
    imported(source)
    first = dump("made")
    assert exported(tmp_path / "out") == bytes_of(source)
    _forget()
    imported(tmp_path / "out")
    assert dump("made") == first


def test_what_could_not_be_read_is_exported_as_it_was(tmp_path: Path) -> None:
    source = made(1, tmp_path)
    (source / "rounds" / "0" / ADA / "duels_leader.json").write_bytes(b'{"left": \xff')
    imported(source)
    assert exported(tmp_path / "out") == bytes_of(source)


@pytest.mark.parametrize("era", [1, 3])
def test_the_rows_of_an_import_hold_what_its_files_said(era: int, tmp_path: Path) -> None:
    """Written from the rows alone, a match gives the values of its file."""
    imported(made(era, tmp_path))
    files = made_records.ERAS[era]()
    for match in Match.objects.select_related("round", "defender__miner", "challenger__miner"):
        told = files[f"rounds/{match.round.number}/{match.challenger.key}/duels_{match.defender.key[:10]}.json"]
        duels = list(Duel.objects.filter(match=match).select_related("prompt"))
        assert [duel.prompt.stem for duel in duels] == [duel["name"] for duel in told["duels"]]
        assert [duel.prompt.url for duel in duels] == [duel["prompt"] for duel in told["duels"]]
        winners = {"defender": "left", "challenger": "right", "draw": "draw", "": "skipped"}
        assert [winners[duel.outcome] for duel in duels] == [duel["winner"] for duel in told["duels"]]
        assert [duel.detail.get("issues") for duel in duels] == [duel["issues"] for duel in told["duels"]]
        named = [{f"left_{k}": v for k, v in duel.detail["files"]["defender"].items()} for duel in duels]
        assert all(told["duels"][n].items() >= files_.items() for n, files_ in enumerate(named))


def test_a_weight_is_written_as_it_was_read(tmp_path: Path) -> None:
    reign = {"hotkey": ADA, "repo": "a/b", "commit": "c" * 40, "image": "i", "effective_block": 7}
    (row,) = json.loads(writing.leaders([{**reign, "weight": "0.6000000000000001"}]))
    assert row == {
        "hotkey": ADA,
        "repo": "a/b",
        "commit": "c" * 40,
        "docker": "i",
        "weight": 0.6000000000000001,
        "effective_block": 7,
    }
    assert list(row) == ["hotkey", "repo", "commit", "docker", "weight", "effective_block"], "validators read this"
    assert b"0.6000000000000001" in writing.leaders([{**reign, "weight": "0.6000000000000001"}])
    assert json.loads(writing.leaders([{**reign, "weight": "4/5"}]))[0]["weight"] == 0.8


def test_exporting_again_writes_nothing(tmp_path: Path) -> None:
    imported(made(1, tmp_path))
    exported(tmp_path / "out")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*")}
    out = StringIO()
    call_command("export_records", str(tmp_path / "out"), competition="made", stdout=out)
    assert "0 files changed" in out.getvalue()
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*")} == before


def test_an_export_in_place_takes_away_what_is_no_longer_there_and_leaves_the_rest(tmp_path: Path) -> None:
    imported(made(1, tmp_path))
    exported(tmp_path / "out")
    for name in ("rounds/9/schedule.json", "LICENSE", ".git/config", "README.md"):
        (tmp_path / "out" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "out" / name).write_text("x")
    exported(tmp_path / "out")
    assert not (tmp_path / "out" / "rounds/9/schedule.json").exists()
    assert all((tmp_path / "out" / name).exists() for name in ("LICENSE", ".git/config", "README.md"))


def test_a_reader_never_sees_half_an_export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def break_off(*args: object) -> bool:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_repository(tmp_path / "new", _breaks_off())
    assert list(tmp_path.iterdir()) == [], "a new folder appears at once or not at all"
    write_repository(tmp_path / "old", [{"leader.json": b"old"}])
    monkeypatch.setattr(Path, "replace", break_off)
    with pytest.raises(KeyboardInterrupt):
        tree.write_tree(tmp_path / "old", {"leader.json": b"new"})
    assert bytes_of(tmp_path / "old") == {"leader.json": b"old"}


def _breaks_off() -> Iterator[dict[str, bytes]]:
    yield {"rounds/0/seed.json": b"{}"}
    raise KeyboardInterrupt


def test_leader_json_is_the_last_file_to_change() -> None:
    names = [list(files) for files in exporting.pieces(competition())]
    assert names[-1][-1] == "leader.json"


def test_each_export_is_a_commit_and_is_pushed(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", "--bare", str(tmp_path / "remote.git")], check=True, timeout=120)
    imported(made(1, tmp_path))
    for wanted in (1, 1, 2):
        if wanted == 2:
            (tmp_path / "era-1" / "rounds" / "1" / "winner.json").write_text('{"winner_hotkey": "leader"}')
            imported(tmp_path / "era-1")
        out = StringIO()
        call_command(
            "export_records", str(tmp_path / "out"), competition="made", push=str(tmp_path / "remote.git"), stdout=out
        )
        assert "pushed main" in out.getvalue()
        assert _commits(tmp_path / "remote.git") == wanted
    shown = subprocess.run(
        ["git", "-C", str(tmp_path / "remote.git"), "show", "--stat", "--format=%an", "main"],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    ).stdout
    assert "1 file changed" in shown


def _commits(repository: Path) -> int:
    command = ["git", "-C", str(repository), "rev-list", "--count", "main"]
    return int(subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout)


def test_a_competition_of_our_own_passes_the_verifier(tmp_path: Path) -> None:
    own = competition()
    write_repository(tmp_path / "own", exporting.pieces(own))
    findings = check(tmp_path / "own")
    assert [finding.line() for finding in findings if finding.severity == "error"] == []
    (tmp_path / "again").mkdir()
    write_repository(tmp_path / "again" / "own", exporting.pieces(own))
    assert bytes_of(tmp_path / "again" / "own") == bytes_of(tmp_path / "own")
    assert Round.objects.filter(competition=own, state="finished").exists()


def test_a_file_stands_under_the_key_of_its_format(tmp_path: Path) -> None:
    own, told = competition(), {}
    for name, key in (("glb", "glb"), ("ply", "ply")):
        own.config["format"] = name
        own.save()
        write_repository(tmp_path / name, exporting.pieces(own))
        (made,) = (tmp_path / name / "rounds/1").glob("leader/generated.json")
        assets = json.loads(made.read_bytes()).values()
        assert assets and all(asset.keys() == {key, "png", "size"} for asset in assets)
        assert {asset[key].rpartition(".")[2] for asset in assets if asset[key]} == {key}
        duels = [
            duel
            for file in (tmp_path / name / "rounds/1").glob("*/duels_*.json")
            for duel in json.loads(file.read_bytes())["duels"]
        ]
        kinds = {word.removeprefix("left_") for duel in duels for word in duel if word.startswith("left_")}
        assert kinds == {key, "png"}
        told[name] = Counter(finding.kind for finding in check(tmp_path / name))
    assert told["glb"] == told["ply"], "the verifier reads them alike"


def test_a_row_names_its_file_once(tmp_path: Path) -> None:
    own = competition()
    write_repository(tmp_path / "own", exporting.pieces(own))
    (made,) = (tmp_path / "own/rounds/1").glob("leader/generated.json")
    content = json.loads(made.read_bytes())
    first = next(iter(content))
    content[first]["js"] = "https://else.example/x.js"
    made.write_text(json.dumps(content))
    found = [finding for finding in check(tmp_path / "own") if finding.kind == "unknown-key"]
    assert [finding.field for finding in found] == ["js"]


@pytest.mark.parametrize(
    ("kind", "sides", "origin", "left"),
    [
        ("screen", ("leader", "a"), "submitted", "leader"),
        ("audit_1", ("a", "a"), "generated_1", "submitted_1"),
        ("again", ("b", "a"), "generated", "b_0"),
        ("a_kind_of_tomorrow", ("leader", "a"), "submitted", "leader"),
        ("tomorrow", ("leader", "a"), "generated", "leader_0"),
    ],
)
def test_what_a_match_was_played_on_says_how_it_is_written_and_not_its_kind(
    kind: str, sides: tuple[str, str], origin: str, left: str
) -> None:
    match = {"kind": kind, "defender": sides[0], "challenger": sides[1], "challenger_origin": origin}
    assert writing.RecordLayout(addresses=NOWHERE).side(match) == left
