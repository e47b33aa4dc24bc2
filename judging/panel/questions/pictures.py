"""Which pictures does a vision-language judge see?  The reference, and one sheet of views per asset.

A picture is named by what it is made of (files by content, layout, size), so that a question can be recognised without
drawing it.  Sheets are JPEG, which wipes out patterns of single pixels that are made to fool a model.
"""

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from judging.backends.base import NoAnswer, Side
from judging.panel.questions import identity

QUALITY = 92  # of JPEG
WHITE_FROM = 225  # of 255: each channel of a pixel that is hard to see on white
PALE_FROM = 0.25  # share of the object's pixels
CONTENT_NAME = re.compile(r"[0-9a-f]{64}")
CACHED_SHEETS = 256  # sheets in memory, about 0.1 MB each


@dataclass(frozen=True)
class Picture:
    """`tiles`: picture files, two to a row; `pixels`: longer side of the whole."""

    tiles: tuple[Path, ...]
    pixels: int

    @cached_property
    def digest(self) -> str:
        made_of: dict[str, Any] = {
            "layout": "sheet-1",
            "quality": QUALITY,
            "pixels": self.pixels,
            "tiles": [*map(content, self.tiles)],
        }
        return identity.digest(made_of)

    def jpeg(self) -> bytes:
        return drawn(self)

    def data_url(self) -> str:
        return f"data:image/jpeg;base64,{base64.b64encode(self.jpeg()).decode()}"


@dataclass(frozen=True)
class ReadyPicture(Picture):
    """A picture whose JPEG was made elsewhere: a machine that only runs a model has nothing that draws sheets."""

    data: bytes

    @cached_property
    def digest(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    def jpeg(self) -> bytes:
        return self.data


def sheet(side: Side, names: Sequence[str], *, pixels: int) -> Picture:
    """The named views of an asset.  Raises NoAnswer for a view that was never rendered."""
    missing = [name for name in names if name not in side.views]
    if missing:
        raise NoAnswer("missing_view", f"The view {missing[0]} of an asset is missing.")
    return Picture(tuple(side.views[name] for name in names), pixels)


def content(path: Path) -> str:
    """A file of the store is named by its content; any other is read."""
    return path.name if CONTENT_NAME.fullmatch(path.name) else _digest(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=8192)
def _digest(path: Path, _changed: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@lru_cache(maxsize=CACHED_SHEETS)
def drawn(picture: Picture) -> bytes:
    from judging.panel.questions import drawing  # loads OpenCV, which the web process must not

    pixels = drawing.sheet(picture.tiles, side=picture.pixels)
    return drawing.jpeg(pixels, quality=QUALITY)


def low_contrast(side: Side, names: Sequence[str]) -> bool:
    """Is a good part of the asset hard to see on white?  False where it has no gray views to ask about."""
    pairs = [(side.views.get(name), side.views.get(f"gray_{name}")) for name in names]
    shares = [_white_share(white, gray) for white, gray in pairs if white is not None and gray is not None]
    return bool(shares) and max(shares) >= PALE_FROM


@lru_cache(maxsize=8192)
def _white_share(white: Path, gray: Path) -> float:
    from judging.panel.questions import drawing  # as in `drawn`

    return drawing.white_share(white, gray, white_from=WHITE_FROM)
