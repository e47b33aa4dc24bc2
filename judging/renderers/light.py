"""How is a light copy of an untrusted file made?  In the sandbox, as pictures are; what it leaves is only measured.

A visitor's browser reads the copy as it would read the original: with care, and with no more trust.
"""

from __future__ import annotations

import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from judging.renderers.base import RendererFault
from judging.renderers.confinement import Limits
from judging.renderers.sandbox import Done, Sandbox

SANDBOX = Sandbox("judging.renderers.lightening:work")
LIMITS = Limits(cpu_seconds=90, wall_seconds=170.0, file_bytes=8 << 20)
NAME = "light.glb"
LARGEST = 2_000_000  # bytes of a copy


@dataclass(frozen=True)
class Light:
    content: bytes
    triangles: int


def lighten(data: Path, *, sandbox: Sandbox = SANDBOX, limits: Limits = LIMITS) -> Light:
    """A copy of glb file `data` of at most LARGEST bytes.  Raises Refused or RendererFault."""
    with tempfile.TemporaryDirectory(prefix="gauntlet-light-") as folder:
        done = sandbox.run({}, data=data, folder=Path(folder), limits=limits)
        return Light(_bytes(Path(folder, NAME)), _triangles(done))


def _triangles(done: Done) -> int:
    told = done.answer.get("triangles")
    if not isinstance(told, int) or isinstance(told, bool) or told < 1:
        raise RendererFault("CRASHED", "the work left no triangle")
    return told


def _bytes(path: Path) -> bytes:
    """Of a regular file, which the child may have replaced with anything else."""
    try:
        number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise RendererFault("CRASHED", "the work left no file") from error
    try:
        found = os.fstat(number)
        if not stat.S_ISREG(found.st_mode) or not 0 < found.st_size <= LARGEST:
            raise RendererFault("TOO_HEAVY", f"the work left {found.st_size} bytes; a file of 1 to {LARGEST} is needed")
        return os.pread(number, found.st_size, 0)
    finally:
        os.close(number)
