"""How does a mesh of a million triangles become one of some ten thousand?  By edge collapses, the cheapest first.

Which vertices fall together is decided by quadric error metrics (`fast-simplification`) on the positions alone, over
all parts and seams at once, so that nothing comes apart.  What is painted on a vertex stays with those that look the
same way and lie close together in the texture as well: the package itself knows neither textures nor seams.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import fast_simplification
import numpy as np
from numpy.typing import NDArray

from formats.glb.gltf import Floats, MeshPart

AGGRESSIVENESS = (7, 10)  # the package's own; then for meshes of which it leaves more than was asked for
TEXTURE_CELLS = 32  # along a texture's edge
FURTHEST = 511  # texture cells from the origin that are told apart
Numbers = NDArray[np.int64]


def simplify(parts: list[MeshPart], *, most: int) -> list[MeshPart]:
    """The parts with at most `most` triangles in all; as they are where they have no more; none if that is too few."""
    if sum(len(part.faces) for part in parts) <= most:
        return parts
    points, welded = np.unique(np.concatenate([part.positions for part in parts]), axis=0, return_inverse=True)
    ends = np.cumsum([len(part.positions) for part in parts])[:-1]
    corners = np.split(welded.reshape(-1), ends)
    faces = np.concatenate([each[part.faces] for each, part in zip(corners, parts, strict=True)])
    faces = faces[_whole(faces)]
    for aggressiveness in AGGRESSIVENESS if most else ():
        place, home = points, np.arange(len(points))
        if len(faces) > most:  # welding alone was not enough
            triangles = faces.astype(np.int32)
            _, _, collapses = fast_simplification.simplify(
                points, triangles, target_count=most, agg=aggressiveness, return_collapses=True
            )
            place, _, home = fast_simplification.replay_simplification(points, triangles, collapses)
            place, home = place.astype(np.float32), home.astype(np.int64)
        made = [_collapsed_part(part, home[each], place) for part, each in zip(parts, corners, strict=True)]
        if sum(len(part.faces) for part in made) <= most:
            return [part for part in made if len(part.faces)]
    return []


def _whole(corners: NDArray[Any]) -> NDArray[np.bool_]:
    """Which triangles have three different corners?"""
    first, second, third = corners.T
    return np.asarray((first != second) & (second != third) & (third != first), np.bool_)


def _collapsed_part(part: MeshPart, gone_to: Numbers, place: Floats) -> MeshPart:
    """The part with its vertices gone to `place[gone_to]`, each with the mean of what was painted on its vertices."""
    # vertices with the same number become one: the same place, side of the surface, and patch of the texture
    number = gone_to.copy()
    if part.normals is not None:
        number = number * 8 + (part.normals > 0) @ np.array([1, 2, 4])
    uv = part.uv if part.uv is not None else part.glow_uv
    if uv is not None:
        patch = np.clip(np.floor(uv * TEXTURE_CELLS), -FURTHEST, FURTHEST).astype(np.int64) + FURTHEST
        number = (number * 1024 + patch[:, 0]) * 1024 + patch[:, 1]
    _, groups = np.unique(number, return_inverse=True)
    groups = groups.reshape(-1)
    home = np.zeros(groups.max() + 1 if len(groups) else 0, np.int64)
    home[groups] = gone_to
    corners = groups[part.faces]
    faces = corners[_whole(home[corners])]
    from_the_least = (faces.argmin(axis=1)[:, None] + np.arange(3)) % 3  # the same triangle begins at the same corner
    faces = np.unique(np.take_along_axis(faces, from_the_least, axis=1), axis=0)
    used, faces = np.unique(faces, return_inverse=True)
    counted = np.bincount(groups)[:, None]

    def mean(values: Floats | None) -> Floats | None:
        if values is None:
            return None
        sums = np.stack([np.bincount(groups, weights=column) for column in values.T], axis=1)
        return (sums / counted)[used].astype(np.float32)

    normals = mean(part.normals)
    if normals is not None:
        lengths = np.linalg.norm(normals, axis=1, keepdims=True)
        normals = (normals / np.where(lengths > 0, lengths, 1.0)).astype(np.float32)
    return replace(
        part,
        faces=faces.reshape(-1, 3).astype(np.int32),
        positions=place[home[used]],
        normals=normals,
        uv=mean(part.uv),
        glow_uv=mean(part.glow_uv),
        colours=mean(part.colours),
    )
