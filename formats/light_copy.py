"""How is a light copy of an untrusted file made?  In the sandbox, as pictures are; what it leaves is only measured.

A visitor's browser reads the copy as it would read the original: with care, and with no more trust.
"""

from __future__ import annotations

import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from core.sandbox.confinement import SandboxLimits
from core.sandbox.outcomes import RendererFault
from formats.blame import settled
from formats.ply import spz
from formats.sandbox import Done, Sandbox

SANDBOX = Sandbox("formats.glb.mesh_simplification:work")
DESK = Sandbox("formats.sandbox_examine:work")
LIMITS = SandboxLimits(cpu_seconds=90, wall_seconds=170.0, file_bytes=8 << 20)
NAME, SPLATS = "light.glb", "light.spz"
LARGEST = 2_000_000  # bytes of a copy


@dataclass(frozen=True)
class Light:
    content: bytes
    triangles: int


def lighten(
    data: Path, *, sandbox: Sandbox = SANDBOX, limits: SandboxLimits = LIMITS, file_format: str = "glb"
) -> Light:
    """A copy of file `data` of at most LARGEST bytes; of a module all it builds.  Raises Refused or RendererFault."""

    def work(file: Path) -> Light:
        return _lightened(file, sandbox=sandbox, limits=limits, file_format=file_format)

    return settled(work, data, file_format=file_format)


def _lightened(data: Path, *, sandbox: Sandbox, limits: SandboxLimits, file_format: str) -> Light:
    if file_format == "ply":
        return _splats(data)
    if file_format == "threejs":
        from formats.threejs import baking  # a browser's worth of code that only modules need

        made = baking.baked(data.read_bytes())
        return Light(made, baking.triangles(made))
    with tempfile.TemporaryDirectory(prefix="gauntlet-light-") as folder:
        done = sandbox.run({}, data=data, folder=Path(folder), limits=limits)
        return Light(_bytes(Path(folder, NAME)), _triangles(done))


def _splats(data: Path) -> Light:
    """The splats that cover most, packed."""
    with tempfile.TemporaryDirectory(prefix="gauntlet-light-") as folder:
        task = {"format": "ply", "derive": [SPLATS]}
        DESK.run(task, data=data, folder=Path(folder), limits=LIMITS)
        content = _bytes(Path(folder, SPLATS))
        return Light(content, spz.count(content))


def _triangles(done: Done) -> int:
    told = done.answer.get("triangles")
    if not isinstance(told, int) or isinstance(told, bool) or told < 1:
        raise RendererFault("CRASHED", "the work left no triangle")
    return told


def _bytes(path: Path) -> bytes:
    return regular_file(path, most=LARGEST)


def regular_file(path: Path, *, most: int) -> bytes:
    """What the child left, which it may have replaced with anything else.  Raises RendererFault."""
    try:
        number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise RendererFault("CRASHED", "the work left no file") from error
    try:
        found = os.fstat(number)
        if not stat.S_ISREG(found.st_mode) or not 0 < found.st_size <= most:
            raise RendererFault("TOO_HEAVY", f"the work left {found.st_size} bytes; a file of 1 to {most} is needed")
        return os.pread(number, found.st_size, 0)
    finally:
        os.close(number)
