"""glb: binary glTF 2.0.

The checks are those of the `raycast` renderer, so that a file is refused by both or by none.
"""

from functools import partial

from formats.facts import FileFacts
from formats.glb import canonical, decoded
from formats.glb import check as glb


def examine(data: bytes) -> FileFacts:
    """Header, JSON, numbers, then every shown picture decoded once."""
    facts, reader = glb.examine(data)
    decoded.read(reader)
    derived = {canonical.NAME: partial(canonical.canonical, reader)}
    return FileFacts(count=facts.triangles, bounds=facts.bounds, derived=derived)
