"""How is a file of each format examined?  `judging/formats/<name>.py` has `examine(data) -> Facts`.

See competition.formats.
"""

from importlib import import_module
from typing import Protocol

from judging.formats.facts import Facts

__all__ = ["Examiner", "Facts", "examiner"]


class Examiner(Protocol):
    def __call__(self, data: bytes) -> Facts:
        """What the bytes hold.  Raises Refused with the first rule they break, and nothing else."""
        ...


def examiner(name: str) -> Examiner:
    """Loaded by name; its libraries are loaded where it runs, which is the sandbox."""
    found: Examiner = import_module(f"judging.formats.{name}").examine
    return found
