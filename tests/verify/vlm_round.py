"""A round of `played_round` whose judge is a model behind a simulated server, with real pictures and real controls.

What a file is worth is its commit's skill: a step of 0.4 for each, from the commit's hash.  The simulated model is told
so by the hash of every picture it may be shown; the doctored copies of the leader's are worth less, all but the twin
and the painted one.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from benchmarks.vlm_server_mind import Mind, Worth
from core.sandbox.outcomes import Refused
from judging.backends.base import Answer, Question, Side
from judging.health.control_images import VARIANTS, doctored
from judging.renderers.base import Rendered
from judging.renderers.rig import Rig
from tests.judging import vlm_stage
from tests.judging.vlm_stage import FRONT, SIDES, served, worths
from tests.verify import played_round

LEADER = b"0" * 40
RIG = {
    "views": [{"name": name, "theta": place * 30, "phi": 0} for place, name in enumerate((*FRONT, *SIDES))],
    "gray": list(FRONT),
    "pixels": 64,
    "grid_pixels": 64,
}
KEPT_SKILL = ("twin", "painted")


def skill(content: bytes) -> float:
    """Of the commit that is named in a stand-in's file."""
    commit = content.split()[1]
    return 0.4 * (int(hashlib.sha256(commit).hexdigest()[:4], 16) % 6) if commit != LEADER else 0.4


def prompt(number: int) -> bytes:
    """A picture that says nothing."""
    return bytes(cv2.imencode(".png", np.full((32, 32, 3), 40 + number, np.uint8))[1])


class Artist:
    """Draws a square in colours of the file's own, another in each view, and tells the model what it is worth."""

    name, version = "nobody", "drawn-by-nobody-2"

    def __init__(self, table: dict[str, Worth]) -> None:
        self.table = table

    def render(self, data: Path, *, file_format: str, rig: Rig, out: Path) -> Rendered:
        content = data.read_bytes()
        if b"unreadable" in content:
            raise Refused("bad_header", "It is no GLB.")
        views = {}
        for place, name in enumerate(rig.pictures()):
            pixels = np.full((32, 32, 3), 128 if name.startswith("gray_") else 255, np.uint8)
            own = hashlib.sha256(content + bytes([place])).digest()
            pixels[6:26, 4:28] = [40 + byte % 140 for byte in own[:3]]
            pixels[10:14, 8:20] = [byte % 200 for byte in own[3:6]]
            views[name] = out / f"{name}.png"
            cv2.imwrite(str(views[name]), pixels)
        self.tell(Side(hashlib.sha256(content).hexdigest(), views), content)
        return Rendered(views, triangles=1, bytes=1, bounds=((0, 0, 0), (1, 1, 1)))

    def tell(self, side: Side, content: bytes) -> None:
        quality = skill(content)
        self.table |= worths(side, Worth(quality))
        for variant in VARIANTS if LEADER in content else ():
            worth = Worth(quality, painted=float(variant == "painted"))
            worse = worth if variant in KEPT_SKILL else Worth(quality - 1)
            self.table |= worths(doctored(side, variant), worse)


class Truth:
    """A judge that knows every file's worth: what the model should come to."""

    name, version = "truth", "d0" * 32

    def __init__(self, folder: Any) -> None:
        self.folder = folder

    def ask(self, question: Question) -> Answer:
        from core import store

        first, second = (skill(store.default().path(s.sha256).read_bytes()) for s in (question.first, question.second))
        return Answer(float((second > first) - (second < first)))


def truly(played: played_round.Stage, *, patch: pytest.MonkeyPatch) -> played_round.Stage:
    """The same round before the judge that knows."""
    return _judged(played, patch=patch, judge=Truth(None), name="perceptual-v1", table={})


def modelled(
    played: played_round.Stage, *, patch: pytest.MonkeyPatch, url: str, table: dict[str, Worth]
) -> played_round.Stage:
    """Before the model behind `url`, which has `table` for its eyes."""
    judge = vlm_stage.judge(url)
    patch.setattr("judging.health.controls.judge_named", lambda name: judge)
    return _judged(played, patch=patch, judge=judge, name="openai:vlm-2", table=table)


def _judged(
    played: played_round.Stage, *, patch: pytest.MonkeyPatch, judge: Any, name: str, table: dict[str, Worth]
) -> played_round.Stage:
    competition = played.competition
    competition.judge, competition.config = name, {**competition.config, "rig": RIG}
    competition.save()
    artist = Artist(table)
    patch.setattr("judging.steps.judge_named", lambda name: judge)
    for place in ("judging.steps", "judging.sides"):
        patch.setattr(f"{place}.renderer_named", lambda name: artist)
    return played


__all__ = ["Mind", "modelled", "served", "skill", "truly"]
