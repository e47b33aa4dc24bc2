"""What happens to an asset inside the sandbox?  It is checked, read and drawn; raw pixels are left in its folder.

Raw pixels, because the worker outside then parses nothing that came from in here: it knows how many bytes to expect.
"""

from pathlib import Path
from typing import Any

from formats import known_good_files
from formats.glb import check as glb
from formats.glb import integrity
from formats.glb.decoded import extent, known_good_models, read
from formats.integrity import defect_positions
from formats.one_reading import require_same
from judging.renderers.defect_marks import POSITIONS, marked
from judging.renderers.raycaster import draw_pictures
from judging.renderers.rig import GRID, CameraView, Rig

REHEARSAL = Rig(views=(CameraView("front", 0, 0),), gray=(), pixels=16)


def work(task: dict[str, Any], data: bytes) -> dict[str, Any]:
    """Write `<picture>.rgb` for each picture of `task["rig"]`, or its grid with the defects, and their positions.

    Raises Refused.
    """
    rig = Rig.from_json(task["rig"])
    if task.get("defects"):
        numbers, where, mesh = integrity.examine(data)
        Path(f"{GRID}.rgb").write_bytes(draw_pictures(marked(mesh, where), rig=rig, pictures=[GRID])[GRID].tobytes())
        positions = defect_positions.positions_of(mesh.points, mesh.faces, where)
        Path(POSITIONS).write_bytes(defect_positions.pack(positions))
        return {"triangles": numbers.triangles}
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
    _, where, mesh = integrity.examine(known_good_files.glb())
    draw_pictures(marked(mesh, where), rig=REHEARSAL, pictures=["front"])
