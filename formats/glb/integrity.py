"""How sound is the mesh of a glb?  Of what its check has read, as it is drawn."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from formats.glb import check as glb
from formats.glb import decoded
from formats.glb.gltf import Json, Reader, image_of, shown_images, shown_textures
from formats.integrity.measures import MeshIntegrity
from formats.integrity.mesh import MeshDefects, TextureCoordinates, defects, texture_counts
from formats.integrity.welding import Indices, Points


@dataclass(frozen=True)
class DrawnMesh:
    """All triangles of a file in world space: `points` (n, 3) and `faces` (f, 3)."""

    points: Points
    faces: Indices
    coordinates: TextureCoordinates
    draw_calls: int


def measure(data: bytes) -> MeshIntegrity:
    """Raises Refused with the first rule that the file breaks."""
    return examine(data)[0]


def examine(data: bytes) -> tuple[MeshIntegrity, MeshDefects, DrawnMesh]:
    """The numbers, where the defects are, and the mesh.  Raises Refused with the first rule that the file breaks."""
    facts, reader = glb.examine(data)
    decoded.read(reader)
    mesh = drawn_mesh(reader)
    seed = int.from_bytes(hashlib.sha256(data).digest()[:8], "big")
    where = defects(mesh.points, mesh.faces, seed=seed)
    without_uv, shared = texture_counts(mesh.coordinates)
    pictures = [reader.pixels(image) for image in shown_images(reader.tree)]
    maps = {name for material in reader.tree.get("materials", []) for name, _ in shown_textures(material)}
    numbers = MeshIntegrity(
        open_edges=len(where.open_edges),
        non_manifold_edges=len(where.non_manifold_edges),
        non_manifold_vertices=len(where.non_manifold_vertices),
        mismatched_edges=len(where.mismatched_edges),
        inverted_faces=len(where.inverted),
        degenerate_faces=len(where.degenerate),
        duplicate_faces=len(where.duplicate),
        crossing_faces=len(where.crossing),
        crossing_sample=len(where.examined),
        pieces=where.pieces,
        faces_without_uv=without_uv,
        uv_overlap=shared,
        textures=len(pictures),
        texture_edge=max((max(pixels.shape[:2]) for pixels in pictures), default=0),
        texture_channels=max((4 if (pixels[..., 3] < 255).any() else 3 for pixels in pictures), default=0),
        texture_maps=len(maps),
        triangles=facts.triangles,
        draw_calls=mesh.draw_calls,
        bytes=len(data),
    )
    return numbers, where, mesh


def drawn_mesh(reader: Reader) -> DrawnMesh:
    points, faces, uv, sheets, first = list[Points](), list[Indices](), list[NDArray[np.float32]](), list[Indices](), 0
    for primitive, world in reader.draws():
        corners = reader.faces(primitive, world)
        if not len(corners):
            continue
        own = reader.accessor(primitive["attributes"]["POSITION"]).astype(np.float64)
        points.append(own @ world[:3, :3].T + world[:3, 3])
        faces.append(corners.astype(np.int64) + first)
        first += len(own)
        sheet, places = _texture_of(reader, primitive)
        sheets.append(np.full(len(corners), sheet))
        uv.append(np.full((len(corners), 3, 2), np.nan, np.float32) if places is None else places[corners])
    coordinates = TextureCoordinates(np.concatenate(uv), np.concatenate(sheets))
    return DrawnMesh(np.concatenate(points), np.concatenate(faces), coordinates, draw_calls=len(faces))


def _texture_of(reader: Reader, primitive: Json) -> tuple[int, NDArray[np.float32] | None]:
    """The picture that a primitive's material shows first, -1 without one, and its vertices' places on it.

    None where they have no coordinates for this picture or another one of the material.
    """
    if "material" not in primitive:
        return -1, None
    slots = [slot for _, slot in shown_textures(reader.tree["materials"][primitive["material"]])]
    if not slots:
        return -1, None
    places = list(_places_on(reader, primitive["attributes"], slots))
    image = image_of(reader.tree["textures"][slots[0]["index"]])
    complete = all(each is not None for each in places)
    return -1 if image is None else image, places[0] if complete else None


def _places_on(reader: Reader, attributes: Json, slots: list[Json]) -> Iterator[NDArray[np.float32] | None]:
    for slot in slots:
        yield reader.uv(attributes, reader.paint(slot))
