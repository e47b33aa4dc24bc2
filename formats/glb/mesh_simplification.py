"""How is a mesh made light?  Simplified, and written anew.

The first quality that is light enough is taken, and the least where none is.
"""

from __future__ import annotations

import numpy as np

from formats.glb.edge_collapse import simplify
from formats.glb.gltf import MeshPart, Model
from formats.glb.writing import write

QUALITIES = ((30_000, 1024), (22_000, 1024), (16_000, 512), (10_000, 256), (5_000, 128), (2_000, 32))
LIGHT = 800_000  # bytes


def lighten(model: Model) -> tuple[bytes, int]:
    """A glb file of the model, and how many triangles it draws."""
    written, triangles = b"", 0
    for most, edge in QUALITIES:
        parts = simplify(model.parts, most=most)
        if not parts:
            break
        written = write(Model(model.materials, parts), texture_edge=edge)
        triangles = sum(len(part.faces) for part in parts)
        if len(written) <= LIGHT:
            break
    return written, triangles


def grid(edge: int) -> MeshPart:
    """A flat, painted square of 2 x `edge` x `edge` triangles."""
    down, across = np.mgrid[0 : edge + 1, 0 : edge + 1]
    corner_indices = np.stack([across, down, np.zeros_like(down)], axis=-1).reshape(-1, 3)
    places = (corner_indices.astype(np.float32) / edge).astype(np.float32)
    first = (down[:-1, :-1] * (edge + 1) + across[:-1, :-1]).reshape(-1, 1)
    corners = np.array([[0, 1, edge + 1], [1, edge + 2, edge + 1]])
    faces = np.concatenate([first + triangle for triangle in corners]).astype(np.int32)
    normals = np.tile(np.array([0, 0, 1], np.float32), (len(places), 1))
    return MeshPart(0, faces, places, normals, uv=places[:, :2].copy(), glow_uv=None, colours=None)
