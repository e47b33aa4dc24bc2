"""Mist: the object's silhouette blown up like a cushion, as small flat splats in the colours of its picture."""

import numpy as np
import trimesh
from cutout import cut_out
from solids import puffed, skin

EXTENSION = "ply"
COUNT = 5000
C0 = 0.28209479177387814  # of 3D Gaussian Splatting: colour = 0.5 + C0 * f_dc
NAMES = ["x", "y", "z", *(f"f_dc_{i}" for i in range(3)), "opacity", *(f"scale_{i}" for i in range(3))]
NAMES += [f"rot_{i}" for i in range(4)]


def generate(image: bytes, *, seed: int) -> bytes:
    """Bytes of a ply of splats for the bytes of a picture; the seed changes nothing."""
    found = cut_out(image)
    return splats(puffed(found.mask, depth=0.8, round_off=1.0), skin(found.rgb, found.mask))


def splats(mesh: trimesh.Trimesh, texture: np.ndarray) -> bytes:
    """Discs on the mesh's surface, in the texture's colours; always at the same places."""
    places, faces = trimesh.sample.sample_surface(mesh, COUNT, seed=1)
    weights = trimesh.triangles.points_to_barycentric(mesh.triangles[faces], places)
    uv = np.einsum("ij,ijk->ik", weights, mesh.visual.uv[mesh.faces[faces]])
    height, width = texture.shape[:2]
    rows = np.clip(((1 - uv[:, 1]) * height).astype(int), 0, height - 1)
    columns = np.clip((uv[:, 0] * width).astype(int), 0, width - 1)
    colours = (texture[rows, columns] / 255 - 0.5) / C0
    radius = 1.5 * np.sqrt(mesh.area / COUNT / np.pi)  # they overlap: no ground shows through
    sizes = np.log(np.tile([radius, radius, radius / 6], (COUNT, 1)))
    opacity = np.full((COUNT, 1), 4.0)
    values = np.concatenate([places, colours, opacity, sizes, facing(mesh.face_normals[faces])], axis=1)
    lines = [
        "ply",
        "format binary_little_endian 1.0",
        f"element vertex {COUNT}",
        *(f"property float {n}" for n in NAMES),
    ]
    return "\n".join([*lines, "end_header", ""]).encode() + values.astype("<f4").tobytes()


def facing(normals: np.ndarray) -> np.ndarray:
    """Quaternions (w first) that turn +z to the normals."""
    x, y, z = normals.T
    turned = np.stack([1 + z, -y, x, np.zeros_like(z)], axis=1)
    turned[z < -0.9999] = [0, 1, 0, 0]
    return turned / np.linalg.norm(turned, axis=1, keepdims=True)
