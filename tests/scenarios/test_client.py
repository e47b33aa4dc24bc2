"""Does the client answer a miner's questions, as a miner installs it?  Its wheel in a fresh environment, asking a real
server about a round that was really played."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from core.postgres.ports import free_port
from core.sandbox.chromium import walls
from formats.registry import FORMATS
from tests.scenarios.stage import COMPETITION, ROOT, Outcome, Play, Stage, clean_environment, hotkey

pytestmark = [pytest.mark.scenario, pytest.mark.long]
Gauntlet = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def played() -> Iterator[Outcome]:
    stage = Stage.set_in(Path(os.environ["GAUNTLET_TEST_VAR"]) / "scenarios")
    with stage.to_ourselves():
        yield stage.reference()


@pytest.fixture(scope="module")
def server(played: Outcome) -> Iterator[str]:
    with served(played) as address:
        yield address


@contextmanager
def served(played: Outcome) -> Iterator[str]:
    """The platform's web process alone, over what was played."""
    play, port = Play(played.var, hosting=0), free_port()
    command = [sys.executable, "-m", "gunicorn", "competition.wsgi:application", "--bind", f"127.0.0.1:{port}"]
    command += ["--worker-class", "gthread", "--threads", "4", "--no-control-socket"]
    with open(played.var / "web.log", "wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=play.environment(), stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(f"{address}/healthz", process)
        yield address
    finally:
        process.terminate()
        process.wait(timeout=120)
        play.end()


def wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=60).close()
            return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"{address} does not answer")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`pip install gauntlet_client-….whl[preflight]` in an environment of its own; the program."""
    folder = tmp_path_factory.mktemp("client")
    pip = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check"]
    built = subprocess.run(
        [*pip, "wheel", "--no-deps", "-w", folder, ROOT / "clients/python"], capture_output=True, text=True
    )
    if built.returncode and "CI" not in os.environ:
        pytest.skip(f"no package index in reach: {built.stderr.strip()[-200:]}")
    assert not built.returncode, built.stderr
    (wheel,) = folder.glob("*.whl")
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    into = [*pip, "--python", folder / "venv/bin/python", "install", f"{wheel}[preflight]"]
    subprocess.run(into, check=True, capture_output=True, timeout=280)
    return folder / "venv/bin/gauntlet"


@pytest.fixture(scope="module")
def gauntlet(installed: Path, server: str, tmp_path_factory: pytest.TempPathFactory) -> Gauntlet:
    return asking(server, installed, home=tmp_path_factory.mktemp("home"))


def asking(server: str, installed: Path, *, home: Path) -> Gauntlet:
    """The program, asking this server, with a home of its own."""

    def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        told = clean_environment() | {"GAUNTLET_SERVER": server, "HOME": str(home), "COLUMNS": "200"} | environment
        return subprocess.run([installed, *words], env=told, cwd=home, capture_output=True, text=True, timeout=280)

    return run


def answer(done: subprocess.CompletedProcess[str]) -> Any:
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return json.loads(done.stdout)


def test_it_brings_no_django_and_no_bittensor_client(installed: Path) -> None:
    python = installed.with_name("python")
    for name in ("django", "bittensor", "torch"):
        assert subprocess.run([python, "-c", f"import {name}"], capture_output=True).returncode


def test_a_miner_learns_where_it_stands_by_its_signature(gauntlet: Gauntlet) -> None:
    told = answer(gauntlet("standing", "--json", "--round", "1", GAUNTLET_KEY="//gauntlet-demo/Chooser"))
    assert told["miner"]["hotkey"] == hotkey("Chooser")
    assert told["leads"] and told["matches"]
    shown = gauntlet("standing", "--round", "1", GAUNTLET_KEY="//gauntlet-demo/Chooser").stdout
    assert told["sentence"] in shown and "screen against leader" in shown


def test_anybody_may_ask_why_somebody_lost(gauntlet: Gauntlet) -> None:
    told = answer(gauntlet("why", hotkey("Gaps"), "--round", "1", "--json"))
    shown = gauntlet("why", hotkey("Gaps"), "--round", "1")
    lost = [row for row in told["prompts"] if row["result"] in ("lost", "forfeit_challenger")]
    assert lost and all(row["prompt"] in shown.stdout for row in lost)
    assert "forfeit" in shown.stdout


def test_a_question_without_a_key_says_which_keys_there_are(gauntlet: Gauntlet) -> None:
    done = gauntlet("standing")
    assert done.returncode == 2
    assert "--wallet" in done.stderr


def test_an_unknown_key_hears_what_to_check(gauntlet: Gauntlet) -> None:
    done = gauntlet("standing", GAUNTLET_KEY="//nobody-knows-me")
    assert done.returncode == 3
    assert "registered" in done.stderr


def test_what_the_platform_refuses_arrives_with_its_fix(gauntlet: Gauntlet) -> None:
    words = ("submit", "--repo", "me/generator", "--commit", "a" * 40, "--cdn-url", "https://files.example.org/1")
    done = gauntlet(*words, "--json", GAUNTLET_KEY="//gauntlet-demo/Chooser")
    told = json.loads(done.stdout)["error"]
    assert done.returncode == 3
    assert told["fix"] and told["class"] == "miner"


def test_a_bundle_is_downloaded_whole_and_verified(gauntlet: Gauntlet, tmp_path: Path) -> None:
    told = answer(gauntlet("download", "--round", "1", "--to", str(tmp_path), "--json"))
    verified = gauntlet("verify", told["folder"], "--errors")
    assert verified.returncode == 0, verified.stdout
    decision = Path(told["folder"]) / "decision.json"
    decision.write_text(decision.read_text() + " ")
    assert gauntlet("verify", told["folder"], "--errors").returncode == 1


def test_preflight_takes_the_leader_s_own_files_and_refuses_nonsense(
    gauntlet: Gauntlet, played: Outcome, server: str, tmp_path: Path
) -> None:
    """The same files draw everywhere; one is missing, one is no glb."""
    rows = [row for row in played.document("assets.json") if row["entry"] == "leader" and row["sha256"]]
    stems = sorted({row["prompt"] for row in rows})
    for row in rows:
        with urllib.request.urlopen(f"{server}/blob/{row['sha256']}.glb", timeout=60) as file:
            (tmp_path / f"{row['prompt']}.glb").write_bytes(file.read())
    (tmp_path / f"{stems[0]}.glb").unlink()
    (tmp_path / f"{stems[1]}.glb").write_bytes(b"no mesh at all, but long enough to be looked at")
    done = gauntlet("preflight", str(tmp_path), "--round", "1", "--json")
    told = json.loads(done.stdout)
    assert done.returncode == 1
    assert told["same_judge"] and told["forfeits"] == 2
    assert (told["won"], told["lost"], told["drawn"]) == (0, 0, len(stems) - 2)
    refused = next(row["refused"] for row in told["prompts"] if "refused" in row)
    assert refused["failure_class"] == "miner" and refused["sentence"]


# -- splats and modules


BEST = {"ply": "Mist", "threejs": "Turner"}


@pytest.fixture(scope="module", params=["ply", "threejs"])
def other(request: pytest.FixtureRequest) -> Iterator[tuple[str, Outcome]]:
    """A small round of each other format, audited, from the reveals to its bundle, which `Play.check` verifies."""
    if walls.program("") is None:
        pytest.skip(f"no Chromium here: {walls.INSTALL}")
    folder = Path(os.environ["GAUNTLET_TEST_VAR"]) / f"scenario-{request.param}"
    folder.mkdir(exist_ok=True)
    small = folder / "competition.json"
    told = small_demo(request.param)
    told["config"]["cast"] = {"1": [BEST[request.param]]}
    small.write_text(json.dumps(told))
    stage = Stage.set_in(folder / "stage", competition=small)
    with stage.to_ourselves():
        yield request.param, stage.reference(rounds=1)


def small_demo(kind: str, *, prompts: int = 3) -> dict[str, Any]:
    """The demo of a format, with fewer prompts, smaller pictures and the scenarios' clock."""
    told = json.loads((ROOT / "examples" / f"{kind}.json").read_text())
    scenario = json.loads(COMPETITION.read_text())["config"]
    kept = {name: scenario[name] for name in ("blocks", "fetch", "pods", "poll_s")}
    told["config"] |= kept | {"prompts_per_round": prompts}
    told["config"]["rig"] |= {"pixels": 96, "grid_pixels": 96}
    return told


def test_other_formats_are_audited_and_preflight_tells_what_the_platform_would(
    other: tuple[str, Outcome], installed: Path, tmp_path: Path
) -> None:
    """Mist's and Turner's own files, one of them broken, one missing, fare as they did in the round."""
    kind, outcome = other
    extension = FORMATS[kind].extension
    assert {audit["kind"] for audit in outcome.document("audits.json")} == {"source", "generation"}
    assert outcome.document("decision.json")["winner"] == hotkey(BEST[kind])
    rows = [row for row in outcome.document("assets.json") if row["entry"] != "leader" and row["sha256"]]
    mine = {row["prompt"]: row for row in rows if row["origin"] == "submitted"}
    (screen,) = [match for match in outcome.document("matches.json") if match["kind"] == "screen"]
    judged = {duel["prompt"]: duel for duel in screen["duels"] if duel["state"] == "judged"}
    kept = min(judged)  # the screen stops when it is certain
    missing, broken = sorted({*mine} - {kept})
    files = tmp_path / "files"
    files.mkdir()
    with served(outcome) as address:
        for stem in (broken, kept):
            with urllib.request.urlopen(f"{address}/blob/{mine[stem]['sha256']}.{extension}", timeout=120) as file:
                (files / f"{stem}.{extension}").write_bytes(file.read())
        spoil(files / f"{broken}.{extension}", kind)
        gauntlet = asking(address, installed, home=tmp_path)
        done = gauntlet("preflight", str(files), "--json")
        shown = gauntlet("preflight", str(files), GAUNTLET_CHROMIUM="/nowhere")
        plain = gauntlet("preflight", str(files)).stdout
    told = json.loads(done.stdout)
    assert (done.returncode, told["format"], told["pictured"], told["forfeits"]) == (1, kind, True, 2), told["prompts"]
    found = {row["prompt"]: row for row in told["prompts"]}
    assert found[missing]["missing"] and f"{missing}.{extension}" in found[missing]["sentence"]
    assert found[broken]["refused"]["code"] == {"ply": "PLY_LENGTH", "threejs": "MODULE_GLOBAL"}[kind]
    here, there = ((row["outcome"], row["score_micro"]) for row in (found[kept]["verdict"], judged[kept]))
    assert here == there, "the same code and files"
    assert shown.returncode == 2 and "/nowhere" in shown.stderr
    assert "refused" in plain and "missing" in plain and "judges this competition" in plain


def spoil(file: Path, kind: str) -> None:
    good = file.read_bytes()
    file.write_bytes(good[:-4] if kind == "ply" else good.replace(b"return", b"fetch(0); return", 1))


def test_a_shell_can_complete_its_commands(gauntlet: Gauntlet) -> None:
    assert "_GAUNTLET_COMPLETE" in gauntlet("completion", "bash").stdout
