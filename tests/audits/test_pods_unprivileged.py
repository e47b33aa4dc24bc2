"""A pod needs no root: an ordinary user has the same walls, and without them is told so.

Run by root these play the ordinary user by a Python that such a user can reach; run by a user they are that user.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.audits.miners import repository

PROJECT = Path(__file__).resolve().parents[2]
USER = "61001"
PYTHON = sys.executable if os.getuid() else "/usr/bin/python3"
PLAY = """
import json, sys, time
from pathlib import Path
from audits.pods import batch
from audits.pods.base import Image
from audits.pods.local import LocalPods, _holder
folder, walls, daemon, honest = Path(sys.argv[1]), json.loads(sys.argv[2]), sys.argv[3], sys.argv[4]
provider = LocalPods(repos=folder / "repos", pods=folder / "pods", walls=walls)

def until(true):
    deadline = time.monotonic() + 60
    while not true() and time.monotonic() < deadline:
        time.sleep(0.02)

def family(pid):
    children = [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return children + [g for c in children for g in family(c)]

pod = provider.start(Image(repo="miner/honest", commit=honest), name="honest")
until(lambda: batch.poll(pod, replacements_remaining=0).state == "ready")
picture = folder / "apple.png"
picture.write_bytes(b"apple")
said = batch.submit(pod, image_urls=provider.offer(pod, pictures={"apple": picture}), seed=1).state
until(lambda: batch.poll(pod, replacements_remaining=0).state == "complete")
got = batch.collect(pod, into=folder / "results.zip").state
provider.stop(pod)
pod = provider.start(Image(repo="miner/daemon", commit=daemon), name="daemon")
until(lambda: len(family(pod.place["pid"])) >= 2)
inside = family(pod.place["pid"])
provider.stop(pod)
left = [pid for pid in inside if Path(f"/proc/{pid}").exists()]
provider.sweep(lambda: set())
print(json.dumps({"said": said, "got": got, "isolation": pod.isolation, "left": left}))
"""


def reachable() -> bool:
    """May an ordinary user run that Python on this project?"""
    if os.getuid():
        return True
    if not shutil.which("setpriv") or not Path(PYTHON).exists():
        return False
    probe = [*as_user(), PYTHON, "-c", "import sys, audits.pods.local; sys.exit(sys.version_info < (3, 11))"]
    return subprocess.run(probe, cwd=PROJECT, capture_output=True, env={}, timeout=120, check=False).returncode == 0


def as_user() -> list[str]:
    return [] if os.getuid() else ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups"]


@pytest.fixture
def folder(tmp_path_factory):
    """Reachable by the ordinary user: a test's own folder is not."""
    made = Path("/var/tmp") / f"gauntlet-test-{os.getpid()}"
    made.mkdir()
    yield made
    shutil.rmtree(made)


@pytest.mark.skipif(not reachable(), reason="no Python here that an ordinary user can run")
@pytest.mark.parametrize("walls", [None, False])
def test_an_ordinary_user_can_run_pods(folder, walls):
    commits = [repository(folder / "repos", name).commit for name in ("daemon", "honest")]
    if not os.getuid():
        for path in (folder, *folder.rglob("*")):
            os.chown(path, int(USER), int(USER))
    environment = {"PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"}
    played = subprocess.run(
        [*as_user(), PYTHON, "-c", PLAY, str(folder), json.dumps(walls), *commits],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert played.returncode == 0, played.stderr
    seen = json.loads(played.stdout)
    assert (seen["said"], seen["got"], seen["left"]) == ("accepted", "collected", [])
    if walls is False:
        assert "NOT isolated" in seen["isolation"][0]
    assert not any("own unprivileged user" in label for label in seen["isolation"])
