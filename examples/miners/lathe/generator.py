"""Lathe: the object's silhouette turned about its middle, each ring in the mean colour of its row."""

import numpy as np
from cutout import cut_out
from solids import glb, turned

RINGS, SECTIONS = 40, 32


def generate(image: bytes, *, seed: int) -> bytes:
    """Bytes of a glb for the bytes of a picture.  The seed changes nothing: nothing here is left to chance."""
    found = cut_out(image)
    height, width = found.mask.shape
    rows = np.linspace(0, height - 1, RINGS).round().astype(int)
    radius = np.array([extent(found.mask[row]) / 2 for row in rows])
    profile = np.stack([np.maximum(radius, 0.5), rows * height / (height - 1)], axis=1)
    mesh = turned(profile, height=height, sections=SECTIONS, spread=1.0, shape=(height, width))
    return glb(mesh, texture=bands(found.rgb, found.mask))


def extent(row: np.ndarray) -> int:
    """Pixels from the first to the last of the object in this row."""
    columns = np.flatnonzero(row)
    return int(columns[-1] - columns[0] + 1) if len(columns) else 1


def bands(rgb: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """A texture four pixels wide: the mean colour of each row."""
    count = np.maximum(mask.sum(axis=1), 1)[:, None]
    mean = (rgb * mask[..., None]).sum(axis=1) / count
    return np.repeat(mean.round().astype(np.uint8)[:, None], 4, axis=1)
