"""How is what a module built kept as a file, and what does it draw?  Plain arrays and parameters, nothing to be run.

Eight bytes of magic, the version and the lengths of tree and data as 32-bit numbers, little-endian; then the tree, as
JSON filled up with blanks to a multiple of four, and the data.  Nothing may follow.  The drawing page reads it by
judging/static/judging/built-scene.js, as this module has written it.
"""

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from formats.facts import Bounds
from formats.rules import HALF_CUBE, TOLERANCE, refusal
from formats.threejs.built import Built, Json, broken, checked

MAGIC, VERSION = b"GNTSCENE", 1
HEADER = struct.Struct("<8s3I")
BLOCK = 500_000  # vertices that are placed at a time
Floats = NDArray[np.float64]
# How many corners one piece takes, and how many further ones the next.
PIECES = {"mesh": (3, 3), "pairs": (2, 2), "strip": (2, 1), "points": (1, 1)}


@dataclass(frozen=True)
class BuiltSceneFacts:
    """`count`: triangles, pieces of lines and points; `bounds`: of all their corners, wherever instances stand."""

    count: int
    bounds: Bounds


def pack(scene: Built) -> bytes:
    text = json.dumps(scene.tree, separators=(",", ":"), allow_nan=False).encode()
    text += b" " * (-len(text) % 4)
    return HEADER.pack(MAGIC, VERSION, len(text), len(scene.data)) + text + scene.data


def join(scene: Built, glb: bytes) -> bytes:
    """The scene, and behind it the glb that was made of it."""
    return pack(scene) + glb


def split(content: bytes) -> tuple[Built, bytes]:
    """The checked scene of what `join` made, and its glb.  Raises Refused, and nothing else."""
    if len(content) < HEADER.size:
        raise broken()
    _, _, text_length, data_length = HEADER.unpack_from(content)
    end = HEADER.size + text_length + data_length
    return parse(content[:end]), content[end:]


def parse(content: bytes) -> Built:
    """The checked scene in a file that holds one and nothing else.  Raises Refused, and nothing else."""
    if len(content) < HEADER.size:
        raise broken()
    magic, version, text_length, data_length = HEADER.unpack_from(content)
    start = HEADER.size + text_length
    if (magic, version, text_length % 4) != (MAGIC, VERSION, 0) or start + data_length != len(content):
        raise broken()
    try:
        tree = json.loads(content[HEADER.size : start])
    except (ValueError, RecursionError):
        raise broken() from None
    return checked(tree, content[start:])


def drawn(scene: Built) -> tuple[Built, BuiltSceneFacts]:
    """What the scene draws, and the scene without what a graphics card does not draw.  Raises Refused.

    A line or cloud of points that names a vertex that is not there is not drawn at all; a mesh that does is refused.
    """
    with np.errstate(over="ignore", invalid="ignore"):  # what is no number shows in the bounds
        return _drawn(scene)


def _drawn(scene: Built) -> tuple[Built, BuiltSceneFacts]:
    worlds, shown_meshes, count = _worlds(scene.tree["nodes"]), [], 0
    low, high = np.full(3, np.inf), np.full(3, -np.inf)
    for mesh in scene.tree["meshes"]:
        pieces, corners = _corners(scene, mesh)
        beyond = int(corners.max(initial=0)) >= mesh["vertices"]
        if beyond and mesh["shape"] == "mesh":
            raise refusal("INDEX_OUT_OF_RANGE", where="a mesh", index=int(corners.max()), vertices=mesh["vertices"])
        if beyond:
            continue
        shown_meshes.append(mesh)
        count += pieces * mesh["instances"]
        if pieces and mesh["instances"]:
            used = _array(scene, mesh["position"], "<f4").reshape(-1, 3)[corners]
            for places in _placed(scene, mesh, used.astype(np.float64), worlds[mesh["node"]]):
                low, high = np.minimum(low, places.min(axis=0)), np.maximum(high, places.max(axis=0))
    if not count:
        raise refusal("NO_GEOMETRY")
    if not (np.isfinite(low).all() and np.isfinite(high).all()):
        raise refusal("NOT_FINITE", where="a vertex or transform that the module set")
    (a, b, c), (d, e, f) = low.tolist(), high.tolist()
    if min(a, b, c) < -HALF_CUBE - TOLERANCE or max(d, e, f) > HALF_CUBE + TOLERANCE:
        corners_of = [[round(value, 3) for value in corner] for corner in ((a, b, c), (d, e, f))]
        raise refusal("OUTSIDE_UNIT_CUBE", low=corners_of[0], high=corners_of[1])
    return Built({**scene.tree, "meshes": shown_meshes}, scene.data), BuiltSceneFacts(count, ((a, b, c), (d, e, f)))


def _worlds(nodes: list[Json]) -> list[Floats]:
    """Where every object stands, as three.js has it; parents come first."""
    worlds: list[Floats] = []
    for node in nodes:
        if "matrix" in node:
            own = np.array(node["matrix"], np.float64).reshape(4, 4).T
        else:
            own = np.eye(4)
            x, y, z, w = node["turn"]
            turn = np.array(
                [
                    [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
                    [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
                    [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
                ]
            )
            own[:3, :3] = turn * np.array(node["scale"], np.float64)
            own[:3, 3] = node["place"]
        worlds.append(own if node["parent"] < 0 else worlds[node["parent"]] @ own)
    return worlds


def _corners(scene: Built, mesh: Json) -> tuple[int, NDArray[np.int64]]:
    """How many pieces are drawn, and which vertices they name, each once."""
    if "index" in mesh:
        index = _array(scene, mesh["index"], "<u4").astype(np.int64)
    else:
        index = np.arange(mesh["vertices"], dtype=np.int64)
    start, count = mesh["range"]
    first, last = min(len(index), start), min(len(index), start + count)
    shown = [scene.tree["materials"][paint].get("visible", True) for paint in mesh["paints"]]
    pieces, named = 0, [np.empty(0, np.int64)]
    for begin, wide, which in mesh.get("groups", [[first, last - first, 0]]):
        taken = index[max(first, begin) : max(0, min(last, begin + wide))]
        if which >= len(shown) or not shown[which]:
            continue
        least, step = PIECES[mesh["shape"]]
        whole = max(0, (len(taken) - least) // step + 1)
        pieces += whole
        named.append(taken[: least + step * (whole - 1)] if whole else taken[:0])
    return pieces, np.unique(np.concatenate(named))


def _placed(scene: Built, mesh: Json, points: Floats, world: Floats) -> Iterator[Floats]:
    """The points in the world, of all instances, some at a time."""
    if "matrices" not in mesh:
        yield points @ world[:3, :3].T + world[:3, 3]
        return
    matrices = _array(scene, mesh["matrices"], "<f4").reshape(-1, 4, 4).astype(np.float64).transpose(0, 2, 1)
    step = max(1, BLOCK // max(1, len(points)))
    for start in range(0, len(matrices), step):
        placed = world @ matrices[start : start + step]
        yield (np.einsum("kij,nj->kni", placed[:, :3, :3], points) + placed[:, None, :3, 3]).reshape(-1, 3)


def _array(scene: Built, span: list[int], kind: str) -> NDArray[np.float32] | NDArray[np.uint32]:
    at, length = span
    numbers: NDArray[np.float32] | NDArray[np.uint32] = np.frombuffer(scene.data, kind, length, at)
    return numbers
