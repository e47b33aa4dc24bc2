"""Objects that are mostly outline: a saw would have made them, or nearly."""

from math import cos, pi, sin

import numpy as np
import trimesh

from examples.objects import paints
from examples.objects.shapes import ball, box, ring, rod, slab, thing, tube, turned


def disc(radius: float, *, points: int = 48) -> list[tuple[float, float]]:
    return [(radius * cos(a), radius * sin(a)) for a in np.linspace(0, 2 * pi, points, endpoint=False)]


def clock() -> trimesh.Scene:
    rim = ring(0.5, 0.075, paint="#c89b3c")
    face = slab(disc(0.5), 0.06, paint=paints.dial("#f5efdc", "#23201c"))
    back = slab(disc(0.5), 0.08, at=(0, 0, -0.05), paint="#a87f2c")
    bells = [ball((0.13, 0.1, 0.1), at=(s * 0.3, 0.58, 0), paint="#c89b3c") for s in (-1, 1)]
    feet = [rod((s * 0.28, -0.42, 0), (s * 0.38, -0.66, 0), [0.05, 0.035], paint="#a87f2c") for s in (-1, 1)]
    return thing(rim, face, back, *bells, *feet)


def book() -> trimesh.Scene:
    covers = [box((0.72, 1, 0.03), at=(0, 0, s * 0.1), paint=paints.cover("#7a2318", "#e3bd5a")) for s in (-1, 1)]
    pages = box((0.68, 0.95, 0.17), at=(-0.005, 0, 0), paint="#f2ead6")
    spine = box((0.03, 1, 0.23), at=(-0.36, 0, 0), paint="#5d180f")
    mark = box((0.05, 0.14, 0.012), at=(0.18, -0.53, 0), paint="#2d66c4")
    return thing(*covers, pages, spine, mark)


def guitar() -> trimesh.Scene:
    body = [
        (waist(0.5 - 0.5 * cos(a)) * (1 if a < pi else -1), 0.4 * cos(a)) for a in np.linspace(0.03, 2 * pi - 0.03, 64)
    ]
    wood = slab(body, 0.15, at=(0, -0.5, 0), paint=paints.grain("#c98a43", "#a8692b"))
    hole = slab(disc(0.085, points=24), 0.01, at=(0, -0.42, 0.08), paint="#2b1a10")
    bridge = box((0.2, 0.035, 0.02), at=(0, -0.68, 0.085), paint="#3a2414")
    neck = box((0.085, 0.75, 0.05), at=(0, 0.2, 0.07), paint="#54341c")
    head = box((0.14, 0.2, 0.045), at=(0, 0.65, 0.06), paint="#3a2414")
    pegs = [
        ball((0.025, 0.02, 0.02), at=(s * 0.085, y, 0.06), paint="#dcdfe3") for s in (-1, 1) for y in (0.59, 0.65, 0.71)
    ]
    strings = [box((0.006, 1.25, 0.006), at=(x, -0.06, 0.102), paint="#e9e4d8") for x in (-0.025, 0, 0.025)]
    return thing(wood, hole, bridge, neck, head, *pegs, *strings)


def waist(down: float) -> float:
    """Half the width of a guitar's body, from its top (0) to its bottom (1): a small bout, a waist, a large one."""
    return 0.31 * max(0.0, 1 - (2 * down - 1) ** 4) ** 0.5 * (0.84 + 0.2 * down - 0.24 * sin(pi * down) ** 6)


def sword() -> trimesh.Scene:
    blade = slab([(-0.06, 0), (0.06, 0), (0.052, 0.98), (0, 1.12), (-0.052, 0.98)], 0.035, paint="#c9d2db")
    ridge = slab([(-0.014, 0), (0.014, 0), (0.01, 0.95), (-0.01, 0.95)], 0.055, paint="#8f9aa6")
    guard = tube(
        [(-0.3, 0.08, 0), (-0.2, 0, 0), (0.2, 0, 0), (0.3, 0.08, 0)], [0.035, 0.045, 0.045, 0.035], paint="#d6a531"
    )
    grip = turned([(0, 0), (0.045, 0), (0.04, -0.3), (0, -0.3)], paint=paints.bands(*["#5a2f1a", "#7d4526"] * 5))
    return thing(
        blade,
        ridge,
        guard,
        grip,
        ball((0.07, 0.07, 0.07), at=(0, -0.35, 0), paint="#d6a531"),
        ball((0.04, 0.04, 0.03), at=(0, 0, 0.04), paint="#b3202c"),
    )


def shield() -> trimesh.Scene:
    half = [(0, 0.62), (0.26, 0.58), (0.5, 0.62), (0.5, 0.1), (0.4, -0.3), (0.2, -0.58), (0, -0.72)]
    outline = [*half, *[(-x, y) for x, y in half[-2:0:-1]]]
    rim = slab(outline, 0.1, paint="#b9bec6")
    field = slab([(x * 0.87, y * 0.88) for x, y in outline], 0.1, at=(0, -0.01, 0.02), paint="#1f4fa3")
    cross = [
        box((0.13, 1.1, 0.03), at=(0, -0.03, 0.08), paint="#f0c93f"),
        box((0.82, 0.13, 0.03), at=(0, 0.12, 0.08), paint="#f0c93f"),
    ]
    return thing(rim, field, *cross, ball((0.1, 0.1, 0.06), at=(0, 0.12, 0.1), paint="#d8dde3"))


def key() -> trimesh.Scene:
    bow = ring(0.24, 0.06, at=(0, 0.42, 0), paint="#d1a03a")
    shaft = rod((0, 0.2, 0), (0, -0.72, 0), 0.055, paint="#d1a03a")
    collar = turned([(0, 0.2), (0.09, 0.18), (0.09, 0.1), (0, 0.08)], paint="#a87a22")
    bit = slab(
        [(0.03, -0.7), (0.3, -0.7), (0.3, -0.62), (0.2, -0.62), (0.2, -0.54), (0.3, -0.54), (0.3, -0.4), (0.03, -0.4)],
        0.07,
        paint="#d1a03a",
    )
    return thing(bow, shaft, collar, bit)
