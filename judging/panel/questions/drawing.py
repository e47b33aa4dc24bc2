"""How are several photographs made into one picture, and how much of an object is white?  Only judges load this."""

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
    drawn = _level([opaque(path, side=side // columns) for path in tiles])
    rows = [cv2.hconcat(drawn[i : i + columns]) for i in range(0, len(drawn), columns)]
    return np.asarray(cv2.vconcat(rows), np.uint8)


def jpeg(pixels: Pixels, *, quality: int) -> bytes:
    out = io.BytesIO()
    Image.fromarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)).save(out, "JPEG", quality=quality, subsampling=0)
    return out.getvalue()


def _level(tiles: list[Pixels]) -> list[Pixels]:
    """All as large as the first: views of one rig are, and one that is not must not break the sheet."""
    height, width = tiles[0].shape[:2]
    return [
        tile if tile.shape[:2] == (height, width) else np.asarray(cv2.resize(tile, (width, height)), np.uint8)
        for tile in tiles
    ]


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
