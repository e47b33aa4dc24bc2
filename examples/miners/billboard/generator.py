"""Billboard: the object, cut out of its picture and printed on thin card."""

from cutout import cut_out
from solids import card, glb, skin


def generate(image: bytes, *, seed: int) -> bytes:
    """Bytes of a glb for the bytes of a picture.  The seed changes nothing: nothing here is left to chance."""
    found = cut_out(image)
    return glb(card(found.mask, depth=0.02), texture=skin(found.rgb, found.mask))
