"""How does a mesh of a million triangles become one of some ten thousand?  By drawing its vertices together in cells.

Every vertex in one cell of a cube of cells goes to one place, whatever part and seam it belongs to, so that nothing
comes apart; what is painted on it stays with vertices that look the same way and lie close together in the texture as
well.  Crude beside quadric error metrics, and good enough for a light copy: no package that comes as a wheel keeps
texture coordinates over seams, and this is some numpy whose cost is bounded by the size of the input.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from judging.renderers.gltf import Floats, Part

CELLS = (1024, 768, 512, 384, 256, 192, 160, 128, 96, 80, 64, 48, 32, 24, 16, 8, 4)  # along an edge
TEXTURE_CELLS = 32  # along a texture's edge
FURTHEST = 511  # texture cells from the origin that are told apart
Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Cube:
    """The cells of one size over all parts: `place` is the mean of the vertices in each cell that has any."""

    cells: list[Numbers]
    place: Floats


def simplify(parts: list[Part], *, most: int) -> list[Part]:
    """The parts with at most `most` triangles in all; as they are where they have no more."""
    if sum(len(part.faces) for part in parts) <= most:
        return parts
    fits = [part for part in _at(parts, CELLS[-1]) if len(part.faces)]
    if sum(len(part.faces) for part in fits) > most:
        return []
    fine, coarse = -1, len(CELLS) - 1  # the finest cells that fit lie between
    while coarse - fine > 1:
        middle = (fine + coarse) // 2
        tried = _at(parts, CELLS[middle])
        if sum(len(part.faces) for part in tried) > most:
            fine = middle
        else:
            fits, coarse = [part for part in tried if len(part.faces)], middle
    return fits


def _at(parts: list[Part], edge: int) -> list[Part]:
    cube = _cube([part.positions for part in parts], edge)
    return [_clustered(part, cells, cube.place) for part, cells in zip(parts, cube.cells, strict=True)]


def _cube(positions: list[Floats], edge: int) -> Cube:
    every = np.concatenate(positions).astype(np.float64)
    low, high = every.min(axis=0), every.max(axis=0)
    size = max(float((high - low).max()), 1e-9) / edge
    x, y, z = np.minimum((every - low) / size, edge - 1).astype(np.int64).T
    _, cells = np.unique((x * edge + y) * edge + z, return_inverse=True)
    ends = np.cumsum([len(each) for each in positions])[:-1]
    return Cube([*np.split(cells.reshape(-1), ends)], _mean(every, cells.reshape(-1)).astype(np.float32))


def _mean(values: NDArray[Any], groups: Numbers) -> NDArray[np.float64]:
    counted = np.bincount(groups)[:, None]
    return np.stack([np.bincount(groups, weights=column) for column in values.T], axis=1) / counted


def _clustered(part: Part, cells: Numbers, place: Floats) -> Part:
    _, groups = np.unique(_likeness(part, cells), return_inverse=True)
    groups = groups.reshape(-1)
    home = np.zeros(groups.max() + 1 if len(groups) else 0, np.int64)
    home[groups] = cells
    corners = groups[part.faces]
    at = home[corners]
    whole = (at[:, 0] != at[:, 1]) & (at[:, 1] != at[:, 2]) & (at[:, 2] != at[:, 0])
    faces = np.unique(_from_the_least(corners[whole]), axis=0)
    used, faces = np.unique(faces, return_inverse=True)

    def mean(values: Floats | None) -> Floats | None:
        return None if values is None else _mean(values, groups)[used].astype(np.float32)

    return replace(
        part,
        faces=faces.reshape(-1, 3).astype(np.int32),
        positions=place[home[used]],
        normals=_unit(mean(part.normals)),
        uv=mean(part.uv),
        glow_uv=mean(part.glow_uv),
        colours=mean(part.colours),
    )


def _likeness(part: Part, cells: Numbers) -> Numbers:
    """Vertices with the same number become one: the same cell, side of the surface, and patch of the texture."""
    number = cells.copy()
    if part.normals is not None:
        number = number * 8 + (part.normals > 0) @ np.array([1, 2, 4])
    uv = part.uv if part.uv is not None else part.glow_uv
    if uv is not None:
        patch = np.clip(np.floor(uv * TEXTURE_CELLS), -FURTHEST, FURTHEST).astype(np.int64) + FURTHEST
        number = (number * 1024 + patch[:, 0]) * 1024 + patch[:, 1]
    return number


def _from_the_least(faces: NDArray[Any]) -> NDArray[Any]:
    """The same triangle always begins at the same corner; its winding stays."""
    turned = (faces.argmin(axis=1)[:, None] + np.arange(3)) % 3
    return np.take_along_axis(faces, turned, axis=1)


def _unit(normals: Floats | None) -> Floats | None:
    if normals is None:
        return None
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    return (normals / np.where(lengths > 0, lengths, 1.0)).astype(np.float32)
