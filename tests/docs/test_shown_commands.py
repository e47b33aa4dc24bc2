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
from bittensor_core import Keypair
from django.core.cache import cache
from django.core.management import call_command
from django.db import transaction
from django.test import override_settings

from competition.models import Miner, SimulatedChain
from core import ledger
from tests.dashboard import made_round
from tests.verify import made_bundle, made_records
from tests.verify.made_files import hotkey
from tests.verify.test_kept_checkpoints import NOW, sign
from verify.kinds import BUNDLE_KINDS

ROOT = Path(__file__).resolve().parents[2]
ELSEWHERE = (
    "https://",
    "wss://",
    "--anchors",
    "--ask",
)  # these ask a site or a chain: tests/verify and tests/competition/chain do
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def lines_of(page: str) -> list[str]:
    """The shell lines of a page's blocks, without their comments."""
    blocks = BLOCK.findall((ROOT / page).read_text())
    text = "\n".join(block for language, block in blocks if language in ("", "sh"))
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


def in_shell(script: str, folder: Path, **environment: str) -> str:
    """What a person sees who types these lines; Python is the tests' own."""
    programs = f'python() {{ {shlex.quote(sys.executable)} "$@"; }}; python3() {{ python "$@"; }}'
    script = script.replace(".venv/bin/python", "python")
    script = f"set -eo pipefail; {programs}\n{script}"
    ran = subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "PYTHONPATH": str(ROOT), "HOME": str(folder), **environment},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, f"{script}\n{ran.stdout}{ran.stderr}"
    return ran.stdout


def test_an_operator_s_key_is_made_and_named_as_the_page_shows(tmp_path: Path) -> None:
    make, name = [line for line in lines_of("deploy/README.md") if "open(" in line or "> operator.key" in line]
    address = in_shell(f"{make}\n{name}", tmp_path).strip()
    seed = (tmp_path / "operator.key").read_text().strip()
    assert address == Keypair.create_from_seed(bytes.fromhex(seed)).ss58_address
    assert (tmp_path / "operator.key").stat().st_mode & 0o777 == 0o600


def test_the_seconds_of_a_round_are_read_from_its_bundle_as_the_page_shows(bundles: Path) -> None:
    (line,) = [line for line in lines_of("docs/performance.md") if "benchmarks.demo_round" in line]
    assert "| stage | seconds |" in in_shell(line.replace("var/play/", ""), bundles)


@pytest.mark.django_db
def test_records_are_brought_in_and_written_as_the_page_shows(tmp_path: Path, capsys: Any) -> None:
    made_records.write(made_records.era_1(), tmp_path / "records" / "competition-1")
    lines = [line for line in lines_of("docs/records.md") if line.startswith("python manage.py")]
    assert [line.split()[2] for line in lines] == ["import_records", "export_records"]
    subprocess.run(["git", "init", "-q", "--bare", str(tmp_path / "remote.git")], check=True)
    (slug,) = call_shown(lines[0].replace("PATH…", str(tmp_path / "records")))
    words = lines[1].replace("SLUG", slug).replace("REMOTE", str(tmp_path / "remote.git")).replace("PATH", "written")
    words = words.replace(" [--follow SECONDS]", "").replace("[", "").replace("]", "")
    call_shown(words.replace("written", str(tmp_path / "written")))
    assert (tmp_path / "written" / "config.json").is_file()


def call_shown(line: str) -> list[str]:
    """Run a `manage.py` line on the tests' own database; the competitions that are there then."""
    from competition.models import Competition

    call_command(*shlex.split(line)[2:])
    return list(Competition.objects.values_list("slug", flat=True))


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl on this machine")
def test_a_signed_head_is_kept_as_the_page_shows(transactional_db: None, live_server: Any, tmp_path: Path) -> None:
    made = made_round.make()
    with transaction.atomic():
        event = ledger.append(made.competition.pk, kind="pool", body={"prompts": 1}, at=NOW)
    sign(made.competition, event)
    lines = [line for line in lines_of("docs/verify.md") if "kept.json" in line and "checkpoint kept" not in line]
    keep, show = [line.replace("https://SITE", live_server.url).replace("=demo", "=made") for line in lines]
    with override_settings(ALLOWED_HOSTS=["*"]):
        assert in_shell(f"{keep}\n{show}", tmp_path).strip() == hotkey("operator")


@pytest.fixture
def miner(transactional_db: None, live_server: Any, tmp_path: Path) -> dict[str, str]:
    """A miner of a made round with a wallet `mine`, and what its shell knows."""
    cache.clear()  # who is registered is asked once a block, and another test's chain may have the same name
    made, seed = made_round.make(), "12" * 32
    pair = Keypair.create_from_seed(bytes.fromhex(seed))
    Miner.objects.filter(pk=made.miners[2].pk).update(hotkey=pair.ss58_address)
    SimulatedChain.objects.get(name="made").registrations.create(uid=1, hotkey=pair.ss58_address)
    wallet = tmp_path / ".bittensor" / "wallets" / "mine" / "hotkeys"
    wallet.mkdir(parents=True)
    (wallet / "default").write_text(json.dumps({"secretSeed": f"0x{seed}", "ss58Address": pair.ss58_address}))
    return {"GAUNTLET_SERVER": live_server.url, "PYTHONPATH": str(ROOT / "clients" / "python" / "src")}


@pytest.mark.parametrize("command", ["standing", "why"])
def test_a_miner_asks_as_the_client_s_page_shows(command: str, miner: dict[str, str], tmp_path: Path) -> None:
    (line,) = [line for line in lines_of("clients/python/README.md") if line.startswith(f"gauntlet {command} ")]
    program = "gauntlet() { python -c 'from gauntlet_client.cli import main; main()' \"$@\"; }"
    with override_settings(ALLOWED_HOSTS=["*"]):
        assert in_shell(f"{program}\n{line}", tmp_path, **miner).strip()


def test_the_library_s_example_runs_as_the_client_s_page_shows(miner: dict[str, str], tmp_path: Path) -> None:
    text = (ROOT / "clients" / "python" / "README.md").read_text()
    (example,) = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    example = example.replace("https://gauntlet.example", miner["GAUNTLET_SERVER"])
    (tmp_path / "example.py").write_text(example.replace('"mesh", round=6', '"made", round=1'))
    with override_settings(ALLOWED_HOSTS=["*"]):
        assert len(in_shell("python example.py", tmp_path, **miner).splitlines()) > 2


@pytest.mark.long
def test_a_round_is_played_and_checked_as_the_pages_show(tmp_path: Path) -> None:
    play, seconds = lines_of("docs/performance.md")[:2]
    (check,) = [line for line in lines_of("README.md") if "-m verify" in line]
    in_shell(play, ROOT, GAUNTLET_VAR=str(tmp_path / "var"), HOME=str(tmp_path))
    assert "\n0 errors, " in in_shell(check, tmp_path)
    assert "| finalizing |" in in_shell(seconds, tmp_path)
