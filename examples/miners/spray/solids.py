"""From a silhouette to a closed solid: cards, puffed shapes and lathe work, and the glb they travel in.

The object is seen from +Z, Y is up.  Lengths are in units of the cube it has to fit; the longest side becomes FILL.
"""

import cv2
import numpy as np
import trimesh
from PIL import Image
from scipy.spatial import Delaunay

FILL = 0.95  # of the unit cube: a margin for whoever measures it with a tolerance
SKIN = 2  # pixels at the edge of a mask whose colour is half background


def grid_of(mask: np.ndarray, *, edge: float, inside: float) -> tuple[np.ndarray, np.ndarray]:
    """Points (n, 2) in pixels and triangles (m, 3) that cover the mask.

    edge, inside: wanted distance in pixels between points on the outline and between points within it.
    """
    padded = cv2.copyMakeBorder(mask.astype(np.float32), 4, 4, 4, 4, cv2.BORDER_CONSTANT)
    smooth = (cv2.GaussianBlur(padded, (5, 5), 0) > 0.5).astype(np.uint8)
    outlines, _ = cv2.findContours(smooth, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    rims = [spaced(outline[:, 0].astype(float), edge) for outline in outlines if len(outline) >= 3 * edge]
    depth = cv2.distanceTransform(smooth, cv2.DIST_L2, 5)
    y, x = np.mgrid[inside / 2 : smooth.shape[0] : inside, inside / 2 : smooth.shape[1] : inside]
    x[1::2] = np.minimum(x[1::2] + inside / 2, smooth.shape[1] - 1)
    filling = np.stack([x.ravel(), y.ravel()], axis=1)
    filling = filling[sampled(depth, filling) > 0.6 * inside]
    points = np.unique(np.concatenate([*rims, filling]).round(3), axis=0)
    triangles = Delaunay(points).simplices
    corners = points[triangles]
    centre = corners.mean(axis=1)
    within = (sampled(depth, centre) > 0.5) & (sampled(depth, (corners[:, 0] + centre) / 2) > 0)
    return points - 4 + 0.5, unpinched(points, facing_front(points, triangles[within]))


def unpinched(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Without triangles that hang on by a corner only: a wall through that corner would have four neighbours.

    Drops the smallest triangle at each such corner until none is left; they are slivers on the outline.
    """
    while True:
        starts, times = np.unique(rim_of(triangles)[:, 0], return_counts=True)
        pinched = np.isin(triangles, starts[times > 1])
        if not pinched.any():
            return triangles
        (a, b, c) = points[triangles].transpose(1, 0, 2)
        area = np.abs(np.cross(np.pad(b - a, ((0, 0), (0, 1))), np.pad(c - a, ((0, 0), (0, 1))))[:, 2])
        drop = {
            min(np.flatnonzero((triangles == corner).any(axis=1)), key=lambda index: area[index])
            for corner in starts[times > 1]
        }
        triangles = np.delete(triangles, sorted(drop), axis=0)


def spaced(outline: np.ndarray, step: float) -> np.ndarray:
    """Points at even distances along a closed outline."""
    closed = np.concatenate([outline, outline[:1]])
    along = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(closed, axis=0), axis=1))])
    at = np.arange(0, along[-1] - step / 2, step)
    return np.stack([np.interp(at, along, closed[:, axis]) for axis in (0, 1)], axis=1)


def sampled(field: np.ndarray, points: np.ndarray) -> np.ndarray:
    column = np.clip(points[:, 0].round().astype(int), 0, field.shape[1] - 1)
    row = np.clip(points[:, 1].round().astype(int), 0, field.shape[0] - 1)
    return field[row, column]


def facing_front(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Counter-clockwise as seen from +Z, with y pointing down in pixels."""
    a, b, c = (points[triangles[:, corner]] for corner in range(3))
    area = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
    turned = triangles.copy()
    turned[area > 0] = turned[area > 0][:, ::-1]
    return turned[area != 0]


def rim_of(triangles: np.ndarray) -> np.ndarray:
    """Directed edges (k, 2) that have a triangle on one side only."""
    edges = triangles[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2)
    size = int(edges.max()) + 1
    backwards = edges[:, 1] * size + edges[:, 0]
    return edges[~np.isin(edges[:, 0] * size + edges[:, 1], backwards)]


def two_sided(points: np.ndarray, triangles: np.ndarray, *, half: np.ndarray, shape: tuple) -> trimesh.Trimesh:
    """A closed solid: the grid at +half and, mirrored, at -half (in pixels, one value per point), with walls between.

    The texture is laid on from the front and comes out mirrored at the back.
    """
    used, flat = np.unique(triangles, return_inverse=True)
    flat, points, half = flat.reshape(-1, 3), points[used], half[used]
    rim, count = rim_of(flat), len(points)
    wall = rim.ravel()  # the walls have their own corners, so that the edge of the solid is shaded as an edge
    front = np.concatenate([points, half[:, None]], axis=1)
    back = front * [1, 1, -1]
    first = 2 * count + 2 * np.arange(len(rim))
    low = first + 2 * len(rim)
    walls = np.concatenate([np.stack([first + 1, first, low], 1), np.stack([first + 1, low, low + 1], 1)])
    vertices = np.concatenate([front, back, front[wall], back[wall]])
    faces = np.concatenate([flat, flat[:, ::-1] + count, walls])
    uv = vertices[:, :2] / [shape[1], shape[0]]
    return placed(vertices, faces, uv=np.stack([uv[:, 0], 1 - uv[:, 1]], axis=1))


def puffed(mask: np.ndarray, *, depth: float, round_off: float, edge: float = 4, inside: float = 9) -> trimesh.Trimesh:
    """The silhouette blown up: its edge rounded off over the share `round_off` of its largest inner radius.

    depth: half the thickness, as a share of that radius.
    """
    points, triangles = grid_of(mask, edge=edge, inside=inside)
    padded = cv2.copyMakeBorder(mask.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT)
    distance = cv2.GaussianBlur(cv2.distanceTransform(padded, cv2.DIST_L2, 5), (5, 5), 0)
    radius = float(distance.max())
    near = np.minimum(sampled(distance, points + 0.5) / (round_off * radius), 1)
    half = depth * radius * np.sqrt(1 - (1 - near) ** 2) + 0.3
    return two_sided(points, triangles, half=half, shape=mask.shape)


def card(mask: np.ndarray, *, depth: float) -> trimesh.Trimesh:
    """The silhouette with flat faces; depth: thickness as a share of the longest side."""
    points, triangles = grid_of(mask, edge=4, inside=24)
    half = np.full(len(points), depth * max(mask.shape) / 2)
    return two_sided(points, triangles, half=half, shape=mask.shape)


def turned(profile: np.ndarray, *, height: int, sections: int, spread: float, shape: tuple) -> trimesh.Trimesh:
    """Lathe work: `profile` (n, 2) holds radius and row in pixels, from the top down, about the middle column.

    spread: the share of the radius from which the texture is taken, below 1 to stay off the edge of the picture.
    """
    radius, row = np.concatenate([[[0.0, profile[0, 1]]], profile, [[0.0, profile[-1, 1]]]]).T
    angle = np.linspace(0, 2 * np.pi, sections, endpoint=False)
    middle = shape[1] / 2
    x = middle + radius[:, None] * np.sin(angle)
    z = radius[:, None] * np.cos(angle)
    y = np.broadcast_to(row[:, None], x.shape)
    u = (middle + spread * (x - middle)) / shape[1]
    ring = np.arange(len(radius) - 1)[:, None] * sections
    here, there = np.arange(sections), (np.arange(sections) + 1) % sections
    a, b, c, d = (ring + here, ring + there, ring + sections + here, ring + sections + there)
    faces = np.concatenate([np.stack([a, c, d], 2).reshape(-1, 3), np.stack([a, d, b], 2).reshape(-1, 3)])
    vertices = np.stack([x, y, z], axis=2).reshape(-1, 3)
    uv = np.stack([u, 1 - y / height], axis=2).reshape(-1, 2)
    corners = vertices[faces]
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    return placed(vertices, faces[area > 1e-9], uv=uv)


def placed(vertices: np.ndarray, faces: np.ndarray, *, uv: np.ndarray) -> trimesh.Trimesh:
    """Pixels to the unit cube: y up, centred, the longest side FILL."""
    up = vertices * [1, -1, 1]
    low, high = up[np.unique(faces)].min(axis=0), up[np.unique(faces)].max(axis=0)
    up = (up - (low + high) / 2) * (FILL / (high - low).max())
    mesh = trimesh.Trimesh(up, faces, process=False)
    mesh.visual = trimesh.visual.TextureVisuals(uv=uv)
    mesh.remove_unreferenced_vertices()
    return mesh


def skin(rgb: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The picture with the object's own colours carried on past its edge, so that no background shows at the rim."""
    inner = cv2.erode(mask.astype(np.uint8), np.ones((2 * SKIN + 1,) * 2, np.uint8), borderValue=0)
    inner = inner if inner.any() else mask.astype(np.uint8)
    _, nearest = cv2.distanceTransformWithLabels(1 - inner, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    colours = np.zeros((int(nearest.max()) + 1, 3), np.uint8)
    colours[nearest[inner > 0]] = rgb[inner > 0]
    return colours[nearest]


def glb(mesh: trimesh.Trimesh, *, texture: np.ndarray) -> bytes:
    """Bytes of a glb with one mesh, its normals and one rough, opaque, single-sided material."""
    mesh.visual.material = trimesh.visual.material.PBRMaterial(
        baseColorTexture=Image.fromarray(texture), metallicFactor=0.0, roughnessFactor=0.9, doubleSided=False
    )
    return trimesh.exchange.gltf.export_glb(trimesh.Scene(mesh), include_normals=True)
