"""Which colour does a texture show at (u, v), seen at a given coarseness?"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Floats = NDArray[np.float32]

CLAMP, MIRROR, REPEAT = 33071, 33648, 10497

# glTF colours are stored in sRGB and mixed in linear light (IEC 61966-2-1).
_ENCODED = np.arange(256) / 255.0
LINEAR = np.where(_ENCODED <= 0.04045, _ENCODED / 12.92, ((_ENCODED + 0.055) / 1.055) ** 2.4).astype(np.float32)


def encode(linear: Floats) -> Floats:
    """Linear light to sRGB, both within 0 and 1."""
    low = linear * 12.92
    high = 1.055 * np.power(np.maximum(linear, 1e-6), 1 / 2.4) - 0.055
    return np.where(linear <= 0.0031308, low, high).astype(np.float32)


class Texture:
    """RGBA bytes with ever coarser copies, each half the size of the one before (as a graphics card keeps them)."""

    def __init__(self, pixels: NDArray[np.uint8], *, wrap_u: int = REPEAT, wrap_v: int = REPEAT) -> None:
        self.levels = [np.ascontiguousarray(pixels)]
        self.wraps = (wrap_u, wrap_v)
        self.size = (pixels.shape[1], pixels.shape[0])

    def level(self, number: int) -> NDArray[np.uint8]:
        while len(self.levels) <= number and max(self.levels[-1].shape[:2]) > 1:
            finer = Image.fromarray(self.levels[-1])
            self.levels.append(np.asarray(finer.reduce((min(2, finer.width), min(2, finer.height)))))
        return self.levels[min(number, len(self.levels) - 1)]

    def sample(self, uv: Floats, coarseness: Floats) -> Floats:
        """(n, 4) linear colours with plain alpha.  `coarseness` (n): base-2 logarithm of texels per sample."""
        most = int(np.ceil(np.log2(max(self.size)))) if max(self.size) > 1 else 0
        levels = np.clip(np.nan_to_num(np.rint(coarseness)), 0, most).astype(np.int32)
        colours = np.empty((len(uv), 4), np.float32)
        for number in np.unique(levels):
            here = levels == number
            colours[here] = self._bilinear(self.level(int(number)), uv[here])
        return colours

    def _bilinear(self, pixels: NDArray[np.uint8], uv: Floats) -> Floats:
        height, width = pixels.shape[:2]
        safe = np.nan_to_num(uv, posinf=0.0, neginf=0.0)
        left, right, x = _neighbours(safe[:, 0], width, self.wraps[0])
        above, below, y = _neighbours(safe[:, 1], height, self.wraps[1])
        rows = pixels.reshape(-1, 4)
        top = _mix(rows[above * width + left], rows[above * width + right], x)
        bottom = _mix(rows[below * width + left], rows[below * width + right], x)
        return top + (bottom - top) * y[:, None]


def _mix(first: NDArray[np.uint8], second: NDArray[np.uint8], share: Floats) -> Floats:
    one, other = _linear(first), _linear(second)
    return one + (other - one) * share[:, None]


def _linear(rgba: NDArray[np.uint8]) -> Floats:
    colours = LINEAR[rgba]
    colours[:, 3] = rgba[:, 3] / np.float32(255)
    return colours


def _neighbours(coordinate: Floats, size: int, wrap: int) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    """The two texels around a coordinate, and how far it is toward the second."""
    place = _wrapped(coordinate.astype(np.float64), wrap) * size - 0.5
    first = np.floor(place).astype(np.int64)
    share = (place - first).astype(np.float32)
    if wrap == REPEAT:
        return first % size, (first + 1) % size, share
    return np.clip(first, 0, size - 1), np.clip(first + 1, 0, size - 1), share


def _wrapped(coordinate: NDArray[np.float64], wrap: int) -> NDArray[np.float64]:
    if wrap == CLAMP:
        return np.clip(coordinate, 0.0, 1.0)
    if wrap == MIRROR:
        return 1.0 - np.abs(coordinate % 2.0 - 1.0)
    return coordinate % 1.0
