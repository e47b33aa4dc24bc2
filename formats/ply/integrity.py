"""How sound is a cloud of splats?  Of what its check has read."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from formats.integrity.crossings import sample
from formats.integrity.measures import FAINT, NEAR, NEEDLE, NEIGHBOURS, SAMPLED_SPLATS, SPARSE, WELD, SplatIntegrity
from formats.integrity.surface import Mask
from formats.integrity.welding import Indices, Points, extent, weld
from formats.ply.examine import read
from formats.ply.splats import Splats


@dataclass(frozen=True)
class SplatDefects:
    """Which splats are at fault, by their numbers; `floaters` are among the `examined`."""

    floaters: Indices
    examined: Indices
    needles: Indices
    faint: Indices


def measure(data: bytes) -> SplatIntegrity:
    """Raises Refused with the first rule that the file breaks."""
    return examine(data)[0]


def examine(data: bytes) -> tuple[SplatIntegrity, SplatDefects]:
    """The numbers, and where the defects are.  Raises Refused with the first rule that the file breaks."""
    splats = read(data)
    seed = int.from_bytes(hashlib.sha256(data).digest()[:8], "big")
    points = splats.of("x", "y", "z").astype(np.float64)
    where = defects(splats, points, seed=seed)
    numbers = SplatIntegrity(
        splats=len(points),
        floaters=len(where.floaters),
        floater_sample=len(where.examined),
        needles=len(where.needles),
        faint=len(where.faint),
        opacity=float(np.median(_opacity(splats))),
        extent=extent(points),
        bytes=len(data),
    )
    return numbers, where


def defects(splats: Splats, points: Points, *, seed: int) -> SplatDefects:
    axes = np.sort(splats.of("scale_0", "scale_1", "scale_2").astype(np.float64), axis=1)
    examined = sample(len(points), most=SAMPLED_SPLATS, seed=seed)
    return SplatDefects(
        floaters=_floaters(points, examined) if len(points) > NEIGHBOURS else examined[:0],
        examined=examined,
        needles=np.flatnonzero(axes[:, 2] - axes[:, 1] > np.log(NEEDLE)),
        faint=np.flatnonzero(_opacity(splats) < FAINT),
    )


def _floaters(points: Points, examined: Indices) -> Indices:
    radius = 2 * float(np.median(np.linalg.norm(points - points.mean(axis=0), axis=1)))
    # splats in one place are one point of the tree, which otherwise could not be divided there
    place_of, places = weld(points, tolerance=WELD * extent(points))
    held = np.append(np.bincount(place_of), 0)  # a neighbour that is missing has the number after the last place
    wanted, whom = np.unique(place_of[examined], return_inverse=True)
    distances, near = cKDTree(places).query(places[wanted], k=NEIGHBOURS + 1)
    reached = held[near].cumsum(axis=1) > NEIGHBOURS  # a splat is its own first neighbour
    distance = distances[np.arange(len(wanted)), reached.argmax(axis=1)][whom.reshape(-1)]
    apart: Mask = distance > max(NEAR * radius, SPARSE * float(np.median(distance)))
    return examined[apart]


def _opacity(splats: Splats) -> Points:
    return 1 / (1 + np.exp(-np.clip(splats.of("opacity")[:, 0].astype(np.float64), -60, 60)))
