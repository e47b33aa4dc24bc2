"""What does a glb file draw?  Arrays in world space, from bytes that `glb.check` has accepted.

Nothing here defends itself against hostile files: `glb.check` comes first, and both run inside the sandbox.
"""

import io
import json
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from formats.glb.textures import LINEAR_FILTER, REPEAT, SMOOTH, Texture
from formats.rules import EXTENSIONS

Floats = NDArray[np.float32]
Json = dict[str, Any]

COMPONENTS = {5120: "i1", 5121: "u1", 5122: "i2", 5123: "u2", 5125: "u4", 5126: "f4"}
WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT2": 4, "MAT3": 9, "MAT4": 16}
TRIANGLES, STRIP, FAN = 4, 5, 6
SURFACE_TEXTURES = ("baseColorTexture", "metallicRoughnessTexture")  # of pbrMetallicRoughness
CORE_TEXTURES = ("emissiveTexture", "normalTexture", "occlusionTexture")  # of the material itself


class Measured(Protocol):
    """What is known of a picture before it is decoded."""

    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...


@dataclass(frozen=True)
class Paint:
    """A texture and how its coordinates are found: TEXCOORD_<channel> times a 3x3 matrix."""

    texture: Texture
    channel: int
    transform: NDArray[np.float64]


@dataclass(frozen=True)
class Material:
    """Colours are linear.  `cutoff` is set for alphaMode MASK only; `blends` for BLEND only."""

    base: tuple[float, float, float, float] = (1.0, 1.0, 1.0, 1.0)
    paint: Paint | None = None
    emissive: tuple[float, float, float] = (0.0, 0.0, 0.0)
    glow: Paint | None = None
    cutoff: float | None = None
    blends: bool = False
    double_sided: bool = False
    unlit: bool = False


@dataclass(frozen=True)
class MeshPart:
    """One primitive as drawn by one node.  `uv` and `glow_uv` belong to the material's two textures."""

    material: int
    faces: NDArray[np.int32]
    positions: Floats
    normals: Floats | None
    uv: Floats | None
    glow_uv: Floats | None
    colours: Floats | None


@dataclass(frozen=True)
class Model:
    materials: list[Material]
    parts: list[MeshPart]


def chunks(data: bytes) -> tuple[Json, memoryview]:
    """The JSON and the binary chunk of a glb file."""
    length = struct.unpack_from("<I", data, 12)[0]
    body = memoryview(data)[20 + length + 8 :] if len(data) > 20 + length else memoryview(b"")
    return json.loads(data[20 : 20 + length]), body


def read(data: bytes) -> Model:
    return Reader(*chunks(data)).model()


def image_of(texture: Json) -> int | None:
    """Which picture a texture shows: the WebP it offers, else its source; other offers count for nothing."""
    offered = texture.get("extensions", {}).get("EXT_texture_webp", {}).get("source")
    source: int | None = texture.get("source") if offered is None else offered
    return source


def shown_textures(material: Json) -> Iterator[tuple[str, Json]]:
    """Each texture reference of a material that a reader may follow, with its name."""
    surface, extensions = material.get("pbrMetallicRoughness", {}), material.get("extensions", {})
    yield from ((key, surface[key]) for key in SURFACE_TEXTURES if key in surface)
    yield from ((key, material[key]) for key in CORE_TEXTURES if key in material)
    for name in sorted(EXTENSIONS & extensions.keys()):
        yield from ((key, slot) for key, slot in extensions[name].items() if key.endswith("Texture"))


def shown_images(tree: Json) -> list[int]:
    """The pictures that any material shows, by their place in `images`."""
    textures = tree.get("textures", [])
    references = (slot for material in tree.get("materials", []) for _, slot in shown_textures(material))
    shown = {image_of(textures[slot["index"]]) for slot in references}
    return sorted(index for index in shown if index is not None)


class Reader:
    """Reads what a checked file's JSON (`tree`) and binary chunk (`body`) describe."""

    def __init__(self, tree: Json, body: memoryview, *, images: Mapping[int, Measured] | None = None) -> None:
        """`images`: what the check measured, by place; a picture that decodes to anything else is an error."""
        self.tree = tree
        self.body = body
        self.images = images or {}
        self.texture = cache(self._texture)
        self.pixels = cache(self._pixels)

    def model(self) -> Model:
        materials, parts = list[Material](), list[MeshPart]()
        for each in self.tree.get("materials", []):
            metal, extensions = each.get("pbrMetallicRoughness", {}), each.get("extensions", {})
            mode = each.get("alphaMode", "OPAQUE")
            strength = extensions.get("KHR_materials_emissive_strength", {}).get("emissiveStrength", 1.0)
            red, green, blue = (float(value) * strength for value in each.get("emissiveFactor", (0, 0, 0)))
            material = Material(
                base=tuple(float(value) for value in metal.get("baseColorFactor", (1, 1, 1, 1))),  # type: ignore[arg-type]
                paint=self.paint(metal.get("baseColorTexture")),
                emissive=(red, green, blue),
                glow=self.paint(each.get("emissiveTexture")),
                cutoff=float(each.get("alphaCutoff", 0.5)) if mode == "MASK" else None,
                blends=mode == "BLEND",
                double_sided=bool(each.get("doubleSided", False)),
                unlit="KHR_materials_unlit" in extensions,
            )
            materials.append(material)
        materials.append(Material())  # glTF's default material, for primitives that name none
        for primitive, world in self.draws():
            attributes = primitive["attributes"]
            own = self.accessor(attributes["POSITION"]).astype(np.float64)
            index = primitive.get("material", len(materials) - 1)
            part = MeshPart(
                material=index,
                faces=self.faces(primitive, world),
                positions=(own @ world[:3, :3].T + world[:3, 3]).astype(np.float32),
                normals=self.normals(attributes, world),
                uv=self.uv(attributes, materials[index].paint),
                glow_uv=self.uv(attributes, materials[index].glow),
                colours=self.colours(attributes),
            )
            parts.append(part)
        return Model(materials, parts)

    def draws(self) -> Iterator[tuple[Json, NDArray[np.float64]]]:
        """Every primitive of the scene with its world transform, parents first."""
        scene = self.tree["scenes"][self.tree.get("scene", 0)]
        waiting = [(index, np.eye(4)) for index in reversed(scene.get("nodes", []))]
        while waiting:
            index, parent = waiting.pop()
            node = self.tree["nodes"][index]
            world = parent @ local_matrix(node)
            waiting.extend((child, world) for child in reversed(node.get("children", [])))
            if "mesh" in node:
                for primitive in self.tree["meshes"][node["mesh"]].get("primitives", []):
                    yield primitive, world

    def faces(self, primitive: Json, world: NDArray[np.float64]) -> NDArray[np.int32]:
        """(n, 3) corners of its triangles; a mirrored node keeps its outside outside."""
        if "indices" in primitive:
            order = self.accessor(primitive["indices"], scaled=False).reshape(-1).astype(np.int32)
        else:
            vertices = self.tree["accessors"][primitive["attributes"]["POSITION"]]["count"]
            order = np.arange(vertices, dtype=np.int32)
        mode = primitive.get("mode", TRIANGLES)
        if mode == TRIANGLES or len(order) < 3:
            faces = order[: len(order) // 3 * 3].reshape(-1, 3)
        elif mode == FAN:
            faces = np.stack([np.full(len(order) - 2, order[0], np.int32), order[1:-1], order[2:]], axis=1)
        else:
            faces = np.stack([order[:-2], order[1:-1], order[2:]], axis=1)
            faces[1::2] = faces[1::2][:, [1, 0, 2]]  # every other triangle of a strip is wound the other way
        return np.ascontiguousarray(faces[:, [0, 2, 1]] if np.linalg.det(world[:3, :3]) < 0 else faces)

    def normals(self, attributes: Json, world: NDArray[np.float64]) -> Floats | None:
        if "NORMAL" not in attributes:
            return None
        linear = world[:3, :3]
        # The cofactor matrix: the inverse transpose without its division, so that a flattened node is fine too.
        turn = np.stack(
            [np.cross(linear[1], linear[2]), np.cross(linear[2], linear[0]), np.cross(linear[0], linear[1])]
        )
        flip = -1.0 if np.linalg.det(linear) < 0 else 1.0
        normals = self.accessor(attributes["NORMAL"]).astype(np.float64) @ turn.T * flip
        lengths = np.linalg.norm(normals, axis=1, keepdims=True)
        return np.asarray(normals / np.where(lengths > 0, lengths, 1.0), np.float32)

    def uv(self, attributes: Json, paint: Paint | None) -> Floats | None:
        """(n, 2) places on the texture; None where there is no texture, or no coordinates for it."""
        name = f"TEXCOORD_{paint.channel}" if paint else ""
        if paint is None or name not in attributes:
            return None
        uv = self.accessor(attributes[name]).astype(np.float64)
        return (uv @ paint.transform[:2, :2].T + paint.transform[:2, 2]).astype(np.float32)

    def colours(self, attributes: Json) -> Floats | None:
        """(n, 4) linear colours within 0 and 1."""
        if "COLOR_0" not in attributes:
            return None
        colours = self.accessor(attributes["COLOR_0"])
        if colours.shape[1] == 3:
            colours = np.concatenate([colours, np.ones((len(colours), 1), np.float32)], axis=1)
        return np.asarray(np.clip(colours, 0.0, 1.0), np.float32)

    def accessor(self, index: int, *, scaled: bool = True) -> NDArray[Any]:
        """(count, width) values of an accessor; normalised integers become floats unless `scaled` is False."""
        accessor = self.tree["accessors"][index]
        width, kind = WIDTHS[accessor["type"]], np.dtype("<" + COMPONENTS[accessor["componentType"]])
        values = self._view(accessor, accessor["count"], width, kind)
        if "sparse" in accessor:
            sparse = accessor["sparse"]
            values = values.copy()
            values[self.sparse_places(sparse)] = self._view(sparse["values"], sparse["count"], width, kind)
        if kind.kind == "f" or not scaled:
            return values
        floats = values.astype(np.float32)
        return np.maximum(floats / np.iinfo(kind).max, -1.0) if accessor.get("normalized") else floats

    def sparse_places(self, sparse: Json) -> NDArray[Any]:
        """Which elements a sparse accessor replaces."""
        kind = np.dtype("<" + COMPONENTS[sparse["indices"]["componentType"]])
        return self._view(sparse["indices"], sparse["count"], 1, kind).reshape(-1)

    def _view(self, entry: Json, count: int, width: int, kind: np.dtype[Any]) -> NDArray[Any]:
        view = self.tree["bufferViews"][entry["bufferView"]]
        start = view.get("byteOffset", 0) + entry.get("byteOffset", 0)
        stride = view.get("byteStride") or width * kind.itemsize
        shape, steps = (count, width), (stride, kind.itemsize)
        return np.ndarray(shape, kind, buffer=self.body, offset=start, strides=steps)

    def paint(self, slot: Json | None) -> Paint | None:
        """What a material's texture reference shows."""
        if slot is None:
            return None
        moved = slot.get("extensions", {}).get("KHR_texture_transform", {})
        channel = moved.get("texCoord", slot.get("texCoord", 0))
        (dx, dy), (sx, sy) = moved.get("offset", (0, 0)), moved.get("scale", (1, 1))
        cos, sin = np.cos(moved.get("rotation", 0.0)), np.sin(moved.get("rotation", 0.0))
        # KHR_texture_transform: translation * rotation * scale
        transform = np.array([[cos * sx, sin * sy, dx], [-sin * sx, cos * sy, dy], [0.0, 0.0, 1.0]])
        return Paint(self.texture(slot["index"]), channel, transform)

    def _texture(self, index: int) -> Texture:
        texture = self.tree["textures"][index]
        sampler = self.tree["samplers"][texture["sampler"]] if "sampler" in texture else {}
        return Texture(
            self.pixels(image_of(texture)),
            wraps=(sampler.get("wrapS", REPEAT), sampler.get("wrapT", REPEAT)),
            filters=(sampler.get("magFilter", LINEAR_FILTER), sampler.get("minFilter", SMOOTH)),
        )

    def _pixels(self, image: int) -> NDArray[np.uint8]:
        """(height, width, 4) bytes of a picture, as its first bytes measured it, as it is stored (glTF 2.0 §3.8.2)."""
        view = self.tree["bufferViews"][self.tree["images"][image]["bufferView"]]
        start = view.get("byteOffset", 0)
        with Image.open(io.BytesIO(self.body[start : start + view["byteLength"]]), formats=IMAGE_FORMATS) as picture:
            measured = self.images.get(image)
            if measured and (measured.width, measured.height) != picture.size:
                raise ValueError(f"the header says {measured.width} x {measured.height}, the content {picture.size}")
            if picture.format in ("PNG", "WEBP") and getattr(picture, "n_frames", 1) != 1:
                raise ValueError("it moves; embed one still picture")
            if picture.mode.startswith("I"):  # a 16-bit gray PNG, in a mode that does not convert to colour
                gray = Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8))
                return np.asarray(gray.convert("RGBA"))
            return np.asarray(picture.convert("RGBA"))


IMAGE_FORMATS = ("PNG", "JPEG", "WEBP")


def local_matrix(node: Json) -> NDArray[np.float64]:
    """A node's 4x4 transform (glTF 2.0 §3.5.3: column-major matrix, or T * R * S)."""
    if "matrix" in node:
        return np.array(node["matrix"], dtype=np.float64).reshape(4, 4).T
    x, y, z, w = (float(value) for value in node.get("rotation", (0, 0, 0, 1)))
    rotation = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )
    matrix = np.eye(4)
    matrix[:3, :3] = rotation * np.array(node.get("scale", (1, 1, 1)), dtype=np.float64)
    matrix[:3, 3] = node.get("translation", (0, 0, 0))
    return matrix
