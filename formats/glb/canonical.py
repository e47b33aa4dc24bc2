"""How is a checked glb written anew, so that every reader finds the same in it?

Whoever draws or converts a miner's file gets these bytes, never the miner's: one JSON chunk and one BIN chunk that hold
what the check has read and nothing else.  Meshes are a flat list with their transforms applied, numbers are 32-bit
floats and whole vertex indices, pictures are PNG of the very texels that the check decoded.  What a file may also hold
(other scenes, extensions that are not read, cameras, animations, extras) is not copied.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from formats.facts import MESH
from formats.glb.gltf import CORE_TEXTURES, SURFACE_TEXTURES, Json, Reader, image_of
from formats.glb.tree import is_number
from formats.known_good_files import pack
from formats.rules import EXTENSIONS

NAME = MESH
FLOAT, UINT = 5126, 5125
TYPES = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4"}
CORE = ("alphaCutoff", "alphaMode", "doubleSided", "emissiveFactor")
SURFACE = ("baseColorFactor", "metallicFactor", "roughnessFactor")
CHANNELS = ("TEXCOORD_0", "TEXCOORD_1", "TEXCOORD_2", "TEXCOORD_3")
SAMPLER = ("magFilter", "minFilter", "wrapS", "wrapT")
TRANSFORM = "KHR_texture_transform"
FAR = 1.0  # from the origin; the asset's cube reaches half as far
MOST = 1e30  # of a material's number: a 32-bit float holds it


def canonical(reader: Reader) -> bytes:
    """The bytes of the file that `reader` reads, rewritten."""
    return _CanonicalWriter(reader).file()


class _CanonicalWriter:
    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.pieces: list[bytes] = []
        self.size = 0
        self.views: list[Json] = []
        self.accessors: list[Json] = []
        self.materials: dict[int, int] = {}
        self.textures: dict[int, int] = {}
        self.images: dict[int, int] = {}
        self.written: dict[str, list[Json]] = {"materials": [], "textures": [], "samplers": [], "images": []}
        self.extensions: set[str] = set()

    def file(self) -> bytes:
        nodes: list[Json] = []
        meshes: list[Json] = []
        for primitive, world in self.reader.draws():
            # The place stays the node's, for three.js sorts see-through meshes by it; a far one would cost precision.
            place = world[:3, 3] if np.abs(world[:3, 3]).max() <= FAR else np.zeros(3)
            faces = self.reader.faces(primitive, world)
            if not len(faces):
                continue
            attributes, linear = primitive["attributes"], world[:3, :3]
            own = self.reader.accessor(attributes["POSITION"]).astype(np.float64)
            written = {"POSITION": self._accessor(own @ linear.T + (world[:3, 3] - place), ends=True)}
            arrays = {"NORMAL": self.reader.normals(attributes, world), "TANGENT": self._tangents(attributes, linear)}
            arrays |= {name: self.reader.accessor(attributes[name]) for name in CHANNELS if name in attributes}
            arrays["COLOR_0"] = self.reader.colours(attributes)
            written |= {name: self._accessor(values) for name, values in arrays.items() if values is not None}
            indices = self._accessor(faces.reshape(-1, 1).astype("<u4"), component=UINT)
            drawn: Json = {"attributes": written, "indices": indices}
            if "material" in primitive:
                drawn["material"] = self._material(primitive["material"])
            nodes.append({"mesh": len(meshes), "translation": place.tolist()})
            meshes.append({"primitives": [drawn]})
        tree: Json = {
            "asset": {"version": "2.0", "generator": "Gauntlet"},
            "scene": 0,
            "scenes": [{"nodes": list(range(len(nodes)))}],
            "nodes": nodes,
            "meshes": meshes,
            "accessors": self.accessors,
            "bufferViews": self.views,
            "buffers": [{"byteLength": self.size}],
        }
        tree |= {name: rows for name, rows in self.written.items() if rows}
        if self.extensions:
            tree["extensionsUsed"] = sorted(self.extensions)
        return pack(json.dumps(tree, separators=(",", ":")).encode(), b"".join(self.pieces))

    def _tangents(self, attributes: Json, linear: NDArray[np.float64]) -> NDArray[np.float64] | None:
        """Tangents turn with the surface; the fourth number is the side, which a mirror changes."""
        if "TANGENT" not in attributes:
            return None
        accessor = self.reader.tree["accessors"][attributes["TANGENT"]]
        if accessor["type"] != "VEC4" or not np.isfinite(self.reader.accessor(attributes["TANGENT"])).all():
            return None
        values = self.reader.accessor(attributes["TANGENT"]).astype(np.float64)
        turned = values[:, :3] @ linear.T
        lengths = np.linalg.norm(turned, axis=1, keepdims=True)
        side = values[:, 3:] * (-1.0 if np.linalg.det(linear) < 0 else 1.0)
        return np.concatenate([turned / np.where(lengths > 0, lengths, 1.0), side], axis=1)

    def _accessor(self, values: NDArray[Any], *, component: int = FLOAT, ends: bool = False) -> int:
        rows = np.ascontiguousarray(values, "<f4") if component == FLOAT else values
        view = self._view(rows.tobytes())
        accessor: Json = {
            "bufferView": view,
            "componentType": component,
            "count": len(rows),
            "type": TYPES[rows.shape[1]],
        }
        if ends:
            accessor |= {"min": rows.min(axis=0).tolist(), "max": rows.max(axis=0).tolist()}
        self.accessors.append(accessor)
        return len(self.accessors) - 1

    def _view(self, data: bytes) -> int:
        self.views.append({"buffer": 0, "byteOffset": self.size, "byteLength": len(data)})
        padded = data + b"\0" * (-len(data) % 4)
        self.pieces.append(padded)
        self.size += len(padded)
        return len(self.views) - 1

    def _material(self, index: int) -> int:
        if index not in self.materials:
            material = self.reader.tree["materials"][index]
            made = {**_values(material, CORE), **self._slots(material, CORE_TEXTURES)}
            surface = material.get("pbrMetallicRoughness", {})
            made["pbrMetallicRoughness"] = {**_values(surface, SURFACE), **self._slots(surface, SURFACE_TEXTURES)}
            extensions = {}
            for name, each in sorted(material.get("extensions", {}).items()):
                if name in EXTENSIONS and name.startswith("KHR_materials_"):
                    textures = [key for key in each if key.endswith("Texture")]
                    extensions[name] = {**_values(each, each.keys() - {*textures}), **self._slots(each, textures)}
            if extensions:
                made["extensions"] = extensions
                self.extensions |= extensions.keys()
            self.written["materials"].append(made)
            self.materials[index] = len(self.written["materials"]) - 1
        return self.materials[index]

    def _slots(self, entry: Json, keys: Iterable[str]) -> Json:
        """The places of `entry` that name a texture."""
        slots = {}
        for key in (key for key in keys if key in entry):
            slot = entry[key]
            made = {"index": self._texture(slot["index"]), **_values(slot, ("texCoord", "scale", "strength"))}
            moved = slot.get("extensions", {}).get(TRANSFORM)
            if moved is not None:
                made["extensions"] = {TRANSFORM: _values(moved, ("offset", "rotation", "scale", "texCoord"))}
                self.extensions.add(TRANSFORM)
            slots[key] = made
        return slots

    def _texture(self, index: int) -> int:
        if index not in self.textures:
            tree = self.reader.tree
            texture = tree["textures"][index]
            sampler = tree["samplers"][texture["sampler"]] if "sampler" in texture else {}
            self.written["samplers"].append(_values(sampler, SAMPLER))
            image = image_of(texture)
            if image is None:
                raise ValueError("the check refuses shown textures without a picture")
            if image not in self.images:
                view = self._view(png(self.reader.pixels(image)))
                self.written["images"].append({"bufferView": view, "mimeType": "image/png"})
                self.images[image] = len(self.written["images"]) - 1
            made = {"source": self.images[image], "sampler": len(self.written["samplers"]) - 1}
            self.written["textures"].append(made)
            self.textures[index] = len(self.written["textures"]) - 1
        return self.textures[index]


def png(pixels: NDArray[np.uint8]) -> bytes:
    """RGBA bytes, without a fourth channel where all is solid."""
    solid = bool((pixels[..., 3] == 255).all())
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels[..., :3]) if solid else pixels).save(file, "PNG", compress_level=1)
    return file.getvalue()


def _values(entry: Mapping[str, Any], keys: Iterable[str]) -> Json:
    """Numbers, lists of up to four numbers, flags, and the one word that a material has; nothing else is copied."""
    values = {}
    for key in sorted(key for key in keys if key in entry):
        value = entry[key]
        several = value if isinstance(value, list) else [value]
        numbers = 1 <= len(several) <= 4 and all(is_number(each, most=MOST) for each in several)
        if numbers or isinstance(value, bool) or (key == "alphaMode" and isinstance(value, str)):
            values[key] = value
    return values
