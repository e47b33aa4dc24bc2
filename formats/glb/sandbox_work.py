"""What does the sandbox do with a glb?  Checks it, measures it, simplifies it, and converts its canonical form."""

import io
from collections.abc import Iterator

from PIL import Image

from formats import known_good_files
from formats.facts import FileFacts
from formats.glb import canonical, gltf, integrity, mesh_simplification
from formats.glb.conversions import glb_of, obj_of
from formats.glb.edge_collapse import simplify
from formats.glb.examine import examine
from formats.glb.gltf import IMAGE_FORMATS
from formats.integrity.measures import MeshIntegrity
from formats.registry import FORMATS
from formats.sandbox_work import SandboxWork

__all__ = ["GlbWork", "rehearse", "work"]


class GlbWork(SandboxWork):
    conversions = {"glb": glb_of, "obj.zip": obj_of}

    def examine(self, data: bytes) -> FileFacts:
        return examine(data)

    def lighten(self, data: bytes) -> tuple[bytes, int]:
        """Of the canonical form, as every other copy: no byte that the check has not read gets into one."""
        return mesh_simplification.lighten(gltf.read(examine(data).derived[canonical.NAME]()))

    def measure(self, data: bytes) -> MeshIntegrity:
        return integrity.measure(data)

    def samples(self) -> Iterator[bytes]:
        """One with each kind of picture, and one that is simplified."""
        for kind in IMAGE_FORMATS:
            picture = io.BytesIO()
            Image.new("RGB", (4, 4), "#336699").save(picture, format=kind)
            yield known_good_files.glb(picture=picture.getvalue())

    def rehearse(self) -> None:
        super().rehearse()
        simplify([mesh_simplification.grid(8)], most=16)


WORK = GlbWork(FORMATS["glb"])
work, rehearse = WORK.work, WORK.rehearse
