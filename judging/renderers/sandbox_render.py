"""What happens to an asset inside the sandbox?  Checked, read, photographed; raw pixels are left in the current folder.

Raw pixels, because the worker outside then parses nothing that came from in here: it knows how many bytes to expect.
"""

import io
from pathlib import Path
from typing import Any

from PIL import Image

from formats import known_good_files
from formats.glb import check as glb
from formats.glb.decoded import extent, read
from formats.glb.gltf import IMAGE_FORMATS
from formats.one_reading import require_same
from formats.rules import MOST_IMAGE_EDGE
from judging.renderers.raycaster import photograph
from judging.renderers.rig import Rig, View

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
        data = known_good_files.glb(picture=file.getvalue())
        photograph(glb.examine(data)[1].model(), rig=REHEARSAL, pictures=["front"])
