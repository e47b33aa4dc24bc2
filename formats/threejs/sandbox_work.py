"""What does the sandbox do with a module?  Checks its text, and then what it built."""

import json
import struct
from collections.abc import Iterator

from formats.facts import FileFacts
from formats.glb.sandbox_work import WORK as GLB
from formats.integrity.measures import MeshIntegrity
from formats.registry import FORMATS
from formats.sandbox_work import SandboxWork
from formats.threejs import baked, built, scene_file
from formats.threejs.examine import examine
from formats.threejs.glb_losses import losses

TRIANGLE = """{
  "nodes": [{"parent": -1, "id": 0, "group": false, "renderOrder": 0,
    "place": [0, 0, 0], "turn": [0, 0, 0, 1], "scale": [1, 1, 1]}],
  "textures": [],
  "materials": [{"type": "MeshBasicMaterial", "id": 0}],
  "meshes": [{"node": 0, "shape": "mesh", "vertices": 3, "instances": 1, "position": [0, 9], "range": [0, 3],
    "paints": [0]}]
}"""


def triangle() -> built.Built:
    """The smallest scene."""
    return built.checked(json.loads(TRIANGLE), struct.pack("<9f", 0, 0, 0, 0.1, 0, 0, 0, 0.1, 0))


class ModuleWork(SandboxWork):
    conversions = GLB.conversions

    def examine(self, data: bytes) -> FileFacts:
        return examine(data)

    def examine_built(self, data: bytes) -> FileFacts:
        return baked.examine(data)

    def lighten(self, data: bytes) -> tuple[bytes, int]:
        """The scene that is drawn: all that a module builds is light enough."""
        facts = baked.examine(data)
        return facts.derived[baked.SCENE](), facts.count

    def measure(self, data: bytes) -> MeshIntegrity:
        """Of what it built."""
        return GLB.measure(baked.glb_of(data))

    def losses(self, data: bytes) -> tuple[str, ...]:
        return losses(scene_file.split(data)[0])

    def samples(self) -> Iterator[bytes]:
        """The same triangle with each kind of picture in its glb."""
        for mesh in GLB.samples():
            yield scene_file.join(triangle(), mesh)


WORK = ModuleWork(FORMATS["threejs"])
work, rehearse = WORK.work, WORK.rehearse
