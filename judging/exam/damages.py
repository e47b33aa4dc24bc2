"""Which twelve damages does the exam know, and how strong is each at its five strengths?

For TRUSTED assets only, as `judging.health.degraded_meshes`: everything here runs in this process.  A damage takes a
scene, its dose and a generator of random numbers, and returns a new scene.  The generator is the same for all strengths
of an asset, so that a stronger damage is more of the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import trimesh
from PIL import Image, ImageFilter

from judging.decisions.exam import STRENGTHS
from judging.health.degraded_meshes import copied_parts, painted, rebuilt, second_part, with_faces

Numbers = np.random.Generator
VERSION = 1  # another one draws all pairs again
LONGEST_EDGE = 0.09  # of the unit cube: faces are made this small where single ones are taken away
MOST_ROUNDS, MOST_FACES = 4, 40_000
LEAST_HUE, MOST_HUE = 6, 75  # of OpenCV's 180
SATURATION = 2  # of 255, by which gray is painted for each step of hue, for gray turned is gray
TURNED_AWAY = -0.15  # z of a unit normal: what only the back shows
FLOATER = 0.05  # of the unit cube: edge of a loose piece
SHADES = 6  # brightnesses of baked light
SAME_PLACE = 6  # decimals: vertices nearer than this move together, or the surface tears


@dataclass(frozen=True)
class ExamDamage:
    """`doses`: one of each strength, from the weakest; `unit` says of what; `words`: what it looks like."""

    apply: Callable[[trimesh.Scene, float, Numbers], trimesh.Scene]
    doses: tuple[float, ...]
    unit: str
    words: str


def missing_part(scene: trimesh.Scene, dose: float, numbers: Numbers) -> trimesh.Scene:
    axis = int(numbers.integers(0, 2))  # across or up: a missing end that the front shows
    sign = 1 if numbers.integers(0, 2) else -1
    low, high = scene.bounds[:, axis] * sign if sign > 0 else -scene.bounds[::-1, axis]
    end = high - dose * (high - low)
    return with_faces(refined(scene), lambda part: sign * part.triangles_center[:, axis] < end)


def wrong_colour(scene: trimesh.Scene, dose: float, numbers: Numbers) -> trimesh.Scene:
    def turned(picture: Image.Image) -> Image.Image:
        hsv = cv2.cvtColor(np.asarray(picture), cv2.COLOR_RGB2HSV)
        hsv[..., 0] = (hsv[..., 0].astype(int) + round(dose)) % 180
        hsv[..., 1] = np.maximum(hsv[..., 1], round(SATURATION * dose))
        return Image.fromarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB))

    return painted(scene, turned)


def squash(scene: trimesh.Scene, dose: float, numbers: Numbers) -> trimesh.Scene:
    scale = np.ones(3)
    scale[int(np.argmax(scene.extents))] = dose
    return scaled(scene, scale)


def blur(scene: trimesh.Scene, dose: float, numbers: Numbers) -> trimesh.Scene:
    return on_textures(scene, lambda picture: picture.filter(ImageFilter.GaussianBlur(dose * max(picture.size))))


def hollow_back(scene: trimesh.Scene, dose: float, numbers: Numbers) -> trimesh.Scene:
    middle, half = scene.bounds.mean(axis=0)[:2], scene.extents[:2] / 2

    def stays(part: trimesh.Trimesh) -> np.ndarray:
        off = np.abs((part.triangles_center[:, :2] - middle) / half).max(axis=1)
        return np.asarray((part.face_normals[:, 2] > TURNED_AWAY) | (off > dose))

    return with_faces(refined(scene), stays)


def floaters(scene: trimesh.Scene, dose: float, numbers: Numbers) -> trimesh.Scene:
    parts = copied_parts(scene)
    low, high = scene.bounds
    for number in range(round(dose)):
        box = trimesh.creation.box(extents=(FLOATER,) * 3)
        box.apply_translation(numbers.uniform(low - FLOATER, high + FLOATER))
        colour = [*numbers.integers(40, 216, 3), 255]
        material = trimesh.visual.material.PBRMaterial(baseColorFactor=np.array(colour, np.uint8))
        box.visual = trimesh.visual.TextureVisuals(uv=np.zeros((len(box.vertices), 2)), material=material)
        parts[f"floater-{number}"] = box
    return rebuilt(parts)


def seams(scene: trimesh.Scene, dose: float, numbers: Numbers) -> trimesh.Scene:
    """The surface is cut along two upright planes and one level one, and its pieces are moved apart."""
    parts: dict[str, trimesh.Trimesh] = {}
    cuts = [(0, 0.33), (0, 0.67), (1, float(numbers.uniform(0.35, 0.65)))]
    low, extents = scene.bounds[0], scene.extents
    for name, part in copied_parts(refined(scene)).items():
        moves = np.zeros((len(part.faces), 3))
        for axis, share in cuts:
            side = part.triangles_center[:, axis] > low[axis] + share * extents[axis]
            moves[:, axis] += np.where(side, dose / 2, -dose / 2)
        kinds, piece_of = np.unique(moves, axis=0, return_inverse=True)
        for number, move in enumerate(kinds):
            piece = _faces_of(part, piece_of.ravel() == number)
            normals = piece.vertex_normals
            piece.vertices = piece.vertices + move
            piece.vertex_normals = normals  # type: ignore[method-assign]  # a property that trimesh declares through a decorator
            parts[f"{name}-{number}"] = piece
    return rebuilt(parts)


def noise(scene: trimesh.Scene, dose: float, numbers: Numbers) -> trimesh.Scene:
    parts = copied_parts(scene)
    for part in parts.values():
        _, place_of = np.unique(part.vertices.round(SAME_PLACE), axis=0, return_inverse=True)
        moves = numbers.normal(size=(int(place_of.max()) + 1, 3))
        part.vertices = part.vertices + dose * moves[place_of.ravel()]
    return rebuilt(parts)


def texture_shift(scene: trimesh.Scene, dose: float, numbers: Numbers) -> trimesh.Scene:
    def shifted(picture: Image.Image) -> Image.Image:
        pixels = np.asarray(picture)
        by = [round(dose * pixels.shape[1]), round(dose * pixels.shape[0] / 2)]
        return Image.fromarray(np.roll(pixels, by, axis=(1, 0)))

    return on_textures(scene, shifted)


def baked_light(scene: trimesh.Scene, dose: float, numbers: Numbers) -> trimesh.Scene:
    """A lamp from one side is painted on: what looks away from it is darker by `dose`."""
    turn = numbers.uniform(0, 2 * np.pi)
    lamp = np.array([np.cos(turn), 0.5, np.sin(turn)]) / np.sqrt(1.25)
    parts: dict[str, trimesh.Trimesh] = {}
    for name, part in copied_parts(refined(scene)).items():
        lit = (part.face_normals @ lamp + 1) / 2  # 0: looks away, 1: looks at the lamp
        shade_of = np.minimum((lit * SHADES).astype(int), SHADES - 1)
        for shade in np.unique(shade_of):
            piece = _faces_of(part, shade_of == shade)
            piece.visual = _brighter(piece.visual, 1 - dose * (1 - shade / (SHADES - 1)))
            parts[f"{name}-{shade}"] = piece
    return rebuilt(parts)


def scale(scene: trimesh.Scene, dose: float, numbers: Numbers) -> trimesh.Scene:
    return scaled(scene, np.full(3, dose))


def duplicated_part(scene: trimesh.Scene, dose: float, numbers: Numbers) -> trimesh.Scene:
    """A second copy of a part that the front shows, moved outward, where nothing covers it; of the whole where there is
    but one part."""
    parts = copied_parts(scene)
    name = second_part(scene) or max(parts, key=lambda each: parts[each].area)
    off = parts[name].bounds.mean(axis=0)[0] - scene.bounds.mean(axis=0)[0]
    outward = np.sign(off) if abs(off) > FLOATER else 1.0 - 2.0 * numbers.integers(0, 2)
    move = np.array([outward, float(numbers.uniform(-0.5, 0.5)), 0.0])
    twin = parts[name].copy(include_cache=True)
    normals = twin.vertex_normals
    twin.vertices = twin.vertices + dose * move / np.linalg.norm(move)
    twin.vertex_normals = normals  # type: ignore[method-assign]  # a property that trimesh declares through a decorator
    return rebuilt({**parts, f"{name}-twin": twin})


DAMAGES: dict[str, ExamDamage] = {
    "missing_part": ExamDamage(missing_part, (0.04, 0.08, 0.16, 0.28, 0.45), "of the extent", "one end is missing"),
    "wrong_colour": ExamDamage(wrong_colour, (LEAST_HUE, 14, 28, 50, MOST_HUE), "of 180 steps of hue", "other colours"),
    "squash": ExamDamage(squash, (0.96, 0.9, 0.82, 0.72, 0.6), "of the longest side is left", "pressed together"),
    "blur": ExamDamage(blur, (0.008, 0.016, 0.032, 0.06, 0.12), "of the texture's side", "the texture is blurred"),
    "hollow_back": ExamDamage(hollow_back, (0.2, 0.35, 0.5, 0.75, 2.0), "of half the extent", "a hole in the back"),
    "floaters": ExamDamage(floaters, (1, 2, 4, 8, 16), "loose pieces", "loose pieces float around"),
    "seams": ExamDamage(seams, (0.006, 0.012, 0.025, 0.05, 0.09), "of the unit cube", "the surface gapes at seams"),
    "noise": ExamDamage(noise, (0.003, 0.006, 0.012, 0.022, 0.04), "of the unit cube", "the surface is rough"),
    "texture_shift": ExamDamage(
        texture_shift, (0.02, 0.05, 0.1, 0.2, 0.4), "of the texture", "the texture has slipped"
    ),
    "baked_light": ExamDamage(
        baked_light, (0.2, 0.3, 0.42, 0.58, 0.8), "of the brightness", "light and shadow painted on"
    ),
    "scale": ExamDamage(scale, (0.97, 0.93, 0.87, 0.78, 0.65), "of the size is left", "smaller as a whole"),
    "duplicated_part": ExamDamage(duplicated_part, (0.03, 0.06, 0.12, 0.22, 0.38), "of the unit cube", "a part twice"),
}
"""All damages there are, in the order of the report."""


def damaged(scene: trimesh.Scene, *, kind: str, strength: int, asset: str, seed: int) -> trimesh.Scene:
    """The damaged copy: the same one for the same arguments, on every machine.  KeyError for an unknown kind."""
    damage = DAMAGES[kind]
    drawn = hashlib.sha256(f"{VERSION} {seed} {kind} {asset}".encode()).digest()
    numbers = np.random.default_rng(np.frombuffer(drawn, ">u4").astype(np.uint32))
    return damage.apply(scene, damage.doses[STRENGTHS.index(strength)], numbers)


def scaled(scene: trimesh.Scene, by: np.ndarray) -> trimesh.Scene:
    """About the origin, with the normals that belong to it."""
    parts = copied_parts(scene)
    for part in parts.values():
        normals = part.vertex_normals / by
        part.vertices = part.vertices * by
        lengths = np.linalg.norm(normals, axis=1, keepdims=True)
        part.vertex_normals = normals / lengths  # type: ignore[method-assign]  # a property that trimesh declares through a decorator
    return rebuilt(parts)


def on_textures(scene: trimesh.Scene, stroke: Callable[[Image.Image], Image.Image]) -> trimesh.Scene:
    """Nothing is changed where there is no texture: one colour looks the same wherever it is moved."""
    return painted(scene, lambda picture: stroke(picture) if min(picture.size) > 1 else picture)


def refined(scene: trimesh.Scene) -> trimesh.Scene:
    """The same surface in smaller faces, with its normals and texture places."""
    return rebuilt({name: _refined(part) for name, part in copied_parts(scene).items()})


def _refined(part: trimesh.Trimesh) -> trimesh.Trimesh:
    vertices, faces = np.asarray(part.vertices), np.asarray(part.faces)
    uv = getattr(part.visual, "uv", None)
    attributes: dict[str, np.ndarray] = {"normals": np.asarray(part.vertex_normals)}
    attributes |= {} if uv is None else {"uv": np.asarray(uv)}
    for _ in range(MOST_ROUNDS):
        corners = vertices[faces]
        longest = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max(axis=1)
        large = np.flatnonzero(longest > LONGEST_EDGE)
        if not len(large) or len(faces) + 3 * len(large) > MOST_FACES:
            break
        vertices, faces, attributes = trimesh.remesh.subdivide(
            vertices, faces, face_index=large, vertex_attributes=attributes
        )
    own: Any = part.visual
    visual: Any = own.copy()
    if uv is not None:
        visual = trimesh.visual.TextureVisuals(uv=attributes["uv"], material=visual.material)
    normals = attributes["normals"] / np.linalg.norm(attributes["normals"], axis=1, keepdims=True)
    return trimesh.Trimesh(vertices, faces, vertex_normals=normals, visual=visual, process=False)


def _faces_of(part: trimesh.Trimesh, selected: np.ndarray) -> trimesh.Trimesh:
    """A copy with these faces only."""
    scene = with_faces(rebuilt({"part": part}), lambda _: selected)
    piece: trimesh.Trimesh = next(iter(scene.geometry.values()))
    return piece


def _brighter(visual: Any, by: float) -> Any:
    """With its base colour times `by`."""
    copy = visual.copy()
    material = copy.material = copy.material.copy()
    factor: Sequence[float] | None = material.baseColorFactor
    colour = np.asarray([255, 255, 255, 255] if factor is None else factor, float)
    material.baseColorFactor = np.array([*(colour[:3] * by).round(), colour[3]], np.uint8)
    return copy
