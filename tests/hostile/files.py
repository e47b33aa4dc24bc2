"""Files that miners may send to break a reader, a renderer or a round.  Each is of a kind of its own, always the same.

`recipes()` yields (name, how its bytes are made), `inputs()` (name, bytes); a name begins with the format the file
claims: `glb/…` or `ply/…`.  Most are to be refused, some are harmless; none may end in anything but a picture or a
refusal whose class is `miner`.
"""

from __future__ import annotations

import copy
import json
import struct
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from formats import known_good_files
from tests.judging.broken_glb import BROKEN, BROKEN_WHEN_DECODED, FLOAT, Glb, broken, good, picture
from tests.judging.made_splats import cloud

Change = Callable[[Glb], Any]
Make = Callable[[], bytes]
WRONG: dict[str, Any] = {
    "null": None,
    "minus one": -1,
    "a word": "x",
    "a list of lists": [[]],
    "huge": 1e308,
    "true": True,
}
PLACES: tuple[tuple[Any, ...], ...] = (
    ("asset",),
    ("scene",),
    ("scenes",),
    ("nodes",),
    ("meshes",),
    ("accessors",),
    ("bufferViews",),
    ("buffers",),
    ("images",),
    ("textures",),
    ("materials",),
    ("samplers",),
    ("extensionsUsed",),
    ("extensionsRequired",),
    ("nodes", 0, "mesh"),
    ("nodes", 0, "matrix"),
    ("nodes", 0, "rotation"),
    ("nodes", 0, "children"),
    ("meshes", 0, "primitives"),
    ("meshes", 0, "primitives", 0, "mode"),
    ("meshes", 0, "primitives", 0, "indices"),
    ("meshes", 0, "primitives", 0, "attributes"),
    ("meshes", 0, "primitives", 0, "targets"),
    ("accessors", 0, "count"),
    ("accessors", 0, "sparse"),
    ("accessors", 0, "byteOffset"),
    ("accessors", 0, "type"),
    ("bufferViews", 0, "byteStride"),
    ("images", 0, "mimeType"),
    ("textures", 0, "source"),
    ("textures", 0, "sampler"),
    ("materials", 0, "pbrMetallicRoughness"),
    ("materials", 0, "alphaCutoff"),
    ("materials", 0, "extensions"),
)
REDIRECTS: dict[str, dict[str, Any]] = {
    "KHR_draco_mesh_compression": {"bufferView": 0, "attributes": {"POSITION": 0}},
    "EXT_meshopt_compression": {"buffer": 0, "byteLength": 4, "byteStride": 4, "count": 1, "mode": "ATTRIBUTES"},
    "KHR_meshopt_compression": {"buffer": 0, "byteLength": 4, "byteStride": 4, "count": 1, "mode": "ATTRIBUTES"},
    "EXT_mesh_gpu_instancing": {"attributes": {"TRANSLATION": 0}},
    "EXT_texture_avif": {"source": 0},
    "KHR_texture_basisu": {"source": 0},
    "MSFT_lod": {"ids": [0]},
    "MSFT_texture_dds": {"source": 0},
    "KHR_materials_variants": {"mappings": [{"material": 0, "variants": [0]}]},
    "KHR_lights_punctual": {"light": 0},
    "KHR_node_visibility": {"visible": False},
    "EXT_materials_bump": {"bumpTexture": {"index": 0}},
    "KHR_animation_pointer": {"pointer": "/nodes/0/scale"},
    "constructor": {"x": 1},
    "__proto__": {"x": 1},
}


def inputs() -> Iterator[tuple[str, bytes]]:
    """Every hostile file: its name, and its bytes."""
    yield from ((name, make()) for name, make in recipes())


def recipes() -> Iterator[tuple[str, Make]]:
    """Every hostile file: its name, and how to make its bytes, which may take a while."""
    yield from _made("glb", ((name, data) for name, (_, data) in (BROKEN | BROKEN_WHEN_DECODED).items()))
    for name, change in _read_two_ways():
        yield f"glb/{name}", partial(broken, change)
    for path in PLACES:
        for name, value in WRONG.items():
            yield f"glb/{'.'.join(map(str, path))} is {name}", partial(broken, _setting(path, value))
    yield from _made("glb", _containers())
    for name, image in _pictures():
        yield f"glb/{name}", lambda image=image: broken(lambda glb: None, image())
    yield from _made("ply", _headers())
    yield from _made("ply", _splats())


def _made(file_format: str, files: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, Make]]:
    yield from ((f"{file_format}/{name}", lambda data=data: data) for name, data in files)


def _setting(path: tuple[Any, ...], value: Any) -> Change:
    def change(glb: Glb) -> None:
        holder: Any = glb.tree
        for key in path[:-1]:
            holder = holder[key]
        holder[path[-1]] = copy.deepcopy(value)

    return change


def large_square(glb: Glb) -> int:
    """Four corners ten times as far as is allowed; the accessor's number."""
    corners = [-4.0, -4, 0, 4, -4, 0, 4, 4, 0, -4, 4, 0]
    return glb.accessor(struct.pack("<12f", *corners), FLOAT, 4, "VEC3")


def _read_two_ways() -> Iterator[tuple[str, Change]]:
    """What one reader passes over and another one draws."""
    for name in ("position", "Position", "POSITION_", "_POSITION", "POSITION_0", "pOSITION"):
        yield (
            f"other positions under {name}",
            lambda glb, name=name: glb.primitive.update(
                attributes={name: large_square(glb), **glb.primitive["attributes"]}
            ),
        )
    for name in ("normal", "uv", "uv1", "color", "tangent", "TEXCOORD_9", "JOINTS_0", "WEIGHTS_0"):
        yield f"an attribute {name}", lambda glb, name=name: glb.primitive["attributes"].update({name: 0})
    for name, told in REDIRECTS.items():
        for where in ("nodes", "textures", "bufferViews", "materials", "images"):
            yield f"{name} in {where}", lambda glb, name=name, told=told, where=where: _offer(glb, where, name, told)
        yield f"{name} in a primitive", lambda glb, name=name, told=told: glb.primitive.update(extensions={name: told})
    yield "a second scene", lambda glb: glb.tree["scenes"].append({"nodes": [0, 0, 0]})
    yield "a node outside of the scene with a large mesh", _unseen_mesh
    yield "a camera", lambda glb: glb.tree.update(cameras=[{"type": "perspective"}]) or _set_node(glb, camera=0)
    yield "a camera that is none", lambda glb: _set_node(glb, camera=7)
    yield "an animation of nothing", lambda glb: glb.tree.update(animations=[{"channels": [{}], "samplers": []}])
    yield "weights without targets", lambda glb: _set_node(glb, weights=[1, 1])
    yield "a matrix and a scale", lambda glb: _set_node(glb, matrix=_identity(), scale=[9, 9, 9])
    yield "a rotation that is none", lambda glb: _set_node(glb, rotation=[9, 9, 9, 9])
    yield "a mirrored node", lambda glb: _set_node(glb, scale=[-1, 1, 1])
    yield "a flat node", lambda glb: _set_node(glb, scale=[1, 0, 1])
    yield "a scale near nothing", lambda glb: _set_node(glb, scale=[1e-30, 1e-30, 1e-30])
    yield "extras for a prototype", lambda glb: _set_node(glb, extras={"__proto__": {"visible": False}})
    yield "a name of 100,000 letters", lambda glb: _set_node(glb, name="x" * 100_000)


def _offer(glb: Glb, where: str, name: str, told: dict[str, Any]) -> None:
    glb.tree["extensionsUsed"] = [name]
    glb.tree[where][0]["extensions"] = {name: told}


def _set_node(glb: Glb, **told: Any) -> None:
    glb.tree["nodes"][0].update(told)


def _identity() -> list[int]:
    return [int(place % 5 == 0) for place in range(16)]


def _unseen_mesh(glb: Glb) -> None:
    glb.tree["meshes"].append({"primitives": [{"attributes": {"POSITION": large_square(glb)}}]})
    glb.tree["nodes"].append({"mesh": 1})


def _containers() -> Iterator[tuple[str, bytes]]:
    whole = good()
    for kind in (b"JSON", b"BIN\0", b"MORE", b"\0\0\0\0"):
        for count in (1, 2):
            more = struct.pack("<I4s", 4, kind) + b"{}  "
            yield f"{count} more chunks of {kind!r}", _lengthened(whole + more * count)
    yield "a chunk of no length", _lengthened(whole + struct.pack("<I4s", 0, b"BIN\0"))
    yield "eight bytes of nothing behind", _lengthened(whole + bytes(8))
    yield "two files in one", whole + whole
    for name, text in {
        "NUL behind the JSON": b'{"asset":{"version":"2.0"}}\0',
        "two JSON values": b'{"asset":{"version":"2.0"}}{}',
        "the same name twice": b'{"asset":{"version":"2.0"},"asset":{"version":"2.0"}}',
        "the same name twice, escaped": b'{"asset":{"version":"2.0"},"\\u0061sset":{"version":"1.0"}}',
        "the same name twice, deep": b'{"asset":{"version":"2.0","extras":{"a":1,"a":2}}}',
        "a comment": b'{"asset":{"version":"2.0"}} // x',
        "a comma too many": b'{"asset":{"version":"2.0"},}',
        "Infinity": b'{"asset":{"version":"2.0"},"extras":Infinity}',
        "half a pair of surrogates": b'{"asset":{"version":"2.0","generator":"\\ud800"}}',
        "UTF-16": '{"asset":{"version":"2.0"}}'.encode("utf-16"),
        "a byte order mark and more": b'\xef\xbb\xbf{"asset":{"version":"2.0"}}',
    }.items():
        yield name, known_good_files.pack(text, Glb().body)


def _lengthened(data: bytes) -> bytes:
    return data[:8] + struct.pack("<I", len(data)) + data[12:]


def _pictures() -> Iterator[tuple[str, Make]]:
    png, jpeg, webp = picture(8, 8), picture(8, 8, "JPEG"), picture(8, 8, "WEBP")
    for name, data in {
        "a PNG and a JPEG in one": png + jpeg,
        "a JPEG and a PNG in one": jpeg + png,
        "a PNG cut short": png[:-20],
        "a PNG of two headers": png[:33] + png[8:],
        "a JPEG of two frames": jpeg[:-2] + jpeg[2:],
        "a JPEG of another size behind": _resized(jpeg),
        "a WebP cut short": webp[:-4],
        "a GIF": picture(8, 8, "GIF"),
        "a BMP": picture(8, 8, "BMP"),
        "a TIFF": picture(8, 8, "TIFF"),
        "an AVIF header": b"\0\0\0\x20ftypavif" + bytes(64),
        "a KTX2 header": b"\xabKTX 20\xbb\r\n\x1a\n" + bytes(64),
        "a script": b"<script>alert(1)</script>",
    }.items():
        yield name, lambda data=data: data
    yield "a picture of 8192 x 8192 pixels", partial(picture, 8192, 8192)


def _resized(jpeg: bytes) -> bytes:
    """A first frame header that claims less than the one that is decoded."""
    at = jpeg.index(b"\xff\xc0")
    length = struct.unpack_from(">H", jpeg, at + 2)[0]
    header = bytearray(jpeg[at : at + 2 + length])
    struct.pack_into(">HH", header, 5, 4, 4)
    return jpeg[:at] + bytes(header) + jpeg[at:]


def _headers() -> Iterator[tuple[str, bytes]]:
    """Headers that two readers may split into lines or words differently."""
    whole = cloud(3)
    head, mark, values = whole.partition(b"end_header\n")
    for name, mid in {
        "vertical tab": b"\x0b",
        "form feed": b"\x0c",
        "file separator": b"\x1c",
        "next line": b"\x85",
        "line separator": "\u2028".encode(),
        "carriage return": b"\r",
        "NUL": b"\0",
        "tab": b"\t",
        "DEL": b"\x7f",
        "no-break space": b"\xa0",
        "byte order mark": b"\xef\xbb\xbf",
        "backspace": b"\x08",
    }.items():
        hidden = b"comment x" + mid + b"property float nx\n"
        yield f"a property behind {name}", head + hidden + mark + values
        yield (
            f"{name} between words",
            head.replace(b"property float x", b"property" + mid + b"float x", 1) + mark + values,
        )
    crlf = (head + mark).replace(b"\n", b"\r\n")
    yield "CR LF throughout", crlf + values
    yield "CR LF but at the end", crlf.replace(b"end_header\r\n", b"end_header\n") + values
    yield "CR LF only at the end", head + b"end_header\r\n" + values
    yield "CR alone", (head + mark).replace(b"\n", b"\r") + values
    yield "end_header in a comment", head + b"comment end_header\n" + mark + values
    yield "end_header twice", head + mark + mark + values
    yield "end_header and a space", head + b"end_header \n" + values
    yield "ASCII", whole.replace(b"binary_little_endian", b"ascii", 1)
    yield "big endian", whole.replace(b"little", b"big", 1)
    yield "two elements", head + b"element face 1\nproperty list uchar int vertex_index\n" + mark + values
    yield "the element twice", head + b"element vertex 3\n" + mark + values
    yield "a count with a sign", whole.replace(b"vertex 3", b"vertex +3", 1)
    yield "a count in other digits", whole.replace(b"vertex 3", "vertex \u0663".encode(), 1)
    yield "a count with a point", whole.replace(b"vertex 3", b"vertex 3.0", 1)
    yield "a count of 10^8", whole.replace(b"vertex 3", b"vertex 100000000", 1)
    yield "a property twice", head + b"property float x\n" + mark + values
    yield "doubles", whole.replace(b"float x", b"double x", 1)
    yield "no header", b"ply\n"
    yield "a header without end", b"ply\n" + b"comment x\n" * 5000


def _splats() -> Iterator[tuple[str, bytes]]:
    """Numbers that break arithmetic, in one column after the other."""
    whole = cloud(2)
    start = whole.index(b"end_header\n") + len(b"end_header\n")
    for name, value in {
        "NaN": float("nan"),
        "infinity": float("inf"),
        "3e38": 3e38,
        "-3e38": -3e38,
        "1e-40": 1e-40,
    }.items():
        for column in (0, 3, 6, 7, 10):
            data = bytearray(whole)
            struct.pack_into("<f", data, start + 4 * column, value)
            yield f"{name} in column {column}", bytes(data)
    yield "a byte too many", whole + b"\0"
    yield "a byte too few", whole[:-1]
    yield "no values", whole[:start]


if __name__ == "__main__":
    print(json.dumps([name for name, _ in recipes()], indent=1))
