"""Which pixels are the object, in a reference picture and in a rendered view?

Colour arrays are BGR, H x W x 3, uint8; masks are H x W, float32, 0 to 1.
"""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from judging.backends.base import NoAnswer

Pixels = NDArray[np.uint8]
Mask = NDArray[np.float32]

SETTLING = 160  # pixels, longest side, at which GrabCut works: its time grows with the area
SHADOW = 0.35  # weight of "darker than the background", which is what a shadow does
LEAST_CONTRAST = 7.0  # Lab units; less is noise or a gradient of the light
LEAST_OBJECT = 0.004  # share of the picture
VISIBLE = 2  # levels of 255 by which a rendered pixel differs from its plain background

cv2.setNumThreads(1)  # sums in another order would be other sums


def read(path: Path) -> Pixels:
    """BGR pixels, or BGRA where the file has transparency.  Raises NoAnswer: a view that is not there is our fault."""
    try:
        decoded = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
    except (OSError, cv2.error) as error:
        raise NoAnswer("unreadable_view", f"The picture {path.name} could not be read.") from error
    if decoded is None or decoded.dtype != np.uint8 or min(decoded.shape[:2]) < 16:
        raise NoAnswer("unreadable_view", f"The picture {path.name} could not be decoded.")
    return np.asarray(cv2.cvtColor(decoded, cv2.COLOR_GRAY2BGR) if decoded.ndim == 2 else decoded, np.uint8)


def shrunk(pixels: Pixels, *, side: int) -> Pixels:
    """Scaled so that the longest side is `side`, never enlarged."""
    scale = min(1.0, side / max(pixels.shape[:2]))
    size = [max(16, round(length * scale)) for length in pixels.shape[1::-1]]
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


def lab(pixels: Pixels) -> NDArray[np.float32]:
    """L 0 to 100, a and b about -100 to 100."""
    return np.asarray(cv2.cvtColor(pixels[..., :3].astype(np.float32) / 255, cv2.COLOR_BGR2LAB), np.float32)


def length(colours: NDArray[np.float32]) -> NDArray[np.float32]:
    """Euclidean, over the last axis of H x W x 3."""
    return np.sqrt(cv2.transform(colours * colours, np.ones((1, 3), np.float32)))


def of_view(white: Pixels, gray: Pixels | None) -> Mask:
    """Coverage of each pixel.

    With the same view on two plain backgrounds it is exact, even for an object of the background's own colour: what
    the object covers is the same in both.  With one background, it is whatever differs from the corner.
    """
    if gray is not None and gray.shape == white.shape:
        apart = white[0, 0].astype(np.float32) - gray[0, 0].astype(np.float32)
        if abs(apart).min() > 32:
            shone = cv2.absdiff(white, gray).astype(np.float32)
            covered = 1 - cv2.transform(shone, (1 / (3 * np.abs(apart)))[None])
            return np.asarray(np.clip(covered, 0, 1), np.float32)
    differs = np.abs(white.astype(np.int16) - white[0, 0].astype(np.int16)) >= VISIBLE
    return np.asarray(differs[..., 0] | differs[..., 1] | differs[..., 2], np.float32)


def of_reference(pixels: Pixels) -> Mask:
    """The object of a product picture: what differs from the background at the border, settled by GrabCut."""
    if pixels.shape[2] == 4 and 0.01 < (pixels[..., 3] > 127).mean() < 0.98:
        return np.asarray(pixels[..., 3].astype(np.float32) / 255, np.float32)
    small = shrunk(pixels[..., :3], side=SETTLING)
    mask = _without_specks(_settled(small))
    if mask.mean() < LEAST_OBJECT:
        raise NoAnswer("no_object", "No object was found in the prompt's picture.")
    full = cv2.resize(mask.astype(np.float32), pixels.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    return np.clip(full, 0, 1)


def _contrast(small: Pixels) -> NDArray[np.float32]:
    """Distance of each pixel, in Lab units, from a background that changes smoothly from border to border."""
    colours = lab(small)
    width = colours.shape[1]
    edge = max(2, width // 40)
    left = cv2.GaussianBlur(np.median(colours[:, :edge], axis=1)[:, None], (1, 11), 0)
    right = cv2.GaussianBlur(np.median(colours[:, -edge:], axis=1)[:, None], (1, 11), 0)
    across = np.linspace(0, 1, width, dtype=np.float32)[None, :, None]
    apart = colours - (left * (1 - across) + right * across)
    apart[..., 0] = np.where(apart[..., 0] < 0, apart[..., 0] * SHADOW, apart[..., 0])
    return length(apart)


def _settled(small: Pixels) -> NDArray[np.bool_]:
    distance = _contrast(small)
    edge = np.ones(distance.shape, bool)
    edge[3:-3, 3:-3] = False
    threshold = max(LEAST_CONTRAST, 1.5 * float(np.percentile(distance[edge], 90)))
    labels = np.where(distance > threshold, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    sure = cv2.erode((distance > 2 * threshold).astype(np.uint8), np.ones((3, 3), np.uint8))
    labels[sure > 0] = cv2.GC_FGD
    if (labels == cv2.GC_FGD).mean() < LEAST_OBJECT:  # a busy background: trust the middle of the picture
        middle = tuple(slice(side // 6, side - side // 6) for side in distance.shape)
        labels[middle] = np.where(labels[middle] == cv2.GC_PR_BGD, cv2.GC_PR_FGD, labels[middle])
    labels[edge] = cv2.GC_BGD
    cv2.setRNGSeed(17)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(small, labels, None, *models, 3, cv2.GC_INIT_WITH_MASK)  # type: ignore[call-overload]  # with a mask the rectangle is None
    mask: NDArray[np.bool_] = (labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)
    return mask


def _without_specks(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Pieces under 2 % of the object go, and pinholes are closed; an object in several pieces is kept."""
    cleaned = mask.astype(np.uint8)
    for value, share in ((1, 0.02), (0, 0.004)):
        total, labels, stats, _ = cv2.connectedComponentsWithStats((cleaned == value).astype(np.uint8), connectivity=4)
        least = share * max(int(cleaned.sum()), 1)
        small = [label for label in range(1, total) if stats[label, cv2.CC_STAT_AREA] < least]
        cleaned[np.isin(labels, small)] = 1 - value
    return cleaned.astype(bool)
