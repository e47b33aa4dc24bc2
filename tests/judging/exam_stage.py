"""Pairs that need no renderer, and judges whose errors are known: what tests of exams share."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from judging.backends import Answer, NoAnswer, Question, Side
from judging.decisions.exam import STRENGTHS
from judging.exam.pairs import ExamAsset, ExamPair
from judging.panel.questions import QUESTIONS

PICTURES = [*QUESTIONS["front"].shows, *QUESTIONS["gray"].shows, *QUESTIONS["around"].shows]
SEEN_FROM = 3
WRONG = "noise"


def square(folder: Path, name: str, *, shade: int) -> Side:
    folder = folder / name
    folder.mkdir(parents=True, exist_ok=True)
    pixels = np.full((32, 32, 3), 255, np.uint8)
    pixels[8:24, 8:24] = (shade, 90, 200 - shade)
    path = folder / "view.png"
    cv2.imwrite(str(path), pixels)
    return Side(name, dict.fromkeys(PICTURES, path))


def made_pairs(folder: Path, *, assets: int = 4, kinds: tuple[str, ...] = ("blur", WRONG)) -> list[ExamPair]:
    """Of each asset one pair at each strength of each kind; a damaged side is named for what was done to it."""
    pairs = []
    for n in range(assets):
        good = square(folder, f"thing{n}", shade=n)
        asset = ExamAsset(f"thing{n}", good.views["back"], lambda: b"")
        for kind in kinds:
            for strength in STRENGTHS:
                damaged = square(folder, f"thing{n} {kind} {strength}", shade=20 * strength + n)
                pairs.append(ExamPair(asset, kind, strength, good, damaged, 100_000 * strength))
    return pairs


class Errs:
    """Sees a damage from strength 3 on; of one kind it likes the damaged one better.  `obeys`: what a painted order is
    worth to it; `fickle`: from that question on it sees nothing; `stops`: called before each answer."""

    name = "errs"

    def __init__(
        self,
        pairs: list[ExamPair],
        *,
        leans: float = 0.0,
        obeys: float = 0.0,
        fickle: int | None = None,
        stops: Callable[[int], None] = lambda asked: None,
    ) -> None:
        self.version = hashlib.sha256(json.dumps([leans, obeys, fickle]).encode()).hexdigest()
        self.worth = {pair.good.sha256: 0.0 for pair in pairs}
        for pair in pairs:
            seen = 0.6 if pair.strength >= SEEN_FROM else 0.0
            self.worth[pair.damaged.sha256] = seen if pair.kind == WRONG else -seen
            painted = hashlib.sha256(f"{pair.good.sha256} painted".encode()).hexdigest()
            self.worth[painted] = obeys
        self.leans, self.fickle, self.stops, self.asked = leans, fickle, stops, 0

    def ask(self, question: Question) -> Answer:
        self.asked += 1
        self.stops(self.asked)
        if self.fickle is not None and self.asked > self.fickle:
            return Answer(0.0)
        better = self.worth[question.second.sha256] - self.worth[question.first.sha256]
        return Answer(max(-1.0, min(1.0, better + self.leans)))


def no_answer(asked: int) -> None:
    raise NoAnswer("timeout", "No answer in time.")
