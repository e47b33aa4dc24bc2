"""How is an asset drawn as the site's viewer draws it?  By three.js in a headless Chromium, with the viewer's scene.

A file is examined in the sandbox first, as every file is.  Then a browser without any network draws it, and the
browser, not the page, takes the pictures.  The same machine and versions give the same pixels: software graphics, one
frame a picture.
"""

from __future__ import annotations

import functools
import io
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from core.sandbox.chromium import browsers
from core.sandbox.chromium.browser import BROWSING, Files
from core.sandbox.chromium.browsers import DRAWING, Browsers
from core.sandbox.chromium.faults import ours
from core.sandbox.chromium.scripts import THREE, own, vendored
from core.sandbox.outcomes import Refused, RendererFault
from core.sandbox.policy import SandboxPolicy
from formats.blame import settled
from formats.registry import FORMATS
from formats.rules import refusal
from formats.sandbox import Done
from judging.renderers.base import Rendered
from judging.renderers.comparison import accuse, compare, counted, parsed_bounds
from judging.renderers.derived_file import derived_file
from judging.renderers.raycaster import four_in_one
from judging.renderers.rig import GRAY_PREFIX, GRID, SUBNET, SUBNET_GRID, SUBNET_GRID_GAP, CameraView, Rig

PIECE = 32 << 20  # bytes of the asset in one answer
HTML = (
    '<!doctype html><meta charset="utf-8"><link rel="stylesheet" href="/page.css"><canvas></canvas>'
    '<script type="module" src="/darkroom.js"></script>'
)
CSS = "html,body{margin:0;overflow:hidden;background:#000}canvas{display:block}"


Shots = dict[str, Image.Image]


@dataclass(frozen=True)
class Drawn:
    """What a browser is given: `kind` is glb, scene, or rows of splats whose `layout` the check has read."""

    kind: str
    data: bytes
    layout: dict[str, int]


class Threejs:
    """RENDERERS["threejs"].  `version` names what decides single pixels."""

    name = "threejs"

    def __init__(self, *, drawing: Browsers = DRAWING, allowance: SandboxPolicy | None = None) -> None:
        self.drawing, self.allowance = drawing, allowance

    @property
    def version(self) -> str:
        return f"threejs-3 three-{THREE} chromium-{browsers.version()}"

    def render(self, data: Path, *, rig: Rig, out: Path, file_format: str = "glb") -> Rendered:
        """Photograph file `data` into folder `out`.  Raises Refused or RendererFault, nothing else."""

        def work(file: Path) -> Rendered:
            return self._render(file, rig=rig, out=out, file_format=file_format)

        def blame(fault: RendererFault) -> Refused:
            return blamed(fault, self.allowance or allowed(rig))

        return settled(work, data, file_format=file_format, accuse=blame)

    def _render(self, data: Path, *, rig: Rig, out: Path, file_format: str) -> Rendered:
        try:
            out.mkdir(parents=True, exist_ok=True)
            kind, name = FORMATS[file_format].drawn_as
            content, done = derived_file(data, name, file_format=file_format, near=out)
            count = counted(done)
            layout = {"count": count, "wide": len(content) // 4 // count} if kind == "rows" else {}
            shots, walls = self._draw(Drawn(kind, content, layout), done, rig=rig)
            views = {name: out / f"{name}.png" for name in rig.pictures()}
            for name, path in views.items():
                shots[name].save(path, format="PNG", compress_level=6)
            return Rendered(
                views=views,
                triangles=count,
                bytes=data.stat().st_size,
                bounds=parsed_bounds(done.answer.get("bounds")),
                isolation=(*done.walls, *walls),
            )
        except OSError as error:
            raise RendererFault("NO_ROOM", f"pictures cannot be written: {error}") from error

    def _draw(self, drawn: Drawn, done: Done, *, rig: Rig) -> tuple[Shots, list[str]]:
        parts = [drawn.data[start : start + PIECE] for start in range(0, len(drawn.data), PIECE)]
        files: Files = {**scripts(), **{f"/asset/{i}": part for i, part in enumerate(parts)}}
        allowance, own_grid = self.allowance or allowed(rig), rig.grid_pixels if rig.light == SUBNET else 0
        with (
            ours(),
            self.drawing.one() as browser,
            browser.page(files, size=max(rig.pixels, own_grid), allowance=allowance) as page,
        ):
            page.until("globalThis.ready")
            arguments = (drawn.kind, len(parts), rig.to_json(), drawn.layout)
            loaded = page.ask(f"load({', '.join(json.dumps(each) for each in arguments)})")
            try:
                count, reach = int(loaded["count"]), parsed_bounds((loaded["low"], loaded["high"]))
            except (KeyError, TypeError, ValueError) as error:
                raise RendererFault("CRASHED", "the page does not say what it drew") from error
            compare(count, reach, checked=done)
            return _take_pictures(page, rig), browser.walls


def _take_pictures(page: Any, rig: Rig) -> Shots:
    wanted = [
        (view, name, colour)
        for view in rig.views
        for name, colour in ((view.name, rig.background), (GRAY_PREFIX + view.name, rig.gray_background))
        if name in rig.pictures()
    ]
    shots = {name: _picture(page, view, colour, pixels=rig.pixels) for view, name, colour in wanted}
    if GRID in rig.pictures():
        shots[GRID] = _subnet_grid(page, rig) if rig.light == SUBNET else _grid([shots[name] for name in rig.gray], rig)
    return shots


def _picture(page: Any, view: CameraView, colour: str, *, pixels: int) -> Image.Image:
    if page.ask(f"show({json.dumps({'theta': view.theta, 'phi': view.phi})}, {colour!r})") != 1:
        raise RendererFault("CRASHED", "the browser lost its graphics")
    return opened(page.picture(pixels), size=pixels)


def _grid(views: list[Image.Image], rig: Rig) -> Image.Image:
    return Image.fromarray(four_in_one([np.asarray(view) for view in views], rig.grid_pixels))


def _subnet_grid(page: Any, rig: Rig) -> Image.Image:
    """Four more views, under the light that the subnet's service has for its grid."""
    page.ask(f"relight({SUBNET + '-grid'!r}, {rig.grid_pixels})")
    whole, step = Image.new("RGB", (rig.grid_edge, rig.grid_edge)), rig.grid_pixels + SUBNET_GRID_GAP
    for i, view in enumerate(SUBNET_GRID):
        shot = _picture(page, view, rig.gray_background, pixels=rig.grid_pixels)
        whole.paste(shot, (i % 2 * step, i // 2 * step))
    return whole


def blamed(fault: RendererFault, allowance: SandboxPolicy) -> Refused:
    if fault.code == "MEMORY":
        return refusal("TOO_MUCH_MEMORY", limit=allowance.memory >> 20)
    if fault.code == "CPU":
        return refusal("TOO_SLOW", limit=allowance.cpu_seconds)
    return accuse(fault)


def allowed(rig: Rig) -> SandboxPolicy:
    """Two minutes for the file, and 10 s for each million pixels: ten times the usual."""
    pixels = len(rig.pictures()) * rig.pixels**2
    seconds = 120 + round(1e-5 * pixels)
    return replace(BROWSING, cpu_seconds=seconds, wall_seconds=4.0 * seconds)


@functools.cache
def scripts() -> dict[str, bytes | str]:
    """The page: ours alone, the same for every asset."""
    own_files = {
        f"/{name}": own(name) for name in ("darkroom.js", "scene.js", "built-scene.js", "reading.js", "splats.js")
    }
    return {"/": HTML, "/page.css": CSS, "/three.js": vendored("three"), **own_files}


def opened(png: bytes, *, size: int) -> Image.Image:
    """The picture the browser took.  Raises RendererFault if it has another size."""
    picture = Image.open(io.BytesIO(png), formats=("PNG",))
    if picture.size != (size, size):
        raise RendererFault("CRASHED", f"the browser took a picture of {picture.size} instead of {size} pixels")
    return picture.convert("RGB")
