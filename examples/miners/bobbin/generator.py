"""Bobbin: a program that turns a coarse lathe.  Ten sides, ten rings, one colour for each third."""

import cv2
import numpy as np
from cutout import cut_out

EXTENSION = "js"
RINGS, THIRDS = 10, 3
MODULE = """// Radius and height of each ring in thousandths, from the top down, and a colour for each third.
const PROFILE = {profile};
const COLOURS = {colours};

export default function generate(THREE) {{
  const root = new THREE.Group();
  COLOURS.forEach((colour, i) => {{
    const rings = PROFILE.slice(3 * i, 3 * i + 4);
    const points = rings.map(([radius, height]) => new THREE.Vector2(radius / 1000, height / 1000));
    const paint = new THREE.MeshStandardMaterial({{ color: colour, roughness: 0.9, side: THREE.DoubleSide }});
    root.add(new THREE.Mesh(new THREE.LatheGeometry(points, 10), paint));
  }});
  return root;
}}
"""


def generate(image: bytes, *, seed: int) -> bytes:
    """Bytes of a module for the bytes of a picture.  The seed changes nothing: nothing here is left to chance."""
    found = cut_out(image)
    height, width = found.mask.shape
    scale = 960 / max(height, width)
    rows = cv2.resize(found.mask.sum(axis=1, dtype=np.float32)[:, None], (1, RINGS), interpolation=cv2.INTER_AREA)
    radius = np.clip(rows[:, 0] / 2 * scale, 1, 480).round().astype(int)
    up = (np.linspace(height / 2, -height / 2, RINGS) * scale).round().astype(int)
    colours = [
        "0x{:02x}{:02x}{:02x}".format(*part[mask].mean(axis=0).round().astype(int) if mask.any() else (128, 128, 128))
        for part, mask in zip(np.array_split(found.rgb, THIRDS), np.array_split(found.mask, THIRDS), strict=True)
    ]
    profile = np.stack([radius, up], axis=1).tolist()
    return MODULE.format(profile=profile, colours="[" + ", ".join(colours) + "]").encode()
