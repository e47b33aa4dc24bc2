"""How do the faces of a mesh hang together?  Its welded faces, the edges that they share, and what is odd there."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from formats.integrity.measures import WELD
from formats.integrity.welding import Indices, Points, components, extent, weld

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Surface:
    """Faces with three different corners, each set of corners once.

    `places`: (p, 3); `corners`: (f, 3), wound as most copies of the face are; `two_sided`: as many copies are wound one
    way as the other; `source`: the number of each face in the file; `collapsed`: faces of the file with two corners in
    one place; `copies`: faces of the file beyond the first of their corners; `tolerance`: a length.
    """

    places: Points
    corners: Indices
    two_sided: Mask
    source: Indices
    collapsed: Indices
    copies: Indices
    tolerance: float

    @cached_property
    def crossed(self) -> Points:
        """(f, 3): at right angles to each face, twice its area long."""
        first, second, third = (self.places[self.corners[:, i]] for i in range(3))
        return np.asarray(np.cross(second - first, third - first), np.float64)

    @cached_property
    def areas(self) -> Points:
        return np.asarray(np.linalg.norm(self.crossed, axis=1) / 2, np.float64)

    @cached_property
    def flat(self) -> Mask:
        """Which faces are no higher over their longest side than the tolerance?"""
        sides = self.places[self.corners] - self.places[self.corners[:, [1, 2, 0]]]
        longest = np.sqrt((sides**2).sum(axis=2).max(axis=1))
        return np.asarray(2 * self.areas <= self.tolerance * longest, np.bool_)

    @cached_property
    def edges(self) -> Edges:
        start = self.corners.reshape(-1)
        end = self.corners[:, [1, 2, 0]].reshape(-1)
        low, high = np.minimum(start, end), np.maximum(start, end)
        keys, edge, counts = np.unique(low * len(self.places) + high, return_inverse=True, return_counts=True)
        ends = np.stack(np.divmod(keys, max(len(self.places), 1)), axis=1)
        return Edges(ends=ends, counts=counts, edge=edge.reshape(-1), forward=start < end)

    @cached_property
    def touching_places(self) -> Indices:
        """Places at which groups of faces meet that share no edge there."""
        one, other = self.edges.neighbours
        same_way = self.edges.forward[one] == self.edges.forward[other]
        # the corners of a use of an edge, as numbers of corners: where it starts, and where it ends
        start_1, end_1 = one, one - one % 3 + (one + 1) % 3
        start_2, end_2 = other, other - other % 3 + (other + 1) % 3
        joined_1 = np.concatenate([start_1, end_1])
        joined_2 = np.concatenate([np.where(same_way, start_2, end_2), np.where(same_way, end_2, start_2)])
        count, group = components(joined_1, joined_2, self.corners.size)
        place_of_group = np.empty(count, np.int64)
        place_of_group[group] = self.corners.reshape(-1)
        return np.flatnonzero(np.bincount(place_of_group, minlength=len(self.places)) > 1)

    @cached_property
    def pieces(self) -> int:
        _, group = components(self.edges.ends[:, 0], self.edges.ends[:, 1], len(self.places))
        return len(np.unique(group[self.corners[:, 0]]))


@dataclass(frozen=True)
class Edges:
    """`ends`: (e, 2) places, the lower number first; `counts`: faces at each.

    A *use* is one side of one face, numbered 3 x face + side: `edge` of each use, and whether it runs `forward`, to the
    higher number.
    """

    ends: Indices
    counts: Indices
    edge: Indices
    forward: Mask

    @cached_property
    def neighbours(self) -> tuple[Indices, Indices]:
        """Pairs of uses of one edge: all uses of an edge in a chain."""
        order = np.argsort(self.edge, kind="stable")
        chained = self.edge[order[1:]] == self.edge[order[:-1]]
        return order[:-1][chained], order[1:][chained]

    @property
    def open(self) -> Indices:
        return np.flatnonzero(self.counts == 1)

    @property
    def crowded(self) -> Indices:
        return np.flatnonzero(self.counts > 2)


def surface_of(points: Points, faces: Indices) -> Surface:
    """Of (n, 3) points and (f, 3) faces, at least one; points that no face has count for nothing."""
    used, numbered = np.unique(faces, return_inverse=True)
    points = points[used]
    tolerance = WELD * extent(points)
    place_of, places = weld(points, tolerance=tolerance)
    corners = place_of[numbered.reshape(-1, 3)]
    first, second, third = corners.T
    whole = (first != second) & (second != third) & (third != first)
    source = np.flatnonzero(whole)
    ordered = np.sort(corners[whole], axis=1)
    # an even permutation of the ordered corners keeps the way round
    at = corners[whole].argmin(axis=1)[:, None]
    turned = np.take_along_axis(corners[whole], (at + np.arange(3)) % 3, axis=1)
    way = np.where(turned[:, 1] < turned[:, 2], 1, -1)
    _, pair = np.unique(ordered[:, 0] * len(places) + ordered[:, 1], return_inverse=True)
    _, chosen, same = np.unique(pair.reshape(-1) * len(places) + ordered[:, 2], return_index=True, return_inverse=True)
    net = np.bincount(same.reshape(-1), weights=way, minlength=len(chosen))
    wound = np.where(net[:, None] < 0, ordered[chosen][:, [0, 2, 1]], ordered[chosen])
    return Surface(
        places=places,
        corners=wound,
        two_sided=net == 0,
        source=source[chosen],
        collapsed=np.flatnonzero(~whole),
        copies=np.delete(source, chosen),
        tolerance=tolerance,
    )
