"""Objects put together from many parts: neither a lathe nor a saw gets them right."""

from math import cos, pi, sin

import numpy as np
import trimesh

from examples.objects import paints
from examples.objects.shapes import ball, box, ring, rod, slab, thing, tube, turned


def mug() -> trimesh.Scene:
    wall = [(0, -0.36), (0.33, -0.36), (0.35, 0.45), (0.38, 0.47), (0.4, 0.45), (0.39, -0.4), (0.36, -0.45), (0, -0.45)]
    body = turned(wall, paint=paints.bands(*["#2f6fb3"] * 5, "#f4f1e8", *["#2f6fb3"] * 2))
    coffee = turned([(0, 0.3), (0.345, 0.3), (0.34, 0.27), (0, 0.27)], paint="#4b2a17")
    handle = [(0.36 + 0.27 * sin(pi * t), 0.28 * cos(pi * t), 0) for t in np.linspace(0, 1, 16)]
    return thing(body, coffee, tube(handle, 0.055, paint="#2f6fb3"))


def chair() -> trimesh.Scene:
    wood = paints.grain("#b97a3e", "#8f5a2a")
    legs = [box((0.08, 0.5, 0.08), at=(x, -0.35, z), paint=wood) for x in (-0.28, 0.28) for z in (-0.26, 0.26)]
    posts = [box((0.08, 0.66, 0.07), at=(x, 0.3, -0.26), paint=wood) for x in (-0.28, 0.28)]
    rails = [box((0.5, 0.1, 0.05), at=(0, y, -0.26), paint=wood) for y in (0.22, 0.4, 0.56)]
    return thing(box((0.68, 0.07, 0.64), at=(0, -0.07, 0), paint="#c0392b"), *legs, *posts, *rails)


def table() -> trimesh.Scene:
    wood = paints.grain("#a9743f", "#7d4f25")
    legs = [box((0.09, 0.56, 0.09), at=(x, -0.3, z), paint=wood) for x in (-0.5, 0.5) for z in (-0.26, 0.26)]
    aprons = [box((1.0, 0.1, 0.03), at=(0, -0.07, z), paint="#7d4f25") for z in (-0.26, 0.26)]
    bowl = turned([(0, 0.1), (0.14, 0.19), (0.17, 0.19), (0.1, 0.05), (0.06, 0.02), (0, 0.02)], paint="#e8e4da")
    fruit = [
        ball((0.06, 0.06, 0.06), at=at, paint=c)
        for at, c in (((-0.06, 0.2, 0), "#d4382c"), ((0.06, 0.2, 0.02), "#e8a025"), ((0, 0.22, -0.05), "#86b83c"))
    ]
    return thing(box((1.24, 0.07, 0.72), at=(0, 0, 0), paint=wood), *legs, *aprons, bowl, *fruit)


def car() -> trimesh.Scene:
    body = slab(
        [
            (-0.62, -0.18),
            (0.62, -0.18),
            (0.64, 0.02),
            (0.4, 0.08),
            (0.24, 0.3),
            (-0.3, 0.3),
            (-0.46, 0.08),
            (-0.63, 0.04),
        ],
        0.5,
        paint="#d13a2e",
    )
    glass = slab([(0.33, 0.09), (0.2, 0.265), (-0.27, 0.265), (-0.39, 0.09)], 0.52, paint="#9fd0e6")
    post = box((0.05, 0.2, 0.53), at=(-0.03, 0.18, 0), paint="#d13a2e")
    wheels = []
    for x in (-0.37, 0.37):
        for side in (-1, 1):
            wheels.append(rod((x, -0.18, side * 0.2), (x, -0.18, side * 0.28), 0.15, paint="#222428"))
            wheels.append(rod((x, -0.18, side * 0.27), (x, -0.18, side * 0.29), 0.075, paint="#c8ccd2"))
    lamps = [
        ball((0.03, 0.045, 0.05), at=(x, 0, z), paint=c)
        for x, c in ((0.63, "#fff2b0"), (-0.62, "#8d1512"))
        for z in (-0.17, 0.17)
    ]
    return thing(body, glass, post, *wheels, *lamps, box((0.05, 0.06, 0.52), at=(0.63, -0.14, 0), paint="#8c9299"))


def house() -> trimesh.Scene:
    walls = box((0.9, 0.6, 0.7), at=(0, -0.2, 0), paint=paints.facade("#f0dfba", "#ffffff", "#7db7d6", "#8a3b24"))
    gable = slab([(-0.45, 0.1), (0.45, 0.1), (0, 0.48)], 0.7, paint="#f0dfba")
    roof = [slab([(s * 0.56, 0.0), (s * 0.56, 0.07), (0, 0.56), (0, 0.48)], 0.82, paint="#a63a2a") for s in (-1, 1)]
    chimney = box((0.13, 0.34, 0.13), at=(0.26, 0.42, -0.1), paint="#8d4a3a")
    return thing(walls, gable, *roof, chimney, box((1.1, 0.05, 0.9), at=(0, -0.52, 0), paint="#6a9c4b"))


def tree() -> trimesh.Scene:
    trunk = turned([(0, 0), (0.09, 0), (0.1, -0.4), (0.15, -0.6), (0, -0.6)], paint=paints.grain("#7b5231", "#54361d"))
    crown = [
        ((0, 0.42, 0), 0.34),
        ((-0.26, 0.2, 0.05), 0.27),
        ((0.27, 0.17, 0.02), 0.26),
        ((0.02, 0.12, 0.22), 0.27),
        ((0, 0.16, -0.22), 0.28),
    ]
    leaves = [
        ball((r, r * 0.92, r), at=at, paint=c)
        for (at, r), c in zip(crown, ("#4f9a3a", "#3f8530", "#478f35", "#5aa843", "#3a7a2c"), strict=True)
    ]
    apples = [
        ball((0.045, 0.045, 0.045), at=at, paint="#d62b2b")
        for at in ((-0.3, 0.22, 0.3), (0.12, 0.06, 0.47), (0.3, 0.3, 0.22), (-0.05, 0.5, 0.33))
    ]
    return thing(trunk, *leaves, *apples)


def boat() -> trimesh.Scene:
    hull = slab([(-0.55, -0.2), (-0.42, -0.48), (0.42, -0.48), (0.66, -0.2)], 0.36, paint="#8f4a25")
    deck = slab([(-0.58, -0.2), (-0.57, -0.15), (0.68, -0.15), (0.66, -0.2)], 0.4, paint="#e7d5ad")
    mast = rod((0.03, -0.2, 0), (0.03, 0.68, 0), 0.025, paint="#6b4423")
    sails = [
        slab(
            [(0.08, -0.05), (0.08, 0.62), (0.56, -0.05)],
            0.03,
            paint=paints.bands(*["#f7f3e8", "#f7f3e8", "#d8413a"] * 3),
        ),
        slab([(-0.02, -0.05), (-0.02, 0.5), (-0.42, -0.05)], 0.03, paint="#f7f3e8"),
    ]
    return thing(hull, deck, mast, *sails, slab([(0.04, 0.6), (0.04, 0.7), (-0.14, 0.65)], 0.02, paint="#2566b8"))


def cactus() -> trimesh.Scene:
    def ribs(angle: np.ndarray) -> np.ndarray:
        return 1 - 0.07 * np.cos(12 * angle)

    trunk = [(0.17 * sin(pi / 2 * t) ** 0.7, 0.72 - 0.16 * t) for t in np.linspace(0, 1, 10)]
    body = turned([*trunk, (0.18, -0.3), (0, -0.3)], paint="#3f8f4f", wave=ribs, sections=96)
    left = tube(
        [(-0.1, 0.02, 0), (-0.3, 0.04, 0), (-0.37, 0.12, 0), (-0.38, 0.4, 0), (-0.38, 0.44, 0)],
        [0.08, 0.085, 0.085, 0.075, 0.03],
        paint="#479a57",
    )
    right = tube(
        [(0.1, 0.2, 0), (0.28, 0.22, 0), (0.35, 0.3, 0), (0.36, 0.5, 0), (0.36, 0.54, 0)],
        [0.07, 0.075, 0.075, 0.065, 0.03],
        paint="#479a57",
    )
    pot = turned([(0, -0.24), (0.29, -0.24), (0.29, -0.36), (0.26, -0.36), (0.2, -0.7), (0, -0.7)], paint="#c4683a")
    return thing(body, left, right, pot, ball((0.08, 0.06, 0.08), at=(0, 0.73, 0), paint="#f06aa0"))


def robot() -> trimesh.Scene:
    steel, dark = "#9aa7b5", "#4b5663"
    body = [
        box((0.5, 0.5, 0.34), paint=steel),
        box((0.36, 0.42, 0.3), at=(0, 0.5, 0), paint="#b8c3ce"),
        box((0.3, 0.22, 0.03), at=(0, 0.05, 0.18), paint="#23303c"),
    ]
    eyes = [ball((0.055, 0.055, 0.03), at=(s * 0.09, 0.55, 0.155), paint="#39d0e6") for s in (-1, 1)]
    mouth = box((0.18, 0.045, 0.02), at=(0, 0.38, 0.155), paint="#23303c")
    limbs = [rod((s * 0.27, 0.16, 0), (s * 0.4, -0.2, 0.03), 0.06, paint=dark) for s in (-1, 1)]
    limbs += [box((0.13, 0.34, 0.15), at=(s * 0.14, -0.4, 0), paint=dark) for s in (-1, 1)]
    feet = [box((0.19, 0.09, 0.28), at=(s * 0.14, -0.6, 0.04), paint="#e0592a") for s in (-1, 1)]
    hands = [ball((0.085, 0.085, 0.085), at=(s * 0.42, -0.25, 0.03), paint="#e0592a") for s in (-1, 1)]
    lights = [
        ball((0.03, 0.03, 0.02), at=(x, 0.05, 0.2), paint=c)
        for x, c in ((-0.08, "#f2d24a"), (0, "#5fd068"), (0.08, "#ef5350"))
    ]
    antenna = [
        rod((0, 0.7, 0), (0, 0.88, 0), 0.018, paint=dark),
        ball((0.045, 0.045, 0.045), at=(0, 0.9, 0), paint="#e0592a"),
    ]
    return thing(*body, *eyes, mouth, *limbs, *feet, *hands, *lights, *antenna)


def duck() -> trimesh.Scene:
    body = ball((0.42, 0.29, 0.3), at=(-0.05, -0.2, 0), paint="#f6c92d")
    tail = rod((-0.36, -0.12, 0), (-0.58, 0.1, 0), [0.14, 0.02], paint="#f6c92d")
    head = ball((0.24, 0.23, 0.22), at=(0.22, 0.24, 0), paint="#f8d143")
    bill = ball((0.14, 0.045, 0.1), at=(0.47, 0.2, 0), paint="#ee7420")
    eyes = [ball((0.035, 0.042, 0.025), at=(0.32, 0.31, s * 0.185), paint="#17171b") for s in (-1, 1)]
    wings = [ball((0.22, 0.13, 0.06), at=(-0.1, -0.14, s * 0.28), paint="#e5b31c") for s in (-1, 1)]
    return thing(body, tail, head, bill, *eyes, *wings)


def teapot() -> trimesh.Scene:
    body = turned(
        [(0, 0.3), (0.2, 0.29), (0.36, 0.12), (0.4, -0.05), (0.34, -0.24), (0.22, -0.34), (0.24, -0.38), (0, -0.38)],
        paint=paints.dots("#e9eef2", "#2c6fbb", rows=8, size=4),
    )
    lid = turned(
        [(0, 0.46), (0.05, 0.44), (0.05, 0.39), (0.03, 0.37), (0.16, 0.32), (0.21, 0.27), (0, 0.27)], paint="#2c6fbb"
    )
    spout = tube(
        [(0.3, -0.12, 0), (0.5, -0.02, 0), (0.58, 0.15, 0), (0.68, 0.26, 0)],
        [0.11, 0.075, 0.055, 0.045],
        paint="#e9eef2",
    )
    handle = [(-0.34 - 0.25 * sin(pi * t), 0.18 - 0.36 * t, 0) for t in np.linspace(0, 1, 16)]
    return thing(body, lid, spout, tube(handle, 0.045, paint="#2c6fbb"))


def television() -> trimesh.Scene:
    case = box((1, 0.72, 0.42), paint=paints.grain("#8a5a33", "#6a4122"))
    screen = box(
        (0.66, 0.52, 0.04), at=(-0.11, 0.02, 0.21), paint=paints.bands("#22303a", "#2f4858", "#41667c", "#5b8aa3")
    )
    frame = box((0.72, 0.58, 0.03), at=(-0.11, 0.02, 0.205), paint="#d8cfb8")
    knobs = [rod((0.38, y, 0.2), (0.38, y, 0.26), 0.055, paint="#e6d9b6") for y in (0.2, 0.03)]
    grille = box((0.13, 0.22, 0.02), at=(0.38, -0.2, 0.21), paint=paints.stripes("#2c2118", "#8d7550", count=5))
    horns = [rod((0, 0.34, -0.05), (s * 0.24, 0.7, -0.05), 0.014, paint="#b9bec6") for s in (-1, 1)]
    feet = [rod((s * 0.38, -0.34, 0), (s * 0.42, -0.52, 0), [0.035, 0.02], paint="#4a2c16") for s in (-1, 1)]
    return thing(
        case,
        frame,
        screen,
        *knobs,
        grille,
        *horns,
        *feet,
        ring(0.03, 0.01, at=(0, 0.36, -0.05), axis=1, paint="#b9bec6"),
    )


def snail() -> trimesh.Scene:
    turns = np.linspace(0.25 * pi, 4.5 * pi, 70)
    coil = [(0.028 * a * cos(a) - 0.1, 0.028 * a * sin(-a) + 0.06, 0) for a in turns]
    shell = tube(coil, 0.03 + 0.085 * (turns / turns[-1]), paint="#b5692c")
    foot = [(-0.68, -0.5, 0), (-0.3, -0.47, 0), (0.3, -0.46, 0), (0.5, -0.36, 0), (0.58, -0.1, 0), (0.6, 0.02, 0)]
    body = tube(foot, [0.02, 0.09, 0.12, 0.12, 0.11, 0.05], paint="#e3c48f")
    horns = [rod((0.58, -0.03, s * 0.03), (0.68, 0.2, s * 0.09), 0.018, paint="#d1ae74") for s in (-1, 1)]
    eyes = [ball((0.04, 0.04, 0.04), at=(0.68, 0.22, s * 0.09), paint="#2a2320") for s in (-1, 1)]
    return thing(shell, body, *horns, *eyes)
