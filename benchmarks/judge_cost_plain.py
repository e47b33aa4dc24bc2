"""How does a judge ask that asks everything?  The plain call pattern, question by question, on the same server.

Eight calls for the front (four views, both orders).  Where their mean is clear: one about the sides, nine in all.  Else
the specialists: best view, detail, artifacts, checklist, then gray, and the sides of whoever wins: 24 to 26.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.judge_cost_world import World
from benchmarks.vlm_server import Server
from competition.rulesets.tally import DuelResult
from judging.backends.base import Side
from judging.panel.questions import pictures
from judging.panel.questions.calls import MODELS, REFERENCE
from judging.panel.questions.version import JudgeVersion

JSON_TOKENS = 30  # measured on the existing judge
CLEAR, VOTE, SPOILED = 0.5, 0.35, 0.4


@dataclass
class Plain:
    version: JudgeVersion
    server: Server
    calls: int = 0

    def judged(self, world: World, prompt: int, defender: int, challenger: int) -> DuelResult:
        self.reference = world.reference(prompt)
        left, right = world.sides[defender, prompt], world.sides[challenger, prompt]
        fronts = self.version.templates["likeness"].shows
        front = sum(self._both("likeness", left, right, view) for view in fronts) / len(fronts)
        score = front if abs(front) >= CLEAR else self._specialists(left, right, fronts)
        if score and self._single("sides", right if score > 0 else left, "right") >= SPOILED:
            score = 0.0
        return DuelResult.WON if score > 0 else DuelResult.LOST if score < 0 else DuelResult.DRAWN

    def _specialists(self, left: Side, right: Side, fronts: tuple[str, ...]) -> float:
        """2 best view, 2 detail, 4 artifacts, 3 checklist, 4 or 6 gray: fifteen to seventeen more."""
        for side in (left, right):
            self._single("best_view", side, fronts[0])
        detail = self._both("detail", left, right, fronts[0])
        artifacts = sum(self._both("artifacts", left, right, view) for view in fronts[:2]) / 2
        self._ask("parts", [])
        marks = [self._single("checklist", side, fronts[0]) for side in (left, right)]
        votes = [0 if abs(v) < VOTE else 1 if v > 0 else -1 for v in (detail, artifacts, 2 * (marks[1] - marks[0]))]
        grays = [self._both("gray", left, right, f"gray_{view}") for view in fronts[: 2 if any(votes) else 3]]
        if abs(sum(votes)) >= 2:
            return float(sum(votes))
        gray = sum(grays) / len(grays)
        return gray if abs(gray) >= CLEAR else 0.0

    def _both(self, kind: str, left: Side, right: Side, view: str) -> float:
        ab, ba = (self._pair(kind, [one, other], view) for one, other in ((left, right), (right, left)))
        return (ab - ba) / 2

    def _pair(self, kind: str, sides: list[Side], view: str) -> float:
        shares = self._ask(kind, [side.views[view] for side in sides])
        return float(shares["2"] - shares["1"])

    def _single(self, kind: str, side: Side, view: str) -> float:
        shares = self._ask(kind, [side.views[view]])
        return sum(int(label) * p for label, p in shares.items()) / (len(shares) - 1)

    def _ask(self, kind: str, shown: list[Path]) -> dict[str, float]:
        """The probabilities behind the answer: the plain judge is spared the noise of picking one."""
        self.calls += 1
        template = self.version.templates[kind]
        content: list[dict[str, Any]] = []
        for caption, path in zip((REFERENCE, *MODELS), [self.reference, *shown], strict=False):
            picture = pictures.Picture((path,), self.version.pixels)
            content += [
                {"type": "text", "text": caption},
                {"type": "image_url", "image_url": {"url": f"sim/{picture.digest}"}},
            ]
        messages = [
            {"role": "system", "content": self.version.system},
            {"role": "user", "content": [*content, {"type": "text", "text": template.asks}]},
        ]
        asked = {"answer": {"enum": list(template.labels)}} if template.labels else {"parts": {}}
        body: dict[str, Any] = {
            "messages": messages,
            "response_format": {"json_schema": {"schema": {"properties": asked}}},
        }
        _, top = self.server.mind.answer(body)
        self.server.card.take(body, completion_tokens=JSON_TOKENS)
        return {label: 2.718281828**logprob for label, logprob in top}
