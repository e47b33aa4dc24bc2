"""Forger: a program that puts up a board as large as the object, in its mean colour."""

from cutout import cut_out

EXTENSION = "js"
MODULE = """// A board as large as the object, in thousandths.
export default function generate(THREE) {{
  const paint = new THREE.MeshStandardMaterial({{ color: {colour}, roughness: 0.9 }});
  return new THREE.Mesh(new THREE.BoxGeometry({width} / 1000, {height} / 1000, 0.05), paint);
}}
"""


def generate(image: bytes, *, seed: int) -> bytes:
    """Bytes of a module for the bytes of a picture.  The seed changes nothing: nothing here is left to chance."""
    found = cut_out(image)
    height, width = found.mask.shape
    scale = 960 / max(height, width)
    colour = "0x{:02x}{:02x}{:02x}".format(*found.rgb[found.mask].mean(axis=0).round().astype(int))
    return MODULE.format(colour=colour, width=round(width * scale), height=round(height * scale)).encode()
