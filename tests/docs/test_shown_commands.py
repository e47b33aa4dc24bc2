"""Commands that the documents show are run as they stand there, on made bundles, records and a made competition."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings

from tests.dashboard import made_round
from tests.verify import made_bundle, made_records
from tests.verify.made_files import hotkey
from verify.bundles.kinds import BUNDLE_KINDS

ROOT = Path(__file__).resolve().parents[2]
ELSEWHERE = (
    "https://",
    "wss://",
    "--anchors",
)  # these ask a site or a chain: tests/verify and tests/competition/chain do
BLOCK = re.compile(r"^```(?:sh)?\n(.*?)^```", re.MULTILINE | re.DOTALL)


def lines_of(page: str) -> list[str]:
    """The shell lines of a page's blocks, without their comments."""
    text = "\n".join(BLOCK.findall((ROOT / page).read_text()))
    return [re.sub(r"\s+#.*$", "", line.removeprefix("$ ")) for line in text.splitlines()]


def verifications(page: str) -> list[str]:
    shown = [line for line in lines_of(page) if line.startswith("python -m verify ")]
    return [line for line in shown if not any(part in line for part in ELSEWHERE)]


def run(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    line = re.sub(r"5[A-Za-z0-9]+…\w*|5[1-9A-HJ-NP-Za-km-z]{47}", hotkey("operator"), line)
    words = [sys.executable, *shlex.split(line)[1:]]
    return subprocess.run(words, cwd=folder, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True)


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every name that docs/verify.md gives to a bundle."""
    folder, made = tmp_path_factory.mktemp("shown"), made_bundle.make()
    for name in ("demo-1", "demo-3", "round-1", ".draft-1", "bundles/demo/1"):
        made.write(folder / name)
    text = (folder / "demo-1" / "checkpoint.txt").read_text()
    note = json.loads((folder / "demo-1" / "checkpoint.sig.json").read_text())
    (folder / "kept.json").write_text(json.dumps({"text": text, **note}))
    return folder


@pytest.mark.parametrize("line", verifications("docs/verify.md"))
def test_a_bundle_is_checked_as_the_page_shows(line: str, bundles: Path) -> None:
    ran = run(line, bundles)
    assert ran.returncode == 0, f"{line}\n{ran.stdout}{ran.stderr}"
    assert json.loads(ran.stdout)["errors"] == 0 if "--json" in line else "0 errors" in ran.stdout


def test_the_findings_of_the_worked_example_are_worded_as_the_verifier_words_them() -> None:
    shown = " ".join((ROOT / "docs/verify.md").read_text().split("## A worked example")[1].split())
    lines = re.findall(r"error round 1 .*?\. ([A-Z][^\[]*)\. \[([a-z-]+)\]", shown)
    assert len(lines) == 6
    for sentence, kind in lines:
        assert sentence.lower() == BUNDLE_KINDS[kind].meaning.lower(), kind


@pytest.mark.parametrize("line", verifications("docs/records.md"))
def test_records_are_checked_as_the_page_shows(line: str, tmp_path: Path) -> None:
    made_records.write(made_records.era_1(), tmp_path / "records" / "competition-1")
    ran = run(line.replace("PATH", "records"), tmp_path)
    assert ran.returncode == 0, f"{line}\n{ran.stdout}{ran.stderr}"


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl on this machine")
def test_the_five_commands_of_the_api_s_page_answer(transactional_db: None, live_server: Any) -> None:
    made_round.make()
    lines = [line for line in lines_of("docs/api/README.md") if line]
    assert len(lines) == 5 and lines[0].startswith("G=")
    lines[0] = f"G={live_server.url}/api/v1"
    for line in lines[1:]:
        asked = line.replace("competition=demo", "competition=made").replace("curl -s", "curl -fsS")
        script = f"set -o pipefail; {lines[0]}\n{asked}"
        with override_settings(ALLOWED_HOSTS=["*"]):
            ran = subprocess.run(["bash", "-c", script], capture_output=True, text=True)
        assert ran.returncode == 0 and ran.stdout.strip(), f"{line}\n{ran.stdout}{ran.stderr}"
