"""What does a ray from the camera meet first, counting only the triangles that this camera can see?

Single-sided materials show only the side whose corners run counter-clockwise, as in three.js and the glTF standard.
For one camera position that is a fixed set of triangles, so a view in which a hidden side gets in the way is traced
again against the visible triangles alone: exact also where two triangles lie on each other, back to back.
"""

import os
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene
from numpy.typing import NDArray

from formats.glb.gltf import Floats, Model
from judging.renderers.rig import Camera, Rig

Ints = NDArray[np.int32]


@dataclass(frozen=True)
class Soup:
    """All triangles of a model in one set of arrays; `missing` attributes are zeros, colours ones."""

    faces: Ints
    positions: Floats
    normals: Floats
    flat: NDArray[np.bool_]  # per face: no normals in the file, use the triangle's own
    uv: Floats
    glow_uv: Floats
    colours: Floats | None
    material: Ints  # per face
    double_sided: NDArray[np.bool_]  # per face

    @classmethod
    def of(cls, model: Model) -> "Soup":
        parts = [part for part in model.parts if len(part.faces)]
        counts = [len(part.positions) for part in parts]
        starts = np.cumsum([0, *counts[:-1]]).astype(np.int32)
        lengths = [len(part.faces) for part in parts]
        coloured = any(part.colours is not None for part in parts)
        material = np.repeat(np.array([part.material for part in parts], np.int32), lengths)
        double = np.array([material.double_sided for material in model.materials], np.bool_)
        return cls(
            faces=np.concatenate([part.faces + start for part, start in zip(parts, starts, strict=True)]),
            positions=np.concatenate([part.positions for part in parts]),
            normals=_joined([part.normals for part in parts], counts, 3),
            flat=np.repeat(np.array([part.normals is None for part in parts], np.bool_), lengths),
            uv=_joined([part.uv for part in parts], counts, 2),
            glow_uv=_joined([part.glow_uv for part in parts], counts, 2),
            colours=_joined([part.colours for part in parts], counts, 4, fill=1.0) if coloured else None,
            material=material,
            double_sided=double[material],
        )

    @cached_property
    def planes(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Per face: outward direction and its product with any corner, so a point is in front where its own is more."""
        first, second, third = (self.positions[self.faces[:, i]].astype(np.float64) for i in range(3))
        outward = np.cross(second - first, third - first)
        return outward, np.einsum("ij,ij->i", outward, first)


def _joined(arrays: list[Floats | None], counts: list[int], width: int, *, fill: float = 0.0) -> Floats:
    pairs = zip(arrays, counts, strict=True)
    return np.concatenate([np.full((n, width), fill, np.float32) if a is None else a[:, :width] for a, n in pairs])


@dataclass(frozen=True)
class Hits:
    """Where rays met triangles: `ray` are positions among the rays cast, the rest is per hit."""

    ray: NDArray[np.int64]
    face: NDArray[np.int64]
    u: Floats
    v: Floats
    outward: Floats  # the triangle's own normal, length 1
    distance: Floats


class Caster:
    """Casts the rays of one camera position; `whole` is the scene of all triangles, shared between cameras."""

    def __init__(self, soup: Soup, whole: EmbreeScene, position: NDArray[np.float64]) -> None:
        self.soup = soup
        self.scene = whole
        outward, height = soup.planes
        self.visible = (outward @ position > height) | soup.double_sided
        self.original: NDArray[np.int64] | None = None  # face numbers, once hidden triangles are left out

    def cast(self, origins: Floats, directions: Floats) -> Hits:
        met = self.scene.run(origins, directions, output=True)
        hit = met["primID"] >= 0
        if self.original is None and not self.visible[met["primID"][hit]].all():
            self.original = np.flatnonzero(self.visible)
            self.scene = build(self.soup.positions, self.soup.faces[self.original])
            return self.cast(origins, directions)
        face = met["primID"][hit].astype(np.int64)
        outward = met["Ng"][hit]
        lengths = np.linalg.norm(outward, axis=1, keepdims=True)
        return Hits(
            ray=np.flatnonzero(hit),
            face=face if self.original is None else self.original[face],
            u=met["u"][hit],
            v=met["v"][hit],
            outward=outward / np.where(lengths > 0, lengths, np.float32(1)),
            distance=met["tfar"][hit],
        )


@cache
def _one_thread() -> None:
    """Make embree's thread pool one thread, before it starts: how it splits a scene then never depends on the machine.

    The pool takes its size from the processors allowed at its start; they are all allowed again afterwards.
    """
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        corner = np.zeros((3, 3), np.float32)
        scene = EmbreeScene()
        TriangleMesh(scene=scene, vertices=corner, indices=np.zeros((1, 3), np.int32))
        scene.run(corner[:1], np.ones((1, 3), np.float32))
    finally:
        os.sched_setaffinity(0, allowed)


def build(positions: Floats, faces: Ints) -> EmbreeScene:
    _one_thread()
    scene = EmbreeScene()
    if len(faces):
        TriangleMesh(scene=scene, vertices=np.ascontiguousarray(positions), indices=np.ascontiguousarray(faces))
    return scene


def directions(camera: Camera, *, rig: Rig, rows: range, columns: range) -> Floats:
    """Unit directions through the samples of some pixels: sample rows from the top, in each from left to right."""
    size = rig.pixels * rig.samples
    reach = np.tan(np.radians(rig.fov) / 2)
    across = (2 * (_samples(columns, rig.samples) + 0.5) / size - 1) * reach
    down = (1 - 2 * (_samples(rows, rig.samples) + 0.5) / size) * reach
    right, up, forward = (np.array(vector) for vector in (camera.right, camera.up, camera.forward))
    rays = forward + down[:, None, None] * up + across[None, :, None] * right
    rays /= np.sqrt(1 + down[:, None] ** 2 + across[None, :] ** 2)[:, :, None]
    return np.asarray(rays.reshape(-1, 3), np.float32)


def _samples(pixels: range, each: int) -> NDArray[np.int64]:
    return np.arange(pixels.start * each, pixels.stop * each)
