"""What if the leader's own code is hostile?  FAULT_LEADER names the way: the leader's pods run its commit, with the
lines of that way at the end of its generator.

`dies`: its first pods kill themselves or leave, each in another way; the last fails by what it gives for half of the
prompts.  `hangs`: its first file never comes, and its time is short.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from audits.decisions.lifecycle import BatchLimits
from audits.models import PodRun
from audits.pods import local, runs
from audits.pods.base import Image
from examples import cast
from tests.scenarios.faults.apps import happened

SHORT_S = 20
DIES = """
_generate, _answer, _last = generate, __import__("__main__").Handler.do_GET, []


def _noted(handler):
    _last[:] = [handler.path.rpartition("=")[2]] if "replacements_remaining=" in handler.path else _last
    _answer(handler)


def generate(picture, *, seed):
    import hashlib, os, signal

    left = _last[0] if _last else "0"
    if left == "3":
        os.kill(os.getpid(), signal.SIGKILL)
    if left in ("1", "2"):
        os._exit(137 if left == "1" else 0)
    chance = hashlib.sha256(picture).digest()[1]
    if chance % 2:
        return _generate(picture, seed=seed)
    if chance % 3 == 0:
        raise RuntimeError("no silhouette was found")
    return b"" if chance % 3 == 1 else b"glTF" + bytes(40)


__import__("__main__").Handler.do_GET = _noted
"""
HANGS = """

def generate(picture, *, seed):
    import time

    while True:
        time.sleep(60)
"""
WAYS = {"dies": DIES, "hangs": HANGS}


def install(way: str) -> None:
    checked_out, limits_of = local.checkout, runs.limits_of

    def checkout(image: Image, *, into: Path, **how: Any) -> Path:
        folder = checked_out(image, into=into, **how)
        if image.repo == cast.LEADER.repo:
            happened("hostile_leader")
            with (folder / "generator.py").open("a") as file:
                file.write(WAYS[way])
        return folder

    def short(run: PodRun) -> BatchLimits:
        limits: BatchLimits = limits_of(run)
        hangs = way == "hangs" and run.submission.repo == cast.LEADER.repo
        return replace(limits, generation_s=SHORT_S) if hangs else limits

    local.checkout, runs.limits_of = checkout, short
