"""baked: the glb that a module's scene became.  What the page counted is counted again here, from the bytes."""

from functools import partial

from formats.facts import FileFacts
from formats.glb import canonical, decoded
from formats.glb import check as glb
from formats.rules import refusal
from formats.threejs.built import MOST_PIECES, MOST_TEXELS


def examine(data: bytes) -> FileFacts:
    """All rules for glb, and a module's own limits."""
    facts, reader = glb.examine(data)
    if facts.draws > MOST_PIECES:
        raise refusal("MODULE_DRAWS", count=facts.draws, limit=MOST_PIECES, what="pieces of one material")
    texels = sum(image.width * image.height for image in facts.images)
    if texels > MOST_TEXELS:
        raise refusal("MODULE_TEXTURES", bytes=4 * texels, limit=4 * MOST_TEXELS)
    decoded.read(reader)
    derived = {canonical.NAME: partial(canonical.canonical, reader)}
    return FileFacts(count=facts.triangles, bounds=facts.bounds, derived=derived)
