"""What does a builder have to offer?  It makes the image of one commit from our own archive, and says how far it is.

Its status is asked for, again and again.  A question that is not answered gives *unknown*: neither "not found" nor
"failed", whatever the builder said before.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from audits.pods.base import Image, PodFault

ABSENT, BUILDING, BUILT, FAILED, UNKNOWN = "absent", "building", "built", "failed", "unknown"
RECIPE = "docker/Dockerfile"


@dataclass(frozen=True, kw_only=True)
class Status:
    """`digest` of what was built; `fault` why it failed or is unknown; `log` the end of what the build printed."""

    state: str
    digest: str = ""
    fault: PodFault | None = None
    log: str = ""


class Builder(Protocol):
    name: str

    def status(self, image: Image, *, archive: str) -> Status:
        """How far is the image of this commit, made from the archive of that hash?  Never raises."""

    def control(self) -> Status:
        """Build, from nothing, a recipe of ours that is known to be good (`control.py`), all the way to where images
        are run from: is the builder well?  Never raises."""

    def build(self, image: Image, *, archive: str, context: Path) -> Status:
        """Build it, which may take an hour, and say how that ended.  Never raises.  Repeating it is harmless."""
