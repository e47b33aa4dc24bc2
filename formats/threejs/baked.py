"""baked: the glb that a module's scene became.  What the page counted is counted again here, from the bytes."""

from functools import partial

from formats.facts import FileFacts
from formats.glb import canonical, decoded
from formats.glb import check as glb
from formats.rules import refusal

MOST_DRAWS, MOST_TEXTURE_BYTES = 200, 4 << 20


def examine(data: bytes) -> FileFacts:
    """All rules for glb, and a module's own limits."""
    facts, reader = glb.examine(data)
    if facts.draws > MOST_DRAWS:
        raise refusal("MODULE_DRAWS", count=facts.draws, limit=MOST_DRAWS)
    held = 4 * sum(image.width * image.height for image in facts.images)
    if held > MOST_TEXTURE_BYTES:
        raise refusal("MODULE_TEXTURES", bytes=held, limit=MOST_TEXTURE_BYTES)
    decoded.read(reader)
    derived = {canonical.NAME: partial(canonical.canonical, reader)}
    return FileFacts(count=facts.triangles, bounds=facts.bounds, derived=derived)
