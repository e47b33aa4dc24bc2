"""What happens to a file in the sandbox when a browser is to draw it?  It is examined.

Lighter files that follow from it are written.

The browser then gets bytes that kept every rule; it walls them in once more.
"""

import io
from pathlib import Path
from typing import Any

from PIL import Image

from formats import Facts, converting, examiner, known_good_files
from formats.glb import canonical as glb_canonical
from formats.glb import decoded


def work(task: dict[str, Any], data: bytes) -> dict[str, Any]:
    """Facts of `data` in the format `task["format"]`; writes the files of `task["derive"]`.  Raises Refused."""
    facts: Facts = examiner(task["format"])(data)
    for name in task.get("derive", ()):
        if name in facts.derived:
            Path(name).write_bytes(facts.derived[name]())
    if wanted := task.get("convert"):
        canonical = facts.derived.get(glb_canonical.NAME)
        source = canonical() if canonical else data
        converted = converting.CONVERSIONS[wanted["from"]][wanted["to"]](source, converting.plain(wanted["provenance"]))
        Path(f"converted.{wanted['to']}").write_bytes(converted)
    return {"count": facts.count, "bounds": facts.bounds}


def rehearse() -> None:
    """Load what every format loads: inside its own root folder a child finds no modules."""
    for _ in decoded.known_good_models():
        pass
    for known in (examiner("glb")(textured()), examiner("ply")(known_good_files.ply())):
        for make in known.derived.values():
            make()
    for name, data in (("glb", textured()), ("ply", known_good_files.ply())):
        for convert in converting.CONVERSIONS[name].values():
            convert(data, {"made for": "rehearsal"})
    examiner("baked")(known_good_files.glb())
    examiner("threejs")(known_good_files.MODULE.encode())


def textured() -> bytes:
    """The good file wearing a picture, so that everything that writes pictures is loaded."""
    picture = io.BytesIO()
    Image.new("RGB", (4, 4), "#336699").save(picture, format="PNG")
    return known_good_files.glb(picture=picture.getvalue())
