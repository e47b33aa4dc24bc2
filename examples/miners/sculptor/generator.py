"""Sculptor: a program that turns the silhouette on a lathe or blows it up, with the picture printed on it."""

import cv2
import numpy as np
from cutout import cut_out
from solids import skin

EXTENSION = "js"
LEAST_SYMMETRY = 0.9  # intersection over union of the silhouette and its mirror image
LEAST_FILL = 0.92  # share of each row that is object, from its first to its last pixel
RINGS = 40
PRINT = 44  # pixels, longest side
PICTURE = """// The picture's colours, row by row from below.
const WIDE = {wide};
const HIGH = {high};
const PIXELS = {pixels};
// How wide and how high the object is, in thousandths.
const SIZE = {size};
"""
TEXTURE = """
function texture(THREE) {{
  const bytes = new Uint8Array(4 * PIXELS.length);
  PIXELS.forEach((n, i) => bytes.set([(n >> 16) & 255, (n >> 8) & 255, n & 255, 255], 4 * i));
  const picture = new THREE.DataTexture(bytes, WIDE, HIGH);
  picture.colorSpace = THREE.SRGBColorSpace;
  picture.magFilter = THREE.LinearFilter;
  picture.minFilter = THREE.LinearFilter;
  picture.needsUpdate = true;
  return picture;
}}
"""
PRINTED = """
function printed(THREE, solid) {{
  const places = solid.getAttribute("position");
  const uv = [];
  for (let i = 0; i < places.count; i++) {{
    uv.push(0.5 + (SPREAD * 1000 * places.getX(i)) / SIZE[0], 0.5 + (1000 * places.getY(i)) / SIZE[1]);
  }}
  solid.setAttribute("uv", new THREE.Float32BufferAttribute(uv, 2));
  const paint = new THREE.MeshStandardMaterial({{ map: texture(THREE), roughness: 0.9, side: THREE.DoubleSide }});
  return new THREE.Mesh(solid, paint);
}}
"""
LATHE = """
const SPREAD = 0.94;
// Radius and height of each ring in thousandths.
const PROFILE = {profile};

export default function generate(THREE) {{
  const points = PROFILE.map(([radius, height]) => new THREE.Vector2(radius / 1000, height / 1000));
  return printed(THREE, new THREE.LatheGeometry(points, 36));
}}
"""
CUSHION = """
const SPREAD = 1;
// Outlines in thousandths, the outer ones and those of holes, and how far the edge is rounded off.
const OUTLINES = {outlines};
const HOLES = {holes};
const ROUND = {round};

function points(THREE, outline) {{
  return outline.map(([x, y]) => new THREE.Vector2(x / 1000, y / 1000));
}}
"""
BLOWN = """
export default function generate(THREE) {{
  const shapes = OUTLINES.map((outline, i) => {{
    const shape = new THREE.Shape(points(THREE, outline));
    HOLES[i].forEach((hole) => shape.holes.push(new THREE.Path(points(THREE, hole))));
    return shape;
  }});
  const edge = ROUND / 1000;
  const solid = new THREE.ExtrudeGeometry(shapes, {{
    depth: edge,
    bevelThickness: edge,
    bevelSize: edge,
    bevelOffset: -edge,
    bevelSegments: 4,
  }});
  solid.translate(0, 0, -edge / 2);
  const places = solid.getAttribute("position");
  const [wide, high] = SIZE.map((length) => length / 2000);
  for (let i = 0; i < places.count; i++) {{
    places.setX(i, Math.max(-wide, Math.min(wide, places.getX(i))));
    places.setY(i, Math.max(-high, Math.min(high, places.getY(i))));
  }}
  return printed(THREE, solid);
}}
"""


def generate(image: bytes, *, seed: int) -> bytes:
    """Bytes of a module for the bytes of a picture.  The seed changes nothing: nothing here is left to chance."""
    found = cut_out(image)
    height, width = found.mask.shape
    scale = 960 / max(height, width)
    size = [round(width * scale), round(height * scale)]
    shape = lathe(found.mask, scale=scale) if is_round(found.mask) else cushion(found.mask, scale=scale)
    return (picture(skin(found.rgb, found.mask), size=size) + shape).encode()


def is_round(mask: np.ndarray) -> bool:
    """Lathe work is symmetric and has no gaps in a row: a handle, legs, a gap between two things."""
    mirrored, width = mask[:, ::-1], mask.shape[1]
    symmetry = (mask & mirrored).sum() / (mask | mirrored).sum()
    first, last = mask.argmax(axis=1), width - 1 - mask[:, ::-1].argmax(axis=1)
    filled = mask.sum() / np.where(mask.any(axis=1), last - first + 1, 0).sum()
    return bool(symmetry >= LEAST_SYMMETRY and filled >= LEAST_FILL)


def picture(colours: np.ndarray, *, size: list[int]) -> str:
    scale = PRINT / max(colours.shape[:2])
    small = cv2.resize(colours, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)[::-1].astype(int)
    pixels = (small[..., 0] << 16 | small[..., 1] << 8 | small[..., 2]).ravel().tolist()
    data = PICTURE.format(wide=small.shape[1], high=small.shape[0], pixels=pixels, size=size)
    return data + (TEXTURE + PRINTED).format()


def lathe(mask: np.ndarray, *, scale: float) -> str:
    height = mask.shape[0]
    smooth = cv2.GaussianBlur(mask.sum(axis=1, dtype=np.float32)[:, None], (1, 3), 0)[:, 0] / 2
    rows = np.unique(np.linspace(0, height - 1, RINGS).round().astype(int))
    radius = np.clip(smooth[rows] * scale, 1, 480).round().astype(int)
    up = (((height - 1) / 2 - rows) * scale).round().astype(int)
    rings = [[0, int(up[0])], *np.stack([radius, up], axis=1).tolist(), [0, int(up[-1])]]
    return LATHE.format(profile=rings[::-1])


def cushion(mask: np.ndarray, *, scale: float) -> str:
    height, width = mask.shape
    padded = cv2.copyMakeBorder(mask.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT)
    found, tree = cv2.findContours(padded, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    outlines: dict[int, list] = {}
    holes: dict[int, list] = {}
    for index, (contour, (_, _, _, parent)) in enumerate(zip(found, tree[0], strict=True)):
        line = cv2.approxPolyDP(contour, 0.8, True).reshape(-1, 2) - 1
        if len(line) < 3 or cv2.contourArea(contour) < 40:
            continue
        placed = ((line - [(width - 1) / 2, (height - 1) / 2]) * [1, -1] * scale).round().astype(int).tolist()
        (outlines if parent < 0 else holes).setdefault(index if parent < 0 else parent, []).extend(
            placed if parent < 0 else [placed]
        )
    radius = float(cv2.distanceTransform(padded, cv2.DIST_L2, 5).max()) * scale
    inner = [holes.get(index, []) for index in outlines]
    data = CUSHION.format(outlines=list(outlines.values()), holes=inner, round=round(0.3 * radius))
    return data + BLOWN.format()
