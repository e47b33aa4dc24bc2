"""Which faces pass through another face?

Two faces cross where each has corners on both sides of the other's plane and both share a stretch of the line in which
the planes meet (Möller 1997).  Lengths up to the surface's tolerance are none, so faces that touch do not cross.
"""

from __future__ import annotations

import numpy as np

from formats.integrity.measures import SAMPLED_FACES
from formats.integrity.surface import Mask, Surface
from formats.integrity.welding import Indices, Points

BLOCK = 32  # faces that lie close together and are looked at together
AT_ONCE = 64  # faces of the sample
BLOCKS_AT_ONCE = 1024
MOST_WORK = 40_000_000  # then the sample ends: a comparison of two boxes is 1,
TEST = 10  # and a test of two faces so much
CELLS = 1 << 10  # along each axis, of the order in which faces are put into blocks


def crossing_faces(surface: Surface, *, seed: int) -> tuple[Indices, Indices]:
    """Faces of the surface that cross another one, and those that were examined: all, or those that `seed` chooses."""
    faces = np.flatnonzero(~surface.flat)
    faces = faces[np.argsort(_along_a_curve(surface.places[surface.corners[faces]].mean(axis=1)), kind="stable")]
    boxes = _Boxes(surface.places[surface.corners[faces]])
    chosen = sample(len(faces), most=SAMPLED_FACES, seed=seed)
    crosses, work = np.zeros(len(faces), np.bool_), 0
    for start in range(0, len(chosen), AT_ONCE):
        rows, blocks = boxes.meeting_blocks(chosen[start : start + AT_ONCE])
        for at in range(0, len(rows), BLOCKS_AT_ONCE):
            if work > MOST_WORK:  # those before this row are done
                done = chosen[: start + rows[at]]
                return np.sort(faces[done[crosses[done]]]), faces[done]
            one = chosen[start + rows[at : at + BLOCKS_AT_ONCE]]
            undecided = ~crosses[one]
            work += BLOCK * int(undecided.sum())
            one, other = boxes.meeting(one[undecided], blocks[at : at + BLOCKS_AT_ONCE][undecided])
            work += TEST * len(one)
            crosses[one[_cross(surface, faces[one], faces[other])]] = True
    return np.sort(faces[crosses]), faces[chosen]


def sample(count: int, *, most: int, seed: int) -> Indices:
    """All of `count` numbers, or `most` of them, by SplitMix64 of number and seed: the same with every library."""
    if count <= most:
        return np.arange(count)
    values = np.arange(count, dtype=np.uint64) + np.uint64(seed % 2**64)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        values = (values ^ (values >> np.uint64(shift))) * np.uint64(factor)
    return np.argsort(values ^ (values >> np.uint64(31)), kind="stable")[:most]


class _Boxes:
    """The boxes of triangles, and of blocks of triangles that follow one another."""

    def __init__(self, corners: Points) -> None:
        self.low, self.high = corners.min(axis=1), corners.max(axis=1)
        starts = np.arange(0, len(corners), BLOCK)
        self.block_low = np.minimum.reduceat(self.low, starts) if len(starts) else self.low
        self.block_high = np.maximum.reduceat(self.high, starts) if len(starts) else self.high

    def meeting_blocks(self, chosen: Indices) -> tuple[Indices, Indices]:
        """Pairs of a place in `chosen` and a block whose boxes meet, in the order of `chosen`."""
        meets = np.ones((len(chosen), len(self.block_low)), np.bool_)
        for axis in range(3):
            meets &= self.low[chosen, axis, None] <= self.block_high[:, axis]
            meets &= self.high[chosen, axis, None] >= self.block_low[:, axis]
        rows, blocks = np.nonzero(meets)
        return rows, blocks

    def meeting(self, triangles: Indices, blocks: Indices) -> tuple[Indices, Indices]:
        """Pairs of a triangle and another one of the block beside it whose boxes meet."""
        one = np.repeat(triangles, BLOCK)
        other = (blocks[:, None] * BLOCK + np.arange(BLOCK)).reshape(-1)
        near = (other < len(self.low)) & (one != other)
        one, other = one[near], other[near]
        for axis in range(3):
            near = (self.low[one, axis] <= self.high[other, axis]) & (self.high[one, axis] >= self.low[other, axis])
            one, other = one[near], other[near]
        return one, other


def _cross(surface: Surface, one: Indices, other: Indices) -> Mask:
    """Which pairs of faces cross?  Those that share an edge do not."""
    crosses = np.zeros(len(one), np.bool_)
    shared = (surface.corners[one][:, :, None] == surface.corners[other][:, None, :]).sum(axis=(1, 2))
    left = np.flatnonzero(shared < 2)
    depth: list[Points] = []
    for face, plane in ((other, one), (one, other)):
        depths = _depths(surface, face[left], plane[left])
        through = (depths.min(axis=1) < 0) & (depths.max(axis=1) > 0)
        left, depths = left[through], depths[through]
        depth = [each[through] for each in depth] + [depths]
    lines = np.cross(surface.crossed[one[left]], surface.crossed[other[left]])
    lines /= np.maximum(np.linalg.norm(lines, axis=1, keepdims=True), np.finfo(float).tiny)
    origin = surface.places[surface.corners[one[left], 0]]
    stretches = [
        _stretch(((surface.places[surface.corners[face[left]]] - origin[:, None]) * lines[:, None]).sum(axis=2), depths)
        for face, depths in ((other, depth[0]), (one, depth[1]))
    ]
    start = np.maximum(stretches[0][0], stretches[1][0])
    end = np.minimum(stretches[0][1], stretches[1][1])
    crosses[left] = end - start > surface.tolerance
    return crosses


def _depths(surface: Surface, face: Indices, plane: Indices) -> Points:
    """How far each corner of `face` lies before the plane of face `plane`; 0 within the tolerance."""
    across = surface.crossed[plane]
    across = across / np.linalg.norm(across, axis=1, keepdims=True)
    from_plane = surface.places[surface.corners[face]] - surface.places[surface.corners[plane, 0]][:, None]
    depths = (from_plane * across[:, None]).sum(axis=2)
    return np.where(np.abs(depths) <= surface.tolerance, 0.0, depths)


def _stretch(along: Points, depths: Points) -> tuple[Points, Points]:
    """Where a triangle that has corners on both sides of a plane begins and ends on a line in that plane.

    `along` and `depths` are of its corners: along the line, and before the plane.
    """
    starts, ends = [], []
    for i, j in ((0, 1), (1, 2), (2, 0)):
        through = depths[:, i] * depths[:, j] < 0
        share = depths[:, i] / np.where(through, depths[:, i] - depths[:, j], 1.0)
        at = along[:, i] + (along[:, j] - along[:, i]) * share
        met = through | (depths[:, i] == 0)
        at = np.where(through, at, along[:, i])
        starts.append(np.where(met, at, np.inf))
        ends.append(np.where(met, at, -np.inf))
    return np.min(starts, axis=0), np.max(ends, axis=0)


def _along_a_curve(places: Points) -> Indices:
    """The place of each point on a curve through all cells of its box (Morton 1966): near numbers, near places."""
    if not len(places):
        return np.zeros(0, np.int64)
    low = places.min(axis=0)
    width = float((places.max(axis=0) - low).max()) or 1.0
    cells = np.minimum((places - low) / width * CELLS, CELLS - 1).astype(np.int64)
    order = np.zeros(len(places), np.int64)
    for bit in range(10):
        for axis in range(3):
            order |= (cells[:, axis] >> bit & 1) << (3 * bit + axis)
    return order
