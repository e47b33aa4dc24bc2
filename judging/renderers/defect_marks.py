"""How does one see where a mesh is at fault?  It is drawn see-through and grey, its defects in colours."""

from __future__ import annotations

import numpy as np

from formats.glb.gltf import Floats, Material, MeshPart, Model
from formats.glb.integrity import DrawnMesh
from formats.integrity.marks import MARKS
from formats.integrity.mesh import MeshDefects
from formats.integrity.welding import Indices, Points, extent
from judging.renderers.rig import CameraView, Rig

VIEWS = (
    CameraView("front_left", 35, -20),
    CameraView("front_right", 305, -20),
    CameraView("back_right", 215, -20),
    CameraView("below", 125, 20),
)
RIG = Rig(views=VIEWS, gray=tuple(view.name for view in VIEWS), pixels=256, grid_pixels=512)
GREY = (0.55, 0.55, 0.55, 0.35)  # the last is how much of it is solid
WIDTH = 0.006  # of a bar along an edge, and of a cross at a vertex, as a share of the extent
MOST_BARS = 50_000  # of one colour
POSITIONS = "positions"  # the file that the sandbox leaves beside the picture


def marked(mesh: DrawnMesh, where: MeshDefects) -> Model:
    """The mesh without the faces that are at fault, and those, edges and vertices in the colours of `MARKS`."""
    width = WIDTH * extent(mesh.points)
    plain = np.ones(len(mesh.faces), np.bool_)
    parts = []
    for number, mark in enumerate(MARKS, start=1):
        defects = getattr(where, mark.defects)
        if mark.corners == 3:
            faces = defects[plain[defects]]
            plain[faces] = False
            parts.append(_part(number, mesh.points, mesh.faces[faces]))
        else:
            thick = width if mark.corners == 2 else 2 * width
            parts.append(_bars(number, _segments(defects, thick)[:MOST_BARS], thick))
    materials = [Material(base=GREY, blends=True, double_sided=True)]
    materials += [Material(base=(*mark.colour, 1.0), double_sided=True, unlit=True) for mark in MARKS]
    drawn = [_part(0, mesh.points, mesh.faces[plain]), *parts]
    return Model(materials, [part for part in drawn if len(part.faces)])


def _segments(defects: Points, width: float) -> Points:
    """(n, 2, 3): edges as they are, and of each vertex a cross of three."""
    if defects.ndim == 3:
        return defects
    arms = np.concatenate([np.eye(3), -np.eye(3)]).reshape(2, 3, 3).transpose(1, 0, 2) * 2 * width
    return (defects[:, None, None] + arms).reshape(-1, 2, 3)


def _bars(material: int, segments: Points, width: float) -> MeshPart:
    """A three-sided bar along each segment."""
    along = segments[:, 1] - segments[:, 0]
    least = np.eye(3)[np.abs(along).argmin(axis=1)]
    first = np.cross(along, least)
    first /= np.maximum(np.linalg.norm(first, axis=1, keepdims=True), np.finfo(np.float64).tiny)
    second = np.cross(along, first)
    second /= np.maximum(np.linalg.norm(second, axis=1, keepdims=True), np.finfo(np.float64).tiny)
    turns = 2 * np.pi * np.arange(3) / 3
    around = width / 2 * (first[:, None] * np.cos(turns)[:, None] + second[:, None] * np.sin(turns)[:, None])
    points = (segments[:, :, None] + around[:, None]).reshape(-1, 3)  # of each bar three at its start, three at its end
    sides = np.array([[0, 1, 4], [0, 4, 3], [1, 2, 5], [1, 5, 4], [2, 0, 3], [2, 3, 5]])
    faces = (6 * np.arange(len(segments))[:, None, None] + sides).reshape(-1, 3)
    return _part(material, points, faces)


def _part(material: int, points: Points, faces: Indices) -> MeshPart:
    positions: Floats = points.astype(np.float32)
    return MeshPart(material, faces.astype(np.int32), positions, normals=None, uv=None, glow_uv=None, colours=None)
