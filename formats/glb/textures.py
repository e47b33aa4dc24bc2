"""Which colour does a texture show at (u, v), seen at a given coarseness?"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Floats = NDArray[np.float32]

CLAMP, MIRROR, REPEAT = 33071, 33648, 10497
NEAREST, LINEAR_FILTER, SMOOTH = 9728, 9729, 9987  # SMOOTH: between texels, in the coarser copy that fits
MINIFYING = {  # glTF's minFilter: (between texels, in coarser copies)
    NEAREST: (False, False),
    LINEAR_FILTER: (True, False),
    9984: (False, True),
    9985: (True, True),
    9986: (False, True),
    SMOOTH: (True, True),
}

# glTF colours are stored in sRGB and mixed in linear light (IEC 61966-2-1).
_ENCODED = np.arange(256) / 255.0
LINEAR = np.where(_ENCODED <= 0.04045, _ENCODED / 12.92, ((_ENCODED + 0.055) / 1.055) ** 2.4).astype(np.float32)


def encode(linear: Floats) -> Floats:
    """Linear light to sRGB, both within 0 and 1."""
    low = linear * 12.92
    high = 1.055 * np.power(np.maximum(linear, 1e-6), 1 / 2.4) - 0.055
    return np.where(linear <= 0.0031308, low, high).astype(np.float32)


class Texture:
    """RGBA bytes with ever coarser copies, each half the size of the one before (as a graphics card keeps them).

    `wraps`: glTF's wrapS and wrapT; `filters`: its magFilter and minFilter.
    """

    def __init__(
        self,
        pixels: NDArray[np.uint8],
        *,
        wraps: tuple[int, int] = (REPEAT, REPEAT),
        filters: tuple[int, int] = (LINEAR_FILTER, SMOOTH),
    ) -> None:
        self.levels = [np.ascontiguousarray(pixels)]
        self.wraps = wraps
        self.filters = filters
        self.size = (pixels.shape[1], pixels.shape[0])

    def level(self, number: int) -> NDArray[np.uint8]:
        while len(self.levels) <= number and max(self.levels[-1].shape[:2]) > 1:
            finer = Image.fromarray(self.levels[-1])
            self.levels.append(np.asarray(finer.reduce((min(2, finer.width), min(2, finer.height)))))
        return self.levels[min(number, len(self.levels) - 1)]

    def sample(self, uv: Floats, coarseness: Floats) -> Floats:
        """(n, 4) linear colours with plain alpha.  `coarseness` (n): base-2 logarithm of texels per sample."""
        most = int(np.ceil(np.log2(max(self.size)))) if max(self.size) > 1 else 0
        coarse = np.nan_to_num(coarseness)
        small_mixed, in_copies = MINIFYING[self.filters[1]]
        levels = np.clip(np.rint(coarse), 0, most if in_copies else 0).astype(np.int32)
        mixed = np.where(coarse > 0, small_mixed, self.filters[0] == LINEAR_FILTER)
        colours = np.empty((len(uv), 4), np.float32)
        safe = np.nan_to_num(uv, posinf=0.0, neginf=0.0)
        for number in np.unique(levels):
            pixels = self.level(int(number))
            (height, width), texels = pixels.shape[:2], pixels.reshape(-1, 4)
            between = (levels == number) & mixed
            if between.any():
                left, right, x = _neighbours(safe[between, 0], width, self.wraps[0])
                above, below, y = _neighbours(safe[between, 1], height, self.wraps[1])
                top = _mix(texels[above * width + left], texels[above * width + right], x)
                bottom = _mix(texels[below * width + left], texels[below * width + right], x)
                colours[between] = top + (bottom - top) * y[:, None]
            nearest = (levels == number) & ~mixed
            if nearest.any():
                place = safe[nearest].astype(np.float64)
                column = np.clip(np.floor(_wrapped(place[:, 0], self.wraps[0]) * width), 0, width - 1).astype(np.int64)
                row = np.clip(np.floor(_wrapped(place[:, 1], self.wraps[1]) * height), 0, height - 1).astype(np.int64)
                colours[nearest] = _linear(texels[row * width + column])
        return colours


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
