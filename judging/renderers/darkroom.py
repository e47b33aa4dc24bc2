"""What happens to an asset inside the sandbox?  Checked, read, photographed; raw pixels are left in the current folder.

Raw pixels, because the worker outside then parses nothing that came from in here: it knows how many bytes to expect.
"""

import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from judging.renderers import control, glb
from judging.renderers.base import Bounds
from judging.renderers.gltf import IMAGE_FORMATS, Model, Reader, shown_images
from judging.renderers.one_reading import require_same
from judging.renderers.photograph import photograph
from judging.renderers.rig import Rig, View
from judging.renderers.rules import MOST_IMAGE_EDGE, refusal

# Everything that Pillow would import later: inside its own root folder a child finds no modules.
Image.init()
Image.MAX_IMAGE_PIXELS = MOST_IMAGE_EDGE**2

REHEARSAL = Rig(views=(View("front", 0, 0),), gray=(), pixels=16)


def work(task: dict[str, Any], data: bytes) -> dict[str, Any]:
    """Write `<picture>.rgb` for each picture of `task["rig"]`.  Raises Refused."""
    rig = Rig.from_json(task["rig"])
    facts, reader = glb.examine(data)
    model = read(reader)
    require_same(*extent(model), triangles=facts.triangles, bounds=facts.bounds)
    for name, picture in photograph(model, rig=rig, pictures=list(rig.pictures())).items():
        Path(f"{name}.rgb").write_bytes(picture.tobytes())
    return {"triangles": facts.triangles, "bounds": facts.bounds}


def rehearse() -> None:
    """Draw one trusted file with each kind of picture: loads everything that is loaded on first use."""
    for kind in IMAGE_FORMATS:
        file = io.BytesIO()
        Image.new("RGB", (4, 4), "#336699").save(file, format=kind)
        data = control.glb(picture=file.getvalue())
        photograph(glb.examine(data)[1].model(), rig=REHEARSAL, pictures=["front"])


def read(reader: Reader) -> Model:
    """The numbers of the file have been checked; its pictures can still turn out to be broken when they are decoded."""
    for image in shown_images(reader.tree):
        try:
            reader.pixels(image)
        except MemoryError:
            raise
        except Exception as error:  # decoders raise whatever a broken file leads them to
            raise refusal("BAD_IMAGE", where=f"images[{image}]", why=f"cannot be decoded: {error}") from error
    return reader.model()


def extent(model: Model) -> tuple[int, Bounds]:
    """How many triangles a model draws, and the box of their vertices."""
    parts = [part for part in model.parts if len(part.faces)]
    low = np.min([part.positions.min(axis=0) for part in parts], axis=0)
    high = np.max([part.positions.max(axis=0) for part in parts], axis=0)
    return sum(len(part.faces) for part in parts), (corner(low), corner(high))


def corner(point: Iterable[float]) -> tuple[float, float, float]:
    x, y, z = (float(value) for value in point)
    return x, y, z
