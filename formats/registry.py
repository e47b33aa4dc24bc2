"""Which kinds of 3D files can a competition ask for?

One row here and one folder make a format: the row names the parts of the folder, which are loaded where they are used.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from formats.facts import MESH

USUAL = "glb"


@dataclass(frozen=True, kw_only=True)
class Format:
    """`extension` ends its files' names; `renderers` can draw it, the usual one first; `noun`: what one file is.

    `counted`: what its size is counted in; `targets`: what its files can be converted to; `light`: what its light
    copies are, made of files above `light_above` bytes and at most `light_most` bytes large.
    Parts are named as `module:name`, and are loaded on use.  `sandbox`: a module whose `WORK` is a `SandboxWork`.
    `known_good`: a function that returns a good file.  `rules`: its own rules, by code.  `built_by`: makes, outside the
    sandbox and behind walls of its own, what is drawn and converted of a file whose code has to be run.
    `compared`: a module that says where its check differs from that of the subnet the competition stands for.
    `drawn_as`: how a browser draws it, as a mesh (`glb`), as what a module built (`scene`) or as splats (`rows`), and
    the derived file with that.
    """

    name: str
    extension: str
    media_type: str
    noun: str
    counted: str
    renderers: tuple[str, ...]
    sandbox: str
    known_good: str
    targets: tuple[str, ...]
    light: str
    light_above: int
    light_most: int = 2_000_000
    rules: str = ""
    built_by: str = ""
    compared: str = ""
    drawn_as: tuple[str, str] = ("glb", MESH)

    @property
    def shown_by_copies_only(self) -> bool:
        """Is a browser given our copy and never the file itself?"""
        return self.light_above == 0

    @property
    def is_mesh(self) -> bool:
        """Is it drawn as a surface, which a lamp lights?"""
        return self.drawn_as[0] != "rows"

    @property
    def runs_code(self) -> bool:
        """Has a file's own code to be run before anything is drawn?"""
        return bool(self.built_by)


FORMATS = {
    row.name: row
    for row in (
        Format(
            name="glb",
            extension="glb",
            media_type="model/gltf-binary",
            noun="3D file",
            counted="triangle",
            renderers=("raycast", "threejs"),
            sandbox="formats.glb.sandbox_work",
            known_good="formats.known_good_files:glb",
            targets=("glb", "obj.zip"),
            light="glb",
            light_above=1_000_000,
        ),
        # A visitor's browser is never given a miner's ply or module to read: only a copy of ours, whatever its size.
        Format(
            name="ply",
            extension="ply",
            media_type="application/octet-stream",
            noun="splat file",
            counted="splat",
            renderers=("threejs",),
            sandbox="formats.ply.sandbox_work",
            known_good="formats.known_good_files:ply",
            targets=("ply", "spz"),
            light="spz",
            light_above=0,
            rules="formats.ply.rules:SPLAT_RULES",
            drawn_as=("rows", "splats.f32"),
        ),
        Format(
            name="threejs",
            extension="js",
            media_type="text/plain; charset=utf-8",
            noun="module",
            counted="triangle",
            renderers=("threejs",),
            sandbox="formats.threejs.sandbox_work",
            known_good="formats.known_good_files:module",
            targets=("glb", "obj.zip"),
            light="scene",
            light_above=0,
            light_most=200_000_000,
            rules="formats.threejs.rules:MODULE_RULES",
            built_by="formats.threejs.baking:baked",
            drawn_as=("scene", "built.scene"),
            compared="formats.threejs.subnet_rules:DIFFERENCES",
        ),
    )
}


def media_types() -> dict[str, str]:
    """The media type of every file that can be downloaded, by the end of its name."""
    return {row.extension: row.media_type for row in FORMATS.values()} | {
        "scene": "application/octet-stream",
        "spz": "application/octet-stream",
        "zip": "application/zip",
    }


def part(named: str) -> Any:
    """The part of a format that its row names as `module:name`."""
    module, _, name = named.partition(":")
    return getattr(import_module(module), name)


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
