"""The embedded renderer: ray casting on the processor, inside the sandbox (what is drawn: see raycaster.py).

A glb is read as its miner wrote it; of every other format that is a mesh, the glb that its check has written.
"""

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from PIL import Image

from core.sandbox.outcomes import RendererFault
from core.sandbox.policy import SandboxPolicy
from formats.blame import settled
from formats.facts import MESH
from formats.glb import gltf
from formats.registry import FORMATS
from formats.sandbox import Done, Sandbox
from judging.renderers.base import Rendered
from judging.renderers.comparison import accuse, compare, one_reading, parsed_bounds
from judging.renderers.derived_file import derived_file
from judging.renderers.raycaster import Picture, draw_pictures
from judging.renderers.rig import LIGHTS, Rig

SANDBOX = Sandbox("judging.renderers.sandbox_render:work")
DRAWN_BY = ("embreex", "numpy", "pillow")


def draw(asset: Any, *, rig: Rig, views: list[str] | None = None) -> dict[str, Picture]:
    """Pictures of a TRUSTED asset, in this process: glb bytes, or a trimesh mesh or scene.

    `views` names pictures of the rig (all of them by default).  Returns uint8 arrays (height, width, 3).
    """
    data = asset if isinstance(asset, bytes) else asset.export(file_type="glb")
    return draw_pictures(gltf.read(data), rig=rig, pictures=list(rig.pictures()) if views is None else views)


class Raycast:
    """RENDERERS["raycast"].  `version` names the libraries that drew, because they decide single pixels."""

    name = "raycast"
    version = " ".join(["raycast-2", *(f"{library}-{version(library)}" for library in DRAWN_BY)])

    def __init__(self, *, sandbox: Sandbox = SANDBOX, limits: SandboxPolicy | None = None) -> None:
        self.sandbox = sandbox
        self.limits = limits

    def render(self, data: Path, *, rig: Rig, out: Path, file_format: str = "glb") -> Rendered:
        """Photograph file `data` into folder `out`.  Raises Refused or RendererFault, nothing else."""
        if self.name not in FORMATS[file_format].renderers:
            raise RendererFault("WRONG_RENDERER", f"raycast cannot draw {file_format}: configure another renderer")
        if rig.light != LIGHTS[0]:
            raise RendererFault(
                "WRONG_RENDERER", f"raycast knows the light {LIGHTS[0]!r} only: configure another renderer"
            )

        def work(file: Path) -> Rendered:
            return self._render(file, rig=rig, out=out, file_format=file_format)

        return settled(work, data, file_format=file_format, accuse=accuse)

    def _render(self, data: Path, *, rig: Rig, out: Path, file_format: str) -> Rendered:
        try:
            out.mkdir(parents=True, exist_ok=True)
            limits = self.limits or allowance(rig)
            with (
                drawn_mesh(data, file_format=file_format, near=out) as (mesh, checked),
                tempfile.TemporaryDirectory(prefix=".darkroom-", dir=out) as folder,
            ):
                with one_reading():
                    done = self.sandbox.run({"rig": rig.to_json()}, data=mesh, folder=Path(folder), limits=limits)
                triangles, bounds = done.answer.get("triangles"), parsed_bounds(done.answer.get("bounds"))
                if not isinstance(triangles, int):
                    raise RendererFault("CRASHED", "the work answered without a triangle count")
                if checked is not None:
                    compare(triangles, bounds, checked=checked)
                return Rendered(
                    views={name: develop(Path(folder), name, size, out=out) for name, size in rig.pictures().items()},
                    triangles=triangles,
                    bytes=data.stat().st_size,
                    bounds=bounds,
                    isolation=done.walls,
                    seconds=round(done.wall_seconds, 3),
                )
        except OSError as error:
            raise RendererFault("NO_ROOM", f"pictures cannot be written: {error}") from error


@contextmanager
def drawn_mesh(data: Path, *, file_format: str, near: Path) -> Iterator[tuple[Path, Done | None]]:
    """The glb that is drawn, while the block runs; of a derived one, what the check of its source knows."""
    if file_format == "glb":
        yield data, None
        return
    content, checked = derived_file(data, MESH, file_format=file_format, near=near)
    with tempfile.NamedTemporaryFile(prefix=".mesh-", dir=near) as file:
        file.write(content)
        file.flush()
        yield Path(file.name), checked


def allowance(rig: Rig) -> SandboxPolicy:
    """What one asset may use: a minute for reading it, and 6 s per million rays (ten times the usual)."""
    rays = len(rig.views) * (rig.pixels * rig.samples) ** 2
    seconds = 60 + round(6e-6 * rays)
    return SandboxPolicy(cpu_seconds=seconds, wall_seconds=4.0 * seconds)


def left_by_work(path: Path, *, most: int) -> bytes:
    """What a file from the sandbox holds.  Raises RendererFault if it is none, or has more than `most` bytes."""
    try:
        number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)  # the child may have left anything there
    except OSError as error:
        raise RendererFault("CRASHED", f"the work left no {path.name}") from error
    try:
        status = os.fstat(number)
        if not stat.S_ISREG(status.st_mode) or status.st_size > most:
            raise RendererFault("CRASHED", f"the work left a wrong {path.name}")
        return os.pread(number, most, 0)
    finally:
        os.close(number)


def develop(folder: Path, name: str, size: int, *, out: Path) -> Path:
    """Raw pixels from the sandbox as a PNG file of ours.  Raises RendererFault if they are not exactly that."""
    length = size * size * 3
    pixels = left_by_work(folder / f"{name}.rgb", most=length)
    if len(pixels) != length:
        raise RendererFault("CRASHED", f"the work left a wrong picture {name}")
    path, waiting = out / f"{name}.png", folder / f"{name}.png"
    waiting.unlink(missing_ok=True)
    Image.frombytes("RGB", (size, size), pixels).save(waiting, format="PNG", compress_level=6)
    os.replace(waiting, path)
    return path
