"""Pillow: the object's silhouette blown up like a cushion, under a blurred print of its picture."""

import cv2
from cutout import cut_out
from solids import glb, puffed, skin

PRINT = 20  # pixels: the whole texture


def generate(image: bytes, *, seed: int) -> bytes:
    """Bytes of a glb for the bytes of a picture.  The seed changes nothing: nothing here is left to chance."""
    found = cut_out(image)
    blurred = cv2.resize(skin(found.rgb, found.mask), (PRINT, PRINT), interpolation=cv2.INTER_AREA)
    return glb(puffed(found.mask, depth=1.0, round_off=1.0, edge=6, inside=12), texture=blurred)
