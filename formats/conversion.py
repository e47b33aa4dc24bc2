"""How is a file converted for whoever wants to use it?  In the sandbox; a module's from the glb it builds."""

from __future__ import annotations

import tempfile
from pathlib import Path

from core.sandbox.confinement import SandboxLimits
from core.sandbox.outcomes import RendererFault
from formats.blame import settled
from formats.converted_names import TARGETS
from formats.light_copy import DESK, regular_file

LARGEST = 400_000_000
LIMITS = SandboxLimits(cpu_seconds=120, wall_seconds=400.0, file_bytes=LARGEST)


def convert(data: Path, *, file_format: str, to: str, provenance: dict[str, str]) -> bytes:
    """The file as `to`, with `provenance` inside.  Raises Refused, RendererFault, or ValueError for the target."""
    if to not in TARGETS.get(file_format, ()):
        raise ValueError(
            f"{file_format} files cannot become {to!r}; choose {' or '.join(TARGETS.get(file_format, ()))}"
        )

    def work(file: Path) -> bytes:
        return _converted(file, file_format=file_format, to=to, provenance=provenance)

    return settled(work, data, file_format=file_format)


def _converted(data: Path, *, file_format: str, to: str, provenance: dict[str, str]) -> bytes:
    with tempfile.TemporaryDirectory(prefix="gauntlet-convert-") as folder:
        source, examined = data, file_format
        if file_format == "threejs":
            from formats.threejs import baking  # a browser's worth of code that only modules need

            source, examined = Path(folder, "baked.glb"), "baked"
            source.write_bytes(baking.baked(data.read_bytes()))
        task = {"format": examined, "convert": {"from": file_format, "to": to, "provenance": provenance}}
        DESK.run(task, data=source, folder=Path(folder), limits=LIMITS)
        made = regular_file(Path(folder, f"converted.{to}"), most=LARGEST)
        if not made:
            raise RendererFault("CRASHED", "the work left an empty file")
        return made
