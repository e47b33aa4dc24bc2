"""Files that break one rule each, made from a good one.  `BROKEN` maps a name to (its rule, bytes)."""

import copy
import io
import json
import struct
from collections.abc import Callable
from typing import Any

from PIL import Image

from formats import rules
from formats.known_good_files import pack

Tree = dict[str, Any]
FLOAT, UBYTE, USHORT, UINT = 5126, 5121, 5123, 5125


def picture(width: int = 4, height: int = 4, kind: str = "PNG", **more: Any) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height), "#cc3311").save(file, format=kind, **more)
    return file.getvalue()


def png_claiming(width: int, height: int) -> bytes:
    """A PNG whose header claims a size (and whose checksum no longer fits)."""
    return picture()[:16] + struct.pack(">II", width, height) + picture()[24:]


class Glb:
    """A good textured square of two triangles, with handles to break it."""

    def __init__(self, image: bytes | None = None) -> None:
        self.body = b""
        self.tree: Tree = {
            "asset": {"version": "2.0"},
            "scene": 0,
            "scenes": [{"nodes": [0]}],
            "nodes": [{"mesh": 0}],
            "materials": [{"doubleSided": True, "pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}}],
            "textures": [{"source": 0}],
            "accessors": [],
            "bufferViews": [],
        }
        corners = [-0.4, -0.4, 0, 0.4, -0.4, 0, 0.4, 0.4, 0, -0.4, 0.4, 0]
        attributes = {
            "POSITION": self.accessor(struct.pack("<12f", *corners), FLOAT, 4, "VEC3"),
            "NORMAL": self.accessor(struct.pack("<12f", *[0, 0, 1] * 4), FLOAT, 4, "VEC3"),
            "TEXCOORD_0": self.accessor(struct.pack("<8f", 0, 1, 1, 1, 1, 0, 0, 0), FLOAT, 4, "VEC2"),
            "COLOR_0": self.accessor(bytes([255] * 16), UBYTE, 4, "VEC4", normalized=True),
        }
        indices = self.accessor(struct.pack("<6H", 0, 1, 2, 0, 2, 3), USHORT, 6, "SCALAR")
        self.tree["meshes"] = [{"primitives": [{"attributes": attributes, "indices": indices, "material": 0}]}]
        self.tree["images"] = [{"bufferView": self.view(picture() if image is None else image)}]

    def view(self, data: bytes) -> int:
        self.body += b"\0" * (-len(self.body) % 4)
        self.tree["bufferViews"].append({"buffer": 0, "byteOffset": len(self.body), "byteLength": len(data)})
        self.body += data
        return len(self.tree["bufferViews"]) - 1

    def accessor(self, data: bytes, component: int, count: int, kind: str, **more: Any) -> int:
        told = {"bufferView": self.view(data), "componentType": component, "count": count, "type": kind, **more}
        self.tree["accessors"].append(told)
        return len(self.tree["accessors"]) - 1

    @property
    def primitive(self) -> Tree:
        return self.tree["meshes"][0]["primitives"][0]

    def bytes(self) -> bytes:
        tree = {"buffers": [{"byteLength": len(self.body)}], **self.tree}
        return pack(json.dumps(tree).encode(), self.body)


def good() -> bytes:
    return Glb().bytes()


def broken(change: Callable[[Glb], Any], image: bytes | None = None) -> bytes:
    glb = Glb(image)
    change(glb)
    return glb.bytes()


def texted(text: bytes) -> bytes:
    return pack(text, Glb().body)


def headed(**changed: int) -> bytes:
    """A good file with a changed number in its headers."""
    places = {"version": 4, "length": 8, "json_length": 12, "json_kind": 16}
    data = bytearray(good())
    places |= {"bin_length": 20 + struct.unpack_from("<I", data, 12)[0]}
    places |= {"bin_kind": places["bin_length"] + 4}
    for name, value in changed.items():
        struct.pack_into("<I", data, places[name], value)
    return bytes(data)


def _set(*path: Any, to: Any) -> Callable[[Glb], None]:
    def change(glb: Glb) -> None:
        found: Any = glb.tree
        for key in path[:-1]:
            found = found[key]
        found[path[-1]] = copy.deepcopy(to)

    return change


def _positions(values: list[float]) -> Callable[[Glb], None]:
    def change(glb: Glb) -> None:
        data = struct.pack(f"<{len(values)}f", *values)
        glb.primitive["attributes"] = {"POSITION": glb.accessor(data, FLOAT, len(values) // 3, "VEC3")}
        del glb.primitive["indices"]

    return change


def _chain(length: int) -> list[Tree]:
    return [*({"children": [index + 1]} for index in range(length)), {"mesh": 0}]


def _big_mesh(glb: Glb, *, triangles: int) -> None:
    """Many triangles over four vertices: a small file until nodes repeat it."""
    glb.primitive["indices"] = glb.accessor(bytes(triangles * 3), UBYTE, triangles * 3, "SCALAR")


def _instances(glb: Glb) -> None:
    _big_mesh(glb, triangles=1000)
    glb.tree["nodes"] = [{"children": list(range(1, 9001))}, *({"mesh": 0} for _ in range(9000))]


def _many_draws(glb: Glb) -> None:
    glb.tree["meshes"][0]["primitives"] = [glb.primitive] * (rules.MOST_DRAWS + 1)


def _sparse(glb: Glb, *, place: int, count: int = 1) -> None:
    where, what = glb.view(struct.pack("<H2x", place)), glb.view(bytes(12))
    glb.tree["accessors"][0]["sparse"] = {
        "count": count,
        "indices": {"bufferView": where, "componentType": USHORT},
        "values": {"bufferView": what},
    }


def _two_pictures(glb: Glb) -> None:
    glb.tree["images"] *= 2
    glb.tree["textures"].append({"source": 1})
    glb.tree["materials"][0]["emissiveTexture"] = {"index": 1}


def chunked(kind: bytes) -> bytes:
    """A good file with one chunk more, which the header counts."""
    data = bytearray(good() + struct.pack("<I4s", 4, kind) + b"{}  ")
    struct.pack_into("<I", data, 8, len(data))
    return bytes(data)


def _reserved(glb: Glb) -> None:
    """256 vertices and the index 255 in a byte, which WebGL takes for the end of a strip."""
    glb.primitive["attributes"] = {"POSITION": glb.accessor(bytes(256 * 12), FLOAT, 256, "VEC3")}
    glb.primitive["indices"] = glb.accessor(bytes([0, 1, 255]), UBYTE, 3, "SCALAR")


def _spread_indices(glb: Glb) -> None:
    """Three indices, four bytes apart."""
    glb.primitive["indices"] = glb.accessor(struct.pack("<6H", 0, 3, 1, 3, 2, 3), USHORT, 3, "SCALAR")
    glb.tree["bufferViews"][-1]["byteStride"] = 4


def _matrix(place: int, value: float) -> list[float]:
    """The identity with one number changed."""
    numbers = [1.0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]
    numbers[place] = value
    return numbers


BASISU = {"KHR_texture_basisu": {"source": 0}}
NESTED = b'{"asset":{"version":"2.0"},"extras":' + b"[" * 100_000 + b"]" * 100_000 + b"}"

BROKEN: dict[str, tuple[str, bytes]] = {
    "empty": ("FILE_EMPTY", b""),
    "a web page": ("NOT_A_GLB", b"<!doctype html><title>404</title>"),
    "only a magic": ("TRUNCATED", b"glTF"),
    "cut in half": ("TRUNCATED", good()[: len(good()) // 2]),
    "one byte too many": ("TRAILING_BYTES", good() + b"\0"),
    "glTF 1": ("WRONG_VERSION", headed(version=1)),
    "glTF 3 in the JSON": ("WRONG_VERSION", broken(_set("asset", "version", to="3.0"))),
    "JSON chunk of 4 GB": ("BAD_CHUNKS", headed(json_length=0xFFFFFFFC)),
    "first chunk is BIN": ("BAD_CHUNKS", headed(json_kind=0x004E4942)),
    "BIN chunk of 4 GB": ("BAD_CHUNKS", headed(bin_length=0xFFFFFFFC)),
    "second chunk unknown": ("BAD_CHUNKS", headed(bin_kind=0x12345678)),
    "9 MB of JSON": ("JSON_TOO_LARGE", texted(b" " * (9 << 20))),
    "100,000 nested lists": ("JSON_TOO_DEEP", texted(NESTED)),
    "cut JSON": ("BAD_JSON", texted(b'{"asset": {')),
    "JSON with NaN": ("BAD_JSON", texted(b'{"asset": {"version": "2.0"}, "extras": NaN}')),
    "JSON with a number of 5,000 digits": ("BAD_JSON", texted(b'{"extras": ' + b"9" * 5000 + b"}")),
    "JSON in Latin-1": ("BAD_JSON", texted(b'{"extras": "\xe9"}')),
    "JSON is a list": ("WRONG_SHAPE", texted(b"[]")),
    "nodes are a number": ("WRONG_SHAPE", broken(_set("nodes", to=7))),
    "a mesh index is true": ("WRONG_SHAPE", broken(_set("nodes", 0, "mesh", to=True))),
    "a factor is infinite": (
        "WRONG_SHAPE",
        good().replace(b'"doubleSided": true', b'"alphaCutoff":1e999'),
    ),
    "20,001 samplers": ("TOO_MANY_ENTRIES", broken(_set("samplers", to=[{}] * (rules.MOST_ENTRIES + 1)))),
    "too many materials": ("TOO_MANY_ENTRIES", broken(_set("materials", to=[{}] * (rules.MOST_MATERIALS + 1)))),
    "material 9 of 1": ("BAD_REFERENCE", broken(_set("meshes", 0, "primitives", 0, "material", to=9))),
    "mesh 5 of 1": ("BAD_REFERENCE", broken(_set("nodes", 0, "mesh", to=5))),
    "texture 3 of 1": (
        "BAD_REFERENCE",
        broken(_set("materials", 0, "pbrMetallicRoughness", "baseColorTexture", "index", to=3)),
    ),
    "buffer on the web": ("EXTERNAL_FILE", broken(_set("buffers", to=[{"byteLength": 4, "uri": "https://a.b/c"}]))),
    "image file:///etc/passwd": ("EXTERNAL_FILE", broken(_set("images", 0, to={"uri": "file:///etc/passwd"}))),
    "image as data: URI": ("DATA_URI", broken(_set("images", 0, to={"uri": "data:image/png;base64,AAAA"}))),
    "two buffers": ("BUFFER_WITHOUT_BYTES", broken(_set("buffers", to=[{"byteLength": 4}, {"byteLength": 4}]))),
    "buffer longer than the chunk": ("BUFFER_TOO_SHORT", broken(_set("buffers", to=[{"byteLength": 1 << 40}]))),
    "view out of range": (
        "BUFFER_VIEW_OUT_OF_RANGE",
        broken(_set("bufferViews", 0, "byteOffset", to=1 << 30)),
    ),
    "stride of 3": ("BAD_STRIDE", broken(_set("bufferViews", 0, "byteStride", to=3))),
    "stride shorter than an element": ("BAD_STRIDE", broken(_set("bufferViews", 0, "byteStride", to=8))),
    "10,000,000 vertices without bytes": (
        "ACCESSOR_OUT_OF_RANGE",
        broken(_set("accessors", 0, "count", to=10_000_000)),
    ),
    "2^52 vertices": ("ACCESSOR_OUT_OF_RANGE", broken(_set("accessors", 0, "count", to=2**52))),
    "accessor of nothing": ("ACCESSOR_WITHOUT_DATA", broken(lambda glb: glb.tree["accessors"][0].pop("bufferView"))),
    "accessor of doubles": ("BAD_ACCESSOR", broken(_set("accessors", 0, "componentType", to=5130))),
    "accessor of MAT7": ("BAD_ACCESSOR", broken(_set("accessors", 0, "type", to="MAT7"))),
    "accessor of count 0": ("BAD_ACCESSOR", broken(_set("accessors", 0, "count", to=0))),
    "misaligned floats": (
        "MISALIGNED_ACCESSOR",
        broken(lambda glb: glb.tree["accessors"][0].update(byteOffset=2, count=3)),
    ),
    "sparse place 9 of 4": ("SPARSE_OUT_OF_RANGE", broken(lambda glb: _sparse(glb, place=9))),
    "sparse replaces 10^9": ("SPARSE_OUT_OF_RANGE", broken(lambda glb: _sparse(glb, place=0, count=10**9))),
    "no mesh in the scene": ("NO_GEOMETRY", broken(_set("nodes", 0, to={}))),
    "a mesh nobody draws": ("NO_GEOMETRY", broken(_set("scenes", 0, "nodes", to=[]))),
    "two corners": ("NO_GEOMETRY", broken(_positions([0.0] * 6))),
    "points": ("UNSUPPORTED_PRIMITIVE", broken(_set("meshes", 0, "primitives", 0, "mode", to=0))),
    "no positions": ("BAD_ATTRIBUTE", broken(lambda glb: glb.primitive["attributes"].pop("POSITION"))),
    "positions in bytes": ("BAD_ATTRIBUTE", broken(_set("accessors", 0, "componentType", to=UBYTE))),
    "indices in floats": ("BAD_ATTRIBUTE", broken(_set("meshes", 0, "primitives", 0, "indices", to=0))),
    "three normals for four vertices": ("ATTRIBUTE_COUNT_MISMATCH", broken(_set("accessors", 1, "count", to=3))),
    "index out of range": (
        "INDEX_OUT_OF_RANGE",
        broken(
            lambda glb: glb.primitive.update(indices=glb.accessor(struct.pack("<3I", 0, 1, 2**31), UINT, 3, "SCALAR"))
        ),
    ),
    "NaN position": ("NOT_FINITE", broken(_positions([float("nan")] * 9))),
    "infinite position": ("NOT_FINITE", broken(_positions([float("inf")] * 9))),
    "skin": ("ANIMATED_SHAPE", broken(_set("nodes", 0, "skin", to=0))),
    "morph targets": ("ANIMATED_SHAPE", broken(_set("meshes", 0, "primitives", 0, "targets", to=[{"POSITION": 0}]))),
    "too many triangles": (
        "TOO_MANY_TRIANGLES",
        broken(lambda glb: _big_mesh(glb, triangles=rules.MOST_TRIANGLES + 1)),
    ),
    "too many vertices": (
        "TOO_MANY_VERTICES",
        broken(_positions([0.0] * 3 * (rules.MOST_VERTICES + 3))),
    ),
    "a small mesh 9,000 times": ("INSTANCES_TOO_HEAVY", broken(_instances)),
    "5,001 primitives": ("TOO_MANY_DRAWS", broken(_many_draws)),
    "twice the unit cube": ("OUTSIDE_UNIT_CUBE", broken(_set("nodes", 0, "scale", to=[2.5, 2.5, 2.5]))),
    "far off": ("OUTSIDE_UNIT_CUBE", broken(_set("nodes", 0, "translation", to=[0.5, 0, 0]))),
    "no scene": ("NO_SCENE", broken(_set("scenes", to=[]))),
    "a node inside itself": ("NODE_CYCLE", broken(_set("nodes", to=[{"children": [1]}, {"children": [0], "mesh": 0}]))),
    "a node with two parents": (
        "NODE_SHARED",
        broken(_set("nodes", to=[{"children": [1, 2]}, {"children": [2]}, {"mesh": 0}])),
    ),
    "doubling tree of shared nodes": (
        "NODE_SHARED",
        broken(_set("nodes", to=[*({"children": [i + 1, i + 1]} for i in range(60)), {"mesh": 0}])),
    ),
    "100 nested nodes": ("NODE_TOO_DEEP", broken(_set("nodes", to=_chain(100)))),
    "scales that overflow": (
        "BAD_TRANSFORM",
        broken(_set("nodes", to=[{**node, "scale": [1e6] * 3} for node in _chain(60)])),
    ),
    "PNG of 30,000 x 30,000": ("IMAGE_TOO_LARGE", broken(lambda glb: None, png_claiming(30_000, 30_000))),
    "PNG without pixels": ("BAD_IMAGE", broken(lambda glb: None, png_claiming(0, 4))),
    "WebP of 16,384 x 1": ("IMAGE_TOO_LARGE", broken(lambda glb: None, picture(16_383, 1, "WEBP"))),
    "JPEG of 20,000 x 8": ("IMAGE_TOO_LARGE", broken(lambda glb: None, picture(20_000, 8, "JPEG"))),
    "two pictures of 8,192 x 8,192": (
        "IMAGES_TOO_LARGE",
        broken(_two_pictures, png_claiming(8192, 8192)),
    ),
    "SVG picture": ("BAD_IMAGE", broken(lambda glb: None, b"<svg xmlns='http://www.w3.org/2000/svg'/>")),
    "Draco": ("UNSUPPORTED_EXTENSION", broken(_set("extensionsRequired", to=["KHR_draco_mesh_compression"]))),
    "meshopt": ("UNSUPPORTED_EXTENSION", broken(_set("extensionsRequired", to=["EXT_meshopt_compression"]))),
    "KTX2": ("UNSUPPORTED_EXTENSION", broken(_set("textures", 0, to={"extensions": BASISU}))),
    "GPU instancing": ("UNSUPPORTED_EXTENSION", broken(_set("extensionsRequired", to=["EXT_mesh_gpu_instancing"]))),
    "a shown texture without a picture": ("TEXTURE_WITHOUT_IMAGE", broken(_set("textures", 0, to={}))),
    "the ninth coordinates": (
        "TEXCOORD_TOO_HIGH",
        broken(_set("materials", 0, "pbrMetallicRoughness", "baseColorTexture", "texCoord", to=8)),
    ),
    "a JPEG that is a PNG": ("BAD_IMAGE", broken(_set("images", 0, "mimeType", to="image/jpeg"))),
    "a second JSON chunk": ("BAD_CHUNKS", chunked(b"JSON")),
    "a second BIN chunk": ("BAD_CHUNKS", chunked(b"BIN\0")),
    "a chunk of another kind": ("BAD_CHUNKS", chunked(b"MORE")),
    "two scenes of one name": ("BAD_JSON", texted(b'{"asset": {"version": "2.0"}, "scenes": [], "scenes": [{}]}')),
    "a byte order mark": ("BAD_JSON", texted(b'\xef\xbb\xbf{"asset": {"version": "2.0"}}')),
    "the end of a strip": ("INDEX_RESERVED", broken(_reserved)),
    "spread indices": ("BAD_STRIDE", broken(_spread_indices)),
    "a matrix that shears": ("BAD_TRANSFORM", broken(_set("nodes", 0, "matrix", to=_matrix(4, 0.5)))),
    "a matrix with a perspective": ("BAD_TRANSFORM", broken(_set("nodes", 0, "matrix", to=_matrix(3, 0.5)))),
    "a matrix that makes flat": ("BAD_TRANSFORM", broken(_set("nodes", 0, "matrix", to=_matrix(10, 0)))),
}

# Sound headers, unsound content: found only when decoding, so only inside the sandbox.
BROKEN_WHEN_DECODED: dict[str, tuple[str, bytes]] = {
    "PNG with a wrong checksum": ("BAD_IMAGE", broken(lambda glb: None, png_claiming(8, 8))),
    "JPEG cut after its header": ("BAD_IMAGE", broken(lambda glb: None, picture(64, 64, "JPEG")[:640])),
    "WebP cut after its header": ("BAD_IMAGE", broken(lambda glb: None, picture(64, 64, "WEBP")[:40])),
}
