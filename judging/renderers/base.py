"""What must every renderer do, and how does it say no?

A renderer turns the bytes of one asset into one picture per view of a rig, or says no as
`core.sandbox.outcomes` has it.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from formats.facts import Bounds
from judging.renderers.rig import Rig


@dataclass(frozen=True)
class Rendered:
    """`views` maps picture names (Rig.pictures) to PNG files; `isolation` names the walls around the work.

    `triangles` counts splats where the format draws those; `derived` holds lighter files made of this one, by file
    name.
    """

    views: dict[str, Path]
    triangles: int
    bytes: int
    bounds: Bounds
    isolation: tuple[str, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class DrawnDefects:
    """`picture`: a PNG file; `positions`: the content of a file of `formats.integrity.defect_positions`."""

    picture: Path
    positions: bytes


class Renderer(Protocol):
    name: str

    @property
    def version(self) -> str:
        """Names what decides single pixels: a view is drawn once per version."""
        ...

    def render(self, data: Path, *, rig: Rig, out: Path, file_format: str = "glb") -> Rendered:
        """Photograph the asset in file `data`; write `<picture>.png` for each of `rig.pictures()` into folder `out`.

        Raises Refused or RendererFault, nothing else.
        """
        ...
