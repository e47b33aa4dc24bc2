"""How sound is a mesh?  Counts what is at fault, and where."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from formats.integrity.crossings import crossing_faces
from formats.integrity.surface import surface_of
from formats.integrity.texture_overlap import overlap
from formats.integrity.welding import Indices, Points
from formats.integrity.winding import winding


@dataclass(frozen=True)
class TextureCoordinates:
    """`uv`: (f, 3, 2), whole textures, not a number where a face has none; `sheets`: the texture on which each face
    lies, -1 where its material shows none."""

    uv: NDArray[np.float32]
    sheets: Indices


@dataclass(frozen=True, kw_only=True)
class MeshDefects:
    """Where a mesh is at fault: segments (n, 2, 3) and points (n, 3) in its own space, faces by their numbers.

    `crossing` are among the faces `examined`; `degenerate` are without the flat copies of another face.
    """

    open_edges: Points
    non_manifold_edges: Points
    non_manifold_vertices: Points
    mismatched_edges: Points
    inverted: Indices
    degenerate: Indices
    duplicate: Indices
    crossing: Indices
    examined: Indices
    pieces: int


def defects(points: Points, faces: Indices, *, seed: int = 0) -> MeshDefects:
    """Of (n, 3) points and (f, 3) faces.  The same for every order of them, scale, place and turn of the mesh.

    `seed`, taken from the content, chooses which faces of a large mesh are examined for crossings.
    """
    surface = surface_of(np.asarray(points, np.float64), np.asarray(faces, np.int64))
    if not len(surface.corners):
        segments, none = np.zeros((0, 2, 3)), np.zeros(0, np.int64)
        return MeshDefects(
            open_edges=segments,
            non_manifold_edges=segments,
            non_manifold_vertices=np.zeros((0, 3)),
            mismatched_edges=segments,
            inverted=none,
            degenerate=surface.collapsed,
            duplicate=none,
            crossing=none,
            examined=none,
            pieces=0,
        )
    edges, wound = surface.edges, winding(surface)
    crossing, examined = crossing_faces(surface, seed=seed)
    return MeshDefects(
        open_edges=surface.places[edges.ends[edges.open]],
        non_manifold_edges=surface.places[edges.ends[edges.crowded]],
        non_manifold_vertices=surface.places[surface.touching_places],
        mismatched_edges=surface.places[edges.ends[wound.mismatched]],
        inverted=surface.source[wound.inverted],
        degenerate=np.sort(np.concatenate([surface.collapsed, surface.source[surface.flat]])),
        duplicate=surface.copies,
        crossing=surface.source[crossing],
        examined=surface.source[examined],
        pieces=surface.pieces,
    )


def texture_counts(coordinates: TextureCoordinates) -> tuple[int, float | None]:
    """Faces that need texture coordinates and have none, and the share of overlapping texture area."""
    textured = coordinates.sheets >= 0
    missing = textured & np.isnan(coordinates.uv).any(axis=(1, 2))
    there = textured & ~missing
    return int(missing.sum()), overlap(coordinates.uv[there], coordinates.sheets[there])
