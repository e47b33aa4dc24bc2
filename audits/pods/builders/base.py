"""What must a builder do?  It makes the image of one commit from our own archive, and reports its status.

The status is asked for repeatedly.  A question that gets no answer gives *unknown*: neither "not found" nor "failed",
whatever the builder answered before.
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
        """The status of the image of this commit, made from the archive of that hash.  Never raises."""

    def build_control(self) -> Status:
        """Build, from nothing, a recipe of ours that is known to be good (`control_recipe.py`), up to where images are
        run from.  Shows whether the builder works.  Never raises."""

    def build(self, image: Image, *, archive: str, context: Path) -> Status:
        """Builds it, which may take an hour, and returns how that ended.  Never raises.  May be repeated."""
