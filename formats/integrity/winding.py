"""Which faces look the wrong way?  Against their neighbours, and against the inside of what they enclose.

A *patch* is faces that hang together by edges of two faces.  Its two possible sides are the two components of a graph
with each face twice, once as wound and once turned: a patch in which both are one has one side only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from formats.integrity.measures import HOLES
from formats.integrity.surface import Mask, Surface
from formats.integrity.welding import Indices, Points, components

LEAST_VOLUME = 1e-9  # of area to the power 3/2: numbers err by less
MOST_BOXES, MOST_ANGLES = 50_000_000, 10_000_000  # pairs of patches, and faces, that are looked at for hollows


@dataclass(frozen=True)
class Winding:
    """`mismatched`: edges; `inverted`: faces of the surface."""

    mismatched: Indices
    inverted: Indices


def winding(surface: Surface) -> Winding:
    edges = surface.edges
    one, other = edges.neighbours
    paired = edges.counts[edges.edge[one]] == 2
    paired &= ~(surface.two_sided[one // 3] | surface.two_sided[other // 3])
    one, other = one[paired], other[paired]
    agree = edges.forward[one] != edges.forward[other]
    patches = _patches(surface, one // 3, other // 3, agree)
    if not patches.count:
        return Winding(edges.edge[one[~agree]], np.zeros(0, np.int64))
    volumes, holes = _volumes(surface, patches)
    areas = np.asarray(np.bincount(patches.of, weights=surface.areas, minlength=patches.count), np.float64)
    solid = patches.two_sides & (holes <= HOLES * areas) & (np.abs(volumes) > LEAST_VOLUME * areas**1.5)
    against = patches.sides < 0
    turned = np.bincount(patches.of[against], weights=surface.areas[against], minlength=patches.count)
    turned_faces = np.bincount(patches.of[against], minlength=patches.count)
    all_faces = np.bincount(patches.of, minlength=patches.count)
    level = np.abs(2 * turned - areas) <= 1e-9 * areas
    right = np.where(np.where(level, 2 * turned_faces > all_faces, 2 * turned > areas), -1, 1)  # as most of its area
    side = np.where(solid, np.sign(volumes), right)
    inside_out = solid & (side != right)
    side[_hollows(surface, patches, volumes, areas, solid, inside_out)] *= -1
    wrong = (patches.sides != side[patches.of]) & patches.two_sides[patches.of]
    return Winding(edges.edge[one[~agree]], np.flatnonzero(wrong & ~surface.flat & ~surface.two_sided))


@dataclass(frozen=True)
class Patches:
    """`of`: the patch of each face; `sides`: 1 or -1, as wound or turned, so that a patch's faces agree; `two_sides`:
    which patches have two."""

    count: int
    of: Indices
    sides: Indices
    two_sides: Mask


def _patches(surface: Surface, one: Indices, other: Indices, agree: Mask) -> Patches:
    faces = len(surface.corners)
    across = np.where(agree, other, other + faces)
    back = np.where(agree, other + faces, other)
    _, group = components(np.concatenate([one, one + faces]), np.concatenate([across, back]), 2 * faces)
    as_wound, turned = group[:faces], group[faces:]
    numbers, of = np.unique(np.minimum(as_wound, turned), return_inverse=True)
    of = of.reshape(-1)
    two_sides = np.ones(len(numbers), np.bool_)
    two_sides[of[as_wound == turned]] = False
    return Patches(len(numbers), of, np.where(as_wound <= turned, 1, -1), two_sides)


def _volumes(surface: Surface, patches: Patches) -> tuple[Points, Points]:
    """What each patch encloses, with its holes closed by a fan from their middle, and the area of those fans.

    Positive where the patch's faces, as its `sides` have them, look out.
    """
    edges, places = surface.edges, surface.places - surface.places.mean(axis=0)
    first, second, third = (places[surface.corners[:, i]] for i in range(3))
    enclosed = (first * np.cross(second, third)).sum(axis=1) / 6 * patches.sides
    volumes = np.asarray(np.bincount(patches.of, weights=enclosed, minlength=patches.count), np.float64)
    patch = patches.of[np.arange(len(edges.edge)) // 3]
    runs = np.where(edges.forward, 1, -1) * np.repeat(patches.sides, 3)
    keys, number = np.unique(patch * len(edges.ends) + edges.edge, return_inverse=True)
    net = np.bincount(number.reshape(-1), weights=runs, minlength=len(keys))
    rims = np.flatnonzero(net)
    if not len(rims):
        return volumes, np.zeros(patches.count)
    patch_of_rim, edge_of_rim = np.divmod(keys[rims], len(edges.ends))
    ends = edges.ends[edge_of_rim]
    vertices, ends_of_rim = np.unique(patch_of_rim[:, None] * len(places) + ends, return_inverse=True)
    ends_of_rim = ends_of_rim.reshape(-1, 2)
    loops, loop = components(ends_of_rim[:, 0], ends_of_rim[:, 1], len(vertices))
    sizes = np.bincount(loop, minlength=loops)
    on_rim = places[vertices % len(places)]
    middles = np.stack([np.bincount(loop, weights=axis, minlength=loops) / sizes for axis in on_rim.T], axis=1)
    low, high, middle = places[ends[:, 0]], places[ends[:, 1]], middles[loop[ends_of_rim[:, 0]]]
    # a face runs along its rim from low to high, the fan that closes it from high to low
    fans = (high * np.cross(low, middle)).sum(axis=1) / 6 * net[rims]
    covered = np.linalg.norm(np.cross(high - low, middle - low), axis=1) / 2 * np.abs(net[rims])
    volumes += np.bincount(patch_of_rim, weights=fans, minlength=patches.count)
    holes = np.asarray(np.bincount(patch_of_rim, weights=covered, minlength=patches.count), np.float64)
    return volumes, holes


def _hollows(
    surface: Surface, patches: Patches, volumes: Points, areas: Points, solid: Mask, inside_out: Mask
) -> Indices:
    """Which patches that are inside out lie within another one?

    The largest are looked at, as many as bounded work allows; the others have the benefit of the doubt.
    """
    order = np.argsort(patches.of, kind="stable")
    starts = np.searchsorted(patches.of[order], np.arange(patches.count + 1))
    points = surface.places[surface.corners[order]]
    low = np.minimum.reduceat(points.min(axis=1), starts[:-1])
    high = np.maximum.reduceat(points.max(axis=1), starts[:-1])
    doubted = np.flatnonzero(inside_out)
    doubted = doubted[np.argsort(-areas[doubted], kind="stable")]
    examined = doubted[: MOST_BOXES // patches.count + 1]
    hollows = list(doubted[len(examined) :])
    left = MOST_ANGLES
    for patch in examined:
        place = points[starts[patch]].mean(axis=0)
        around = solid & (low <= place).all(axis=1) & (place <= high).all(axis=1)
        around[patch] = False
        others = np.flatnonzero(around)
        left -= int((starts[others + 1] - starts[others]).sum())
        if left < 0:
            hollows.append(patch)
            continue
        turns = 0.0
        for each in others:
            faces = slice(starts[each], starts[each + 1])
            signs = patches.sides[order[faces]] * np.sign(volumes[each])
            turns += float((_solid_angles(points[faces] - place) * signs).sum()) / (4 * np.pi)
        if turns > 0.5:
            hollows.append(patch)
    return np.array(hollows, np.int64)


def _solid_angles(corners: Points) -> Points:
    """Of (f, 3, 3) triangles, seen from the origin (Van Oosterom and Strackee 1983); positive from behind."""
    lengths = np.linalg.norm(corners, axis=2)
    first, second, third = corners[:, 0], corners[:, 1], corners[:, 2]
    spanned = (first * np.cross(second, third)).sum(axis=1)
    below = lengths.prod(axis=1)
    below += (first * second).sum(axis=1) * lengths[:, 2] + (second * third).sum(axis=1) * lengths[:, 0]
    below += (third * first).sum(axis=1) * lengths[:, 1]
    return np.asarray(2 * np.arctan2(spanned, below), np.float64)
