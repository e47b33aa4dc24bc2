"""built: what a module built, as numbers and bytes.  The one strict parser of them; counts before anything is made.

A tree of objects, meshes, materials and textures names spans of bytes.  It comes from the module's own page, as a line
of JSON and base64, and later from a file of ours (scene_file.py).  The page is the module's own ground, so what it says
is checked like any file: every span lies within the bytes, the limits hold for what the spans hold, whatever else is
said, and only what is known here is passed on.
"""

import base64
import binascii
import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from core.sandbox.outcomes import Refused
from formats.rules import MOST_TRIANGLES, refusal
from formats.threejs import scene_parameters as parameters

MOST_VERTICES, MOST_DRAWN, MOST_INSTANCES, MOST_DRAWS, MOST_PIECES = 250_000, 2_900_000, 50_000, 200, 2_000
MOST_TEXELS = 4 << 20  # 4 MB of textures with one byte a texel
# What one corner of a shape is drawn as: vertices, triangles.  See `solid` in baking.js.
DRAWN_AS = {"mesh": (1, 1 / 3), "points": (6, 8), "strip": (6, 6), "pairs": (3, 3)}
MOST_ANSWER = 400_000_000  # characters
REFUSAL_FIELDS = ("what", "why", "count", "limit", "bytes")
WIDTHS = {
    "position": 3,
    "normal": 3,
    "uv": 2,
    "uv1": 2,
    "uv2": 2,
    "uv3": 2,
    "color": 3,
    "alpha": 1,
    "tangent": 4,
    "lineDistance": 1,
}
"""Of what each vertex has, the numbers; `alpha` is the fourth of its colour."""
FLAGS = ("flipY", "generateMipmaps", "premultiplyAlpha", "uploaded")
MOST_FLOAT = 3.4e38

Json = dict[str, Any]


@dataclass(frozen=True)
class Built:
    """`tree` is checked and holds nothing else; its spans lie within `data`."""

    tree: Json
    data: bytes


def broken() -> Refused:
    return refusal("MODULE_THREW", why="it broke the page it ran in")


def read(answer: Any) -> Built:
    """The checked answer of the page.  Raises Refused, and nothing else."""
    try:
        if not isinstance(answer, str) or len(answer) > MOST_ANSWER:
            raise broken()
        line, _, packed = answer.partition("\n")
        tree = json.loads(line)
        if "refused" in tree:
            code, seen = tree["refused"]  # it must name one of our rules and fill its sentence
            raise refusal(code, **{name: seen[name] for name in REFUSAL_FIELDS if name in seen})
        data = base64.b64decode(packed.encode("ascii"), validate=True)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError, binascii.Error):
        raise broken() from None
    return checked(tree, data)


def checked(tree: Any, data: bytes) -> Built:
    """What `tree` says of `data`, written again.  Raises Refused, and nothing else."""
    try:
        nodes = [_node(node, index) for index, node in enumerate(tree["nodes"])]
        textures = [_texture(texture, len(data)) for texture in tree["textures"]]
        materials = [_material(material, len(textures)) for material in tree["materials"]]
        meshes = [_mesh(mesh, size=len(data), nodes=len(nodes), materials=len(materials)) for mesh in tree["meshes"]]
        _require(len({mesh["node"] for mesh in meshes}) == len(meshes))
        made = {"nodes": nodes, "textures": textures, "materials": materials, "meshes": meshes}
        _check_counts(made)
        return Built(made, data)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError, OverflowError):
        raise broken() from None


def _node(node: Json, index: int) -> Json:
    """`id` and `renderOrder` decide what is drawn first where neither is nearer."""
    lengths = {"matrix": 16} if "matrix" in node else {"place": 3, "turn": 4, "scale": 3}
    made = {"parent": _place(node["parent"], index), "id": _whole(node["id"]), "group": node["group"] is True}
    order = _number(node["renderOrder"])
    return made | {"renderOrder": order or 0} | {name: _numbers(node[name], length) for name, length in lengths.items()}


def _texture(texture: Json, size: int) -> Json:
    """As many texels as its width and height say, of one of the listed types."""
    width, height = _whole(texture["width"]), _whole(texture["height"])
    if width * height > MOST_TEXELS:
        raise refusal("MODULE_TEXTURES", bytes=4 * width * height, limit=4 * MOST_TEXELS)
    kind, layout = _whole(texture["type"]), _whole(texture["format"])
    texels = width * height * parameters.CHANNELS[layout]
    _require(_span(texture["data"], parameters.TYPES[kind], size) == texels > 0)
    made = {"data": texture["data"], "width": width, "height": height, "type": kind, "format": layout}
    made |= {name: _listed(texture[name], parameters.WRAPPINGS, 1001) for name in ("wrapS", "wrapT")}
    made["magFilter"] = _listed(texture["magFilter"], parameters.MAGNIFIED, 1006)
    made["minFilter"] = _listed(texture["minFilter"], parameters.MINIFIED, 1006)
    made["colorSpace"] = _listed(texture["colorSpace"], parameters.COLOUR_SPACES, "")
    made["channel"] = _listed(texture["channel"], range(4), 0)
    made["anisotropy"] = _listed(texture["anisotropy"], range(1, 17), 1)
    made |= {name: texture[name] is True for name in FLAGS}
    made |= {name: _numbers(texture[name], 2) for name in ("repeat", "offset", "center")}
    made["rotation"] = _numbers([texture["rotation"]], 1)[0]
    return made | ({"matrix": _numbers(texture["matrix"], 9)} if "matrix" in texture else {})


def _material(material: Json, textures: int) -> Json:
    """Its class and what differs from nothing: a value that is none is left at three.js's own."""
    table = parameters.MATERIALS[material["type"]]
    given = {name: _parameter(material.get(name), kind, textures) for name, kind in table.items()}
    chosen = {name: value for name, value in given.items() if value is not None}
    return {"type": material["type"], "id": _whole(material["id"])} | chosen


def _parameter(value: Any, kind: str, textures: int) -> Any:
    if kind in parameters.CHOICES:
        return _listed(value, parameters.CHOICES[kind], None)
    if value is None or kind == "flag":
        return value if isinstance(value, bool) else None
    if kind == "number":
        return _number(value)
    if kind == "texture":
        place = _place(value, textures)
        return place if place >= 0 else None
    return _numbers(value, {"colour": 3, "point": 2, "pair": 2}[kind])


def _mesh(mesh: Json, *, size: int, nodes: int, materials: int) -> Json:
    """An array holds what its vertices and instances need, so that no count is more than bytes that were sent."""
    vertices, instances, shape = _whole(mesh["vertices"]), _whole(mesh["instances"]), mesh["shape"]
    _require(_whole(mesh["node"]) < nodes and shape in DRAWN_AS and vertices > 0 and "position" in mesh)
    made = {"node": mesh["node"], "shape": shape, "vertices": vertices, "instances": instances}
    if shape != "mesh":
        (made["wide"],) = _numbers([mesh["wide"]], 1)
        _require(0 < made["wide"] <= 1 and "matrices" not in mesh)
    wanted = {name: width * vertices for name, width in WIDTHS.items()}
    if "matrices" in mesh:
        wanted |= {"matrices": 16 * instances, "tints": 3 * instances}
    else:
        _require(instances == 1 and "tints" not in mesh)
    for name, length in wanted.items():
        if name in mesh:
            _require(_span(mesh[name], 4, size) == length)
            made[name] = mesh[name]
    _require("alpha" not in made or "color" in made)
    if "index" in mesh:
        _span(mesh["index"], 4, size)
        made["index"] = mesh["index"]
    made["paints"] = [_whole(paint) for paint in mesh["paints"]]
    made["range"] = [_whole(each) for each in mesh["range"]]
    _require(all(paint < materials for paint in made["paints"]) and len(made["range"]) == 2)
    if "groups" in mesh:
        made["groups"] = [[_whole(each) for each in group] for group in mesh["groups"]]
        _require(all(len(group) == 3 for group in made["groups"]))
    else:
        _require(len(made["paints"]) == 1)
    return made


def _check_counts(tree: Json) -> None:
    meshes = tree["meshes"]
    if not meshes:
        raise refusal("NO_GEOMETRY")
    vertices = sum(mesh["vertices"] for mesh in meshes)
    pieces = [len({group[2] for group in mesh["groups"]}) if "groups" in mesh else 1 for mesh in meshes]
    instances = sum(mesh["instances"] for mesh in meshes if "matrices" in mesh)
    texels = sum(texture["width"] * texture["height"] for texture in tree["textures"])
    drawn, triangles = 0, 0.0
    for mesh, parts in zip(meshes, pieces, strict=True):
        corners = _corners(mesh)
        wide, faces = DRAWN_AS[mesh["shape"]]
        drawn += mesh["vertices"] * mesh["instances"] * parts if mesh["shape"] == "mesh" else corners * wide
        triangles += corners * mesh["instances"] * faces
    for code, count, limit, what in (
        ("MODULE_DRAWS", len(meshes), MOST_DRAWS, "meshes, lines and clouds of points"),
        ("MODULE_DRAWS", sum(pieces), MOST_PIECES, "groups with a material of their own"),
        ("MODULE_INSTANCES", instances, MOST_INSTANCES, ""),
        ("MODULE_VERTICES", vertices, MOST_VERTICES, ""),
        ("MODULE_VERTICES", drawn, MOST_DRAWN, ""),
        ("TOO_MANY_TRIANGLES", int(triangles), MOST_TRIANGLES, ""),
    ):
        if count > limit:
            raise refusal(code, count=count, limit=limit, what=what)
    if texels > MOST_TEXELS:
        raise refusal("MODULE_TEXTURES", bytes=4 * texels, limit=4 * MOST_TEXELS)


def _corners(mesh: Json) -> int:
    """How many corners are drawn; groups may draw the same ones again."""
    corners = range(int(mesh["index"][1]) if "index" in mesh else int(mesh["vertices"]))
    start, count = mesh["range"]
    whole = corners[start : start + count]
    groups = mesh["groups"] if "groups" in mesh and mesh["shape"] == "mesh" else [(whole.start, len(whole), 0)]
    return sum(len(corners[first : first + wide]) for first, wide, _ in groups)


def _span(pair: Any, item: int, size: int) -> int:
    """How many items of `item` bytes lie at the given place.  Refuses what is not within `size` bytes."""
    at, length = pair
    _require(_whole(at) % item == 0 and at + item * _whole(length) <= size)
    return int(length)


def _numbers(values: Any, length: int) -> list[float]:
    _require(isinstance(values, list) and len(values) == length)
    if not all(_number(each) is not None for each in values):
        raise refusal("NOT_FINITE", where="a transform or colour that the module set")
    return list(values)


def _number(value: Any) -> float | None:
    """A number that a graphics card can hold, or None."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if is_number and abs(value) <= MOST_FLOAT else None


def _listed(value: Any, choices: Collection[Any], usual: Any) -> Any:
    return value if not isinstance(value, bool | float) and value in choices else usual


def _whole(value: Any) -> int:
    _require(isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53)
    return int(value)


def _place(value: Any, count: int) -> int:
    """In a list of `count`, or -1 for none."""
    _require(isinstance(value, int) and not isinstance(value, bool) and -1 <= value < count)
    return int(value)


def _require(true: bool) -> None:
    if not true:
        raise broken()
