"""baked: what a module built, as a scene and as a glb.  What the page counted is counted again here, from the bytes."""

from functools import partial

from formats.facts import MESH, FileFacts
from formats.glb import canonical, decoded
from formats.glb import check as glb
from formats.registry import FORMATS
from formats.rules import refusal
from formats.threejs import scene_file
from formats.threejs.built import MOST_PIECES, MOST_TEXELS

SCENE = FORMATS["threejs"].drawn_as[1]  # what a browser is given


def examine(data: bytes) -> FileFacts:
    """All rules for the scene and for its glb, and a module's own limits."""
    scene, mesh = scene_file.split(data)
    facts, reader = glb.examine(mesh)
    if facts.draws > MOST_PIECES:
        raise refusal("MODULE_DRAWS", count=facts.draws, limit=MOST_PIECES, what="pieces of one material")
    texels = sum(image.width * image.height for image in facts.images)
    if texels > MOST_TEXELS:
        raise refusal("MODULE_TEXTURES", bytes=4 * texels, limit=4 * MOST_TEXELS)
    decoded.read(reader)
    shown, drawn = scene_file.drawn(scene)
    derived = {SCENE: partial(scene_file.pack, shown), MESH: partial(canonical.canonical, reader)}
    return FileFacts(count=drawn.count, bounds=drawn.bounds, derived=derived)


def glb_of(data: bytes) -> bytes:
    """The glb beside the scene, examined.  Raises Refused."""
    examine(data)
    return scene_file.split(data)[1]
