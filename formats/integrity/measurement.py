"""How is an untrusted file measured?  In the sandbox, as pictures are made; the numbers that come back are checked."""

from __future__ import annotations

import math
import tempfile
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from core.sandbox.outcomes import RendererFault
from core.sandbox.policy import SandboxPolicy
from formats.blame import settled
from formats.format_sandbox import built_file, sandbox_of
from formats.integrity.measures import Integrity, MeshIntegrity, SplatIntegrity
from formats.registry import FORMATS

LIMITS = SandboxPolicy(cpu_seconds=120, wall_seconds=280.0)


def measure(data: Path, *, file_format: str) -> Integrity:
    """The numbers of the file, or of what its code built.  Raises Refused or RendererFault."""
    kind = MeshIntegrity if FORMATS[file_format].is_mesh else SplatIntegrity

    def work(file: Path) -> Integrity:
        with (
            built_file(file, file_format=file_format) as built,
            tempfile.TemporaryDirectory(prefix="gauntlet-integrity-") as folder,
        ):
            done = sandbox_of(file_format).run({"integrity": True}, data=built, folder=Path(folder), limits=LIMITS)
        return replace(parsed(done.answer.get("integrity"), kind), bytes=file.stat().st_size)

    return settled(work, data, file_format=file_format)


def parsed(payload: Any, kind: type[MeshIntegrity] | type[SplatIntegrity]) -> Integrity:
    """The numbers in a child's answer.  Raises RendererFault where they are none."""
    names = {each.name: each.type for each in fields(kind)}
    if not isinstance(payload, dict) or payload.keys() != names.keys():
        raise RendererFault("CRASHED", "the work answered without the numbers of a measurement")
    for name, value in payload.items():
        whole = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53
        share = "float" in str(names[name]) and isinstance(value, float) and math.isfinite(value)
        missing = "None" in str(names[name]) and value is None
        if not (whole or share or missing):
            raise RendererFault("CRASHED", f"the work answered {name} with no number")
    return kind(**payload)
