"""Is this file a glb that may be rendered?  Header, then JSON, then numbers: nothing allocated before its check.

Pure Python and numpy over the bytes.  It is run inside the sandbox, before anything that decodes.
"""

import struct
from dataclasses import dataclass

from formats.facts import Bounds
from formats.glb.buffers import check_accessors, check_buffers, check_views
from formats.glb.gltf import Reader
from formats.glb.images import ImageFacts, check_images, check_uris
from formats.glb.materials import check_extensions, check_materials, check_textures
from formats.glb.scene import check_scene
from formats.glb.tree import item, parse
from formats.rules import MOST_BYTES, MOST_JSON_BYTES, refusal

MAGIC, JSON_CHUNK, BIN_CHUNK = 0x46546C67, 0x4E4F534A, 0x004E4942


@dataclass(frozen=True)
class GlbFacts:
    """What a checked file holds.  Counts are of what the default scene draws, instances included."""

    bytes: int
    triangles: int
    vertices: int
    draws: int
    materials: int
    images: tuple[ImageFacts, ...]
    extensions: tuple[str, ...]
    bounds: Bounds


def check(data: bytes) -> GlbFacts:
    """The facts of a file that keeps every rule.  Raises Refused with the first rule it breaks, and nothing else."""
    return examine(data)[0]


def examine(data: bytes) -> tuple[GlbFacts, Reader]:
    """As `check`, with a reader of the checked content."""
    text, body = _chunks(data)
    tree = parse(text)
    version = item(tree, "asset", where="the file").get("version")
    if not isinstance(version, str) or version.split(".")[0] != "2":
        raise refusal("WRONG_VERSION", version=version)
    extensions = check_extensions(tree)
    check_buffers(tree, available=len(body))
    check_views(tree)
    check_accessors(tree)
    check_uris(tree)
    check_textures(tree)
    check_materials(tree)
    images = check_images(tree, body)
    reader = Reader(tree, body, images=images)
    scene = check_scene(tree, reader)
    facts = GlbFacts(
        bytes=len(data),
        triangles=scene.triangles,
        vertices=scene.vertices,
        draws=scene.draws,
        materials=len(tree.get("materials", [])),
        images=tuple(images.values()),
        extensions=extensions,
        bounds=scene.bounds,
    )
    return facts, reader


def _chunks(data: bytes) -> tuple[bytes, memoryview]:
    """The JSON text and the binary chunk, which is empty where there is none (glTF 2.0 §4.4)."""
    if not data:
        raise refusal("FILE_EMPTY")
    if len(data) > MOST_BYTES:
        raise refusal("FILE_TOO_LARGE", bytes=len(data), limit=MOST_BYTES)
    if data[:4] != MAGIC.to_bytes(4, "little"):
        raise refusal("NOT_A_GLB")
    if len(data) < 20:
        raise refusal("TRUNCATED", promised="at least 20", bytes=len(data))
    version, promised = struct.unpack_from("<II", data, 4)
    if version != 2:
        raise refusal("WRONG_VERSION", version=version)
    if promised != len(data):
        raise refusal("TRUNCATED" if promised > len(data) else "TRAILING_BYTES", promised=promised, bytes=len(data))
    text = _chunk(data, start=12, kind=JSON_CHUNK, named="the first chunk", name="JSON")
    if len(text) > MOST_JSON_BYTES:
        raise refusal("JSON_TOO_LARGE", bytes=len(text), limit=MOST_JSON_BYTES)
    start = 20 + len(text)
    if start == len(data):
        return bytes(text), memoryview(b"")
    body = _chunk(data, start=start, kind=BIN_CHUNK, named="the second chunk", name="BIN")
    after = len(data) - start - 8 - len(body)
    if after:  # another reader might take a later chunk for this one
        raise refusal("BAD_CHUNKS", why=f"{after} bytes follow the BIN chunk")
    return bytes(text), body


def _chunk(data: bytes, *, start: int, kind: int, named: str, name: str) -> memoryview:
    """What the chunk at `start` holds, which must be of this kind and end at four bytes, within the file."""
    if start + 8 > len(data):
        raise refusal("BAD_CHUNKS", why=f"{named} has no header")
    length, given = struct.unpack_from("<II", data, start)
    if given != kind:
        raise refusal("BAD_CHUNKS", why=f"{named} is not {name}")
    if length % 4 or start + 8 + length > len(data):
        raise refusal("BAD_CHUNKS", why=f"the {name} chunk claims {length} bytes of {len(data) - start - 8}")
    return memoryview(data)[start + 8 : start + 8 + length]
