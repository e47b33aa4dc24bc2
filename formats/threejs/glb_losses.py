"""What of a built scene does its glb not hold?  Whoever is given the glb reads it there; pictures are of the scene."""

from collections.abc import Callable, Mapping
from typing import Any

from formats.threejs.built import Built, Json
from formats.threejs.scene_parameters import MATERIALS

HELD_MAPS = ("map", "emissiveMap")
OTHER_MAPS = tuple({name for table in MATERIALS.values() for name, kind in table.items() if kind == "texture"})
PHYSICAL = ("anisotropy", "clearcoat", "dispersion", "iridescence", "sheen", "transmission")


def _glows(material: Json) -> bool:
    most = max(material.get("emissive", [0]), default=0) * material.get("emissiveIntensity", 1)
    return bool(most > 1)


def _is_plain(material: Json) -> bool:
    """Drawn as any surface that hides what is behind, or lets it through by its opacity."""
    return bool(
        material.get("blending", 1) == 1 and material.get("depthTest", True) and material.get("colorWrite", True)
    )


OF_MATERIALS: Mapping[str, Callable[[Json], Any]] = {
    "wireframe": lambda material: material.get("wireframe"),
    "blending": lambda material: not _is_plain(material),
    "dashes": lambda material: material["type"] == "LineDashedMaterial",
    "emission above 1": _glows,
    "shininess and toon shading": lambda material: material["type"] in ("MeshPhongMaterial", "MeshToonMaterial"),
    "other maps": lambda material: any(name in material for name in OTHER_MAPS if name not in HELD_MAPS),
} | {name: (lambda material, name=name: material.get(name)) for name in PHYSICAL}
OF_TEXTURES: Mapping[str, Callable[[Json], Any]] = {
    "colour space of textures": lambda texture: texture["colorSpace"] != "srgb",
    "centre of textures": lambda texture: (
        any(texture["center"]) and (texture["rotation"] or texture["repeat"] != [1, 1])
    ),
    "values of textures beyond bytes": lambda texture: texture["type"] != 1009,
}
OF_MESHES: Mapping[str, Callable[[Json], Any]] = {
    "alpha of vertex colours": lambda mesh: "alpha" in mesh,
    "lines and points as such (they are thin solids)": lambda mesh: mesh["shape"] != "mesh",
    "texture coordinates but the first": lambda mesh: any(f"uv{i}" in mesh for i in (1, 2, 3)),
}


def losses(scene: Built) -> tuple[str, ...]:
    """In words, in the order of the tables above."""
    parts = (("materials", OF_MATERIALS), ("textures", OF_TEXTURES), ("meshes", OF_MESHES))
    return tuple(
        words for name, table in parts for words, is_lost in table.items() if any(map(is_lost, scene.tree[name]))
    )
