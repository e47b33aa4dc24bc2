"""How is a model photographed without a graphics card?  Rays against triangles (embree), shading in numpy.

What is drawn: base colour factor, texture and vertex colours, emission, alpha (MASK, BLEND), single and double sides.
What is not: metalness and roughness, normal and occlusion maps, shadows, cameras and lights of the file.
The same input gives the same bytes on one machine: one ray is one thread's work, and nothing reads a clock.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from judging.renderers.gltf import Model
from judging.renderers.rays import Caster, Soup, build, directions
from judging.renderers.rig import GRAY_PREFIX, GRID, Rig, rgb
from judging.renderers.shading import Brush

Picture = NDArray[np.uint8]

RAYS_AT_ONCE = 1 << 18
MOST_LAYERS = 24  # surfaces seen through one another before a ray gives up
STEP = 1e-5  # how far behind a see-through surface a ray goes on; the asset is about 1 across


def photograph(model: Model, *, rig: Rig, pictures: list[str]) -> dict[str, Picture]:
    soup = Soup.of(model)
    brush = Brush(model, soup, rig)
    whole = build(soup.positions, soup.faces)
    shot: dict[str, tuple[NDArray[np.float32], NDArray[np.float32]]] = {}
    taken: dict[str, Picture] = {}
    for name in pictures:
        views = rig.gray if name == GRID else (name.removeprefix(GRAY_PREFIX),)
        for view in views:
            if view not in shot:
                shot[view] = _shoot(soup, whole, brush, rig, view)
        if name == GRID:
            taken[name] = _grid([_on(shot[view], rig.background) for view in views], rig.grid_pixels)
        else:
            taken[name] = _on(shot[views[0]], rig.gray_background if name.startswith(GRAY_PREFIX) else rig.background)
    return taken


def _shoot(
    soup: Soup, whole: Any, brush: Brush, rig: Rig, view: str
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Colour times coverage (n, n, 3) and coverage (n, n, 1) of one view, both 0 to 1 and display-encoded."""
    camera = rig.camera(view)
    caster = Caster(soup, whole, np.array(camera.position))
    size = rig.pixels * rig.samples
    step = max(1, RAYS_AT_ONCE // (size * rig.samples)) * rig.samples
    bands = [
        _trace(caster, brush, rig, view, range(top, min(top + step, size))).reshape(
            -1, rig.samples, rig.pixels, rig.samples, 4
        )
        for top in range(0, size, step)
    ]
    layers = np.concatenate([band.mean(axis=(1, 3), dtype=np.float32) for band in bands])
    return layers[..., :3], layers[..., 3:]


def _trace(caster: Caster, brush: Brush, rig: Rig, view: str, rows: range) -> NDArray[np.float32]:
    """(samples, 4): colour already weighted by its coverage, and coverage; front to back through see-through layers."""
    camera = rig.camera(view)
    rays = directions(camera, rig=rig, rows=rows)
    seen = np.zeros((len(rays), 4), np.float32)
    clear = np.ones(len(rays), np.float32)  # what share of the light behind still gets through
    travelled = np.zeros(len(rays), np.float32)
    alive = np.arange(len(rays))
    position = np.array(camera.position, np.float32)
    for _ in range(MOST_LAYERS):
        origins = position + rays[alive] * travelled[alive, None]
        hits = caster.cast(np.ascontiguousarray(origins, np.float32), np.ascontiguousarray(rays[alive]))
        struck = alive[hits.ray]
        travelled[struck] += hits.distance
        painted = brush.paint(hits, rays[struck], travelled[struck], camera)
        share = clear[struck] * painted[:, 3]
        seen[struck, :3] += painted[:, :3] * share[:, None]
        seen[struck, 3] += share
        clear[struck] -= share
        alive = struck[clear[struck] > 1 / 512]
        travelled[alive] += np.float32(STEP)
        if not len(alive):
            break
    return seen


def _on(layers: tuple[NDArray[np.float32], NDArray[np.float32]], background: str) -> Picture:
    colour, coverage = layers
    behind = np.array(rgb(background), np.float32)
    return np.rint(np.clip(colour * 255 + behind * (1 - coverage), 0, 255)).astype(np.uint8)


def _grid(four: list[Picture], pixels: int) -> Picture:
    half = pixels // 2
    tiles = [np.asarray(Image.fromarray(tile).resize((half, half), Image.Resampling.BOX)) for tile in four]
    return np.concatenate([np.concatenate(tiles[:2], axis=1), np.concatenate(tiles[2:], axis=1)])
