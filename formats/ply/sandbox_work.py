"""What does the sandbox do with a ply?  Checks its splats, measures them, and packs them."""

from formats.facts import FileFacts
from formats.integrity.measures import SplatIntegrity
from formats.ply import integrity, spz
from formats.ply.conversions import ply_of, spz_of
from formats.ply.examine import examine, read
from formats.registry import FORMATS
from formats.sandbox_work import SandboxWork


class PlyWork(SandboxWork):
    conversions = {"ply": ply_of, "spz": spz_of}

    def examine(self, data: bytes) -> FileFacts:
        return examine(data)

    def lighten(self, data: bytes) -> tuple[bytes, int]:
        """The splats that cover most, packed."""
        packed = spz.light(read(data))
        return packed, spz.count(packed)

    def measure(self, data: bytes) -> SplatIntegrity:
        return integrity.measure(data)


WORK = PlyWork(FORMATS["ply"])
work, rehearse = WORK.work, WORK.rehearse
