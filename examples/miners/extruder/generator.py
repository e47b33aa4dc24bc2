"""Extruder: the object's silhouette, sawn out of a board and painted in its mean colour."""

import numpy as np
from cutout import cut_out
from solids import card, glb

THICKNESS = 0.25  # of the longest side
SWATCH = 4  # pixels: a texture of one colour needs no more


def generate(image: bytes, *, seed: int) -> bytes:
    """Bytes of a glb for the bytes of a picture.  The seed changes nothing: nothing here is left to chance."""
    found = cut_out(image)
    mean = found.rgb[found.mask].mean(axis=0).round().astype(np.uint8)
    return glb(card(found.mask, depth=THICKNESS), texture=np.tile(mean, (SWATCH, SWATCH, 1)))
