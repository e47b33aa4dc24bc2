"""How is a model drawn without a graphics card?  Rays against triangles (embree), shading in numpy.

What is drawn: base colour factor, texture and vertex colours, emission, alpha (MASK, BLEND), single and double sides.
What is not: metalness and roughness, normal and occlusion maps, shadows, cameras and lights of the file.
The same input gives the same bytes on one machine: one ray is one thread's work, and nothing reads a clock.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from formats.glb.gltf import Floats, Model
from judging.renderers.rays import Caster, Soup, build, directions
from judging.renderers.rig import GRAY_PREFIX, GRID, Camera, Rig, rgb
from judging.renderers.shading import Brush

Picture = NDArray[np.uint8]

RAYS_AT_ONCE = 1 << 18
MOST_LAYERS = 24  # surfaces seen through one another before a ray gives up
STEP = 1e-5  # how far behind a see-through surface a ray goes on; the asset is about 1 across


@dataclass(frozen=True)
class Shot:
    """One view before it has a background, display-encoded, 0 to 1: colour times coverage, and coverage."""

    colour: Floats  # (n, n, 3)
    coverage: Floats  # (n, n, 1)

    def on(self, background: str) -> Picture:
        behind = np.array(rgb(background), np.float32) * (1 - self.coverage)
        picture: Picture = np.rint(np.clip(self.colour * 255 + behind, 0, 255)).astype(np.uint8)
        return picture


def draw_pictures(model: Model, *, rig: Rig, pictures: list[str]) -> dict[str, Picture]:
    """The named pictures of the rig (Rig.pictures), as uint8 arrays (height, width, 3)."""
    studio = Studio(model, rig)
    return {name: studio.picture(name) for name in pictures}


class Studio:
    """One model in front of one rig.  Each view is traced once, however many pictures show it."""

    def __init__(self, model: Model, rig: Rig) -> None:
        self.rig = rig
        self.soup = Soup.of(model)
        self.brush = Brush(model, self.soup, rig)
        self.whole = build(self.soup.positions, self.soup.faces)
        self.shots: dict[str, Shot] = {}

    def picture(self, name: str) -> Picture:
        if name == GRID:
            return four_in_one(
                [self.shot(view).on(self.rig.background) for view in self.rig.gray], self.rig.grid_pixels
            )
        if name.startswith(GRAY_PREFIX):
            return self.shot(name.removeprefix(GRAY_PREFIX)).on(self.rig.gray_background)
        return self.shot(name).on(self.rig.background)

    def shot(self, view: str) -> Shot:
        if view not in self.shots:
            self.shots[view] = self.trace_view(self.rig.camera(view))
        return self.shots[view]

    def trace_view(self, camera: Camera) -> Shot:
        """Every sample of one view, band by band of the picture."""
        caster = Caster(self.soup, self.whole, np.array(camera.position))
        pixels, samples = self.rig.pixels, self.rig.samples
        layers = np.zeros((pixels, pixels, 4), np.float32)
        rows, columns = self._frame(camera)
        step = max(1, RAYS_AT_ONCE // max(1, len(columns) * samples**2))
        for top in range(rows.start, rows.stop, step):
            band = range(top, min(top + step, rows.stop))
            seen = self._trace(caster, camera, directions(camera, rig=self.rig, rows=band, columns=columns))
            fine = seen.reshape(len(band), samples, len(columns), samples, 4)
            layers[band.start : band.stop, columns.start : columns.stop] = fine.mean(axis=(1, 3), dtype=np.float32)
        return Shot(layers[..., :3], layers[..., 3:])

    def _frame(self, camera: Camera) -> tuple[range, range]:
        """Rows and columns of the picture in which the model's bounding box lies: no ray elsewhere can meet it."""
        low, high = self.soup.positions.min(axis=0), self.soup.positions.max(axis=0)
        corners = np.array(list(product(*zip(low, high, strict=True))), np.float64) - camera.position
        right, up, forward = (corners @ np.array(vector) for vector in (camera.right, camera.up, camera.forward))
        pixels = self.rig.pixels
        if forward.min() < 1e-3:  # part of it is beside or behind the camera
            return range(pixels), range(pixels)
        reach = np.tan(np.radians(self.rig.fov) / 2)
        across, down = (right / forward / reach + 1) / 2 * pixels, (1 - up / forward / reach) / 2 * pixels
        return _within(down, pixels), _within(across, pixels)

    def _trace(self, caster: Caster, camera: Camera, rays: Floats) -> Floats:
        """(rays, 4): colour weighted by its coverage, and coverage; front to back through see-through layers."""
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
            painted = self.brush.paint(hits, rays[struck], travelled[struck], camera)
            share = clear[struck] * painted[:, 3]
            seen[struck, :3] += painted[:, :3] * share[:, None]
            seen[struck, 3] += share
            clear[struck] -= share
            alive = struck[clear[struck] > 1 / 512]
            travelled[alive] += np.float32(STEP)
            if not len(alive):
                break
        return seen


def _within(places: NDArray[np.float64], pixels: int) -> range:
    """Pixels from the lowest to the highest place, one more on each side for rounding."""
    first, last = int(np.floor(places.min())) - 1, int(np.ceil(places.max())) + 1
    return range(min(max(first, 0), pixels), max(min(last, pixels), 0))


def four_in_one(four: list[Picture], pixels: int) -> Picture:
    """The grid: two above two, `pixels` wide."""
    half = pixels // 2
    tiles = [np.asarray(Image.fromarray(tile).resize((half, half), Image.Resampling.BOX)) for tile in four]
    return np.concatenate([np.concatenate(tiles[:2], axis=1), np.concatenate(tiles[2:], axis=1)])
