"""A round on paper: a leader, challengers many of them copies, prompts, and what each of their pictures is worth."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.vlm_server_mind import Worth
from judging.backends.base import Side
from judging.panel.questions.pictures import Picture, sheet
from judging.panel.questions.version import JudgeVersion


@dataclass(frozen=True)
class Shape:
    """`spread`: of quality from asset to asset; the larger, the fewer draws.  `spoiled`: share of hollow assets.
    `pale`: share of prompts whose object is hard to see on white."""

    challengers: int = 23
    copies: int = 9
    prompts: int = 128
    spread: float = 0.2
    skill: float = 0.05
    spoiled: float = 0.06
    pale: float = 0.15
    seed: int = 17


def name(*parts: object) -> str:
    return hashlib.sha256("/".join(map(str, parts)).encode()).hexdigest()


@dataclass
class World:
    """`commits[i]`: whose work challenger i hands in; a copy hands in the same files, byte for byte."""

    version: JudgeVersion
    shape: Shape
    commits: list[int] = field(default_factory=list)
    table: dict[str, Worth] = field(default_factory=dict)
    sides: dict[tuple[int, int], Side] = field(default_factory=dict)
    pale: list[bool] = field(default_factory=list)

    def __post_init__(self) -> None:
        luck, own = random.Random(self.shape.seed), self.shape.challengers - self.shape.copies
        self.commits = [*range(1, own + 1), *(luck.randint(1, own) for _ in range(self.shape.copies))]
        luck.shuffle(self.commits)
        self.pale = [luck.random() < self.shape.pale for _ in range(self.shape.prompts)]
        for commit in range(own + 1):  # 0 is the leader, and one of the others is clearly better
            skill = 0.0 if not commit else self.shape.skill * (4 if commit == own // 2 else luck.gauss(-1, 1))
            for prompt in range(self.shape.prompts):
                self._asset(commit, prompt, skill=skill, luck=luck)

    def reference(self, prompt: int) -> Path:
        return Path("/pictures") / name("prompt", prompt)

    def _asset(self, commit: int, prompt: int, *, skill: float, luck: random.Random) -> None:
        fronts, sides = self.version.templates["likeness"].shows, self.version.templates["sides"].shows
        views = {
            view: Path("/pictures") / name(commit, prompt, view)
            for view in (*fronts, *sides, *(f"gray_{v}" for v in fronts))
        }
        side = Side(name("asset", commit, prompt), views)
        worth = Worth(skill + luck.gauss(0, self.shape.spread), 0.8 if luck.random() < self.shape.spoiled else 0.03)
        for picture in self._pictures(side):
            self.table[picture.digest] = worth
        self.sides[commit, prompt] = side

    def _pictures(self, side: Side) -> list[Picture]:
        """All that either way of asking may show of it."""
        rows = {template.shows for template in self.version.templates.values() if template.shows[:1] != ("best_view",)}
        singles = {(view,) for view in side.views}
        return [sheet(side, shows, pixels=self.version.pixels) for shows in sorted((rows - {()}) | singles)]
