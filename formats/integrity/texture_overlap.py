"""How much of a texture do several faces share?  Counted at the points of a grid.

A point on the side of two neighbouring faces belongs to one of them: all points are moved by the same infinitely small
step, up and less to the left, and the sides of both faces are computed from the same two ends in the same order.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from formats.integrity.measures import TEXELS
from formats.integrity.surface import Mask
from formats.integrity.welding import Indices, Points

MOST_POINTS = 8_000_000  # in the boxes of all faces: then the grid is made coarser
POINTS_AT_ONCE = 1_000_000


def overlap(uv: NDArray[np.float32], sheets: Indices) -> float | None:
    """Of the covered points, the share that more than one face covers; None where no point is covered.

    `uv`: (f, 3, 2), whole textures; `sheets`: on which texture each face lies.
    """
    span = uv.max(axis=1) - uv.min(axis=1)
    once = np.isfinite(uv).all(axis=(1, 2)) & (span <= 1).all(axis=1)
    corners, sheets = uv[once].astype(np.float64), sheets[once]
    corners -= np.floor(corners.min(axis=1))[:, None]  # a texture repeats
    if not len(corners):
        return None
    grid = TEXELS
    while grid > 1 and _boxes(corners * grid)[2].sum() > MOST_POINTS:
        grid //= 2
    covered = shared = 0
    for sheet in np.unique(sheets):
        counts = np.zeros(grid * grid, np.int32)
        for points in _covered_points(corners[sheets == sheet] * grid):
            counts += np.bincount(points[:, 1] % grid * grid + points[:, 0] % grid, minlength=grid * grid).astype(
                np.int32
            )
        covered += int((counts > 0).sum())
        shared += int((counts > 1).sum())
    return shared / covered if covered else None


def _boxes(corners: Points) -> tuple[Indices, Indices, Indices]:
    """First point of each triangle's box, (f, 2); how many points wide and high it is; how many it holds."""
    first = np.ceil(corners.min(axis=1) - 0.5).astype(np.int64)
    size = np.maximum(np.floor(corners.max(axis=1) - 0.5).astype(np.int64) - first + 1, 0)
    return first, size, size.prod(axis=1)


def _covered_points(corners: Points) -> Iterator[Indices]:
    """Column and row of each point that a triangle covers, again for each triangle; a number of triangles at once."""
    first, size, held = _boxes(corners)
    faces = np.flatnonzero(held)
    part = np.cumsum(held[faces]) // POINTS_AT_ONCE
    for each in np.split(faces, np.flatnonzero(np.diff(part)) + 1):
        face = np.repeat(each, held[each])
        number = np.arange(len(face)) - np.repeat(np.cumsum(held[each]) - held[each], held[each])
        points = first[face] + np.stack([number % size[face, 0], number // size[face, 0]], axis=1)
        yield points[_covers(corners[face], points + 0.5)]


def _covers(corners: Points, points: Points) -> Mask:
    """Does each triangle cover its point?"""
    inside_left, inside_right = np.ones(len(points), np.bool_), np.ones(len(points), np.bool_)
    for i, j in ((0, 1), (1, 2), (2, 0)):
        one, other = corners[:, i], corners[:, j]
        swapped = (one[:, 0] > other[:, 0]) | ((one[:, 0] == other[:, 0]) & (one[:, 1] > other[:, 1]))
        low, high = np.where(swapped[:, None], other, one), np.where(swapped[:, None], one, other)
        side, reach = high - low, points - low
        on_left = (side[:, 0] * reach[:, 1] - side[:, 1] * reach[:, 0] >= 0) != swapped
        inside_left &= on_left
        inside_right &= ~on_left
    return np.asarray(inside_left | inside_right, np.bool_)
