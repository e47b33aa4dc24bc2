"""Chooser: turned on a lathe if the picture looks like lathe work, blown up from its silhouette otherwise."""

import cv2
import numpy as np
import trimesh
from cutout import Cutout, cut_out
from solids import glb, puffed, skin, turned

LEAST_SYMMETRY = 0.9  # intersection over union of the silhouette and its mirror image
LEAST_FILL = 0.94  # share of each row that is object, from its first to its last pixel
LEAST_FALL = 0.06  # how much darker the flanks are than the middle, as a share of the middle
RINGS, SECTIONS = 44, 30
TEXTURE = 224  # pixels, longest side


def generate(image: bytes, *, seed: int) -> bytes:
    """Bytes of a glb for the bytes of a picture.  The seed changes nothing: nothing here is left to chance."""
    found = cut_out(image)
    mesh = lathe_work(found.mask) if is_round(found) else blown_up(found.mask)
    return glb(mesh, texture=print_of(found))


def is_round(found: Cutout) -> bool:
    return (
        symmetry(found.mask) >= LEAST_SYMMETRY
        and fill(found.mask) >= LEAST_FILL
        and fall(found.rgb, found.mask) >= LEAST_FALL
    )


def symmetry(mask: np.ndarray) -> float:
    mirrored = mask[:, ::-1]
    return float((mask & mirrored).sum() / (mask | mirrored).sum())


def fill(mask: np.ndarray) -> float:
    """What is seen through a row is no lathe work: a handle, legs, a gap between two things."""
    width = mask.shape[1]
    first, last = mask.argmax(axis=1), width - 1 - mask[:, ::-1].argmax(axis=1)
    return float(mask.sum() / np.where(mask.any(axis=1), last - first + 1, 0).sum())


def fall(rgb: np.ndarray, mask: np.ndarray) -> float:
    """A round body turns away from the light towards its flanks; a flat one does not."""
    light = cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB)[..., 0].astype(np.float32)
    middle, flanks = [], []
    for row in np.flatnonzero(mask.sum(axis=1) >= 16):
        columns = np.flatnonzero(mask[row])
        values = light[row, columns[0] + 2 : columns[-1] - 1]
        eighth = max(1, len(values) // 8)
        middle.append(values[3 * eighth : -3 * eighth].mean())
        flanks.append((values[:eighth].mean() + values[-eighth:].mean()) / 2)
    return 1 - float(np.mean(flanks) / max(np.mean(middle), 1)) if middle else 0.0


def lathe_work(mask: np.ndarray) -> trimesh.Trimesh:
    height, width = mask.shape
    smooth = cv2.GaussianBlur(mask.sum(axis=1, dtype=np.float32)[:, None], (1, 3), 0)[:, 0] / 2
    rows = np.unique(np.linspace(0, height - 1, RINGS).round().astype(int))
    profile = np.stack([np.maximum(smooth[rows], 0.5), rows * height / (height - 1)], axis=1)
    return turned(profile, height=height, sections=SECTIONS, spread=0.94, shape=(height, width))


def blown_up(mask: np.ndarray) -> trimesh.Trimesh:
    return puffed(mask, depth=0.55, round_off=0.5)


def print_of(found: Cutout) -> np.ndarray:
    colours = skin(found.rgb, found.mask)
    scale = TEXTURE / max(colours.shape[:2])
    return cv2.resize(colours, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else colours
