"""How alike are two pictures of an object, whatever their size, place and light?

An object is looked at on a small square canvas, fitted by its bounding box: size and place are the camera's doing,
proportions are not.  Each measure is between 0 and 1, 1 for two equal looks.
"""

from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from judging.perceptual import silhouettes
from judging.perceptual.silhouettes import Mask, Pixels

Field = NDArray[np.float32]

CANVAS = 96  # pixels
FILLED = 84  # pixels: the object's longest side on the canvas
COARSE = 3  # the second scale of `structure`: each pixel is 3 x 3 of the canvas
LIGHT = 0.6  # weight of lightness against colour: the reference's light is not the rig's
WINDOW = 3.0  # pixels: standard deviation of the windows of `structure`
SOFT = 4.0  # pixels: blur of an outline seen from about the same place
FLAT = 6.0  # squared Lab units: variation below this is noise
FINE = 1.5  # pixels: detail is what a blur of this width takes away
CALM = 0.6  # Lab units: detail below this is noise
FAR_PIXEL = 24.0  # Lab units at which `paint` has fallen to 1/e
FAR_PALETTE = 14.0  # Lab units at which `palette` has fallen to 1/e
FAR_STRANGE = 14.0  # Lab units at which `familiar` has fallen to 1/e
SAMPLED = 144
QUANTILES = np.linspace(0.03, 0.97, 16)


@dataclass(frozen=True)
class Look:
    """mask: CANVAS x CANVAS, 0 to 1; lab: CANVAS x CANVAS x 3, lightness already weighted, 0 outside the object.

    width, height: of the object, as a share of the picture; detail: see `_detail`.
    """

    mask: Mask
    lab: Field
    quantiles: Field
    detail: float
    sample: Field
    width: float
    height: float

    @classmethod
    def of(cls, pixels: Pixels, mask: Mask, *, background: Field | None = None) -> Self | None:
        """None if nothing is seen.  `background`: the plain colour that shines through where the mask is below 1."""
        rows, columns = np.flatnonzero((mask > 0.5).any(axis=1)), np.flatnonzero((mask > 0.5).any(axis=0))
        if len(rows) < 2 or len(columns) < 2:
            return None
        window = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        cover = mask[window]
        colour = pixels[window][..., :3].astype(np.float32)
        shone = background * (1 - cover[..., None]) if background is not None else colour * (1 - cover[..., None])
        extent = (cover.shape[1] / mask.shape[1], cover.shape[0] / mask.shape[0])
        return cls._on_canvas(colour - shone, cover, extent=extent)

    @classmethod
    def _on_canvas(cls, premultiplied: Field, cover: Mask, *, extent: tuple[float, float]) -> Self:
        placed = _placed(np.dstack([premultiplied, cover * 255]))
        mask = placed[..., 3] / 255
        colour = placed[..., :3] / np.maximum(mask, 1e-3)[..., None]
        weighted = silhouettes.lab(np.clip(np.rint(colour), 0, 255).astype(np.uint8)) * [LIGHT, 1, 1]
        inside = mask > 0.5
        lab: Field = np.where(inside[..., None], weighted, 0).astype(np.float32)
        seen = lab[_core(inside)]
        quantiles = np.quantile(seen, QUANTILES, axis=0).astype(np.float32)
        return cls(mask.astype(np.float32), lab, quantiles, _detail(lab, inside), _sample(seen), *extent)

    @property
    def area(self) -> float:
        """Share of the picture that the object covers."""
        return float(self.mask.sum()) * (max(self.width, self.height) / FILLED) ** 2

    def mirrored(self) -> Mask:
        return np.ascontiguousarray(self.mask[:, ::-1])


def _placed(layers: Field) -> Field:
    scale = FILLED / max(layers.shape[:2])
    height, width = (max(1, round(length * scale)) for length in layers.shape[:2])
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    canvas = np.zeros((CANVAS, CANVAS, layers.shape[2]), np.float32)
    top, left = (CANVAS - height) // 2, (CANVAS - width) // 2
    canvas[top : top + height, left : left + width] = cv2.resize(layers, (width, height), interpolation=way)
    return canvas


def _core(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Without the rim, where background and object mix; all of it where an object is nothing but rim."""
    core = cv2.erode(inside.astype(np.uint8), np.ones((3, 3), np.uint8), borderValue=0).astype(bool)
    return core if core.sum() >= 16 else inside


def _blurred(field: Field, sigma: float) -> Field:
    return np.asarray(cv2.GaussianBlur(field, (0, 0), sigma, borderType=cv2.BORDER_CONSTANT), np.float32)


def _detail(lab: Field, inside: NDArray[np.bool_]) -> float:
    """Root mean square, in Lab units, of what a fine blur takes away inside the object."""
    weight = np.maximum(_blurred(inside.astype(np.float32), FINE), 1e-3)[..., None]
    rest = (lab - _blurred(lab, FINE) / weight)[_core(inside)]
    return float(np.sqrt((rest * rest).sum(axis=-1).mean()))


def _sample(seen: Field) -> Field:
    """SAMPLED colours, evenly spread over the object."""
    return np.asarray(seen[np.linspace(0, len(seen) - 1, SAMPLED).astype(int)], np.float32)


def overlap(one: Mask, other: Mask) -> float:
    """Intersection over union of two masks of one size; 0 if both are empty."""
    union = float(np.maximum(one, other).sum())
    return float(np.minimum(one, other).sum()) / union if union else 0.0


def about(one: Mask, other: Mask) -> float:
    """Overlap that forgives a turn of the camera: of the masks, blurred."""
    return overlap(_blurred(one, SOFT), _blurred(other, SOFT))


def palette(one: Look, other: Look) -> float:
    """The same colours in the same amounts, wherever they are."""
    return float(np.exp(-np.abs(one.quantiles - other.quantiles).mean(axis=0).sum() / FAR_PALETTE))


def familiar(one: Look, other: Look) -> float:
    """Every colour of `one` is a colour of `other`, in whatever amount and place."""
    distance = np.linalg.norm(one.sample[:, None] - other.sample[None], axis=2).min(axis=1)
    return float(np.exp(-distance.mean() / FAR_STRANGE))


def paint(one: Look, other: Look) -> float:
    """The same colours in the same places, a little out of place forgiven."""
    both = _both(one, other)
    if not both.any():
        return 0.0
    apart = _blurred(one.lab, 2.0) - _blurred(other.lab, 2.0)
    weight = np.maximum(_blurred(np.maximum(one.mask, other.mask), 2.0), 0.2)
    distance = silhouettes.length(apart) / weight
    return float(np.exp(-distance[both].mean() / FAR_PIXEL))


def structure(one: Look, other: Look) -> float:
    """The same edges in the same places (SSIM without its lightness term), at two scales."""
    both = _both(one, other)
    if not both.any():
        return 0.0
    weight: Field = both.astype(np.float32)
    coarse = _ssim(_coarse(one.lab), _coarse(other.lab), _coarse(weight))
    return (_ssim(one.lab, other.lab, weight) + coarse) / 2


def _coarse(field: Field) -> Field:
    return np.asarray(cv2.resize(field, None, fx=1 / COARSE, fy=1 / COARSE, interpolation=cv2.INTER_AREA), np.float32)


def _both(one: Look, other: Look) -> NDArray[np.bool_]:
    both: NDArray[np.bool_] = (one.mask > 0.5) & (other.mask > 0.5)
    return both


def _ssim(one: Field, other: Field, weight: Field) -> float:
    near = np.maximum(_blurred(weight, WINDOW), 1e-3)
    mean_one = np.asarray(_blurred(one * weight[..., None], WINDOW) / near[..., None], np.float32)
    mean_other = np.asarray(_blurred(other * weight[..., None], WINDOW) / near[..., None], np.float32)

    def spread(products: Field, of_means: Field) -> Field:
        """Covariance or variances, summed over the colours."""
        return np.asarray(_blurred(_summed(products) * weight, WINDOW) / near - _summed(of_means), np.float32)

    together = spread(one * other, mean_one * mean_other)
    apart = spread(one * one + other * other, mean_one * mean_one + mean_other * mean_other)
    alike = (2 * together + FLAT) / (apart + FLAT)
    return float(np.clip((alike * weight).sum() / max(float(weight.sum()), 1e-6), 0, 1))


def _summed(colours: Field) -> Field:
    return np.asarray(cv2.transform(colours, np.ones((1, 3), np.float32)), np.float32)


def sharpness(one: Look, other: Look) -> float:
    """As much fine detail, neither blurred nor noisy."""
    low, high = sorted((one.detail, other.detail))
    return (low + CALM) / (high + CALM)
