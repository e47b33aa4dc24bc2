"""How is a worse copy of a good asset made, so that it is known which of the two must win?

For checks and canaries, on TRUSTED assets only: everything here runs in this process, outside the sandbox.  Each
breakage takes a scene and returns a new one; what it breaks keeps its place, and nothing replaces it.
"""

import io
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import trimesh
from PIL import Image, ImageFilter

LEAST_PART, MOST_PART = 0.06, 0.6  # share of the front that a missing part showed
CUT = 0.3  # of the longest side, where there is no part to leave out
SQUASH = 0.6  # what is left of the longest side
HUE_TURN = 75  # of OpenCV's 180
LEAST_SATURATION = 150  # of 255: gray turned is gray, so it is painted first
BLUR = 0.1  # of a texture's longer side: radius
TURNED_AWAY = -0.15  # z of a unit normal: what only the back shows
SPECK = 1e-4
RAYS = 72  # along each side of the front


def missing_part(scene: trimesh.Scene) -> trimesh.Scene:
    """Without the second most visible part, seen from the front; without one end where it has no such part."""
    second = second_part(scene)
    if second:
        return rebuilt({name: part for name, part in scene.geometry.items() if name != second})
    axis = int(np.argmax(scene.extents))
    end = scene.bounds[1][axis] - CUT * scene.extents[axis]
    return with_faces(scene, lambda part: part.triangles_center[:, axis] < end)


def second_part(scene: trimesh.Scene) -> str:
    """The second most visible part, seen from the front; "" where it is too small or too large to be one."""
    shares = _visible_shares(scene)
    parts = sorted(shares, key=lambda name: (-shares[name], name))
    return next((name for name in parts[1:] if LEAST_PART <= shares[name] <= MOST_PART), "")


def hollow_back(scene: trimesh.Scene) -> trimesh.Scene:
    """Without every face that looks backward."""
    return with_faces(scene, lambda part: part.face_normals[:, 2] > TURNED_AWAY)


def squashed(scene: trimesh.Scene) -> trimesh.Scene:
    scale = np.ones(3)
    scale[int(np.argmax(scene.extents))] = SQUASH
    copies = copied_parts(scene)
    for part in copies.values():
        normals = part.vertex_normals / scale
        part.vertices = part.vertices * scale
        lengths = np.linalg.norm(normals, axis=1, keepdims=True)
        part.vertex_normals = normals / lengths  # type: ignore[method-assign]  # a property that trimesh declares through a decorator
    return rebuilt(copies)


def wrong_colour(scene: trimesh.Scene) -> trimesh.Scene:
    return painted(scene, _turned)


def blurred_texture(scene: trimesh.Scene) -> trimesh.Scene:
    """Changes nothing on an asset that has no texture."""
    return painted(scene, _smeared)


def empty(scene: trimesh.Scene) -> trimesh.Scene:
    """A valid file that shows nothing."""
    return rebuilt({"speck": trimesh.creation.box(extents=(SPECK,) * 3)})


DEGRADATIONS: dict[str, Callable[[trimesh.Scene], trimesh.Scene]] = {
    "missing_part": missing_part,
    "wrong_colour": wrong_colour,
    "squashed": squashed,
    "blurred_texture": blurred_texture,
    "hollow_back": hollow_back,
    "empty": empty,
}


def glb_of(scene: trimesh.Scene) -> bytes:
    data: bytes = trimesh.exchange.gltf.export_glb(scene, include_normals=True)
    return data


def loaded(data: bytes) -> trimesh.Scene:
    """The scene of a TRUSTED glb, its parts and normals as they are in the file."""
    return trimesh.load_scene(io.BytesIO(data), file_type="glb", process=False)


def copied_parts(scene: trimesh.Scene) -> dict[str, trimesh.Trimesh]:
    """With their normals, which trimesh takes for something to be worked out again."""
    return {name: part.copy(include_cache=True) for name, part in scene.geometry.items()}


def _visible_shares(scene: trimesh.Scene) -> dict[str, float]:
    """What share of the front's outline shows each part, by parallel rays from +Z."""
    low, high = scene.bounds
    across, up = (np.linspace(low[axis], high[axis], RAYS + 2)[1:-1] for axis in (0, 1))
    x, y = (grid.ravel() for grid in np.meshgrid(across, up))
    origins = np.stack([x, y, np.full_like(x, high[2] + 1)], axis=1)
    whole: Any = trimesh.util.concatenate(
        [trimesh.Trimesh(p.vertices, p.faces, process=False) for p in scene.geometry.values()]
    )
    hit = whole.ray.intersects_first(origins, np.tile([0.0, 0.0, -1.0], (len(origins), 1)))
    ends = np.cumsum([len(part.faces) for part in scene.geometry.values()])
    owner = np.searchsorted(ends, hit[hit >= 0], side="right")
    seen = np.bincount(owner, minlength=len(ends)) / max(1, len(owner))
    return dict(zip(scene.geometry, seen.tolist(), strict=True))


def rebuilt(parts: dict[str, trimesh.Trimesh]) -> trimesh.Scene:
    """A scene of these parts; those without faces are left out."""
    geometry: dict[str, trimesh.parent.Geometry] = {name: part for name, part in parts.items() if len(part.faces)}
    return trimesh.Scene(geometry)


def with_faces(scene: trimesh.Scene, keeps: Callable[[trimesh.Trimesh], np.ndarray]) -> trimesh.Scene:
    """The faces that `keeps` chooses of each part, with their normals."""
    copies = copied_parts(scene)
    for part in copies.values():
        selected = keeps(part)
        normals, used = part.vertex_normals, np.unique(part.faces[selected])
        part.update_faces(selected)
        part.remove_unreferenced_vertices()
        if selected.any():
            part.vertex_normals = normals[used]  # type: ignore[method-assign]  # a property that trimesh declares through a decorator
    return rebuilt(copies)


def painted(scene: trimesh.Scene, stroke: Callable[[Image.Image], Image.Image]) -> trimesh.Scene:
    """Every texture, base colour and vertex colour put through `stroke` as a picture."""
    copies = copied_parts(scene)
    for part in copies.values():
        painted: Any = part.visual
        visual = part.visual = painted.copy()
        if visual.kind == "texture":
            material = visual.material = visual.material.copy()
            if material.baseColorTexture is not None:
                material.baseColorTexture = stroke(material.baseColorTexture.convert("RGB"))
            elif material.baseColorFactor is not None:
                swatch = Image.fromarray(np.asarray(material.baseColorFactor, np.uint8)[None, None, :3].copy())
                colour = np.asarray(stroke(swatch))[0, 0]
                material.baseColorFactor = np.array([*colour, material.baseColorFactor[3]], np.uint8)
        else:
            row = Image.fromarray(np.ascontiguousarray(visual.vertex_colors[None, :, :3]))
            colours = np.asarray(stroke(row)) if stroke is not _smeared else np.asarray(row)
            visual.vertex_colors = np.c_[colours[0], visual.vertex_colors[:, 3]]
    return rebuilt(copies)


def _turned(picture: Image.Image) -> Image.Image:
    """Another hue, and gray painted."""
    hsv = cv2.cvtColor(np.asarray(picture), cv2.COLOR_RGB2HSV)
    hsv[..., 0] = (hsv[..., 0].astype(int) + HUE_TURN) % 180
    hsv[..., 1] = np.maximum(hsv[..., 1], LEAST_SATURATION)
    hsv[..., 2] = np.maximum(hsv[..., 2], 80)
    return Image.fromarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB))


def _smeared(picture: Image.Image) -> Image.Image:
    return picture.filter(ImageFilter.GaussianBlur(BLUR * max(picture.size)))
