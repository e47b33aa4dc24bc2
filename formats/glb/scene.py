"""What does the default scene draw, and does it fit: a tree of nodes, so many triangles, one unit cube?"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from formats.facts import Bounds
from formats.glb.buffers import SIZES
from formats.glb.gltf import FAN, STRIP, TRIANGLES, Reader, local_matrix
from formats.glb.tree import Json, choice, entries, item, numbers, reference, references
from formats.rules import (
    HALF_CUBE,
    MOST_DRAWS,
    MOST_ENTRIES,
    MOST_NODE_DEPTH,
    MOST_NODES,
    MOST_TRIANGLES,
    MOST_VERTICES,
    TOLERANCE,
    refusal,
)

FLOAT, BYTE, UBYTE, SHORT, USHORT, UINT = 5126, 5120, 5121, 5122, 5123, 5125
# Allowed types and (componentType, normalized) of the attributes that are read; QUANTIZED with KHR_mesh_quantization.
_SIGNED = [(BYTE, True), (SHORT, True)]
_UNSIGNED = [(UBYTE, True), (USHORT, True)]
_WHOLE = [(kind, scaled) for kind in (BYTE, UBYTE, SHORT, USHORT) for scaled in (True, False)]
PLAIN = {
    "POSITION": (("VEC3",), [(FLOAT, False)]),
    "NORMAL": (("VEC3",), [(FLOAT, False)]),
    "TEXCOORD": (("VEC2",), [(FLOAT, False), *_UNSIGNED]),
    "COLOR": (("VEC3", "VEC4"), [(FLOAT, False), *_UNSIGNED]),
}
QUANTIZED = {"POSITION": _WHOLE, "NORMAL": _SIGNED, "TEXCOORD": _WHOLE, "COLOR": []}


CORNERS = 3  # of a triangle
MOST_SHEAR = 1e-3  # cosine of the angle between two axes of a matrix that should be square to each other


@dataclass
class MeshFacts:
    """One mesh, drawn once."""

    triangles: int = 0
    vertices: int = 0
    primitives: int = 0
    positions: list[NDArray[Any]] = field(default_factory=list)


@dataclass(frozen=True)
class SceneFacts:
    triangles: int
    vertices: int
    draws: int
    bounds: Bounds


def check_scene(tree: Json, reader: Reader) -> SceneFacts:
    """Order matters: nothing large is computed before the count that bounds it has been checked."""
    _check_nodes(tree)
    meshes = entries(tree, "meshes", limit=MOST_ENTRIES)
    drawn = list(_walk(tree))
    used = Counter(mesh for mesh, _ in drawn)
    facts = {mesh: _structure(tree, meshes[mesh], where=f"meshes[{mesh}]") for mesh in used}
    once = (sum(fact.triangles for fact in facts.values()), sum(fact.vertices for fact in facts.values()))
    triangles = sum(fact.triangles * used[mesh] for mesh, fact in facts.items())
    vertices = sum(fact.vertices * used[mesh] for mesh, fact in facts.items())
    draws = sum(fact.primitives * used[mesh] for mesh, fact in facts.items())
    if not triangles:
        raise refusal("NO_GEOMETRY")
    if once[0] > MOST_TRIANGLES:
        raise refusal("TOO_MANY_TRIANGLES", count=once[0], limit=MOST_TRIANGLES)
    if once[1] > MOST_VERTICES:
        raise refusal("TOO_MANY_VERTICES", count=once[1], limit=MOST_VERTICES)
    if triangles > MOST_TRIANGLES or vertices > MOST_VERTICES:
        raise refusal("INSTANCES_TOO_HEAVY", count=max(triangles, vertices), limit=MOST_TRIANGLES)
    if draws > MOST_DRAWS:
        raise refusal("TOO_MANY_DRAWS", count=draws, limit=MOST_DRAWS)
    for mesh, fact in facts.items():
        _check_values(tree, reader, meshes[mesh], fact, where=f"meshes[{mesh}]")
    return SceneFacts(triangles=triangles, vertices=vertices, draws=draws, bounds=_bounds(facts, drawn))


def _check_nodes(tree: Json) -> None:
    nodes = entries(tree, "nodes", limit=MOST_NODES)
    parents: dict[int, int] = {}
    for index, node in enumerate(nodes):
        where = f"nodes[{index}]"
        if "skin" in node:
            raise refusal("ANIMATED_SHAPE", where=where, what="a skin")
        if "mesh" in node:
            reference(node, "mesh", where=where, count=len(entries(tree, "meshes", limit=MOST_ENTRIES)))
        for key, width in (("matrix", 16), ("translation", 3), ("rotation", 4), ("scale", 3)):
            numbers(node, key, where=where, width=width)
        _check_matrix(node, index)
        for child in references(node, "children", where=where, count=len(nodes)):
            if child in parents:
                raise refusal("NODE_SHARED", index=child)
            parents[child] = index
    _check_ancestry(parents)


def _check_matrix(node: Json, index: int) -> None:
    """A matrix is translation, rotation and scale (glTF 2.0 §3.5.3): a reader that takes it apart finds no more."""
    if "matrix" not in node:
        return
    matrix = np.array(node["matrix"], dtype=np.float64).reshape(4, 4).T
    if not np.array_equal(matrix[3], (0, 0, 0, 1)):
        raise refusal("BAD_TRANSFORM", index=index, why="the last row of its matrix is not 0 0 0 1")
    lengths = np.linalg.norm(matrix[:3, :3], axis=0)
    if not lengths.min() > 0 or not np.linalg.det(matrix[:3, :3] / lengths):
        raise refusal("BAD_TRANSFORM", index=index, why="its matrix makes it flat")
    leaning = np.abs(np.triu((matrix[:3, :3] / lengths).T @ (matrix[:3, :3] / lengths), k=1)).max()
    if leaning > MOST_SHEAR:
        raise refusal("BAD_TRANSFORM", index=index, why="its matrix shears")


def _check_ancestry(parents: dict[int, int]) -> None:
    """Each node has one parent at most, so following parents ends at a root or comes round in a cycle."""
    height: dict[int, int] = {}
    for start in parents:
        trail: list[int] = []
        index = start
        while index in parents and index not in height:
            if len(trail) > MOST_NODE_DEPTH and len(set(trail)) < len(trail):
                raise refusal("NODE_CYCLE", index=start)
            if len(trail) > MOST_NODE_DEPTH:
                raise refusal("NODE_TOO_DEEP", limit=MOST_NODE_DEPTH)
            trail.append(index)
            index = parents[index]
        for passed in reversed(trail):
            height[passed] = height.get(parents[passed], 0) + 1
        if height[start] > MOST_NODE_DEPTH:
            raise refusal("NODE_TOO_DEEP", limit=MOST_NODE_DEPTH)


def _walk(tree: Json) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """Mesh and world transform of every node the default scene draws."""
    scenes = entries(tree, "scenes", limit=MOST_ENTRIES)
    if not scenes:
        raise refusal("NO_SCENE")
    chosen = reference(tree, "scene", where="the file", count=len(scenes)) if "scene" in tree else 0
    nodes = tree.get("nodes", [])
    roots = references(scenes[chosen], "nodes", where=f"scenes[{chosen}]", count=len(nodes))
    waiting = [(index, np.eye(4)) for index in roots]
    met: set[int] = set()
    while waiting:
        index, parent = waiting.pop()
        if index in met:
            raise refusal("NODE_SHARED", index=index)
        met.add(index)
        with np.errstate(over="ignore", invalid="ignore"):
            world = parent @ local_matrix(nodes[index])
        if not np.isfinite(world).all():
            raise refusal("BAD_TRANSFORM", index=index, why="it overflows")
        waiting.extend((child, world) for child in nodes[index].get("children", []))
        if "mesh" in nodes[index]:
            yield nodes[index]["mesh"], world


def _structure(tree: Json, mesh: Json, *, where: str) -> MeshFacts:
    """Counts of one mesh, from accessor headers alone."""
    facts = MeshFacts()
    for index, primitive in enumerate(entries(mesh, "primitives", limit=MOST_ENTRIES)):
        here = f"{where}.primitives[{index}]"
        choice(primitive, "mode", where=here, among=tuple(range(7)))
        mode = primitive.get("mode", TRIANGLES)
        if mode < TRIANGLES:
            raise refusal("UNSUPPORTED_PRIMITIVE", where=here)
        if primitive.get("targets"):
            raise refusal("ANIMATED_SHAPE", where=here, what="morph targets")
        if "material" in primitive:
            reference(primitive, "material", where=here, count=len(tree.get("materials", [])))
        vertices = _check_attributes(tree, primitive, where=here)
        corners = vertices
        if "indices" in primitive:
            accessors = tree.get("accessors", [])
            accessor = accessors[reference(primitive, "indices", where=here, count=len(accessors))]
            if accessor["type"] != "SCALAR" or accessor["componentType"] not in (UBYTE, USHORT, UINT):
                raise refusal("BAD_ATTRIBUTE", where=f"{here}.indices", why="are not unsigned scalars")
            stride = tree["bufferViews"][accessor["bufferView"]].get("byteStride")
            if stride not in (None, SIZES[accessor["componentType"]]):
                raise refusal("BAD_STRIDE", where=f"{here}.indices", stride=stride)
            corners = int(accessor["count"])
        facts.triangles += max(0, corners - 2) if mode in (STRIP, FAN) else corners // 3
        facts.vertices += vertices
        facts.primitives += 1
    return facts


def _check_attributes(tree: Json, primitive: Json, *, where: str) -> int:
    attributes, accessors = item(primitive, "attributes", where=where), tree.get("accessors", [])
    if "POSITION" not in attributes:
        raise refusal("BAD_ATTRIBUTE", where=where, why="has no POSITION")
    vertices = accessors[reference(attributes, "POSITION", where=where, count=len(accessors))]["count"]
    quantized = "KHR_mesh_quantization" in tree.get("extensionsUsed", [])
    for name in attributes:
        accessor = accessors[reference(attributes, name, where=where, count=len(accessors))]
        family = name.split("_")[0]
        if accessor["count"] != vertices:
            raise refusal(
                "ATTRIBUTE_COUNT_MISMATCH", where=f"{where}.{name}", count=accessor["count"], vertices=vertices
            )
        if family in PLAIN:
            kinds, components = PLAIN[family]
            allowed = components + QUANTIZED[family] if quantized else components
            stored = (accessor["componentType"], bool(accessor.get("normalized", False)))
            if accessor["type"] not in kinds or stored not in allowed:
                raise refusal("BAD_ATTRIBUTE", where=f"{where}.{name}", why="has a type that is not allowed")
    return int(vertices)


def _check_values(tree: Json, reader: Reader, mesh: Json, facts: MeshFacts, *, where: str) -> None:
    """The numbers themselves: sparse places, vertex indices, NaN.  What draws no triangle takes no room."""
    for index, primitive in enumerate(mesh.get("primitives", [])):
        here = f"{where}.primitives[{index}]"
        attributes = primitive["attributes"]
        numbered = [*attributes.values(), *([primitive["indices"]] if "indices" in primitive else [])]
        for accessor in sorted(set(numbered)):
            sparse, count = tree["accessors"][accessor].get("sparse"), tree["accessors"][accessor]["count"]
            replaced = int(reader.sparse_places(sparse).max()) if sparse is not None else -1
            if replaced >= count:
                why = f"replaces value {replaced} of {count}"
                raise refusal("SPARSE_OUT_OF_RANGE", where=f"accessors[{accessor}].sparse", why=why)
        positions = reader.accessor(attributes["POSITION"])
        corners = len(positions)
        if "indices" in primitive:
            indices = reader.accessor(primitive["indices"], scaled=False)
            largest, corners = int(indices.max()), len(indices)
            if largest >= len(positions):
                raise refusal("INDEX_OUT_OF_RANGE", where=f"{here}.indices", index=largest, vertices=len(positions))
            if largest == np.iinfo(indices.dtype).max:
                raise refusal("INDEX_RESERVED", where=f"{here}.indices", index=largest)
        if corners >= CORNERS:
            facts.positions.append(positions)
        for name, accessor in attributes.items():
            if name.split("_")[0] in PLAIN and not np.isfinite(reader.accessor(accessor)).all():
                raise refusal("NOT_FINITE", where=f"{here}.{name}")


def _bounds(facts: dict[int, MeshFacts], drawn: list[tuple[int, NDArray[np.float64]]]) -> Bounds:
    """Of all vertices that nodes draw, after their transforms.  Refuses what leaves the unit cube."""
    low, high = np.full(3, np.inf), np.full(3, -np.inf)
    for mesh, world in drawn:
        for positions in facts[mesh].positions:
            with np.errstate(over="ignore", invalid="ignore"):
                placed = positions.astype(np.float64) @ world[:3, :3].T + world[:3, 3]
            low, high = np.minimum(low, placed.min(axis=0)), np.maximum(high, placed.max(axis=0))
    corners = (_corner(low), _corner(high))
    reach = HALF_CUBE + TOLERANCE
    if not (low >= -reach).all() or not (high <= reach).all():
        raise refusal("OUTSIDE_UNIT_CUBE", low=corners[0], high=corners[1])
    return corners


def _corner(point: NDArray[np.float64]) -> tuple[float, float, float]:
    x, y, z = (round(float(value), 6) for value in point)
    return x, y, z
