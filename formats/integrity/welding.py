"""Which vertices are one place?  Files split them at seams of normals and textures.

Vertices in one cell of a grid as fine as the tolerance are one, and cells whose vertices are no farther apart than the
tolerance: no pair more than twice as far apart is joined directly.  Memory grows with the number of vertices, however
close they lie.
"""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Points = NDArray[np.float64]
Indices = NDArray[np.int64]

BITS = 21  # of a cell's number along each axis: the extent has a million cells
HALF_OF_NEIGHBOURS = [step for step in product((-1, 0, 1), repeat=3) if step > (0, 0, 0)]


def extent(points: Points) -> float:
    """Twice the greatest distance from the mean: the same however the object is turned."""
    return 2.0 * float(np.sqrt(((points - points.mean(axis=0)) ** 2).sum(axis=1).max()))


def weld(points: Points, *, tolerance: float) -> tuple[Indices, Points]:
    """The number of each point's place, and the places.  `tolerance`: at least 2^-20 of the extent; 0 for one point."""
    cells = np.floor((points - points.min(axis=0)) / tolerance if tolerance else np.zeros_like(points)).astype(np.int64)
    numbers = ((cells[:, 0] + 1) << 2 * BITS) + ((cells[:, 1] + 1) << BITS) + cells[:, 2] + 1
    keys, first, place_of = np.unique(numbers, return_index=True, return_inverse=True)
    places, place_of = points[first], place_of.reshape(-1)
    pairs = [_close_cells(keys, places, step, tolerance) for step in HALF_OF_NEIGHBOURS]
    one, other = np.concatenate(pairs, axis=1)
    if not len(one):
        return place_of, places
    count, group = components(one, other, len(places))
    merged = np.empty((count, 3))
    merged[group[::-1]] = places[::-1]  # the first place of each group
    return group[place_of], merged


def _close_cells(keys: Indices, places: Points, step: tuple[int, ...], tolerance: float) -> Indices:
    """Pairs of occupied cells that are one `step` apart and whose vertices are within the tolerance."""
    wanted = keys + (step[0] << 2 * BITS) + (step[1] << BITS) + step[2]
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    one = np.flatnonzero(keys[at] == wanted)
    other = at[one]
    near = ((places[one] - places[other]) ** 2).sum(axis=1) <= tolerance**2
    return np.stack([one[near], other[near]])


def components(one: Indices, other: Indices, count: int) -> tuple[int, Indices]:
    """How many groups `count` things make of which `one[i]` and `other[i]` belong together, and the group of each."""
    graph = coo_array((np.ones(len(one), np.bool_), (one, other)), shape=(count, count))
    groups, group = connected_components(graph, directed=False)
    return int(groups), group.astype(np.int64)
