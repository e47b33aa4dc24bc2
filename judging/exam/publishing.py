"""How does an exam come to be shown?  Its report is stored, and of each damage a strip of pictures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from core import store
from judging.decisions.exam import STRENGTHS
from judging.exam.models import JudgeExam
from judging.exam.pairs import ExamPair
from judging.perceptual import silhouettes

EDGE = 192  # pixels, of each picture of a strip
FROM_BEHIND = {"hollow_back": "back"}  # what the front does not show
FRONT = "front_left"


def publish(document: Mapping[str, Any], pairs: Sequence[ExamPair], *, now: datetime) -> JudgeExam:
    """Raises ValueError for an exam that is not complete: what is shown must not change by itself."""
    if document["missing"] or document["void"]:
        raise ValueError(f"only a complete exam is shown: {document['missing']} pairs are missing, {document['void']}")
    pictures = [
        {"kind": kind, "asset": shown[0].asset.name, "sha256": store.default().put(strip(shown))}
        for kind, shown in examples(pairs)
    ]
    values = {"judge_name": document["judge"], "report": dict(document), "pictures": pictures, "made_at": now}
    row, _ = JudgeExam.objects.update_or_create(version=document["version"], defaults=values)
    return row


def examples(pairs: Iterable[ExamPair]) -> list[tuple[str, list[ExamPair]]]:
    """Of each kind the first asset that stands at all strengths, by strength; none where no asset does."""
    by_asset: dict[str, dict[str, list[ExamPair]]] = {}
    for pair in pairs:
        by_asset.setdefault(pair.kind, {}).setdefault(pair.asset.name, []).append(pair)
    chosen = []
    for kind, assets in by_asset.items():
        whole = [each for each in assets.values() if len(each) == len(STRENGTHS)]
        if whole:
            chosen.append((kind, sorted(whole[0], key=lambda pair: pair.strength)))
    return chosen


def strip(shown: Sequence[ExamPair]) -> bytes:
    """One picture, from the good asset to the strongest damage."""
    view = FROM_BEHIND.get(shown[0].kind, FRONT)
    paths: list[Path] = [shown[0].good.views[view], *(pair.damaged.views[view] for pair in shown)]
    row = [cv2.resize(silhouettes.read(path), (EDGE, EDGE), interpolation=cv2.INTER_AREA) for path in paths]
    _, data = cv2.imencode(".png", np.hstack(row))
    return bytes(data)
