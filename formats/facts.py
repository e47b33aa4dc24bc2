"""What is known of a file that keeps the rules of its format?"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

MESH = "canonical.glb"  # the derived file that holds what a file draws, as a glb of our own writing
Bounds = tuple[tuple[float, float, float], tuple[float, float, float]]


@dataclass(frozen=True)
class FileFacts:
    """`count` is of what the format draws with: triangles or splats; 0 and no bounds where that shows only at work.

    `derived` makes further files from it, by file name, on demand: see sandbox_work.py.
    """

    count: int
    bounds: Bounds | None
    derived: Mapping[str, Callable[[], bytes]] = field(default_factory=dict)
