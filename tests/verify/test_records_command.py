"""`python -m verify PATH`: lines for people, JSON for machines, an exit code for scripts."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import verify
from tests.verify import made_records
from verify.__main__ import main
from verify.findings import FindingLog

FOLDER = Path(verify.__file__).parent
ALLOWED = sys.stdlib_module_names | {"verify"}
OF_BUNDLES = {"rfc8785", "bittensor_core", "bittensor_wallet", "sr25519"}
BEN = made_records.hotkey("Ben")


def broken(root: Path) -> Path:
    files = made_records.era_1()
    files[f"rounds/1/{BEN}/duels_leader.json"]["score"] = 9
    return made_records.write(files, root)


def test_a_good_repository_exits_0(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(made_records.write(made_records.era_1(), tmp_path))]) == 0
    assert "0 errors, 0 notable." in capsys.readouterr().out


def test_an_error_exits_1_and_names_its_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(broken(tmp_path))]) == 1
    line = capsys.readouterr().out.splitlines()[0]
    assert line.startswith(f"error   round 1  rounds/1/{BEN}/duels_leader.json score: found 9, expected 0.")
    assert line.endswith("[score]")


def test_notable_alone_exits_0(tmp_path: Path) -> None:
    files = made_records.era_1() | {"notes.txt": "hello"}
    assert main([str(made_records.write(files, tmp_path))]) == 0


def test_nothing_to_examine_exits_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 2
    assert "no state repository" in capsys.readouterr().err


def test_a_folder_of_repositories_is_examined_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made_records.write(made_records.era_0(), tmp_path / "first")
    broken(tmp_path / "second")
    assert main([str(tmp_path)]) == 1
    out = capsys.readouterr().out
    assert f"second/rounds/1/{BEN}/duels_leader.json" in out
    assert "first/round 1 (era 0)" in out


def test_json_holds_what_the_lines_say(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(broken(tmp_path)), "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["errors"] == len(told["findings"]) == 1
    assert told["findings"][0] == {
        "severity": "error",
        "kind": "score",
        "round": 1,
        "file": f"rounds/1/{BEN}/duels_leader.json",
        "field": "score",
        "found": 9,
        "expected": 0,
        "sentence": "The score is duels won less duels lost.",
    }


def test_what_is_notable_can_be_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made_records.write(made_records.era_1() | {"notes.txt": "hello"}, tmp_path)
    main([str(tmp_path), "--errors"])
    assert "notes.txt" not in capsys.readouterr().out


def test_no_control_character_reaches_the_terminal() -> None:
    log = FindingLog()
    log.note("unknown-file", file="a\x1b[31m\nb", field="\x07", found="\x1b]0;", sentence="\u202e\ud800")
    assert log.findings[0].line().isprintable()


def test_the_verifier_imports_nothing_of_the_platform() -> None:
    for path in FOLDER.glob("*.py"):
        allowed = ALLOWED | (OF_BUNDLES if path.name.startswith("bundle") else set())
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            foreign = {name.split(".")[0] for name in names} - allowed
            assert not foreign, f"{path.name} imports {foreign}: an outsider must be able to run verify/ alone"


def test_a_copy_runs_alone(tmp_path: Path) -> None:
    """Copied elsewhere, without the platform or any installed package in reach."""
    shutil.copytree(FOLDER, tmp_path / "verify", ignore=shutil.ignore_patterns("__pycache__"))
    broken(tmp_path / "records")
    command = [sys.executable, "-S", "-E", "-m", "verify", "records"]
    done = subprocess.run(command, cwd=tmp_path, env={}, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (1, "")
