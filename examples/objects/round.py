"""Objects that a lathe could have made, or nearly."""

from math import cos, pi, sin

import numpy as np
import trimesh

from examples.objects import paints
from examples.objects.shapes import ball, ring, rod, slab, thing, tube, turned


def bottle() -> trimesh.Scene:
    glass = [(0, 1), (0.11, 1), (0.11, 0.94), (0.1, 0.92), (0.1, 0.7), (0.14, 0.6), (0.24, 0.5), (0.27, 0.42)]
    body = turned(
        [*glass, (0.27, -0.6), (0.24, -0.66), (0, -0.66)], paint=paints.label("#1f6b3a", "#f2e7c9", "#8c2f22")
    )
    cork = turned([(0, 1.08), (0.085, 1.08), (0.085, 0.99), (0, 0.99)], paint="#b98a56")
    return thing(body, cork)


def vase() -> trimesh.Scene:
    belly = [
        (0.2, 0.62),
        (0.15, 0.52),
        (0.14, 0.42),
        (0.2, 0.3),
        (0.33, 0.12),
        (0.38, -0.08),
        (0.34, -0.3),
        (0.22, -0.5),
    ]
    height = [top for _, top in belly]
    at = np.linspace(0.62, -0.5, 30)
    smooth = np.polynomial.Polynomial.fit(height, [radius for radius, _ in belly], 6)(at)
    inner = [(0, 0.4), (0.1, 0.45), (smooth[0] - 0.03, 0.62)]
    white, blue = "#efe6d4", "#24508f"
    paint = paints.bands(*[white] * 7, blue, white, *[blue] * 3, white, blue, *[white] * 4, blue, *[white] * 2)
    return thing(turned([*inner, *zip(smooth, at, strict=True), (0.23, -0.56), (0, -0.56)], paint=paint))


def balloon() -> trimesh.Scene:
    skin = [(0.5 * sin(pi * t) ** 0.85 * (1 - 0.22 * t), 0.6 * cos(pi * t)) for t in np.linspace(0, 1, 26)]
    skin[0], skin[-1] = (0, 0.6), (0, -0.62)
    knot = turned([(0, -0.58), (0.03, -0.6), (0.08, -0.68), (0, -0.67)], paint="#b3122c")
    path = [(0.035 * sin(9 * t), -0.66 - 0.55 * t, 0.035 * cos(9 * t) - 0.03) for t in np.linspace(0, 1, 24)]
    return thing(turned(skin, paint="#e0203c"), knot, tube(path, 0.014, paint="#dcdcdc"))


def pumpkin() -> trimesh.Scene:
    body = [(0.62 * sin(pi * t) ** 0.7, 0.44 * cos(pi * t) - 0.1 * cos(pi * t) ** 8) for t in np.linspace(0, 1, 24)]
    body[0], body[-1] = (0, body[0][1]), (0, body[-1][1])
    flesh = turned(body, paint="#e8761c", wave=lambda angle: 1 - 0.1 * np.abs(np.sin(5 * angle)) ** 3, sections=90)
    stem = tube(
        [(0, 0.28, 0), (0.01, 0.46, 0), (0.05, 0.58, 0), (0.13, 0.66, 0)], [0.1, 0.06, 0.055, 0.07], paint="#4b7a2b"
    )
    return thing(flesh, stem)


def mushroom() -> trimesh.Scene:
    cap = [(0.6 * sin(pi / 2 * t), 0.2 + 0.42 * cos(pi / 2 * t)) for t in np.linspace(0, 1, 14)]
    top = turned([*cap, (0.57, 0.14), (0.3, 0.18), (0, 0.2)], paint=paints.dots("#c4261d", "#fff4e6", rows=7, size=6))
    stem = turned(
        [(0, 0.22), (0.17, 0.22), (0.16, 0), (0.19, -0.3), (0.25, -0.48), (0.2, -0.55), (0, -0.55)], paint="#f1e4cd"
    )
    skirt = turned([(0, 0.06), (0.17, 0.06), (0.29, -0.04), (0, 0)], paint="#e2cfae")
    return thing(top, stem, skirt)


def snowman() -> trimesh.Scene:
    snow = [ball((r, r, r), at=(0, y, 0), paint="#eef3f8") for r, y in ((0.42, -0.55), (0.32, 0), (0.23, 0.45))]
    nose = rod((0, 0.46, 0.2), (0, 0.43, 0.46), [0.045, 0.004], paint="#ef7d1a")
    coal = [(-0.08, 0.53, 0.2), (0.08, 0.53, 0.2), (0, 0.12, 0.3), (0, -0.02, 0.315), (0, -0.42, 0.41)]
    buttons = [ball((0.033, 0.033, 0.033), at=at, paint="#1d1d22") for at in coal]
    hat = turned([(0, 0.98), (0.17, 0.98), (0.17, 0.68), (0.3, 0.68), (0.3, 0.63), (0, 0.63)], paint="#26262e")
    scarf = ring(0.215, 0.06, at=(0, 0.27, 0), axis=1, paint="#c22b36")
    arms = [rod((s * 0.27, 0.06, 0), (s * 0.66, 0.3, 0.05), [0.025, 0.015], paint="#5b3b22") for s in (-1, 1)]
    return thing(*snow, nose, *buttons, hat, scarf, *arms)


def hourglass() -> trimesh.Scene:
    bulb = [(0.05 + 0.27 * abs(sin(pi * t)) ** 0.8, 0.62 - 0.62 * t) for t in np.linspace(0, 1, 16)]
    sand = "#e3b565"
    upper = turned([(0, 0.62), *bulb, (0, 0)], paint=paints.bands("#cfe4ea", "#cfe4ea", sand, sand))
    lower = turned(
        [(0, 0), *[(r, y - 0.62) for r, y in bulb], (0, -0.62)], paint=paints.bands("#cfe4ea", "#cfe4ea", sand, sand)
    )
    plates = [
        turned([(0, y + 0.06), (0.42, y + 0.06), (0.42, y - 0.04), (0, y - 0.04)], paint="#7b4a24")
        for y in (0.64, -0.66)
    ]
    posts = [
        rod((0.36 * sin(a), 0.64, 0.36 * cos(a)), (0.36 * sin(a), -0.66, 0.36 * cos(a)), 0.03, paint="#8f5a2e")
        for a in (pi / 2, 3 * pi / 2, pi)
    ]
    return thing(upper, lower, *plates, *posts)


def barrel() -> trimesh.Scene:
    side = [(0.42 + 0.12 * sin(pi * t), 0.62 - 1.24 * t) for t in np.linspace(0, 1, 18)]
    inner = [(0, 0.54), (0.37, 0.54), (0.37, 0.62)]
    return thing(turned([*inner, *side, (0, -0.62)], paint=paints.staves("#a8703a", "#6d431d", "#4a4d52")))


def lamp() -> trimesh.Scene:
    shade = turned([(0, 0.62), (0.27, 0.62), (0.46, 0.05), (0.43, 0.05), (0, 0.1)], paint="#f3dfa8")
    stand = [(0, 0.1), (0.035, 0.1), (0.035, -0.1), (0.11, -0.2), (0.15, -0.33), (0.1, -0.48), (0.05, -0.56)]
    foot = turned([*stand, (0.24, -0.62), (0.26, -0.68), (0, -0.68)], paint="#2a7f86")
    return thing(shade, foot, ball((0.035, 0.035, 0.035), at=(0, 0.65, 0), paint="#c79a3d"))


def rocket() -> trimesh.Scene:
    hull = [(0.24 * sin(pi / 2 * t) ** 0.8, 1 - 0.75 * t) for t in np.linspace(0, 1, 14)]
    body = turned(
        [*hull, (0.25, -0.1), (0.2, -0.55), (0, -0.55)],
        paint=paints.bands(*["#c92a2a"] * 3, *["#eceff2"] * 6, "#c92a2a"),
    )
    nozzle = turned([(0, -0.52), (0.12, -0.55), (0.17, -0.7), (0, -0.66)], paint="#555b63")
    window = ring(0.085, 0.025, at=(0, 0.2, 0.235), paint="#5d6670")
    glass = ball((0.08, 0.08, 0.03), at=(0, 0.2, 0.235), paint="#58b7e8")
    return thing(body, nozzle, window, glass, *[fin(turn) for turn in (pi / 2, 3 * pi / 2, 0, pi)])


def fin(turn: float) -> trimesh.Trimesh:
    board = slab([(0.15, -0.2), (0.5, -0.6), (0.5, -0.85), (0.15, -0.55)], 0.05, paint="#c92a2a")
    board.apply_transform(trimesh.transformations.rotation_matrix(turn + pi / 2, [0, 1, 0]))
    return board


def donut() -> trimesh.Scene:
    dough = ring(0.34, 0.19, paint="#c98b4a")
    icing = ring(0.34, 0.185, at=(0, 0, 0.03), paint="#ef7fb0")
    colours = ("#ffffff", "#58c4ee", "#ffe066", "#7bd66f", "#9b5de5")
    sprinkles = []
    for number in range(26):
        angle, reach = number * 2.4, 0.34 + 0.1 * sin(number * 5.1)
        x, y, lean = reach * cos(angle), reach * sin(angle), number * 1.7
        z = 0.03 + (0.187**2 - (reach - 0.34) ** 2) ** 0.5
        step = (0.035 * cos(lean), 0.035 * sin(lean))
        sprinkles.append(
            rod((x - step[0], y - step[1], z), (x + step[0], y + step[1], z), 0.014, paint=colours[number % 5])
        )
    return thing(dough, icing, *sprinkles)


def pawn() -> trimesh.Scene:
    head = [(0.2 * sin(pi * t), 0.62 + 0.2 * cos(pi * t)) for t in np.linspace(0, 0.85, 14)]
    neck = [(0.2, 0.44), (0.22, 0.41), (0.2, 0.37), (0.11, 0.34), (0.1, 0.2), (0.13, -0.1), (0.22, -0.32), (0.3, -0.38)]
    return thing(turned([*head, *neck, (0.3, -0.44), (0.36, -0.5), (0.36, -0.62), (0, -0.62)], paint="#3b3f46"))


def cone() -> trimesh.Scene:
    paint = paints.bands(*["#f06a1d"] * 3, *["#f6f6f2"] * 2, *["#f06a1d"] * 2, *["#f6f6f2"] * 2, *["#f06a1d"] * 2)
    body = turned([(0, 0.6), (0.045, 0.6), (0.3, -0.46), (0, -0.46)], paint=paint)
    foot = turned([(0, -0.44), (0.36, -0.44), (0.42, -0.5), (0.42, -0.56), (0, -0.56)], paint="#3a3c40")
    return thing(body, foot)
