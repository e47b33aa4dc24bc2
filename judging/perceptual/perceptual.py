"""Which asset is the better likeness, as far as plain image metrics can tell?  The judge that needs no graphics card.

Each asset is measured once against the reference picture: its quality from the front (shape, colour, edges, detail) and
its soundness around (is there a back, does left fit right, has it depth, does the paint go on).  A pair's score is the
difference of two such numbers, saturated: the same asset scores 0 and swapped sides score the opposite, exactly.
What it cannot do: know what a thing is.  It compares pictures, and is named for it wherever it judged.
"""

import hashlib
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np
import rfc8785

from judging.backends.base import Answer, NoAnswer, Question, Side
from judging.decisions import ballots
from judging.decisions.ballots import MICRO, STANDARD, toward_zero
from judging.panel import questions
from judging.panel.questions import QUESTIONS
from judging.perceptual import image_similarity, silhouettes
from judging.perceptual.image_similarity import Look

NAME = "perceptual-v1"
WORKING = 256  # pixels: what is larger is shrunk first
FRONT = QUESTIONS["front"].shows
SIDES = ("right", "back", "left", "top_down")

# In thousandths; each set adds up to 1000.
FRONT_WEIGHTS = {"shape": 340, "paint": 160, "palette": 170, "structure": 150, "sharpness": 180}
ANGLE_WEIGHTS = (400, 300, 200, 100)  # best angle first, for the reference's camera is not known; none decides alone
AROUND_WEIGHTS = {"back": 450, "sides": 150, "familiar": 400}
ENOUGH = {"back": 0.8, "sides": 0.75, "familiar": 0.75}  # from here on 1: around it shows faults, not merits
FLAT_WORTH = 0.1  # what is left of the soundness of a thing without any depth
PLAUSIBLE_DEPTH = 0.2  # of the front's shorter side: what is thinner is a card
HALF_FRONT = 100_000  # a quality difference, in millionths, that scores one half
HALF_AROUND = 100_000  # with both at 0.1 the draw band of 0.08 is a difference of 0.0087
CACHED_MEASURES = 4096  # measures in memory: a few hundred bytes each


@dataclass(frozen=True)
class Measure:
    """What was measured about one asset against one reference, in millionths."""

    front: int
    around: int
    parts: Mapping[str, int]
    angles: Mapping[str, int]


class Perceptual:
    name = NAME

    def __init__(self) -> None:
        self.version = hashlib.sha256(rfc8785.dumps(described())).hexdigest()
        self._measures: dict[tuple[str, str, str], Measure] = {}

    def ask(self, question: Question) -> Answer:
        if question.kind not in QUESTIONS:
            raise NoAnswer("unknown_question", f"This judge has no answer to questions of kind {question.kind!r}.")
        first, second = (self.measure(side, question=question) for side in (question.first, question.second))
        score = between(first, second, kind=question.kind)
        return Answer(score / MICRO, raw={"first": asdict(first), "second": asdict(second)})

    def measure(self, side: Side, *, question: Question) -> Measure:
        """Once per asset and reference.  The place of a view is part of the key: another rig is another rendering."""
        key = (side.sha256, question.reference_sha256, str(side.views.get(FRONT[0])))
        if key not in self._measures:
            reference = reference_look(question.reference, question.reference_sha256)
            if len(self._measures) >= CACHED_MEASURES:
                del self._measures[next(iter(self._measures))]
            self._measures[key] = measured(side.views, reference=reference)
        return self._measures[key]


def made(argument: str) -> Perceptual:
    if argument:
        raise ValueError(f"{NAME} takes no argument")
    return Perceptual()


def described() -> dict[str, Any]:
    """All that can change an answer of this judge or what is made of it: its code, what the code stands on, its
    questions and thresholds.  JSON without floats."""
    return {
        "judge": NAME,
        "code": {
            module.__name__: _digest(module)
            for module in (sys.modules[__name__], image_similarity, silhouettes, ballots)
        },
        "libraries": {"numpy": np.__version__, "opencv": cv2.__version__},
        "questions": questions.described(),
        "thresholds": asdict(STANDARD),
    }


def _digest(module: ModuleType) -> str:
    return hashlib.sha256(Path(str(module.__file__)).read_bytes()).hexdigest()


def between(first: Measure, second: Measure, *, kind: str) -> int:
    """Score in millionths, positive when the second is better.  Both backgrounds are measured at once, so the question
    on gray has the answer of the question on white."""
    if kind == "around":
        return saturated(second.around - first.around, half=HALF_AROUND)
    return saturated(second.front - first.front, half=HALF_FRONT)


def saturated(difference: int, *, half: int) -> int:
    return toward_zero(difference * MICRO, abs(difference) + half)


@lru_cache(maxsize=512)
def reference_look(reference: Path, sha256: str) -> Look:
    pixels = silhouettes.shrunk(silhouettes.read(reference), side=WORKING)
    look = Look.of(pixels, silhouettes.of_reference(pixels))
    if look is None:
        raise NoAnswer("no_object", "No object was found in the prompt's picture.")
    return look


def measured(views: Mapping[str, Path], *, reference: Look) -> Measure:
    looks = {name: seen(views, name) for name in (*FRONT, *SIDES)}
    front = {
        name: {} if look is None else front_parts(look, reference) for name, look in looks.items() if name in FRONT
    }
    angles = {name: weighed(parts, FRONT_WEIGHTS) for name, parts in front.items()}
    best = max(FRONT, key=lambda name: angles[name])
    around = around_parts(looks, reference) if looks["back"] or looks["right"] else {}
    parts = {f"front_{key}": micro(value) for key, value in front[best].items()}
    parts |= {f"around_{key}": micro(value) for key, value in around.items()}
    ranked = sorted(angles.values(), reverse=True)
    total = sum(value * weight for value, weight in zip(ranked, ANGLE_WEIGHTS, strict=True)) // 1000
    return Measure(total, weighed(around, AROUND_WEIGHTS), parts, angles)


def weighed(parts: Mapping[str, float], weights: Mapping[str, int]) -> int:
    """In millionths; nothing measured is nothing worth."""
    return sum(micro(value) * weights.get(key, 0) for key, value in parts.items()) // 1000


def micro(value: float) -> int:
    return round(value * MICRO)


def seen(views: Mapping[str, Path], name: str) -> Look | None:
    """None if the view shows nothing.  Raises NoAnswer if there is no such view."""
    if name not in views:
        raise NoAnswer("missing_view", f"The view {name} of an asset is missing.")
    white = silhouettes.shrunk(silhouettes.read(views[name])[..., :3], side=WORKING)
    on_gray = views.get(f"gray_{name}")
    gray = None if on_gray is None else silhouettes.shrunk(silhouettes.read(on_gray)[..., :3], side=WORKING)
    return Look.of(white, silhouettes.of_view(white, gray), background=white[0, 0].astype(np.float32))


def front_parts(look: Look, reference: Look) -> dict[str, float]:
    return {
        "shape": image_similarity.overlap(look.mask, reference.mask),
        "paint": image_similarity.paint(look, reference),
        "palette": image_similarity.palette(look, reference),
        "structure": image_similarity.structure(look, reference),
        "sharpness": image_similarity.sharpness(look, reference),
    }


def around_parts(looks: Mapping[str, Look | None], reference: Look) -> dict[str, float]:
    """What can be said about the sides that the reference does not show."""
    front = [look for look in (looks[name] for name in FRONT) if look is not None]
    around = [looks[name] for name in SIDES]
    solid = FLAT_WORTH + (1 - FLAT_WORTH) * depth_of(looks, front)
    parts = {
        "back": back_of(looks["back"], front),
        "sides": sides_of(looks["left"], looks["right"]),
        "familiar": sum(0.0 if look is None else image_similarity.familiar(look, reference) for look in around)
        / len(around),
    }
    return {key: min(1.0, value / ENOUGH[key]) * solid for key, value in parts.items()} | {"solid": solid}


def back_of(back: Look | None, front: list[Look]) -> float:
    """From behind, a whole thing has the outline of its front, mirrored; a hollow one has holes, or nothing."""
    if back is None or not front:
        return 0.0
    size = min(1.0, back.area / float(np.median([look.area for look in front])))
    return size * max(image_similarity.about(back.mirrored(), look.mask) for look in front)


def sides_of(left: Look | None, right: Look | None) -> float:
    """The outline from the left is the outline from the right, mirrored."""
    if left is None or right is None:
        return 0.0
    small, large = sorted((left.area, right.area))
    return image_similarity.about(left.mirrored(), right.mask) * small / large


def depth_of(looks: Mapping[str, Look | None], front: list[Look]) -> float:
    """1 from PLAUSIBLE_DEPTH on; what is flatter is a card, however good its print."""
    shorter = float(np.median([min(look.width, look.height) for look in front])) if front else 1.0
    depths = [look.width if look else 0.0 for look in (looks["left"], looks["right"])]
    depths.append(looks["top_down"].height if looks["top_down"] else 0.0)
    return min(1.0, float(np.median(depths)) / shorter / PLAUSIBLE_DEPTH)
