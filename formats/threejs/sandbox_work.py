"""What does the sandbox do with a module?  Checks its text, and then the glb that it was baked to."""

from collections.abc import Iterator

from formats.facts import FileFacts
from formats.glb.sandbox_work import WORK as GLB
from formats.integrity.measures import MeshIntegrity
from formats.registry import FORMATS
from formats.sandbox_work import SandboxWork
from formats.threejs import baked
from formats.threejs.examine import examine


class ModuleWork(SandboxWork):
    conversions = GLB.conversions

    def examine(self, data: bytes) -> FileFacts:
        return examine(data)

    def examine_built(self, data: bytes) -> FileFacts:
        return baked.examine(data)

    def lighten(self, data: bytes) -> tuple[bytes, int]:
        """All that a module builds is light enough."""
        return data, baked.examine(data).count

    def measure(self, data: bytes) -> MeshIntegrity:
        """Of what it built."""
        baked.examine(data)
        return GLB.measure(data)

    def samples(self) -> Iterator[bytes]:
        return GLB.samples()


WORK = ModuleWork(FORMATS["threejs"])
work, rehearse = WORK.work, WORK.rehearse
