"""What does a true object look like as a Three.js module?  Fewer triangles, each in one colour: a module is a program,
and what is written in it as numbers is bounded."""

import fast_simplification
import numpy as np
import trimesh
from scipy.spatial import cKDTree

TRIANGLES = 1100
LEAST = 24  # triangles of a part
MODULE = """// Corners in thousandths; three corners and a colour for each triangle.
const CORNERS = {corners};
const FACES = {faces};

export default function generate(THREE) {{
  const places = [];
  const colours = [];
  const paint = new THREE.Color();
  for (let i = 0; i < FACES.length; i += 4) {{
    paint.setHex(FACES[i + 3]);
    for (let j = 0; j < 3; j++) {{
      const at = 3 * FACES[i + j];
      places.push(CORNERS[at] / 1000, CORNERS[at + 1] / 1000, CORNERS[at + 2] / 1000);
      colours.push(paint.r, paint.g, paint.b);
    }}
  }}
  const solid = new THREE.BufferGeometry();
  solid.setAttribute("position", new THREE.Float32BufferAttribute(places, 3));
  solid.setAttribute("color", new THREE.Float32BufferAttribute(colours, 3));
  solid.computeVertexNormals();
  return new THREE.Mesh(solid, new THREE.MeshStandardMaterial({{ vertexColors: true, roughness: 0.9 }}));
}}
"""


def module(scene: trimesh.Scene) -> bytes:
    """The scene as a module of about `TRIANGLES` triangles."""
    parts = list(scene.geometry.values())
    total = sum(len(part.faces) for part in parts)
    corners: list[np.ndarray] = []
    faces: list[np.ndarray] = []
    for part in parts:
        light = _simplified(part, most=max(LEAST, TRIANGLES * len(part.faces) // total))
        colours = _colours(part)[cKDTree(part.triangles_center).query(light.triangles_center)[1]]
        hexes = colours[:, 0] << 16 | colours[:, 1] << 8 | colours[:, 2]
        faces.append(np.c_[light.faces + sum(map(len, corners)), hexes])
        corners.append((light.vertices * 1000).round().astype(int))
    told = {"corners": np.concatenate(corners).ravel().tolist(), "faces": np.concatenate(faces).ravel().tolist()}
    return MODULE.format(**told).encode()


def _simplified(part: trimesh.Trimesh, *, most: int) -> trimesh.Trimesh:
    welded = trimesh.Trimesh(part.vertices, part.faces, process=False)
    welded.merge_vertices(merge_tex=True, merge_norm=True)
    if len(welded.faces) <= most:
        return welded
    vertices, faces = fast_simplification.simplify(
        welded.vertices.astype(np.float32), welded.faces.astype(np.int32), target_count=most
    )
    return trimesh.Trimesh(vertices, faces, process=False)


def _colours(part: trimesh.Trimesh) -> np.ndarray:
    """Of each triangle's middle, as three bytes."""
    material = part.visual.material
    if material.baseColorTexture is None:
        linear = np.array(material.baseColorFactor[:3], float) / (255 if np.max(material.baseColorFactor) > 1 else 1)
        srgb = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
        return np.tile((srgb * 255).round().astype(int), (len(part.faces), 1))
    pixels = np.asarray(material.baseColorTexture.convert("RGB")).astype(int)
    height, width = pixels.shape[:2]
    u, v = part.visual.uv[part.faces].mean(axis=1).T
    rows = np.clip(((1 - v) * height).astype(int), 0, height - 1)
    return pixels[rows, np.clip((u * width).astype(int), 0, width - 1)]
