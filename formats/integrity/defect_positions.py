"""Where are a mesh's defects, as a file that the viewer draws over the mesh?  Positions, and nothing else.

Eight bytes of magic and the version; for each of `MARKS`, in their order, how many there are and how many of them are
shown; then the positions of those shown, mark by mark: x, y and z of each corner in the mesh's own space.  Counts are
32-bit numbers, positions 32-bit floats, all little-endian.  Nothing may follow.  The viewer reads it by
dashboard/static/dashboard/defects.js.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from formats.integrity.marks import MARKS, MOST_SHOWN
from formats.integrity.mesh import MeshDefects
from formats.integrity.welding import Indices, Points

MAGIC, VERSION = b"GNTFAULT", 1
HEADER, COUNTS = struct.Struct("<8sI"), struct.Struct("<2I")
FIRST = HEADER.size + len(MARKS) * COUNTS.size
FLOAT = np.dtype("<f4")
CORNER_BYTES = 3 * FLOAT.itemsize
MOST_BYTES = FIRST + sum(mark.corners for mark in MARKS) * MOST_SHOWN * CORNER_BYTES
REACH = 1.0  # of a coordinate: the check lets a file reach half as far


@dataclass(frozen=True)
class DefectPositions:
    """Of one mark: `counted` defects, and the `positions` (n, corners, 3) of those shown: all of them, or as many as
    a file may show, evenly chosen in the order in which they were counted."""

    counted: int
    positions: NDArray[np.float32]


def positions_of(points: Points, faces: Indices, where: MeshDefects) -> dict[str, DefectPositions]:
    """Of each mark, by its number's name.  `points` and `faces`: the mesh of which `where` tells the defects."""
    positions = {}
    for mark in MARKS:
        defects = getattr(where, mark.defects)
        counted = len(defects)
        if counted > MOST_SHOWN:
            defects = defects[np.arange(MOST_SHOWN) * counted // MOST_SHOWN]
        corners = points[faces[defects]] if mark.corners == 3 else defects
        positions[mark.number] = DefectPositions(counted, corners.reshape(-1, mark.corners, 3).astype(FLOAT))
    return positions


def pack(positions: Mapping[str, DefectPositions]) -> bytes:
    """`positions`: of every mark."""
    each = [positions[mark.number] for mark in MARKS]
    counts = b"".join(COUNTS.pack(one.counted, len(one.positions)) for one in each)
    return HEADER.pack(MAGIC, VERSION) + counts + b"".join(one.positions.astype(FLOAT).tobytes() for one in each)


def parse(content: bytes) -> dict[str, DefectPositions]:
    """What `pack` wrote.  Raises ValueError where it could not have written this."""
    if len(content) < FIRST or HEADER.unpack_from(content) != (MAGIC, VERSION):
        raise ValueError("it does not begin as a file of defects does")
    counts = list(COUNTS.iter_unpack(content[HEADER.size : FIRST]))
    if any(shown != min(counted, MOST_SHOWN) for counted, shown in counts):
        raise ValueError("it shows other counts of defects than it may")
    floats = [3 * mark.corners * shown for mark, (_, shown) in zip(MARKS, counts, strict=True)]
    if len(content) != FIRST + FLOAT.itemsize * sum(floats):
        raise ValueError("its length is not that of its counts")
    every = np.frombuffer(content, FLOAT, offset=FIRST)
    if not (np.abs(every) <= REACH).all():  # nor what is no number
        raise ValueError("a position is outside of what is drawn")
    parts = np.split(every, np.cumsum(floats)[:-1])
    return {
        mark.number: DefectPositions(counted, part.reshape(-1, mark.corners, 3))
        for mark, (counted, _), part in zip(MARKS, counts, parts, strict=True)
    }
