"""How is a model written as a small glb file?  Whole numbers instead of floats, and pictures as WebP.

Positions take 16 bits a coordinate (KHR_mesh_quantization), normals 8, and pictures at most so many pixels a side; what
a judge's picture does not show (metalness, bumps) is left out.
"""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from formats.glb.gltf import Json, Material, Model, Paint
from formats.glb.textures import Texture
from formats.known_good_files import pack

QUALITY = 80  # of WebP
STEPS = 65535  # of a coordinate
BYTE, UBYTE, USHORT, UINT, FLOAT = 5120, 5121, 5123, 5125, 5126
TYPES = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4"}
KINDS = {"i1": BYTE, "u1": UBYTE, "u2": USHORT, "u4": UINT, "f4": FLOAT}


def write(model: Model, *, texture_edge: int) -> bytes:
    """The bytes of a glb file that draws `model` with textures of at most `texture_edge` pixels a side."""
    return _Writer(texture_edge).file(model)


class _Writer:
    def __init__(self, texture_edge: int) -> None:
        self.texture_edge = texture_edge
        self.body = bytearray()
        self.tree: Json = {
            "asset": {"version": "2.0", "generator": "Gauntlet: a light copy"},
            "scene": 0,
            "scenes": [{"nodes": [0]}],
            "extensionsUsed": ["EXT_texture_webp", "KHR_materials_unlit", "KHR_mesh_quantization"],
            "extensionsRequired": ["EXT_texture_webp", "KHR_mesh_quantization"],
            "bufferViews": [],
            "accessors": [],
            "materials": [],
            "images": [],
            "textures": [],
            "samplers": [],
        }
        self.textures: dict[int, int] = {}

    def file(self, model: Model) -> bytes:
        every = np.concatenate([part.positions.astype(np.float64) for part in model.parts])
        low = every.min(axis=0)
        # of all parts: one scale, so that normals stay upright
        size = max(float((every.max(axis=0) - low).max()), 1e-6)
        self.tree["nodes"] = [{"mesh": 0, "translation": low.tolist(), "scale": [size] * 3}]
        used = sorted({part.material for part in model.parts})
        self.tree["materials"] = [self._material(model.materials[index]) for index in used]
        drawn = []
        for part in model.parts:
            places = np.rint((part.positions - low) / size * STEPS).clip(0, STEPS).astype(np.uint16)
            attributes = {"POSITION": self._vertices(places, ends=True)}
            if part.normals is not None:
                attributes["NORMAL"] = self._vertices(np.rint(part.normals * 127).astype(np.int8))
            for name, uv in (("TEXCOORD_0", part.uv), ("TEXCOORD_1", part.glow_uv)):
                if uv is not None:
                    inside = len(uv) > 0 and uv.min() >= 0 and uv.max() <= 1
                    stored = np.rint(uv * STEPS).astype(np.uint16) if inside else uv.astype(np.float32)
                    attributes[name] = self._vertices(stored)
            if part.colours is not None:
                attributes["COLOR_0"] = self._vertices(np.rint(part.colours * 255).astype(np.uint8))
            kind = np.uint16 if len(places) < STEPS else np.uint32
            indices = self._accessor(part.faces.reshape(-1, 1).astype(kind), target=34963, normalized=False)
            drawn.append({"attributes": attributes, "indices": indices, "material": used.index(part.material)})
        self.tree["meshes"] = [{"primitives": drawn}]
        self.tree["buffers"] = [{"byteLength": len(self.body) + -len(self.body) % 4}]
        tree = {name: entries for name, entries in self.tree.items() if entries != []}
        return pack(json.dumps(tree, separators=(",", ":")).encode(), bytes(self.body))

    def _vertices(self, values: NDArray[Any], *, ends: bool = False) -> int:
        accessor = self._accessor(values, target=34962, normalized=values.dtype.kind != "f")
        if ends:
            self.tree["accessors"][accessor] |= {"min": values.min(0).tolist(), "max": values.max(0).tolist()}
        return accessor

    def _accessor(self, values: NDArray[Any], *, target: int, normalized: bool) -> int:
        """Vertices begin at multiples of four bytes."""
        width, item = values.shape[1], values.dtype.itemsize
        padding = -(width * item) % 4 // item if target == 34962 else 0
        rows = np.pad(values, ((0, 0), (0, padding))) if padding else values
        view: Json = {"buffer": 0, "target": target}
        if target == 34962:
            view["byteStride"] = (width + padding) * item
        accessor: Json = {"bufferView": self._view(np.ascontiguousarray(rows).tobytes(), **view), "count": len(values)}
        accessor |= {"componentType": KINDS[values.dtype.str[1:]], "type": TYPES[width]}
        self.tree["accessors"].append({**accessor, "normalized": True} if normalized else accessor)
        return len(self.tree["accessors"]) - 1

    def _view(self, data: bytes, **properties: Any) -> int:
        self.body += b"\0" * (-len(self.body) % 4)
        self.tree["bufferViews"].append({"byteOffset": len(self.body), "byteLength": len(data), **properties})
        self.body += data
        return len(self.tree["bufferViews"]) - 1

    def _material(self, material: Material) -> Json:
        surface: Json = {
            "baseColorFactor": [_share(v) for v in material.base],
            "metallicFactor": 0,
            "roughnessFactor": 1,
        }
        if material.paint:
            surface["baseColorTexture"] = {"index": self._texture(material.paint)}
        entry: Json = {"pbrMetallicRoughness": surface, "doubleSided": material.double_sided}
        brightest = max(1.0, *material.emissive)
        if any(material.emissive):
            entry["emissiveFactor"] = [_share(value / brightest) for value in material.emissive]
        if material.glow:
            entry["emissiveTexture"] = {"index": self._texture(material.glow), "texCoord": 1}
        if material.cutoff is not None:
            entry |= {"alphaMode": "MASK", "alphaCutoff": material.cutoff}
        if material.blends:
            entry["alphaMode"] = "BLEND"
        if material.unlit:
            entry["extensions"] = {"KHR_materials_unlit": {}}
        return entry

    def _texture(self, paint: Paint) -> int:
        """Each texture of the model once."""
        texture = paint.texture
        if id(texture) not in self.textures:
            view = self._view(picture(texture, edge=self.texture_edge), buffer=0)
            self.tree["images"].append({"bufferView": view, "mimeType": "image/webp"})
            self.tree["samplers"].append(sampler(texture))
            place = len(self.tree["images"]) - 1
            self.tree["textures"].append({"sampler": place, "extensions": {"EXT_texture_webp": {"source": place}}})
            self.textures[id(texture)] = place
        return self.textures[id(texture)]


def sampler(texture: Texture) -> Json:
    (wrap_s, wrap_t), (mag, small) = texture.wraps, texture.filters
    return {"wrapS": wrap_s, "wrapT": wrap_t, "magFilter": mag, "minFilter": small}


def picture(texture: Texture, *, edge: int) -> bytes:
    """WebP of the texture's first halving that fits."""
    level = 0
    while max(texture.level(level).shape[:2]) > edge:
        level += 1
    pixels = texture.level(level)
    solid = bool((pixels[..., 3] == 255).all())
    encoded = io.BytesIO()
    Image.fromarray(pixels[..., :3] if solid else pixels).save(encoded, "WEBP", quality=QUALITY)
    return encoded.getvalue()


def _share(value: float) -> float:
    return round(min(1.0, max(0.0, float(value))), 4)
