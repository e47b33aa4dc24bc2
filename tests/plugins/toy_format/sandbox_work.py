"""What does the sandbox do with a list of boxes?  Makes a mesh of it, which is then treated as every mesh."""

from __future__ import annotations

import trimesh

from formats.facts import FileFacts
from formats.glb.sandbox_work import WORK as GLB
from formats.rules import refusal
from formats.sandbox_work import SandboxWork
from tests.plugins.toy_format import ROW


def mesh_of(data: bytes) -> bytes:
    boxes = []
    for number, line in enumerate(data.splitlines(), start=1):
        try:
            x, y, z, edge = (float(word) for word in line.split())
        except ValueError:
            raise refusal("BOX_LINE", line=number) from None
        box = trimesh.creation.box((edge, edge, edge))
        box.apply_translation((x, y, z))
        boxes.append(box)
    made: bytes = trimesh.Scene(boxes).export(file_type="glb")
    return made


class BoxWork(SandboxWork):
    conversions = GLB.conversions

    def examine(self, data: bytes) -> FileFacts:
        return GLB.examine(mesh_of(data))

    def lighten(self, data: bytes) -> tuple[bytes, int]:
        return GLB.lighten(mesh_of(data))


WORK = BoxWork(ROW)
work, rehearse = WORK.work, WORK.rehearse
