"""Chooser: turned on a lathe if the picture looks like lathe work, blown up from its silhouette otherwise."""

import cv2
import numpy as np
import trimesh
from cutout import Cutout, cut_out
from solids import glb, puffed, skin, turned

LEAST_SYMMETRY = 0.9  # intersection over union of the silhouette and its mirror image
LEAST_FILL = 0.92  # share of each row that is object, from its first to its last pixel
LEAST_FALL = 0.03  # change of brightness towards the two flanks, together, as a share
MOST_DRAWING = 13.0  # Lab units: what a smooth curve across a row leaves unexplained
MOST_GAIN = 1.35  # of the brightness, where the shade of a flank is taken out
RINGS, SECTIONS = 44, 30
TEXTURE = 224  # pixels, longest side


def generate(image: bytes, *, seed: int) -> bytes:
    """Bytes of a glb for the bytes of a picture.  The seed changes nothing: nothing here is left to chance."""
    found = cut_out(image)
    if is_round(found):
        return glb(lathe_work(found.mask), texture=print_of(evenly_lit(found)))
    return glb(blown_up(found.mask), texture=print_of(found))


def is_round(found: Cutout) -> bool:
    """Lathe work is symmetric, has no gaps in a row, turns away from the light, and has the same paint all around."""
    if symmetry(found.mask) < LEAST_SYMMETRY or fill(found.mask) < LEAST_FILL:
        return False
    fall, drawing = shading(found.rgb, found.mask)
    return fall >= LEAST_FALL and drawing <= MOST_DRAWING


def symmetry(mask: np.ndarray) -> float:
    mirrored = mask[:, ::-1]
    return float((mask & mirrored).sum() / (mask | mirrored).sum())


def fill(mask: np.ndarray) -> float:
    """What is seen through a row is no lathe work: a handle, legs, a gap between two things."""
    width = mask.shape[1]
    first, last = mask.argmax(axis=1), width - 1 - mask[:, ::-1].argmax(axis=1)
    return float(mask.sum() / np.where(mask.any(axis=1), last - first + 1, 0).sum())


def shading(rgb: np.ndarray, mask: np.ndarray) -> tuple[float, float]:
    """Medians over the rows: how much the flanks differ in brightness, and how much is drawn across a row."""
    lab = cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB).astype(np.float32)
    falls, drawn = [], []
    for row in np.flatnonzero(mask.sum(axis=1) >= 20):
        columns = np.flatnonzero(mask[row])
        across = lab[row, columns[0] : columns[-1] + 1]
        falls.append((step(across[:, 0]), step(across[::-1, 0])))
        drawn.append(unexplained(across[3:-3]))
    if not falls:
        return 0.0, 0.0
    left, right = np.median(falls, axis=0)
    return abs(float(left)) + abs(float(right)), float(np.median(drawn))


def step(light: np.ndarray) -> float:
    """Brightness at the flank against that further in, as a share: 0 on a flat face."""
    at = (np.array([0.05, 0.1, 0.18, 0.28]) * len(light)).astype(int)
    return 1 - float(light[at[0] : at[1] + 1].mean() / max(light[at[2] : at[3] + 1].mean(), 1))


def unexplained(colours: np.ndarray) -> float:
    """Root mean square distance of the colours from the best parabola across the row."""
    x = np.linspace(-1, 1, len(colours), dtype=np.float32)
    basis, _ = np.linalg.qr(np.stack([np.ones_like(x), x, x * x], axis=1))
    rest = colours - basis @ (basis.T @ colours)
    return float(np.sqrt((rest**2).sum(axis=1).mean()))


def evenly_lit(found: Cutout) -> Cutout:
    """Without the shade of the flanks: the solid is lit again when it is looked at.

    Per row the parabola of the brightness is levelled to its highest point; rows are averaged with their neighbours.
    """
    light = cv2.cvtColor(found.rgb, cv2.COLOR_RGB2GRAY).astype(np.float32)
    gain = np.ones_like(light)
    for row in np.flatnonzero(found.mask.sum(axis=1) >= 20):
        columns = np.flatnonzero(found.mask[row])[2:-2]
        x = np.linspace(-1, 1, len(columns), dtype=np.float32)
        fitted = np.polynomial.polynomial.polyval(x, np.polynomial.polynomial.polyfit(x, light[row, columns], 2))
        gain[row, columns] = np.clip(fitted.max() / np.maximum(fitted, 1), 1, MOST_GAIN)
        gain[row, : columns[0]], gain[row, columns[-1] + 1 :] = gain[row, columns[0]], gain[row, columns[-1]]
    gain = cv2.GaussianBlur(gain, (1, 15), 0)
    return Cutout(rgb=np.clip(found.rgb * gain[..., None], 0, 255).round().astype(np.uint8), mask=found.mask)


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
