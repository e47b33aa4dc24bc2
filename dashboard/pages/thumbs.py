"""How does a list show many pictures at little cost?  As small copies, made once and named by the original's hash."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from django.conf import settings
from PIL import Image

from core import store

EDGE = 256
QUALITY = 82


def thumb(sha256: str) -> Path:
    """A WebP of at most 256 x 256 pixels of a stored picture (ours: a prompt or a view).

    Raises NotInStore; and OSError, or Pillow's DecompressionBombError, for what is no picture to Pillow.
    """
    goal = Path(settings.VAR_DIR) / "thumbs" / sha256[:2] / f"{sha256}.webp"
    if goal.is_file():
        return goal
    source = store.default().path(sha256)
    goal.parent.mkdir(parents=True, exist_ok=True)
    with Image.open(source) as picture:
        small = picture.convert("RGBA" if "A" in picture.getbands() else "RGB")
    small.thumbnail((EDGE, EDGE))
    # Written beside the goal and renamed: two visitors at once make the same file.
    handle, name = tempfile.mkstemp(prefix="incoming-", dir=goal.parent)
    with os.fdopen(handle, "wb") as file:
        small.save(file, "WEBP", quality=QUALITY)
    Path(name).replace(goal)
    return goal
