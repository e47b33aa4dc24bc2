"""What draws as the site's viewer does?  three.js in a headless Chromium, with the scene module of the viewer.

A file is examined in the sandbox first, as every file is.  Then a browser that can reach nothing draws it, and the
browser, not the page, takes the pictures.  The same machine and versions give the same pixels: software graphics, one
frame a picture.
"""

import functools
import io
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from judging.renderers import control
from judging.renderers.baking import baked
from judging.renderers.base import Bounds, Refused, Rendered, RendererFault
from judging.renderers.chromium import browsers
from judging.renderers.chromium.browser import Allowance, Files
from judging.renderers.chromium.browsers import DRAWING, Browsers
from judging.renderers.chromium.faults import ASSET_MAY_BE_TO_BLAME, ours
from judging.renderers.chromium.scripts import THREE, own, vendored
from judging.renderers.confinement import Limits
from judging.renderers.photograph import four_in_one
from judging.renderers.raycast import bounds_told
from judging.renderers.rig import GRAY_PREFIX, GRID, Rig
from judging.renderers.rules import refusal
from judging.renderers.sandbox import Done, Sandbox

DESK = Sandbox("judging.formats.desk:work")
PIECE = 32 << 20  # bytes of the asset in one answer
HTML = (
    '<!doctype html><meta charset="utf-8"><link rel="stylesheet" href="/page.css"><canvas></canvas>'
    '<script type="module" src="/darkroom.js"></script>'
)
CSS = "html,body{margin:0;overflow:hidden;background:#000}canvas{display:block}"


class Threejs:
    """RENDERERS["threejs"].  `version` names what decides single pixels."""

    name = "threejs"

    def __init__(
        self, *, desk: Sandbox = DESK, drawing: Browsers = DRAWING, allowance: Allowance | None = None
    ) -> None:
        self.desk, self.drawing, self.allowance = desk, drawing, allowance

    @property
    def version(self) -> str:
        return f"threejs-1 three-{THREE} chromium-{browsers.version()}"

    def render(self, data: Path, *, rig: Rig, out: Path, file_format: str = "glb") -> Rendered:
        """Photograph file `data` into folder `out`.  Raises Refused or RendererFault, nothing else."""
        try:
            out.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=".desk-", dir=out) as folder:
                drawn, done = self._prepared(data, file_format=file_format, folder=Path(folder))
                shots, walls = self._shots(drawn, kind="ply" if file_format == "ply" else "glb", rig=rig)
                views = {name: _kept(shots, name, rig=rig, out=out) for name in rig.pictures()}
                return self._rendered(done, views, walls=walls, size=data.stat().st_size)
        except OSError as error:
            raise RendererFault("NO_ROOM", f"pictures cannot be written: {error}") from error

    def _prepared(self, data: Path, *, file_format: str, folder: Path) -> tuple[bytes, Done]:
        """The bytes to draw, and what is known of them."""
        done = self._examined(data, file_format=file_format, folder=folder)
        if file_format != "threejs":
            return data.read_bytes(), done
        glb = folder / "baked.glb"
        glb.write_bytes(baked(data.read_bytes()))
        return glb.read_bytes(), self._examined(glb, file_format="baked", folder=folder)

    def _examined(self, data: Path, *, file_format: str, folder: Path) -> Done:
        return self.desk.run({"format": file_format}, data=data, folder=folder, limits=Limits(cpu_seconds=120))

    def _rendered(self, done: Done, views: dict[str, Path], *, walls: list[str], size: int) -> Rendered:
        count = done.answer.get("count")
        if not isinstance(count, int):
            raise RendererFault("CRASHED", "the work answered without a count")
        bounds: Bounds = bounds_told(done.answer.get("bounds"))
        return Rendered(views=views, triangles=count, bytes=size, bounds=bounds, isolation=(*done.walls, *walls))

    def _shots(self, data: bytes, *, kind: str, rig: Rig) -> tuple["Shots", list[str]]:
        """A failure is the file's doing only if it comes again in a fresh browser, and not with a good file."""
        try:
            return self._draw(data, kind=kind, rig=rig, fresh=False)
        except RendererFault as first:
            if first.code not in ASSET_MAY_BE_TO_BLAME:
                raise
        try:
            return self._draw(data, kind=kind, rig=rig, fresh=True)
        except RendererFault as again:
            if again.code not in ASSET_MAY_BE_TO_BLAME:
                raise
            self._draw(control.ply() if kind == "ply" else control.glb(), kind=kind, rig=rig, fresh=True)
            raise blamed(again, self.allowance or allowed(rig)) from again

    def _draw(self, data: bytes, *, kind: str, rig: Rig, fresh: bool) -> tuple["Shots", list[str]]:
        parts = [data[start : start + PIECE] for start in range(0, len(data), PIECE)]
        files: Files = {**scripts(), **{f"/asset/{i}": part for i, part in enumerate(parts)}}
        allowance = self.allowance or allowed(rig)
        with (
            ours(),
            self.drawing.one(fresh=fresh) as browser,
            browser.page(files, size=rig.pixels, allowance=allowance) as page,
        ):
            page.until("globalThis.ready")
            page.ask(f"load({kind!r}, {len(parts)}, {json.dumps(rig.to_json())})")
            return _photographed(page, rig), browser.walls


Shots = dict[str, Image.Image]


def _photographed(page: Any, rig: Rig) -> Shots:
    shots: Shots = {}
    for view in rig.views:
        for name, colour in ((view.name, rig.background), (GRAY_PREFIX + view.name, rig.gray_background)):
            if name in rig.pictures():
                where = json.dumps({"theta": view.theta, "phi": view.phi})
                if page.ask(f"show({where}, {colour!r})") != 1:
                    raise RendererFault("CRASHED", "the browser lost its graphics")
                shots[name] = opened(page.picture(rig.pixels), size=rig.pixels)
    return shots


def blamed(fault: RendererFault, allowance: Allowance) -> Refused:
    if fault.code == "MEMORY":
        return refusal("TOO_MUCH_MEMORY", limit=allowance.memory >> 20)
    if fault.code == "CPU":
        return refusal("TOO_SLOW", limit=allowance.cpu_seconds)
    return refusal("CANNOT_RENDER", why=fault.sentence)


def allowed(rig: Rig) -> Allowance:
    """Two minutes for the file, and 10 s for each million pixels: ten times the usual."""
    pixels = len(rig.pictures()) * rig.pixels**2
    seconds = 120 + round(1e-5 * pixels)
    return Allowance(cpu_seconds=seconds, wall_seconds=4.0 * seconds)


@functools.cache
def scripts() -> dict[str, bytes | str]:
    """The page: ours alone, the same for every asset."""
    ours_alone = {f"/{name}": own(name) for name in ("darkroom.js", "scene.js", "splats.js")}
    return {"/": HTML, "/page.css": CSS, "/three.js": vendored("three"), **ours_alone}


def opened(png: bytes, *, size: int) -> Image.Image:
    """The picture the browser took.  Raises RendererFault if it has another size."""
    picture = Image.open(io.BytesIO(png), formats=("PNG",))
    if picture.size != (size, size):
        raise RendererFault("CRASHED", f"the browser took a picture of {picture.size} instead of {size} pixels")
    return picture.convert("RGB")


def _kept(shots: Shots, name: str, *, rig: Rig, out: Path) -> Path:
    shown = (
        four_in_one([np.asarray(shots[view]) for view in rig.gray], rig.grid_pixels) if name == GRID else shots[name]
    )
    path = out / f"{name}.png"
    (shown if isinstance(shown, Image.Image) else Image.fromarray(shown)).save(path, format="PNG", compress_level=6)
    return path
