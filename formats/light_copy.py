"""How is a light copy of an untrusted file made?  In the sandbox, as pictures are; what it leaves is only measured.

A visitor's browser reads the copy as it would read the original: with care, and with no more trust.
"""

from __future__ import annotations

import os
import stat
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from core.sandbox.outcomes import RendererFault
from core.sandbox.policy import SandboxPolicy
from formats.blame import settled
from formats.format_sandbox import built_file, sandbox_of
from formats.registry import FORMATS
from formats.sandbox import Sandbox

LIMITS = SandboxPolicy(cpu_seconds=90, wall_seconds=170.0, file_bytes=8 << 20)


@dataclass(frozen=True)
class Light:
    """`triangles` counts splats where the format draws those."""

    content: bytes
    triangles: int


def lighten(
    data: Path, *, sandbox: Sandbox | None = None, limits: SandboxPolicy = LIMITS, file_format: str = "glb"
) -> Light:
    """A copy of file `data` of at most its format's `light_most` bytes.  Raises Refused or RendererFault."""
    row = FORMATS[file_format]
    roomy = replace(limits, file_bytes=max(limits.file_bytes, row.light_most))

    def work(file: Path) -> Light:
        with (
            built_file(file, file_format=file_format) as built,
            tempfile.TemporaryDirectory(prefix="gauntlet-light-") as folder,
        ):
            room = sandbox or sandbox_of(file_format)
            done = room.run({"light": True}, data=built, folder=Path(folder), limits=roomy)
            count = done.answer.get("triangles")
            if not isinstance(count, int) or isinstance(count, bool) or count < 1:
                raise RendererFault("CRASHED", "the work left no triangle")
            return Light(regular_file(Path(folder, f"light.{row.light}"), most=row.light_most), count)

    return settled(work, data, file_format=file_format)


def regular_file(path: Path, *, most: int) -> bytes:
    """What the child left, which it may have replaced with anything else.  Raises RendererFault."""
    try:
        number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise RendererFault("CRASHED", "the work left no file") from error
    try:
        status = os.fstat(number)
        if not stat.S_ISREG(status.st_mode) or not 0 < status.st_size <= most:
            raise RendererFault("TOO_HEAVY", f"the work left {status.st_size} bytes; a file of 1 to {most} is needed")
        return os.pread(number, status.st_size, 0)
    finally:
        os.close(number)
