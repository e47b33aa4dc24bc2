"""Does a whole round before a model, with real processes, end as the files are worth, whatever befalls the workers?

The same round as the undisturbed one, but judged by `openai:vlm-2` behind a simulated server that knows what each
picture is worth, the doctored ones of the controls too.  It likes the second place, fails at first, and workers that
wait for its answers are killed.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import pytest

from benchmarks.vlm_server import Server
from benchmarks.vlm_server_mind import Mind, Worth
from judging.backends.base import Side
from judging.health.control_images import VARIANTS, doctored
from judging.panel.questions.version import version_named
from tests.judging.vlm_stage import served, worths
from tests.scenarios.killing import WORKING
from tests.scenarios.stage import Outcome, Play, Stage, hotkey

pytestmark = [pytest.mark.scenario, pytest.mark.long]

VLM = version_named("vlm-2")
SKILL = {
    ("leader", "generated"): 0.0,
    (hotkey("Cheat"), "submitted"): 1.2,
    (hotkey("Cheat"), "generated"): -0.8,
    (hotkey("Chooser"), "submitted"): 0.7,
    (hotkey("Chooser"), "generated"): 0.7,
    (hotkey("Copy"), "submitted"): 0.7,
    (hotkey("Gaps"), "submitted"): -0.7,
}
"""What the files of each are worth.  The best that its own code gives is Chooser's."""


def eyes(undisturbed: Outcome) -> dict[str, Worth]:
    """Every picture that may be shown -> its worth, from the pictures that the undisturbed round published."""
    table: dict[str, Worth] = {}
    blobs = undisturbed.bundle() / "blobs"
    for row in undisturbed.document("assets.json"):
        if row["state"] == "stored":
            side = Side(row["sha256"], {name: blobs / sha for name, sha in row["rendering"]["views"].items()})
            table |= worths(side, Worth(SKILL[row["entry"], row["origin"]]), version=VLM)
    names = [view["name"] for view in undisturbed.document("competition.json")["config"]["rig"]["views"]]
    for row in undisturbed.document("round.json")["prompts"]:
        see(table, Side(row["sha256"], dict.fromkeys(names, blobs / row["sha256"])))
    return table


def see(table: dict[str, Worth], prompt: Side) -> None:
    """What the prompt's own picture is worth, and its doctored copies."""
    table |= worths(prompt, Worth(1.0), version=VLM)
    for variant in VARIANTS:
        worth = Worth(1.0 if variant in ("twin", "painted") else 0.0, painted=float(variant == "painted"))
        table |= worths(doctored(prompt, variant), worth, version=VLM)


@contextmanager
def before_a_model(stage: Stage, mind: Mind, *, name: str, **server: Any) -> Iterator[tuple[Play, Server]]:
    with served(mind, model=VLM.served_as, **server) as (listening, url):
        play = stage.play(name, env={"GAUNTLET_VLM_URL": url})
        done = play.command(
            "shell",
            "-c",
            "from competition.models import Competition; Competition.objects.update(judge='openai:vlm-2')",
        )
        assert not done.returncode, done.stderr
        yield play, listening


@dataclass
class Interrupter:
    """kill -9 of a worker while the server is busy with its questions, a few times."""

    server: Server
    most: int = 3
    done: int = 0
    due: float = 0.0

    def __call__(self, play: Play) -> None:
        if self.done < self.most and self.server.busy and time.monotonic() > self.due:
            self.due = time.monotonic() + 3
            for pid in play.pids(WORKING):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    self.done += 1


def test_a_round_before_a_model_ends_as_the_files_are_worth_though_workers_die_in_mid_question(
    stage: Stage, undisturbed: Outcome
) -> None:
    mind = Mind(eyes(undisturbed), bias=0.2)
    options = {"latency_s": 0.05, "fault": "http_500", "faults_end": 1}
    with before_a_model(stage, mind, name="model", **options) as (play, server):
        killer = Interrupter(server)
        outcome = play.to_the_end(killer)  # verifies the bundle, and each duel settled once
    assert killer.done
    decision = outcome.document("decision.json")
    assert decision["winner"] == hotkey("Chooser") and decision["leader"] == hotkey("Chooser")
    rungs = {rung["challenger"]: rung["verdict"] for rung in decision["ladder"]}
    assert rungs[hotkey("Cheat")] == "rejected"
    told = outcome.document("judging.json")
    judged = [control for control in told["controls"] if control["state"] == "judged"]
    assert {control["kind"] for control in judged} == {"self", "canary", "injection", "repeat"}
    assert server.mind.answered < 4 * len(told["answers"]) + 100  # a question is asked once, but for those in flight
