"""What are the demo's true objects made of?  Closed solids with normals, one material each; Y is up, +Z the front."""

from collections.abc import Callable, Sequence

import numpy as np
import trimesh
from PIL import Image

Point = tuple[float, float, float]
Paint = str | Image.Image  # "#rrggbb", or a picture wrapped around the solid

FILL = 0.95  # of the unit cube, the longest side
CREASE = np.cos(np.radians(38))  # a sharper edge than this is shaded as an edge
SECTIONS = 40


def box(size: Point, *, at: Point = (0, 0, 0), paint: Paint, lean: float = 0) -> trimesh.Trimesh:
    """lean: degrees about +Z."""
    mesh = trimesh.creation.box(extents=size)
    mesh.apply_transform(trimesh.transformations.rotation_matrix(np.radians(lean), [0, 0, 1]))
    return finished(mesh, at=at, paint=paint, uv=planar(mesh.vertices))


def ball(radii: Point, *, at: Point = (0, 0, 0), paint: Paint) -> trimesh.Trimesh:
    angles = np.linspace(0, np.pi, 21)
    profile = [(np.sin(angle), np.cos(angle)) for angle in angles]
    mesh = turned(profile, paint=paint)
    mesh.apply_scale(radii)
    return finished(mesh, at=at, paint=paint, uv=mesh.visual.uv)


def turned(
    profile: Sequence[tuple[float, float]],
    *,
    at: Point = (0, 0, 0),
    paint: Paint,
    wave: Callable[[np.ndarray], np.ndarray] | None = None,
    sections: int = SECTIONS,
) -> trimesh.Trimesh:
    """Lathe work: radius and height from the top down; `wave` gives a factor of the radius for each angle.

    A picture is wrapped around, its middle to the front, its height along the profile.
    """
    radius, height = np.array(profile, float).T
    angle = np.linspace(-np.pi, np.pi, sections + 1)  # the seam of the wrapped picture is doubled, and at the back
    swell = wave(angle) if wave else np.ones_like(angle)
    x = radius[:, None] * np.sin(angle) * swell
    z = radius[:, None] * np.cos(angle) * swell
    x[:, -1], z[:, -1] = x[:, 0], z[:, 0]
    y = np.broadcast_to(height[:, None], x.shape)
    u = np.broadcast_to(angle / (2 * np.pi) + 0.5, x.shape)
    along = np.concatenate([[0], np.cumsum(np.hypot(np.diff(radius), np.diff(height)))])
    v = np.broadcast_to(1 - (along / along[-1])[:, None], x.shape)
    mesh = trimesh.Trimesh(np.stack([x, y, z], 2).reshape(-1, 3), woven(len(radius), sections + 1), process=False)
    return finished(closed(mesh), at=at, paint=paint, uv=np.stack([u, v], 2).reshape(-1, 2))


def tube(
    path: Sequence[Point], radius: float | Sequence[float], *, paint: Paint, loop: bool = False
) -> trimesh.Trimesh:
    """A round bar along a path; a loop has no ends."""
    spine = np.array([*path, path[0]] if loop else path, float)
    thick = np.broadcast_to(radius, len(spine)).astype(float)
    ahead = np.gradient(spine, axis=0)
    if loop:
        ahead[0] = ahead[-1] = spine[1] - spine[-2]
    ahead /= np.linalg.norm(ahead, axis=1, keepdims=True)
    side = np.cross(ahead, least_along(ahead))
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    other = np.cross(ahead, side)
    angle = np.linspace(0, 2 * np.pi, 17)
    rim = np.cos(angle)[None, :, None] * side[:, None] + np.sin(angle)[None, :, None] * other[:, None]
    rim[:, -1] = rim[:, 0]
    rings = spine[:, None] + thick[:, None, None] * rim
    if not loop:
        rings = np.concatenate([np.repeat(spine[:1, None], 17, 1), rings, np.repeat(spine[-1:, None], 17, 1)])
    mesh = trimesh.Trimesh(rings.reshape(-1, 3), woven(len(rings), 17), process=False)
    return finished(closed(mesh), at=(0, 0, 0), paint=paint, uv=planar(mesh.vertices))


def least_along(ahead: np.ndarray) -> np.ndarray:
    """The axis that the whole path is least along: a frame that never flips on the way."""
    axis = np.zeros(3)
    axis[np.abs(ahead).max(axis=0).argmin()] = 1
    return axis


def rod(start: Point, end: Point, radius: float | Sequence[float], *, paint: Paint) -> trimesh.Trimesh:
    return tube([start, end], radius, paint=paint)


def ring(major: float, minor: float, *, at: Point = (0, 0, 0), axis: int = 2, paint: Paint) -> trimesh.Trimesh:
    """A torus about the given axis (0 x, 1 y, 2 z)."""
    angle = np.linspace(0, 2 * np.pi, SECTIONS, endpoint=False)
    flat = [np.cos(angle) * major, np.sin(angle) * major]
    flat.insert(axis, np.zeros_like(angle))
    return tube([tuple(point) for point in np.stack(flat, 1) + at], minor, paint=paint, loop=True)


def slab(
    outline: Sequence[tuple[float, float]], depth: float, *, at: Point = (0, 0, 0), paint: Paint
) -> trimesh.Trimesh:
    """A board sawn along `outline` (x, y), `depth` thick along Z; a picture lies on both faces."""
    flat = np.array(outline, float)
    if area_of(flat) < 0:
        flat = flat[::-1]
    count, caps = len(flat), ears(flat)
    here, there = np.arange(count), (np.arange(count) + 1) % count
    walls = np.concatenate(
        [np.stack([here, here + count, there], 1), np.stack([there, here + count, there + count], 1)]
    )
    vertices = np.concatenate([np.c_[flat, np.full(count, depth / 2)], np.c_[flat, np.full(count, -depth / 2)]])
    mesh = trimesh.Trimesh(vertices, np.concatenate([caps, caps[:, ::-1] + count, walls]), process=False)
    return finished(mesh, at=at, paint=paint, uv=planar(vertices))


def area_of(flat: np.ndarray) -> float:
    x, y = flat.T
    return float(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2


def ears(flat: np.ndarray) -> np.ndarray:
    """Triangles of a simple polygon, by cutting ears off."""
    left, triangles = list(range(len(flat))), []
    while len(left) > 3:
        for place in range(len(left)):
            trio = left[place - 1], left[place], left[(place + 1) % len(left)]
            others = flat[[index for index in left if index not in trio]]
            corners = flat[list(trio)]
            if area_of(corners) > 1e-12 and not any_inside(corners, others):
                triangles.append(trio)
                left.pop(place)
                break
        else:
            raise ValueError("not a simple polygon")
    return np.array([*triangles, tuple(left)])


def any_inside(corners: np.ndarray, points: np.ndarray) -> bool:
    inside = np.ones(len(points), bool)
    for start, end in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        edge, way = end - start, points - start
        inside &= edge[0] * way[:, 1] - edge[1] * way[:, 0] >= -1e-12
    return bool(inside.any())


def woven(rows: int, columns: int) -> np.ndarray:
    """Faces of a grid of rows x columns points, outward for a lathe turned from the top down."""
    a = (np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)).ravel()
    return np.concatenate([np.stack([a, a + columns, a + 1], 1), np.stack([a + 1, a + columns, a + columns + 1], 1)])


def closed(mesh: trimesh.Trimesh) -> trimesh.Trimesh:
    """Right side out, whichever way the path ran; triangles of no area are left to `finished`."""
    if mesh.volume < 0:
        mesh.faces = mesh.faces[:, ::-1]
    return mesh


def planar(vertices: np.ndarray) -> np.ndarray:
    low, high = vertices[:, :2].min(axis=0), vertices[:, :2].max(axis=0)
    return (vertices[:, :2] - low) / np.maximum(high - low, 1e-9)


def finished(mesh: trimesh.Trimesh, *, at: Point, paint: Paint, uv: np.ndarray) -> trimesh.Trimesh:
    """Moved, with a normal for each corner, and painted."""
    faces = mesh.faces[trimesh.triangles.area(mesh.vertices[mesh.faces]) > 1e-12]
    corners, vertices = faces.ravel(), mesh.vertices[faces.ravel()] + np.array(at, float)
    done = trimesh.Trimesh(
        vertices,
        np.arange(len(corners)).reshape(-1, 3),
        vertex_normals=corner_normals(vertices.reshape(-1, 3, 3)),
        process=False,
    )
    done.visual = trimesh.visual.TextureVisuals(uv=uv[corners], material=material(paint))
    return done


def corner_normals(triangles: np.ndarray) -> np.ndarray:
    """Mean of the faces that meet at each corner, of those on this side of a crease."""
    cross = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    unit = cross / np.linalg.norm(cross, axis=1, keepdims=True)
    face = np.repeat(np.arange(len(triangles)), 3)
    _, place = np.unique(triangles.reshape(-1, 3).round(6), axis=0, return_inverse=True)
    normals = np.zeros((len(face), 3))
    order = np.argsort(place.ravel(), kind="stable")
    for group in np.split(order, np.flatnonzero(np.diff(place.ravel()[order])) + 1):
        mates = face[group]
        normals[group] = (unit[mates] @ unit[mates].T > CREASE) @ cross[mates]
    return normals / np.linalg.norm(normals, axis=1, keepdims=True)


def material(paint: Paint) -> trimesh.visual.material.PBRMaterial:
    """Rough, opaque, single-sided.  A glTF colour factor is linear light, a colour as one writes it is not."""
    if isinstance(paint, Image.Image):
        return trimesh.visual.material.PBRMaterial(
            baseColorTexture=paint, metallicFactor=0.0, roughnessFactor=0.9, doubleSided=False
        )
    srgb = np.array([int(paint[place : place + 2], 16) for place in (1, 3, 5)]) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    return trimesh.visual.material.PBRMaterial(
        baseColorFactor=[*linear, 1.0], metallicFactor=0.0, roughnessFactor=0.9, doubleSided=False
    )


def thing(*parts: trimesh.Trimesh) -> trimesh.Scene:
    """The parts together, centred, as large as the unit cube allows."""
    scene = trimesh.Scene(dict(enumerate_names(parts)))
    low, high = scene.bounds
    scale = FILL / (high - low).max()
    for part in scene.geometry.values():
        part.apply_translation(-(low + high) / 2)
        part.apply_scale(scale)
    return scene


def enumerate_names(parts: Sequence[trimesh.Trimesh]) -> list[tuple[str, trimesh.Trimesh]]:
    return [(f"part_{number:02d}", part) for number, part in enumerate(parts)]


def glb(scene: trimesh.Scene) -> bytes:
    return trimesh.exchange.gltf.export_glb(scene, include_normals=True)
