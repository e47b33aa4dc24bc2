"""Work that leaves something else than a small file, for whoever reads it outside to notice.  Never run elsewhere."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from formats.registry import FORMATS

NAME, LARGEST = "light.glb", FORMATS["glb"].light_most


def work(task: dict[str, Any], data: bytes) -> dict[str, Any]:
    deed = data.decode()
    if deed == "pipe":
        os.mkfifo(NAME)
    elif deed == "folder":
        Path(NAME).mkdir()
    elif deed == "flood":
        Path(NAME).write_bytes(b"x" * (LARGEST + 1))
    elif deed == "empty":
        Path(NAME).write_bytes(b"")
    elif deed == "lie":
        Path(NAME).write_bytes(b"x")
        return {"triangles": "many"}
    return {"triangles": 3}
