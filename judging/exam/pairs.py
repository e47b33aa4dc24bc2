"""Which pairs does an exam show, and where are their pictures?  Drawn once by the project's own renderer, and kept.

The same assets stand at all strengths of a damage, and a smaller exam is the beginning of a larger one.  A damage that
changes nothing on an asset (a blurred texture where there is none) makes no pair with it.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice, product
from pathlib import Path
from typing import Any

import cv2
import trimesh

from judging.backends.base import Side
from judging.decisions.ballots import MICRO
from judging.decisions.exam import STRENGTHS
from judging.exam import damages
from judging.health import degraded_meshes
from judging.health.checking import changed_share
from judging.renderers import raycast
from judging.renderers.rig import EMBEDDED, GRID, Rig

LEAST_CHANGED = 2_000  # millionths of the object's pixels, over all views: less cannot be seen by anybody
FACTS = "side.json"
ALL_PAIRS = 1200


@dataclass(frozen=True)
class ExamAsset:
    """A good asset.  `make` gives its glb."""

    name: str
    reference: Path
    make: Callable[[], bytes]

    @cached_property
    def data(self) -> bytes:
        return self.make()

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    @cached_property
    def scene(self) -> trimesh.Scene:
        return degraded_meshes.loaded(self.data)

    @cached_property
    def reference_sha256(self) -> str:
        return hashlib.sha256(self.reference.read_bytes()).hexdigest()


@dataclass(frozen=True)
class ExamPair:
    asset: ExamAsset
    kind: str
    strength: int
    good: Side
    damaged: Side
    visible_micro: int

    @property
    def key(self) -> str:
        return f"{self.kind} {self.strength} {self.asset.name}"


@dataclass(frozen=True)
class DrawnSide:
    """`visible_micro`: by how much it differs from the good asset, over all views."""

    side: Side
    visible_micro: int


@dataclass(frozen=True)
class ExamPictures:
    """The pictures of one seed and rig, below `folder`; whatever else changes them is in their name, too."""

    folder: Path
    seed: int
    rig: Rig = EMBEDDED

    @cached_property
    def key(self) -> str:
        drawn_by = f"{self.seed} {damages.VERSION} {self.rig.digest()} {raycast.Raycast.version}"
        return hashlib.sha256(drawn_by.encode()).hexdigest()[:16]

    def good(self, asset: ExamAsset) -> Side:
        return self._side(asset, "good", lambda: asset.data, beside=None).side

    def damaged(self, asset: ExamAsset, kind: str, strength: int) -> DrawnSide:
        def make() -> bytes:
            copy = damages.damaged(asset.scene, kind=kind, strength=strength, asset=asset.name, seed=self.seed)
            return degraded_meshes.glb_of(copy)

        return self._side(asset, f"{kind}-{strength}", make, beside=self.good(asset))

    def _side(self, asset: ExamAsset, name: str, make: Callable[[], bytes], *, beside: Side | None) -> DrawnSide:
        folder = self.folder / "pictures" / self.key / f"{asset.name}-{asset.sha256[:16]}" / name
        if not (folder / FACTS).is_file():
            self._draw(make(), into=folder, beside=beside)
        facts = json.loads((folder / FACTS).read_text())
        return DrawnSide(Side(facts["sha256"], self._views(folder)), facts["visible_micro"])

    def _views(self, folder: Path) -> dict[str, Path]:
        return {name: folder / f"{name}.png" for name in self.rig.pictures() if name != GRID}

    def _draw(self, data: bytes, *, into: Path, beside: Side | None) -> None:
        """The folder appears whole or not at all, so that whoever is stopped draws no more than this one twice."""
        into.parent.mkdir(parents=True, exist_ok=True)
        waiting = Path(tempfile.mkdtemp(prefix=".drawing-", dir=into.parent))
        try:
            views = self._views(waiting)
            for name, picture in raycast.draw(data, rig=self.rig, views=list(views)).items():
                if not cv2.imwrite(str(views[name]), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)):
                    raise OSError(f"the picture {views[name]} cannot be written: is the disk full?")
            visible = 0 if beside is None else visible_micro(beside.views, views)
            facts = {"sha256": hashlib.sha256(data).hexdigest(), "visible_micro": visible}
            (waiting / FACTS).write_text(json.dumps(facts))
            shutil.rmtree(into, ignore_errors=True)  # of one that was not finished
            os.rename(waiting, into)
        finally:
            shutil.rmtree(waiting, ignore_errors=True)


def visible_micro(good: Mapping[str, Path], damaged: Mapping[str, Path]) -> int:
    """The mean share of the object's pixels that visibly changed, over the views on the plain ground."""
    names = [name for name in good if not name.startswith("gray_")]
    return round(MICRO * sum(changed_share(good[name], damaged[name]) for name in names) / len(names))


def exam_pairs(
    assets: Sequence[ExamAsset],
    pictures: ExamPictures,
    *,
    kinds: Sequence[str],
    pairs: int = ALL_PAIRS,
    progress: Callable[[str], None] = lambda line: None,
) -> Iterator[ExamPair]:
    """About `pairs` of them, evenly over kinds and strengths; fewer where a damage fits too few assets."""
    per_cell = max(1, -(-pairs // (len(kinds) * len(STRENGTHS))))
    for kind, strength in product(kinds, STRENGTHS):
        ordered = shuffled(assets, kind=kind, seed=pictures.seed)
        candidates = (pair_of(asset, pictures, kind=kind, strength=strength) for asset in ordered)
        drawn = list(islice((pair for pair in candidates if pair is not None), per_cell))
        progress(f"{kind} {strength}: {len(drawn)} pairs are drawn")
        yield from drawn


def pair_of(asset: ExamAsset, pictures: ExamPictures, *, kind: str, strength: int) -> ExamPair | None:
    """None where any strength of this damage changes nothing that can be seen: a curve is of the same assets."""
    if any(pictures.damaged(asset, kind, each).visible_micro < LEAST_CHANGED for each in STRENGTHS):
        return None
    drawn = pictures.damaged(asset, kind, strength)
    return ExamPair(asset, kind, strength, pictures.good(asset), drawn.side, drawn.visible_micro)


def shuffled(assets: Sequence[ExamAsset], *, kind: str, seed: int) -> list[ExamAsset]:
    """The same order for the same seed, another for each kind; an asset more moves no other."""
    return sorted(assets, key=lambda asset: hashlib.sha256(f"{seed} {kind} {asset.name}".encode()).digest())


def assets_of(module: Any, *, prompts: Path, only: Sequence[str] | None = None) -> list[ExamAsset]:
    """Of a module with `OBJECTS` and `glb_of`.  Raises ValueError for an object without a prompt's picture."""
    assets = []
    for name in only or sorted(module.OBJECTS):
        reference = prompts / f"{name}.png"
        if name not in module.OBJECTS or not reference.is_file():
            raise ValueError(f"there is no object {name!r} with a picture {reference}")
        assets.append(ExamAsset(name, reference, lambda name=name: module.glb_of(name)))  # type: ignore[misc]
    return assets


def rig_of(pixels: int) -> Rig:
    """The rig of the embedded renderer, with pictures of this edge.  Raises ValueError for one that it cannot have."""
    return replace(EMBEDDED, pixels=pixels)
