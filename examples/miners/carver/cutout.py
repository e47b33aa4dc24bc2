"""Which pixels of the picture are the object?

A product photo shows its background at the border.  What differs from it is the object; GrabCut settles the rest.
"""

from dataclasses import dataclass

import cv2
import numpy as np

cv2.setNumThreads(1)  # sums in another order would change the bytes of the result

WORKING = 256  # longest side, pixels: the picture and its mask
SETTLING = 144  # longest side, pixels, at which GrabCut works: its time grows with the area
SHADOW = 0.6  # weight of "darker than the background": what a shadow does
LEAST_CONTRAST = 7.0  # Lab units: below this a difference is noise or a gradient


@dataclass(frozen=True)
class Cutout:
    """rgb: H x W x 3 uint8; mask: H x W bool; both cropped to the object."""

    rgb: np.ndarray
    mask: np.ndarray


def cut_out(data: bytes) -> Cutout:
    """The object of a PNG or JPEG.  ValueError if it is no picture or shows nothing."""
    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if decoded is None or decoded.ndim != 3 or min(decoded.shape[:2]) < 16:
        raise ValueError("not a colour picture")
    small = shrunk(decoded[..., :3], WORKING)
    mask = own_mask(decoded) if decoded.shape[2] == 4 else None
    if mask is None:
        mask = solid(settled(small))
    if mask.sum() < 30:
        raise ValueError("no object found in the picture")
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    window = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    return Cutout(rgb=np.ascontiguousarray(small[window][..., ::-1]), mask=mask[window])


def shrunk(pixels: np.ndarray, side: int) -> np.ndarray:
    scale = side / max(pixels.shape[:2])
    size = [max(16, round(length * scale)) for length in pixels.shape[1::-1]]
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)


def own_mask(decoded: np.ndarray) -> np.ndarray | None:
    """The picture's own transparency, where it has a transparent background."""
    alpha = shrunk(decoded[..., 3], WORKING) > 127
    return alpha if 0.01 < alpha.mean() < 0.95 else None


def contrast(pixels: np.ndarray) -> np.ndarray:
    """Distance in Lab of each pixel from the background of its row, read at the left and the right border."""
    lab = cv2.cvtColor(pixels.astype(np.float32) / 255, cv2.COLOR_BGR2LAB)
    edge = max(2, lab.shape[1] // 48)
    left = cv2.GaussianBlur(np.median(lab[:, :edge], axis=1)[:, None], (1, 9), 0)
    right = cv2.GaussianBlur(np.median(lab[:, -edge:], axis=1)[:, None], (1, 9), 0)
    across = np.linspace(0, 1, lab.shape[1], dtype=np.float32)[None, :, None]
    difference = lab - (left * (1 - across) + right * across)
    lightness = difference[..., 0]
    difference[..., 0] = np.where(lightness < 0, lightness * SHADOW, lightness)
    return np.linalg.norm(difference, axis=2)


def settled(pixels: np.ndarray) -> np.ndarray:
    """Mask at the size of `pixels`."""
    small = shrunk(pixels, SETTLING)
    distance = contrast(small)
    ring = np.concatenate(
        [distance[:3].ravel(), distance[-3:].ravel(), distance[:, :3].ravel(), distance[:, -3:].ravel()]
    )
    threshold = max(LEAST_CONTRAST, float(np.percentile(ring, 90)))
    hint = np.where(distance > threshold, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    sure = cv2.erode((distance > 2.5 * threshold).astype(np.uint8), np.ones((3, 3), np.uint8))
    hint[sure > 0] = cv2.GC_FGD
    hint[:2], hint[-2:], hint[:, :2], hint[:, -2:] = (cv2.GC_BGD,) * 4
    if not (hint == cv2.GC_FGD).any():
        hint[tuple(slice(side // 4, -side // 4) for side in hint.shape)] = cv2.GC_PR_FGD
    cv2.setRNGSeed(17)
    cv2.grabCut(small, hint, None, np.zeros((1, 65)), np.zeros((1, 65)), 3, cv2.GC_INIT_WITH_MASK)
    found = ((hint == cv2.GC_FGD) | (hint == cv2.GC_PR_FGD)).astype(np.float32)
    return cv2.resize(found, pixels.shape[1::-1], interpolation=cv2.INTER_CUBIC) > 0.5


def solid(mask: np.ndarray) -> np.ndarray:
    """Without specks and pinholes; what is left of an object in several pieces is kept."""
    kept = mask.astype(np.uint8)
    for value, share in ((1, 0.02), (0, 0.004)):
        count, labels, stats, _ = cv2.connectedComponentsWithStats((kept == value).astype(np.uint8), connectivity=4)
        areas = stats[1:, cv2.CC_STAT_AREA]
        least = share * max(kept.sum(), 1)
        for label in range(1, count):
            if areas[label - 1] < least:
                kept[labels == label] = 1 - value
    return kept.astype(bool)
