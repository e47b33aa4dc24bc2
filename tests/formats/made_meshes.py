"""Shapes whose defects are known: `SHAPES` maps a name to points, faces, and every count that is not the usual one.

Usual is no defect and one piece.  The counts follow from how a shape is made, not from measuring it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import product

import numpy as np
import trimesh


@dataclass(frozen=True)
class Shape:
    """`counts`: what differs from no defect and one piece."""

    points: np.ndarray
    faces: np.ndarray
    counts: dict[str, int] = field(default_factory=dict)

    def has(self, **counts: int) -> Shape:
        return Shape(self.points, self.faces, counts)

    def moved(self, x: float = 0, y: float = 0, z: float = 0, *, size: float | tuple[float, ...] = 1.0) -> Shape:
        return Shape(self.points * np.array(size) + (x, y, z), self.faces, self.counts)

    def turned(self, *faces: int) -> Shape:
        """With these faces wound the other way; all of them where none is named."""
        wound = self.faces.copy()
        which = list(faces) or list(range(len(wound)))
        wound[which] = wound[which][:, ::-1]
        return Shape(self.points, wound, self.counts)

    def without(self, *faces: int) -> Shape:
        return Shape(self.points, np.delete(self.faces, faces, axis=0), self.counts)

    def plus(self, *faces: Iterable[int], points: Iterable[Iterable[float]] = ()) -> Shape:
        more = np.array(list(points), np.float64).reshape(-1, 3)
        added = np.array([list(face) for face in faces], np.int64).reshape(-1, 3)
        return Shape(np.concatenate([self.points, more]), np.concatenate([self.faces, added]), self.counts)

    def beside(self, *others: Shape) -> Shape:
        made = self
        for other in others:
            moved = other.faces + len(made.points)
            made = Shape(np.concatenate([made.points, other.points]), np.concatenate([made.faces, moved]), made.counts)
        return made

    def split(self, *, apart: float = 0.0) -> Shape:
        """Every face with three vertices of its own, each up to `apart` from where it was."""
        points = self.points[self.faces].reshape(-1, 3)
        points += np.random.default_rng(1).uniform(-apart, apart, points.shape)
        return Shape(points, np.arange(len(points)).reshape(-1, 3), self.counts)


def shape(points: Iterable[Iterable[float]], faces: Iterable[Iterable[int]]) -> Shape:
    return Shape(np.array(list(points), np.float64), np.array(list(faces), np.int64))


def quads(*corners: tuple[int, int, int, int]) -> list[tuple[int, int, int]]:
    """Two triangles each: faces 2n and 2n + 1."""
    return [face for a, b, c, d in corners for face in ((a, b, c), (a, c, d))]


# Corner x + 2y + 4z.  Sides: down (faces 0, 1), up (2, 3), front, back, left (8, 9), right (10, 11).
SIDES = ((0, 2, 3, 1), (4, 5, 7, 6), (0, 1, 5, 4), (2, 6, 7, 3), (0, 4, 6, 2), (1, 3, 7, 5))
CUBE = shape([(x, y, z) for z, y, x in product((0, 1), repeat=3)], quads(*SIDES))
TETRAHEDRON = shape([(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)], [(0, 2, 1), (0, 1, 3), (0, 3, 2), (1, 2, 3)])
OCTAHEDRON = shape(
    [(1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1)],
    [(0, 2, 4), (2, 1, 4), (1, 3, 4), (3, 0, 4), (2, 0, 5), (1, 2, 5), (3, 1, 5), (0, 3, 5)],
)
TRIANGLE = shape([(0, 0, 0), (1, 0, 0), (0, 1, 0)], [(0, 1, 2)])


def sheet(wide: int, high: int, *, bend: float = 0.0) -> Shape:
    """2 x wide x high faces that look up."""
    points = [(x, y, bend * x * x) for y in range(high + 1) for x in range(wide + 1)]
    row = wide + 1
    first = [y * row + x for y in range(high) for x in range(wide)]
    return shape(points, quads(*((at, at + 1, at + row + 1, at + row) for at in first)))


def torus(around: int, across: int) -> Shape:
    """2 x around x across faces."""
    points = []
    for i, j in product(range(around), range(across)):
        turn, tilt = 2 * np.pi * i / around, 2 * np.pi * j / across
        reach = 1 + 0.3 * np.cos(tilt)
        points.append((reach * np.cos(turn), reach * np.sin(turn), 0.3 * np.sin(tilt)))
    corners = []
    for i, j in product(range(around), range(across)):
        here, on = i * across, (i + 1) % around * across
        corners.append((here + j, on + j, on + (j + 1) % across, here + (j + 1) % across))
    return shape(points, quads(*corners))


def moebius(count: int) -> Shape:
    """A strip of `count` squares whose end is joined to its beginning the other way up."""
    points = []
    for i in range(count):
        turn = 2 * np.pi * i / count
        for side in (-0.3, 0.3):
            reach = 1 + side * np.cos(turn / 2)
            points.append((reach * np.cos(turn), reach * np.sin(turn), side * np.sin(turn / 2)))
    corners = [(2 * i, 2 * i + 2, 2 * i + 3, 2 * i + 1) for i in range(count - 1)]
    return shape(points, quads(*corners, (2 * count - 2, 1, 0, 2 * count - 1)))


def tube(count: int, *, top: float = 1.0) -> Shape:
    """A pipe of `count` sides, wide 1 below and `top` above, without its lids."""
    turns = [2 * np.pi * i / count for i in range(count)]
    points = [(r * np.cos(t), r * np.sin(t), z) for z, r in ((0, 1.0), (1, top)) for t in turns]
    return shape(points, quads(*((i, (i + 1) % count, (i + 1) % count + count, i + count) for i in range(count))))


def sphere(rounds: int = 2) -> Shape:
    """8 x 4^rounds faces."""
    points, faces = [tuple(p) for p in OCTAHEDRON.points], [tuple(f) for f in OCTAHEDRON.faces]
    for _ in range(rounds):
        middles: dict[tuple[int, int], int] = {}
        finer = []
        for a, b, c in faces:
            ends = [tuple(sorted(pair)) for pair in ((a, b), (b, c), (c, a))]
            for one, other in ends:
                if (one, other) not in middles:
                    middles[one, other] = len(points)
                    middle = np.add(points[one], points[other])
                    points.append(tuple(middle / np.linalg.norm(middle)))
            x, y, z = (middles[end] for end in ends)
            finer += [(a, x, z), (x, b, y), (z, y, c), (x, y, z)]
        faces = finer
    return shape(points, faces)


def bowl(rounds: int = 2) -> Shape:
    """The lower half of a sphere."""
    ball = sphere(rounds)
    upper = np.flatnonzero(ball.points[ball.faces].mean(axis=1)[:, 2] > 0)
    return ball.without(*upper)


BALL = sphere(2)
SLIT = (0.5, 0, 0)  # on the edge of the cube from corner 0 to corner 1
# The cube whose lower front edge one of its two sides has cut in the middle, at point 8.
CUT = CUBE.without(4).plus((0, 8, 5), (8, 1, 5), points=[SLIT])
ROD = CUBE.moved(0.2, 0.6, -2, size=(0.1, 0.1, 4.0))
PLATE = CUBE.moved(size=(1.0, 1.0, 0.1))
PLACES = list(product(range(3), repeat=3))
TIP = np.flatnonzero((BALL.faces == 4).any(axis=1))

SHAPES = {
    # sound
    "a cube": CUBE,
    "a tetrahedron": TETRAHEDRON,
    "an octahedron": OCTAHEDRON,
    "a sphere": BALL,
    "a torus": torus(12, 8),
    "a thin plate": CUBE.moved(size=(1.0, 1.0, 1e-3)),
    "a cube far from the origin": CUBE.moved(1000, -2000, 500),
    "a cube beside vertices that nothing uses": CUBE.plus(points=[(90, 0, 0), (0, -70, 3)]),
    "a cube whose faces have vertices of their own": CUBE.split(),
    "a sphere whose vertices lie a rounding apart": BALL.split(apart=1e-8),
    # open
    "a cube without one side": CUBE.without(2, 3).has(open_edges=4),
    "a cube without one face": CUBE.without(2).has(open_edges=3),
    "a cube without two opposite sides": CUBE.without(0, 1, 2, 3).has(open_edges=8),
    "a cube without two faces that touch in a corner": CUBE.without(1, 10).has(open_edges=4),
    "a torus without one face": torus(12, 8).without(5).has(open_edges=3),
    "one triangle": TRIANGLE.has(open_edges=3),
    "one square": sheet(1, 1).has(open_edges=4),
    "a sheet": sheet(4, 3).has(open_edges=14),
    "a bent sheet": sheet(4, 3, bend=0.1).has(open_edges=14),
    "a pipe": tube(12).has(open_edges=24),
    "a cone without its bottom": tube(12, top=0.0).has(open_edges=12, degenerate_faces=12),
    "a bowl": bowl().has(open_edges=16),
    # more than two faces
    "two cubes that share a corner": CUBE.beside(CUBE.moved(1, 1, 1)).has(non_manifold_vertices=1),
    "two cubes that share an edge": CUBE.beside(CUBE.moved(1, 1)).has(non_manifold_edges=1),
    "two cubes that share a side": CUBE.without(10, 11).beside(CUBE.moved(1)).has(non_manifold_edges=4),
    "two tetrahedra tip to tip": TETRAHEDRON.beside(TETRAHEDRON.moved(size=-1).turned()).has(non_manifold_vertices=1),
    "a cube with a fin": CUBE.plus((0, 1, 8), points=[(0.5, -1, -1)]).has(non_manifold_edges=1, open_edges=2),
    "three leaves of a spine": TRIANGLE.plus((0, 1, 3), (0, 1, 4), points=[(0, -1, 0), (0, 0, 1)]).has(
        non_manifold_edges=1, open_edges=6
    ),
    "two triangles that share a corner": TRIANGLE.beside(TRIANGLE.moved(size=-1)).has(
        open_edges=6, non_manifold_vertices=1
    ),
    # wound the wrong way
    "a cube with one face turned": CUBE.turned(3).has(mismatched_edges=3, inverted_faces=1),
    "a cube with one side turned": CUBE.turned(2, 3).has(mismatched_edges=4, inverted_faces=2),
    "a cube with all but one face turned": CUBE.turned(*range(11)).has(mismatched_edges=3, inverted_faces=11),
    "a cube turned inside out": CUBE.turned().has(inverted_faces=12),
    "a cube without one side turned inside out": CUBE.without(2, 3).turned().has(open_edges=4, inverted_faces=10),
    "a sphere without its tip turned inside out": BALL.without(*TIP)
    .turned()
    .has(open_edges=4, inverted_faces=len(BALL.faces) - 4),
    "two cubes of which one is turned inside out": CUBE.beside(CUBE.moved(3).turned()).has(pieces=2, inverted_faces=12),
    "a sheet with one inner face turned": sheet(4, 3)
    .turned(11)
    .has(open_edges=14, mismatched_edges=3, inverted_faces=1),
    "a sheet that looks down": sheet(4, 3).turned().has(open_edges=14),
    "a bowl that looks in": bowl().turned().has(open_edges=16),
    "a Möbius strip": moebius(16).has(open_edges=32, mismatched_edges=1),
    "a hollow ball": BALL.beside(BALL.moved(size=0.5).turned()).has(pieces=2),
    "a ball in a ball": BALL.beside(BALL.moved(size=0.5)).has(pieces=2),
    "a hollow in a ball that is turned inside out": BALL.turned()
    .beside(BALL.moved(size=0.5).turned())
    .has(pieces=2, inverted_faces=len(BALL.faces)),
    # drawn more than once
    "a cube with one face twice": CUBE.plus(CUBE.faces[4]).has(duplicate_faces=1),
    "a cube with one face twice from another corner": CUBE.plus(np.roll(CUBE.faces[4], 1)).has(duplicate_faces=1),
    "a cube with one face from both sides": CUBE.plus(CUBE.faces[4][::-1]).has(duplicate_faces=1),
    "a cube with one face three times": CUBE.plus(CUBE.faces[4], CUBE.faces[4]).has(duplicate_faces=2),
    "a cube twice": CUBE.beside(CUBE).has(duplicate_faces=12),
    "a sheet with two sides": sheet(4, 3).beside(sheet(4, 3).turned()).has(duplicate_faces=24, open_edges=14),
    "two whole cubes that share a side": CUBE.beside(CUBE.moved(2, size=(-1.0, 1.0, 1.0)).turned()).has(
        duplicate_faces=2, non_manifold_edges=4
    ),
    # nothing drawn
    "a cube with a face of two corners": CUBE.plus((0, 1, 1)).has(degenerate_faces=1),
    "a cube with a face of one place": CUBE.plus((0, 8, 9), points=[(0, 0, 0)] * 2).has(degenerate_faces=1),
    "a cube with a face on a line beside it": CUBE.plus((8, 9, 10), points=[(3, 0, 0), (4, 1, 1), (6, 3, 3)]).has(
        degenerate_faces=1, open_edges=3, pieces=2
    ),
    "a cube with a face lower than the tolerance": CUBE.plus(
        (8, 9, 10), points=[(3, 0, 0), (4, 0, 0), (3.5, 1e-7, 0)]
    ).has(degenerate_faces=1, open_edges=3, pieces=2),
    "a cube with a slit that a flat face closes": CUT.plus((0, 1, 8)).has(degenerate_faces=1),
    "a cube with a slit": CUT.has(open_edges=3),
    "nothing but a face without an area": shape([(0, 0, 0), (1, 0, 0)], [(0, 1, 1)]).has(degenerate_faces=1, pieces=0),
    "nothing but one place": shape([(2, 2, 2)] * 3, [(0, 1, 2)]).has(degenerate_faces=1, pieces=0),
    # through one another
    "two triangles that cross": TRIANGLE.beside(
        shape([(0.2, 0.2, -1), (0.2, 0.2, 1), (0.9, 0.9, 0.5)], [(0, 1, 2)])
    ).has(open_edges=6, pieces=2, crossing_faces=2),
    "two triangles that share a corner and cross": TRIANGLE.plus((0, 3, 4), points=[(1, 1, 1), (1, 1, -1)]).has(
        open_edges=6, non_manifold_vertices=1, crossing_faces=2
    ),
    "a rod through a plate": PLATE.beside(ROD).has(pieces=2, crossing_faces=10),
    "two rods through a plate": PLATE.beside(ROD, ROD.moved(0.5, -0.4)).has(pieces=3, crossing_faces=20),
    "a rod that ends in a plate": PLATE.beside(ROD.moved(z=2.05)).has(pieces=2, crossing_faces=9),
    "boxes side by side": CUBE.beside(CUBE.moved(1, 0.3, 0.4)).has(pieces=2),
    "a box that stands on a box": CUBE.beside(CUBE.moved(0.2, 0.3, 1, size=0.5)).has(pieces=2),
    "faces that lie on one another": TRIANGLE.beside(TRIANGLE.moved(0.1, 0.1)).has(open_edges=6, pieces=2),
    "a tip that touches a face": TRIANGLE.beside(shape([(0.2, 0.2, 0), (0.2, 0.3, 1), (0.3, 0.2, 1)], [(0, 1, 2)])).has(
        open_edges=6, pieces=2
    ),
    # pieces
    "27 cubes": CUBE.beside(*(CUBE.moved(2 * x, 2 * y, 2 * z) for x, y, z in PLACES[1:])).has(pieces=27),
    "a cube and a crumb": CUBE.beside(TETRAHEDRON.moved(2, 2, 2, size=0.01)).has(pieces=2),
}


def glb_of(name: str) -> bytes:
    """The shape, as large as it fits into the cube that files are drawn in, with some room."""
    made = SHAPES[name]
    size = np.ptp(made.points, axis=0).max()
    points = (made.points - made.points.min(axis=0)) / size * 0.8 - 0.4
    return bytes(trimesh.Trimesh(points, made.faces, process=False).export(file_type="glb"))
