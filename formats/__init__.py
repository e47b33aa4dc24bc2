"""How is a file of each format examined?  `formats/<name>/examine.py` has `examine(data) -> Facts`.

See formats.registry.
"""

from importlib import import_module
from typing import Protocol

from formats.facts import Facts

__all__ = ["Examiner", "Facts", "examiner"]

EXAMINERS = {
    "glb": "formats.glb.examine",
    "ply": "formats.ply.examine",
    "threejs": "formats.threejs.examine",
    "baked": "formats.threejs.baked",
    "built": "formats.threejs.built",
}


class Examiner(Protocol):
    def __call__(self, data: bytes) -> Facts:
        """What the bytes hold.  Raises Refused with the first rule they break, and nothing else."""
        ...


def examiner(name: str) -> Examiner:
    """Loaded by name; its libraries are loaded where it runs, which is the sandbox."""
    found: Examiner = import_module(EXAMINERS[name]).examine
    return found
