"""How is a file converted for whoever wants to use it?  In the sandbox; a module's from the glb it builds."""

from __future__ import annotations

import tempfile
from pathlib import Path

from core.sandbox.policy import SandboxPolicy
from formats.blame import settled
from formats.format_sandbox import built_file, sandbox_of
from formats.light_copy import regular_file
from formats.registry import FORMATS

LARGEST = 400_000_000
LIMITS = SandboxPolicy(cpu_seconds=120, wall_seconds=400.0, file_bytes=LARGEST)


def convert(data: Path, *, file_format: str, to: str, provenance: dict[str, str]) -> bytes:
    """The file as `to`, with `provenance` inside.  Raises Refused, RendererFault, or ValueError for the target."""
    targets = FORMATS[file_format].targets
    if to not in targets:
        raise ValueError(f"{file_format} files cannot become {to!r}; choose {' or '.join(targets)}")
    task = {"built": True, "convert": {"to": to, "provenance": provenance}}

    def work(file: Path) -> bytes:
        with (
            built_file(file, file_format=file_format) as built,
            tempfile.TemporaryDirectory(prefix="gauntlet-convert-") as folder,
        ):
            sandbox_of(file_format).run(task, data=built, folder=Path(folder), limits=LIMITS)
            return regular_file(Path(folder, f"converted.{to}"), most=LARGEST)

    return settled(work, data, file_format=file_format)
