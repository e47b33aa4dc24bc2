"""Which file must every working renderer be able to draw?  One triangle, written by hand from the standard."""

import json
import struct
from typing import Any


def glb(*, picture: bytes = b"") -> bytes:
    """One see-through triangle, wearing `picture` (PNG, JPEG or WebP bytes) if there is one."""
    corners = struct.pack("<9f", -0.4, -0.4, 0.0, 0.4, -0.4, 0.0, 0.0, 0.4, 0.0)
    places = struct.pack("<6f", 0.0, 1.0, 1.0, 1.0, 0.5, 0.0)
    paint = {"baseColorTexture": {"index": 0}} if picture else {}
    tree: dict[str, Any] = {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0, "TEXCOORD_0": 1}, "material": 0}]}],
        "materials": [{"alphaMode": "BLEND", "pbrMetallicRoughness": {"baseColorFactor": [1, 1, 1, 0.5], **paint}}],
        "accessors": [
            {"bufferView": 0, "componentType": 5126, "count": 3, "type": "VEC3"},
            {"bufferView": 1, "componentType": 5126, "count": 3, "type": "VEC2"},
        ],
        "bufferViews": [
            {"buffer": 0, "byteLength": len(corners)},
            {"buffer": 0, "byteOffset": len(corners), "byteLength": len(places)},
        ],
    }
    body = corners + places
    if picture:
        tree["bufferViews"] += [{"buffer": 0, "byteOffset": len(body), "byteLength": len(picture)}]
        tree |= {"images": [{"bufferView": 2}], "textures": [{"source": 0}]}
        body += picture
    tree["buffers"] = [{"byteLength": len(body)}]
    return pack(json.dumps(tree).encode(), body)


def pack(text: bytes, body: bytes) -> bytes:
    """JSON text and binary body as a glb file (glTF 2.0 §4.4)."""
    text += b" " * (-len(text) % 4)
    body += b"\0" * (-len(body) % 4)
    header = struct.pack("<4sII", b"glTF", 2, 12 + 8 + len(text) + 8 + len(body))
    return header + struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", len(body), b"BIN\0") + body


MODULE = """export default function generate(THREE) {
  return new THREE.Mesh(new THREE.BoxGeometry(0.5, 0.5, 0.5), new THREE.MeshStandardMaterial({ color: 0x336699 }));
}
"""


def module() -> bytes:
    """One box."""
    return MODULE.encode()


SPLAT = (
    "x",
    "y",
    "z",
    "f_dc_0",
    "f_dc_1",
    "f_dc_2",
    "opacity",
    "scale_0",
    "scale_1",
    "scale_2",
    "rot_0",
    "rot_1",
    "rot_2",
    "rot_3",
)


def ply() -> bytes:
    """One flat, half see-through splat."""
    lines = [
        "ply",
        "format binary_little_endian 1.0",
        "element vertex 1",
        *(f"property float {name}" for name in SPLAT),
    ]
    values = struct.pack("<14f", 0, 0, 0, 1, 0, -1, 0, -2, -2, -4, 1, 0, 0, 0)
    return "\n".join([*lines, "end_header", ""]).encode() + values
