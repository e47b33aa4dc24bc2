"""How is a file of each format examined, and which file is a good one?  See formats.registry for the formats."""

from typing import Protocol

from formats.facts import FileFacts
from formats.registry import FORMATS, part

__all__ = ["Examiner", "FileFacts", "examiner", "known_good"]


class Examiner(Protocol):
    def __call__(self, data: bytes) -> FileFacts:
        """What the bytes hold.  Raises Refused with the first rule they break, and nothing else."""
        ...


def examiner(name: str) -> Examiner:
    """Loaded by name; its libraries are loaded where it runs, which is the sandbox."""
    examine: Examiner = part(f"{FORMATS[name].sandbox}:WORK").examine
    return examine


def known_good(name: str) -> bytes:
    """A file of the format `name` that every tool must work on."""
    content: bytes = part(FORMATS[name].known_good)()
    return content
