"""What happens to an asset inside the sandbox?  Checked, read, photographed; raw pixels are left in the current folder.

Raw pixels, because the worker outside then parses nothing that came from in here: it knows how many bytes to expect.
"""

from pathlib import Path
from typing import Any

from formats.glb import check as glb
from formats.glb.decoded import extent, known_good_models, read
from formats.one_reading import require_same
from judging.renderers.raycaster import photograph
from judging.renderers.rig import Rig, View

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
    for model in known_good_models():
        photograph(model, rig=REHEARSAL, pictures=["front"])
