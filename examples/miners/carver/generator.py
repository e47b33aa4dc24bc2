"""Carver: a program that cuts the object's outline out of a board of its mean colour."""

import cv2
import numpy as np
from cutout import cut_out

EXTENSION = "js"
MODULE = """// An outline in thousandths of the longest side, cut out of a board.
const OUTLINE = {outline};

export default function generate(THREE) {{
  const shape = new THREE.Shape(OUTLINE.map(([x, y]) => new THREE.Vector2(x / 1000, y / 1000)));
  const board = new THREE.ExtrudeGeometry(shape, {{ depth: 0.2, bevelEnabled: false }});
  board.translate(0, 0, -0.1);
  const paint = new THREE.MeshStandardMaterial({{ color: {colour}, roughness: 0.9 }});
  return new THREE.Mesh(board, paint);
}}
"""


def generate(image: bytes, *, seed: int) -> bytes:
    """Bytes of a module for the bytes of a picture.  The seed changes nothing: nothing here is left to chance."""
    found = cut_out(image)
    height, width = found.mask.shape
    contours, _ = cv2.findContours(found.mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    largest = max(contours, key=cv2.contourArea)
    points = cv2.approxPolyDP(largest, 1.0, True).reshape(-1, 2)
    across = (points - [width / 2, height / 2]) * [1, -1] * 960 / max(width, height)
    mean = found.rgb[found.mask].mean(axis=0).round().astype(int)
    colour = "0x{:02x}{:02x}{:02x}".format(*mean)
    outline = ", ".join(f"[{x}, {y}]" for x, y in across.round().astype(int))
    return MODULE.format(outline=f"[{outline}]", colour=colour).encode()
