"""What does a picture that a question shows look like?  Drawn from the bundle's photographs, as the judge saw it.

A picture is one photograph, or several two to a row, shrunk and never enlarged, on white where they have transparency,
as JPEG of quality 92.  With the versions of the platform's pins the bytes are the same.  Only this module of the
verifier needs more than the standard library: numpy, OpenCV and Pillow.
"""

from __future__ import annotations

import io
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from verify.bundles.answers import QUALITY

MOST_PIXELS = 64 * 2**20
MOST_BYTES = 64 * 2**20
SMALLEST = 16
CACHED = 128
"""Drawn pictures that are kept in memory, about 0.1 MB each: the reference, and a leader's sheets."""


class Undrawable(Exception):
    """A file of the bundle is no picture that can be shown."""


@lru_cache(maxsize=CACHED)
def jpeg(tiles: tuple[Path, ...], *, pixels: int) -> bytes:
    """The picture as it is sent.  `pixels`: its longer side.  Raises Undrawable."""
    columns = 1 if len(tiles) == 1 else 2
    shown = [_view_pixels(path, longest=pixels // columns) for path in tiles]
    height, width = shown[0].shape[:2]
    same = [each if each.shape[:2] == (height, width) else cv2.resize(each, (width, height)) for each in shown]
    rows = [cv2.hconcat(same[place : place + columns]) for place in range(0, len(same), columns)]
    out = io.BytesIO()
    whole = cv2.cvtColor(cv2.vconcat(rows), cv2.COLOR_BGR2RGB)
    Image.fromarray(whole).save(out, "JPEG", quality=QUALITY, subsampling=0)
    return out.getvalue()


def size_of(content: bytes) -> tuple[int, int]:
    """Width and height of a drawn picture."""
    with Image.open(io.BytesIO(content)) as picture:
        return picture.size


def _view_pixels(path: Path, *, longest: int) -> Any:
    """BGR pixels of one file, whose size is looked at before it is unpacked: a small file may hold a huge picture."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise Undrawable(f"The picture {path.name[:16]}… has more than {MOST_BYTES} bytes.")
        data = path.read_bytes()
        with Image.open(io.BytesIO(data)) as header:
            width, height = header.size
        if width * height > MOST_PIXELS:
            raise Undrawable(f"The picture {path.name[:16]}… has {width} x {height} pixels.")
        decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except (OSError, ValueError, SyntaxError, cv2.error, Image.DecompressionBombError) as error:
        raise Undrawable(f"The picture {path.name[:16]}… cannot be read: {type(error).__name__}.") from error
    if decoded is None or decoded.dtype != np.uint8 or min(decoded.shape[:2]) < SMALLEST:
        raise Undrawable(f"The picture {path.name[:16]}… cannot be shown.")
    pixels = cv2.cvtColor(decoded, cv2.COLOR_GRAY2BGR) if decoded.ndim == 2 else decoded
    if pixels.shape[2] not in (3, 4):
        raise Undrawable(f"The picture {path.name[:16]}… has {pixels.shape[2]} channels.")
    scale = min(1.0, longest / max(pixels.shape[:2]))
    wide, high = (max(SMALLEST, round(length * scale)) for length in pixels.shape[1::-1])
    pixels = cv2.resize(pixels, (wide, high), interpolation=cv2.INTER_AREA)
    if pixels.shape[2] == 3:
        return pixels
    alpha = pixels[..., 3:].astype(np.float32) / 255
    return (pixels[..., :3] * alpha + 255 * (1 - alpha)).round().astype(np.uint8)
