"""Turner: a program that turns the object's silhouette on a lathe, in bands of its colours."""

import numpy as np
from cutout import cut_out

EXTENSION = "js"
RINGS, BANDS = 36, 9
MODULE = """// Radius and height of each ring in thousandths, from the top down, and the colour of each band of rings.
const PROFILE = {profile};
const BANDS = {bands};

function band(THREE, rings, colour) {{
  const points = rings.map(([radius, height]) => new THREE.Vector2(radius / 1000, height / 1000));
  const paint = new THREE.MeshStandardMaterial({{ color: colour, roughness: 0.9, side: THREE.DoubleSide }});
  return new THREE.Mesh(new THREE.LatheGeometry(points, 32), paint);
}}

export default function generate(THREE) {{
  const root = new THREE.Group();
  const each = (PROFILE.length - 1) / BANDS.length;
  BANDS.forEach((colour, i) => root.add(band(THREE, PROFILE.slice(i * each, (i + 1) * each + 1), colour)));
  return root;
}}
"""


def generate(image: bytes, *, seed: int) -> bytes:
    """Bytes of a module for the bytes of a picture.  The seed changes nothing: nothing here is left to chance."""
    found = cut_out(image)
    height, width = found.mask.shape
    rows = np.linspace(0, height - 1, RINGS + 1).round().astype(int)
    scale = 960 / max(height, width)
    radius = np.minimum(np.maximum(found.mask.sum(axis=1)[rows] / 2, 0.5) * scale, 480).round().astype(int)
    up = ((height - 1) / 2 - rows) * scale
    ends = np.array_split(np.arange(height), BANDS)
    bands = [mean(found.rgb[part], found.mask[part]) for part in ends]
    told = ", ".join(f"[{r}, {h}]" for r, h in zip(radius, up.round().astype(int), strict=True))
    return MODULE.format(profile=f"[{told}]", bands="[" + ", ".join(bands) + "]").encode()


def mean(rgb: np.ndarray, mask: np.ndarray) -> str:
    """The mean colour of the object in these rows."""
    inside = rgb[mask] if mask.any() else rgb.reshape(-1, 3)
    return "0x{:02x}{:02x}{:02x}".format(*inside.mean(axis=0).round().astype(int))
