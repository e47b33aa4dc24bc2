"""How are several views drawn into one picture, and how much of an object is white?  Only judges load this module."""

import io
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from judging.perceptual import silhouettes
from judging.perceptual.silhouettes import Pixels


def sheet(tiles: Sequence[Path], *, side: int) -> Pixels:
    """Two to a row, row by row; one alone fills the picture.  BGR."""
    columns = 1 if len(tiles) == 1 else 2
    drawn = [opaque(path, side=side // columns) for path in tiles]
    height, width = drawn[0].shape[:2]
    for place, tile in enumerate(drawn):  # views of one rig are equally large, and one that is not must not break it
        if tile.shape[:2] != (height, width):
            drawn[place] = np.asarray(cv2.resize(tile, (width, height)), np.uint8)
    rows = [cv2.hconcat(drawn[i : i + columns]) for i in range(0, len(drawn), columns)]
    return np.asarray(cv2.vconcat(rows), np.uint8)


def jpeg(pixels: Pixels, *, quality: int) -> bytes:
    out = io.BytesIO()
    Image.fromarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)).save(out, "JPEG", quality=quality, subsampling=0)
    return out.getvalue()


def opaque(path: Path, *, side: int) -> Pixels:
    """On white where the file has transparency."""
    pixels = silhouettes.shrunk(silhouettes.read(path), side=side)
    if pixels.shape[2] == 3:
        return pixels
    alpha = pixels[..., 3:].astype(np.float32) / 255
    return (pixels[..., :3] * alpha + 255 * (1 - alpha)).round().astype(np.uint8)


def white_share(white: Path, gray: Path, *, white_from: int) -> float:
    """The share of the object's pixels that are nearly white; `white` and `gray` are the same view on two grounds."""
    on_white, on_gray = (silhouettes.read(path)[..., :3] for path in (white, gray))
    covered = silhouettes.of_view(on_white, on_gray) > 0.5
    return float((on_white[covered] >= white_from).all(axis=1).mean()) if covered.any() else 0.0
