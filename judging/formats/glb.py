"""glb: binary glTF 2.0.

The checks are those of the `raycast` renderer, so that a file is refused by both or by none.
"""

from judging.formats.facts import Facts
from judging.renderers import darkroom, glb


def examine(data: bytes) -> Facts:
    """Header, JSON, numbers, then every embedded picture decoded once."""
    facts, reader = glb.examine(data)
    darkroom.read(reader)
    return Facts(count=facts.triangles, bounds=facts.bounds)
