"""What happens to an asset inside the sandbox?  It is checked, read and drawn; raw pixels are left in its folder.

Raw pixels, because the worker outside then parses nothing that came from in here: it knows how many bytes to expect.
"""

from pathlib import Path
from typing import Any

from formats.glb import check as glb
from formats.glb.decoded import extent, known_good_models, read
from formats.one_reading import require_same
from judging.renderers.raycaster import draw_pictures
from judging.renderers.rig import CameraView, Rig

REHEARSAL = Rig(views=(CameraView("front", 0, 0),), gray=(), pixels=16)


def work(task: dict[str, Any], data: bytes) -> dict[str, Any]:
    """Write `<picture>.rgb` for each picture of `task["rig"]`.  Raises Refused."""
    rig = Rig.from_json(task["rig"])
    facts, reader = glb.examine(data)
    model = read(reader)
    require_same(*extent(model), triangles=facts.triangles, bounds=facts.bounds)
    for name, picture in draw_pictures(model, rig=rig, pictures=list(rig.pictures())).items():
        Path(f"{name}.rgb").write_bytes(picture.tobytes())
    return {"triangles": facts.triangles, "bounds": facts.bounds}


def rehearse() -> None:
    """Draw one trusted file with each kind of picture: loads everything that is loaded on first use."""
    for model in known_good_models():
        draw_pictures(model, rig=REHEARSAL, pictures=["front"])
