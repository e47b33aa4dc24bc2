"""A round of `played_round` whose judge is a model behind a simulated server, with real pictures and real controls.

What a file is worth is its commit's skill: a step of 0.4 for each, from the commit's hash.  The simulated model is told
so by the hash of every picture it may be shown, the prompts' own too; their doctored copies are worth less, all but the
twin and the painted one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from benchmarks.vlm_server_mind import Mind, Worth
from competition.models import Prompt
from core.sandbox.outcomes import Refused
from judging import sides
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
BLANK = b" blank"
SKILLS = tuple(0.4 * step for step in range(6))
KEPT_SKILL = ("twin", "painted")
Silences = Callable[[bytes], bool]  # does the model say nothing about pictures of this file?


def nobody(content: bytes) -> bool:
    return False


def skill(content: bytes) -> float:
    """Of the commit that is named in a stand-in's file; a blank one is like nothing."""
    if BLANK in content:
        return -1.0
    commit = content.split()[1]
    return SKILLS[int(hashlib.sha256(commit).hexdigest()[:4], 16) % len(SKILLS)] if commit != LEADER else SKILLS[1]


def prompt(number: int) -> bytes:
    """A square in a colour of its own."""
    pixels = np.full((32, 32, 3), 255, np.uint8)
    pixels[6:26, 4:28] = (40 + number, 90, 160 - number)
    return bytes(cv2.imencode(".png", pixels)[1])


class Artist:
    """Draws a square in colours of the file's own, another in each view, and tells the model what it is worth."""

    name, version = "nobody", "drawn-by-nobody-2"

    def __init__(self, table: dict[str, Worth], silences: Silences) -> None:
        self.table, self.silences = table, silences

    def render(self, data: Path, *, file_format: str, rig: Rig, out: Path) -> Rendered:
        content = data.read_bytes()
        if b"unreadable" in content:
            raise Refused("bad_header", "It is no GLB.")
        views = {}
        for place, name in enumerate(rig.pictures()):
            pixels = np.full((32, 32, 3), 128 if name.startswith("gray_") else 255, np.uint8)
            own = hashlib.sha256(content + bytes([place])).digest()
            if BLANK not in content:
                pixels[6:26, 4:28] = [40 + byte % 140 for byte in own[:3]]
                pixels[10:14, 8:20] = [byte % 200 for byte in own[3:6]]
            views[name] = out / f"{name}.png"
            cv2.imwrite(str(views[name]), pixels)
        self.tell(Side(hashlib.sha256(content).hexdigest(), views), content)
        return Rendered(views, triangles=1, bytes=1, bounds=((0, 0, 0), (1, 1, 1)))

    def tell(self, side: Side, content: bytes) -> None:
        self.table |= worths(side, Worth(skill(content), silences=self.silences(content)))


def see(table: dict[str, Worth], prompt: Side) -> None:
    """What the prompt's own picture is worth, and its doctored copies."""
    table |= worths(prompt, Worth(1.0))
    for variant in VARIANTS:
        worth = Worth(1.0 if variant in KEPT_SKILL else 0.0, painted=float(variant == "painted"))
        table |= worths(doctored(prompt, variant), worth)


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
    played: played_round.Stage,
    *,
    patch: pytest.MonkeyPatch,
    url: str,
    table: dict[str, Worth],
    silences: Silences = nobody,
) -> played_round.Stage:
    """Before the model behind `url`, which has `table` for its eyes."""
    judge = vlm_stage.judge(url)
    patch.setattr("judging.health.controls.judge_named", lambda name: judge)
    return _judged(played, patch=patch, judge=judge, name="openai:vlm-2", table=table, silences=silences)


def _judged(
    played: played_round.Stage,
    *,
    patch: pytest.MonkeyPatch,
    judge: Any,
    name: str,
    table: dict[str, Worth],
    silences: Silences = nobody,
) -> played_round.Stage:
    competition = played.competition
    competition.judge, competition.config = name, {**competition.config, "rig": RIG}
    competition.save()
    artist = Artist(table, silences)
    for each in Prompt.objects.filter(competition=competition):
        see(table, sides.of_prompt(competition, each))
    patch.setattr("judging.steps.judge_named", lambda name: judge)
    for place in ("judging.steps", "judging.sides"):
        patch.setattr(f"{place}.renderer_named", lambda name: artist)
    return played


__all__ = ["Mind", "modelled", "served", "skill", "truly"]
