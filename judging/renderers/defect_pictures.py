"""Where is a file at fault?  Four views of its mesh in one picture, and the positions of its defects for the viewer.

Both are made in the sandbox, as every other picture is.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from core.sandbox.outcomes import RendererFault
from formats.blame import settled
from formats.integrity import defect_positions
from judging.renderers.base import DrawnDefects
from judging.renderers.defect_marks import POSITIONS, RIG
from judging.renderers.raycast import SANDBOX, allowance, develop, drawn_mesh, left_by_work
from judging.renderers.rig import GRID


def draw_defects(data: Path, *, out: Path, file_format: str) -> DrawnDefects:
    """The picture, a PNG in folder `out`, and the positions.  Raises Refused or RendererFault, nothing else."""

    def work(file: Path) -> DrawnDefects:
        try:
            out.mkdir(parents=True, exist_ok=True)
            with (
                drawn_mesh(file, file_format=file_format, near=out) as (mesh, _),
                tempfile.TemporaryDirectory(prefix=".defects-", dir=out) as folder,
            ):
                task = {"rig": RIG.to_json(), "defects": True}
                SANDBOX.run(task, data=mesh, folder=Path(folder), limits=allowance(RIG))
                picture = develop(Path(folder), GRID, RIG.grid_pixels, out=out)
                return DrawnDefects(picture=picture, positions=_positions_in(Path(folder)))
        except OSError as error:
            raise RendererFault("NO_ROOM", f"pictures cannot be written: {error}") from error

    return settled(work, data, file_format=file_format)


def _positions_in(folder: Path) -> bytes:
    """The child is not trusted to have written what anybody can read.  Raises RendererFault."""
    content = left_by_work(folder / POSITIONS, most=defect_positions.MOST_BYTES)
    try:
        defect_positions.parse(content)
    except ValueError as error:
        raise RendererFault("CRASHED", f"the work left wrong positions of defects: {error}") from error
    return content
