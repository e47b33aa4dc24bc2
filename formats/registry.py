"""Which kinds of 3D files can a competition ask for?

One row here and one file `judging/formats/<name>.py` make a format.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

USUAL = "glb"


@dataclass(frozen=True)
class Format:
    """`extension` ends its files' names; `renderers` can draw it, the usual one first; `noun`: what one file is.

    `counted`: what its size is counted in; `light`: what its light copies are, made of files above `light_above` bytes.
    """

    name: str
    extension: str
    media_type: str
    noun: str
    counted: str
    renderers: tuple[str, ...]
    light: str
    light_above: int

    @property
    def shown_by_copies_only(self) -> bool:
        """Is a browser given our copy and never the file itself?"""
        return self.light_above == 0


FORMATS = {
    row.name: row
    for row in (
        Format("glb", "glb", "model/gltf-binary", "3D file", "triangle", ("raycast", "threejs"), "glb", 1_000_000),
        # A visitor's browser is never given a miner's ply or module to read: only a copy of ours, whatever its size.
        Format("ply", "ply", "application/octet-stream", "splat file", "splat", ("threejs",), "spz", 0),
        Format("threejs", "js", "text/plain; charset=utf-8", "module", "triangle", ("threejs",), "glb", 0),
    )
}
EXTENSIONS = {row.extension: row.media_type for row in FORMATS.values()} | {
    "spz": "application/octet-stream",
    "zip": "application/zip",
}


def of(config: Mapping[str, Any]) -> Format:
    """The format a competition's configuration names.  Raises ValueError for one that is not in FORMATS."""
    name = config.get("format", USUAL)
    if name not in FORMATS:
        raise ValueError(f"config.format is {name!r}; choose one of {', '.join(FORMATS)}")
    return FORMATS[name]


def complaint(config: Mapping[str, Any], *, renderer: str) -> str:
    """What is wrong with a competition's format and renderer together, or ""."""
    try:
        wanted = of(config)
    except ValueError as error:
        return str(error)
    if renderer in wanted.renderers:
        return ""
    return f"renderer {renderer!r} cannot draw {wanted.name} files; choose {' or '.join(wanted.renderers)}"
