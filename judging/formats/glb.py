"""glb: binary glTF 2.0.

The checks are those of the `raycast` renderer, so that a file is refused by both or by none.
"""

from functools import partial

from judging.formats.facts import Facts
from judging.renderers import darkroom, glb, glb_canonical


def examine(data: bytes) -> Facts:
    """Header, JSON, numbers, then every shown picture decoded once."""
    facts, reader = glb.examine(data)
    darkroom.read(reader)
    anew = {glb_canonical.NAME: partial(glb_canonical.canonical, reader)}
    return Facts(count=facts.triangles, bounds=facts.bounds, derived=anew)
