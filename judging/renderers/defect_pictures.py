"""Where is a file at fault?  Four views of its mesh in one picture, drawn in the sandbox like every other picture."""

from __future__ import annotations

import tempfile
from pathlib import Path

from core.sandbox.outcomes import RendererFault
from formats.blame import settled
from judging.renderers.defect_marks import RIG
from judging.renderers.raycast import SANDBOX, allowance, develop, drawn_mesh
from judging.renderers.rig import GRID


def draw_defects(data: Path, *, out: Path, file_format: str) -> Path:
    """The PNG, in folder `out`.  Raises Refused or RendererFault, nothing else."""

    def work(file: Path) -> Path:
        try:
            out.mkdir(parents=True, exist_ok=True)
            with (
                drawn_mesh(file, file_format=file_format, near=out) as (mesh, _),
                tempfile.TemporaryDirectory(prefix=".defects-", dir=out) as folder,
            ):
                task = {"rig": RIG.to_json(), "defects": True}
                SANDBOX.run(task, data=mesh, folder=Path(folder), limits=allowance(RIG))
                return develop(Path(folder), GRID, RIG.grid_pixels, out=out)
        except OSError as error:
            raise RendererFault("NO_ROOM", f"pictures cannot be written: {error}") from error

    return settled(work, data, file_format=file_format)
