"""built: what a module's page says that it built, as numbers and bytes.  Counted here before anything is made of it.

The first line is JSON: objects, meshes, materials and textures, which name spans of the bytes that follow in base64.
The page is the module's own ground, so what it says is checked like any file: every span lies within the bytes, and the
limits hold for what the spans hold, whatever else is said.
"""

import base64
import binascii
import json
import math
from dataclasses import dataclass
from typing import Any

from core.sandbox.outcomes import Refused
from formats.rules import MOST_TRIANGLES, refusal

MOST_VERTICES, MOST_DRAWN, MOST_INSTANCES, MOST_DRAWS, MOST_PIECES = 250_000, 2_900_000, 50_000, 200, 2_000
MOST_TEXELS = 4 << 20  # 4 MB of textures with one byte a texel
# What one corner of a shape is drawn as: vertices, triangles.  See `solid` in baking.js.
DRAWN_AS = {"mesh": (1, 1 / 3), "points": (6, 8), "strip": (6, 6), "pairs": (3, 3)}
MOST_ANSWER = 400_000_000  # characters
REFUSAL_FIELDS = ("what", "why", "count", "limit", "bytes")
WIDTHS = {"position": 3, "normal": 3, "uv": 2, "color": 3}

Json = dict[str, Any]


@dataclass(frozen=True)
class Built:
    """`tree` is checked; its spans lie within `data`."""

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
        for index, node in enumerate(tree["nodes"]):
            _require(isinstance(node["parent"], int) and -1 <= node["parent"] < index)
            lengths = {"matrix": 16} if "matrix" in node else {"place": 3, "turn": 4, "scale": 3}
            for name, length in lengths.items():
                _numbers(node[name], length)
        for texture in tree["textures"]:
            area = _whole(texture["width"]) * _whole(texture["height"])
            if area > MOST_TEXELS:
                raise refusal("MODULE_TEXTURES", bytes=4 * area, limit=4 * MOST_TEXELS)
            _require(_span(texture["data"], 1, len(data)) == 4 * area > 0)
            _numbers(texture["repeat"], 2)
            _numbers(texture["offset"], 2)
            _numbers(texture["center"], 2)
            _numbers([texture["rotation"]], 1)
        for material in tree["materials"]:
            _numbers(material["color"], 3)
            _numbers(material["emissive"], 3)
        for mesh in tree["meshes"]:
            _check_mesh(mesh, tree, len(data))
        _check_counts(tree)
        return Built(tree, data)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError, OverflowError, binascii.Error):
        raise broken() from None


def _check_mesh(mesh: Json, tree: Json, size: int) -> None:
    """An array holds what its vertices and instances need, so that no count is more than bytes that were sent."""
    _require(0 <= _whole(mesh["node"]) < len(tree["nodes"]) and mesh["shape"] in DRAWN_AS)
    if mesh["shape"] != "mesh":
        _numbers([mesh["wide"]], 1)
        _require(0 < mesh["wide"] <= 1 and "matrices" not in mesh)
    vertices, instances = _whole(mesh["vertices"]), _whole(mesh["instances"])
    for name, width in WIDTHS.items():
        _require(name not in mesh or _span(mesh[name], 4, size) == width * vertices)
    _require("position" in mesh and vertices > 0)
    if "matrices" in mesh:
        _require(_span(mesh["matrices"], 4, size) == 16 * instances)
        _require("tints" not in mesh or _span(mesh["tints"], 4, size) == 3 * instances)
    else:
        _require(instances == 1 and "tints" not in mesh)
    if "index" in mesh:
        _span(mesh["index"], 4, size)
    _require(all(0 <= _whole(paint) < len(tree["materials"]) for paint in mesh["paints"]))
    _require(len(mesh["range"]) == 2 and all(len(group) == 3 for group in mesh.get("groups", [])))
    _require(all(_whole(each) >= 0 for each in (*mesh["range"], *(e for g in mesh.get("groups", []) for e in g))))


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


def _numbers(values: Any, length: int) -> None:
    _require(len(values) == length)
    if not all(isinstance(each, int | float) and math.isfinite(each) for each in values):
        raise refusal("NOT_FINITE", where="a transform or colour that the module set")


def _whole(value: Any) -> int:
    _require(isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53)
    return int(value)


def _require(true: bool) -> None:
    if not true:
        raise broken()
