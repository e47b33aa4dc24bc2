"""Which colour does a point of the asset have, seen from the camera?

The lamp moves with the camera and stands a little above and to the right of it, so that faces turned to the viewer
still differ in brightness; ambient light keeps the rest readable.  Everything is computed in linear light and encoded
at the end.
"""

import numpy as np
from numpy.typing import NDArray

from formats.glb.gltf import Floats, Model, Paint
from formats.glb.textures import encode
from judging.renderers.rays import Hits, Soup
from judging.renderers.rig import Camera, Rig

AMBIENT = 0.42
LAMP = 0.58  # together 1: white stays white where the lamp shines, and no highlight is clipped
LAMP_TO_RIGHT, LAMP_UP = 0.3, 0.45


class Brush:
    """Paints hits of one model.  Tables per material, looked up per hit."""

    def __init__(self, model: Model, soup: Soup, rig: Rig) -> None:
        self.soup = soup
        self.materials = model.materials
        self.base = np.array([surface.base for surface in model.materials], np.float32)
        self.emissive = np.array([surface.emissive for surface in model.materials], np.float32)
        self.unlit = np.array([surface.unlit for surface in model.materials], np.bool_)
        self.opaque = np.array([not surface.blends and surface.cutoff is None for surface in model.materials], np.bool_)
        self.cutoff = np.array([surface.cutoff or 0.0 for surface in model.materials], np.float32)
        self.masks = np.array([surface.cutoff is not None for surface in model.materials], np.bool_)
        self.footprint = 2 * np.tan(np.radians(rig.fov) / 2) / (rig.pixels * rig.samples)

    def paint(self, hits: Hits, rays: Floats, distance: Floats, camera: Camera) -> Floats:
        """(hits, 4): display-encoded colour and the alpha that counts (0 or 1 except for BLEND)."""
        material = self.soup.material[hits.face]
        corners = self.soup.faces[hits.face]
        weights = np.stack([1 - hits.u - hits.v, hits.u, hits.v], axis=1)
        base = self._base(hits, material, corners, weights, distance)
        light = np.where(self.unlit[material], 1.0, self._light(hits, corners, weights, rays, camera))
        linear = base[:, :3] * light[:, None].astype(np.float32) + self._glow(
            hits, material, corners, weights, distance
        )
        alpha = np.where(self.masks[material], base[:, 3] >= self.cutoff[material], base[:, 3])
        alpha = np.where(self.opaque[material], 1.0, alpha)
        shown = encode(np.clip(linear, 0, 1))
        return np.concatenate([shown, np.clip(alpha, 0, 1)[:, None]], axis=1).astype(np.float32)

    def _base(
        self, hits: Hits, material: NDArray[np.int32], corners: NDArray[np.int32], weights: Floats, distance: Floats
    ) -> Floats:
        base = self.base[material]
        if self.soup.colours is not None:
            base = base * _between(self.soup.colours, corners, weights)
        for index in np.unique(material):
            surface, here = self.materials[index], material == index
            if surface.paint:
                base[here] *= self._texel(
                    surface.paint, self.soup.uv, hits.face[here], corners[here], weights[here], distance[here]
                )
        return base

    def _glow(
        self, hits: Hits, material: NDArray[np.int32], corners: NDArray[np.int32], weights: Floats, distance: Floats
    ) -> Floats:
        glow = self.emissive[material]
        for index in np.unique(material):
            surface, here = self.materials[index], material == index
            if surface.glow and any(surface.emissive):
                glow[here] *= self._texel(
                    surface.glow, self.soup.glow_uv, hits.face[here], corners[here], weights[here], distance[here]
                )[:, :3]
        return glow

    def _texel(
        self,
        paint: Paint,
        uv: Floats,
        face: NDArray[np.int64],
        corners: NDArray[np.int32],
        weights: Floats,
        distance: Floats,
    ) -> Floats:
        """Sampled as coarsely as the picture: texels per sample follow from areas in texture and in space."""
        width, height = paint.texture.size
        first, second, third = (uv[corners[:, i]] for i in range(3))
        along, across = second - first, third - first
        flat = np.abs(along[:, 0] * across[:, 1] - along[:, 1] * across[:, 0]) * width * height
        first, second, third = (self.soup.positions[corners[:, i]] for i in range(3))
        solid = np.linalg.norm(np.cross(second - first, third - first), axis=1)
        density = flat / np.maximum(solid, 1e-20)
        coarseness = 0.5 * np.log2(np.maximum(density * (distance * self.footprint) ** 2, 1e-20))
        return paint.texture.sample(_between(uv, corners, weights), coarseness.astype(np.float32))

    def _light(self, hits: Hits, corners: NDArray[np.int32], weights: Floats, rays: Floats, camera: Camera) -> Floats:
        smooth = _between(self.soup.normals, corners, weights)
        lengths = np.linalg.norm(smooth, axis=1, keepdims=True)
        flat = self.soup.flat[hits.face] | (lengths[:, 0] < 1e-6)
        normals = np.where(flat[:, None], hits.outward, smooth / np.maximum(lengths, 1e-6))
        # The back of a double-sided triangle is lit as a front: turn its normal to the viewer's side.
        behind = np.einsum("ij,ij->i", hits.outward, rays) > 0
        normals = np.where(behind[:, None], -normals, normals)
        to_camera = -np.array(camera.forward)
        lamp = to_camera + LAMP_TO_RIGHT * np.array(camera.right) + LAMP_UP * np.array(camera.up)
        facing = normals @ (lamp / np.linalg.norm(lamp)).astype(np.float32)
        return np.asarray(AMBIENT + LAMP * np.maximum(facing, 0), np.float32)


def _between(values: Floats, corners: NDArray[np.int32], weights: Floats) -> Floats:
    """Barycentric interpolation of per-vertex values."""
    mixed: Floats = np.einsum("ij,ijk->ik", weights, values[corners])
    return mixed
