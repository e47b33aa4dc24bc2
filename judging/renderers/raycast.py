"""The embedded renderer: rays on the processor, inside the sandbox.  What is drawn: see raycaster.py.

A glb is read as its miner wrote it; of every other format that is a mesh, the glb that its check has written.
"""

import math
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
from formats.facts import MESH, Bounds
from formats.glb import gltf
from formats.registry import FORMATS
from formats.sandbox import Done, Sandbox
from judging.renderers.base import Rendered
from judging.renderers.derived_file import derived_file
from judging.renderers.raycaster import Picture, photograph
from judging.renderers.rig import LIGHTS, Rig

SANDBOX = Sandbox("judging.renderers.sandbox_render:work")
DRAWN_BY = ("embreex", "numpy", "pillow")


def draw(asset: Any, *, rig: Rig, views: list[str] | None = None) -> dict[str, Picture]:
    """Pictures of a TRUSTED asset, in this process: glb bytes, or a trimesh mesh or scene.

    `views` names pictures of the rig (all of them by default).  Returns uint8 arrays (height, width, 3).
    """
    data = asset if isinstance(asset, bytes) else asset.export(file_type="glb")
    return photograph(gltf.read(data), rig=rig, pictures=list(rig.pictures()) if views is None else views)


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

        return settled(work, data, file_format=file_format)

    def _render(self, data: Path, *, rig: Rig, out: Path, file_format: str) -> Rendered:
        try:
            out.mkdir(parents=True, exist_ok=True)
            limits = self.limits or allowance(rig)
            with (
                _mesh(data, file_format=file_format, near=out) as mesh,
                tempfile.TemporaryDirectory(prefix=".darkroom-", dir=out) as folder,
            ):
                done = self.sandbox.run({"rig": rig.to_json()}, data=mesh, folder=Path(folder), limits=limits)
                views = {name: develop(Path(folder), name, size, out=out) for name, size in rig.pictures().items()}
                return _rendered(done, views, size=data.stat().st_size)
        except OSError as error:
            raise RendererFault("NO_ROOM", f"pictures cannot be written: {error}") from error


@contextmanager
def _mesh(data: Path, *, file_format: str, near: Path) -> Iterator[Path]:
    """The glb that is drawn, while the block runs."""
    if file_format == "glb":
        yield data
        return
    content, _ = derived_file(data, MESH, file_format=file_format, near=near)
    with tempfile.NamedTemporaryFile(prefix=".mesh-", dir=near) as file:
        file.write(content)
        file.flush()
        yield Path(file.name)


def allowance(rig: Rig) -> SandboxPolicy:
    """What one asset may use: a minute for reading it, and 6 s per million rays (ten times the usual)."""
    rays = len(rig.views) * (rig.pixels * rig.samples) ** 2
    seconds = 60 + round(6e-6 * rays)
    return SandboxPolicy(cpu_seconds=seconds, wall_seconds=4.0 * seconds)


def develop(folder: Path, name: str, size: int, *, out: Path) -> Path:
    """Raw pixels from the sandbox as a PNG file of ours.  Raises RendererFault if they are not exactly that."""
    pixels = _exactly(folder / f"{name}.rgb", size * size * 3)
    path, waiting = out / f"{name}.png", folder / f"{name}.png"
    waiting.unlink(missing_ok=True)
    Image.frombytes("RGB", (size, size), pixels).save(waiting, format="PNG", compress_level=6)
    os.replace(waiting, path)
    return path


def _exactly(path: Path, size: int) -> bytes:
    """The bytes of a regular file, which the child may have replaced with anything else."""
    try:
        number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise RendererFault("CRASHED", f"the work left no picture {path.stem}") from error
    try:
        found = os.fstat(number)
        if not stat.S_ISREG(found.st_mode) or found.st_size != size:
            raise RendererFault("CRASHED", f"the work left a wrong picture {path.stem}")
        return os.pread(number, size, 0)
    finally:
        os.close(number)


def _rendered(done: Done, views: dict[str, Path], *, size: int) -> Rendered:
    triangles = done.answer.get("triangles")
    if not isinstance(triangles, int):
        raise RendererFault("CRASHED", "the work answered without a triangle count")
    return Rendered(
        views=views,
        triangles=triangles,
        bytes=size,
        bounds=bounds_told(done.answer.get("bounds")),
        isolation=done.walls,
        seconds=round(done.wall_seconds, 3),
    )


def bounds_told(told: Any) -> Bounds:
    """The bounds the child told.  Raises RendererFault if they are none."""
    try:
        (a, b, c), (d, e, f) = ((float(value) for value in corner) for corner in told)
    except (TypeError, ValueError) as error:
        raise RendererFault("CRASHED", "the work answered without bounds") from error
    if not all(math.isfinite(value) for value in (a, b, c, d, e, f)):
        raise RendererFault("CRASHED", "the work answered with bounds that are no numbers")
    return (a, b, c), (d, e, f)
