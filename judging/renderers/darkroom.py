"""What happens to an asset inside the sandbox?  Checked, read, photographed; raw pixels are left in the current folder.

Raw pixels, because the worker outside then parses nothing that came from in here: it knows how many bytes to expect.
"""

import io
import struct
import zlib
from pathlib import Path
from typing import Any

from PIL import Image

from judging.renderers import control, glb
from judging.renderers.gltf import IMAGE_FORMATS, Model, Reader
from judging.renderers.photograph import photograph
from judging.renderers.rig import Rig, View
from judging.renderers.rules import MOST_IMAGE_EDGE, refusal

# Everything that Pillow would import later: inside its own root folder a child finds no modules.
Image.init()
Image.MAX_IMAGE_PIXELS = MOST_IMAGE_EDGE**2

REHEARSAL = Rig(views=(View("front", 0, 0),), gray=(), pixels=16)
DECODING_ERRORS = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error, Image.DecompressionBombError)


def work(task: dict[str, Any], data: bytes) -> dict[str, Any]:
    """Write `<picture>.rgb` for each picture of `task["rig"]`.  Raises Refused."""
    rig = Rig.from_json(task["rig"])
    facts, reader = glb.examine(data)
    model = read(reader)
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
    try:
        return reader.model()
    except DECODING_ERRORS as error:
        raise refusal("BAD_IMAGE", where="an embedded picture", why=f"cannot be decoded: {error}") from error
