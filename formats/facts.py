"""What is known of a file that keeps the rules of its format?"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

Bounds = tuple[tuple[float, float, float], tuple[float, float, float]]


@dataclass(frozen=True)
class Facts:
    """`count` is of what the format draws with: triangles or splats; 0 and no bounds where that shows only at work.

    `derived` makes further files from it, by file name, on demand: see desk.py.
    """

    count: int
    bounds: Bounds | None
    derived: Mapping[str, Callable[[], bytes]] = field(default_factory=dict)
