"""Spinner: a coarse lathe.  Twelve sides, twelve rings, twelve colours."""

import cv2
import numpy as np
from cutout import cut_out
from solids import glb, turned

SIDES = RINGS = COLOURS = 12


def generate(image: bytes, *, seed: int) -> bytes:
    """Bytes of a glb for the bytes of a picture.  The seed changes nothing: nothing here is left to chance."""
    found = cut_out(image)
    height, width = found.mask.shape
    area = cv2.resize(found.mask.sum(axis=1, dtype=np.float32)[:, None], (1, RINGS), interpolation=cv2.INTER_AREA)
    profile = np.stack([np.maximum(area[:, 0] / 2, 1), np.linspace(0, height, RINGS)], axis=1)
    mesh = turned(profile, height=height, sections=SIDES, spread=1.0, shape=(height, width))
    weight = found.mask[..., None].astype(np.float32)
    total = cv2.resize((found.rgb * weight).sum(axis=1, keepdims=True), (1, COLOURS), interpolation=cv2.INTER_AREA)
    count = cv2.resize(weight.sum(axis=1, keepdims=True), (1, COLOURS), interpolation=cv2.INTER_AREA)
    colours = (total.reshape(-1, 1, 3) / np.maximum(count.reshape(-1, 1, 1), 0.1)).round().clip(0, 255)
    return glb(mesh, texture=np.repeat(colours.astype(np.uint8), 4, axis=1))
