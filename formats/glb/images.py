"""How large is an embedded picture, told from its first bytes alone?  Nothing is decoded here."""

import struct
from dataclasses import dataclass

from formats.glb.buffers import refuse_uri
from formats.glb.gltf import shown_images
from formats.glb.tree import Json, entries, reference
from formats.rules import MOST_ENTRIES, MOST_IMAGE_EDGE, MOST_IMAGE_PIXELS, refusal

PNG = b"\x89PNG\r\n\x1a\n"
# Start-of-frame markers of JPEG (ITU T.81 table B.1) that Pillow decodes: baseline, extended, progressive.
FRAMES = (0xC0, 0xC1, 0xC2)


@dataclass(frozen=True)
class ImageFacts:
    kind: str
    width: int
    height: int


MIME_TYPES = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp"}


def check_uris(tree: Json) -> None:
    """No picture lies outside the file, whether it is shown or not."""
    for index, image in enumerate(entries(tree, "images", limit=MOST_ENTRIES)):
        refuse_uri(image, where=f"images[{index}]")


def check_images(tree: Json, body: memoryview) -> dict[int, ImageFacts]:
    """The pictures that materials show, by their place in `images`.  Nobody reads the others, whatever they are."""
    facts = {}
    for index in shown_images(tree):
        where, image = f"images[{index}]", tree["images"][index]
        views = tree.get("bufferViews", [])
        view = views[reference(image, "bufferView", where=where, count=len(views))]
        start = view.get("byteOffset", 0)
        fact = header(bytes(body[start : start + view["byteLength"]][: 1 << 20]))
        if fact is None:
            raise refusal("BAD_IMAGE", where=where, why="not a PNG, JPEG or WebP header")
        if not fact.width or not fact.height:
            raise refusal("BAD_IMAGE", where=where, why="has no pixels")
        if max(fact.width, fact.height) > MOST_IMAGE_EDGE:
            raise refusal("IMAGE_TOO_LARGE", where=where, width=fact.width, height=fact.height, limit=MOST_IMAGE_EDGE)
        facts[index] = fact
        if "mimeType" in image and image["mimeType"] != MIME_TYPES[fact.kind]:
            why = f"its mimeType is {image['mimeType']!r}, its bytes are {MIME_TYPES[fact.kind]}"
            raise refusal("BAD_IMAGE", where=where, why=why)
    pixels = sum(fact.width * fact.height for fact in facts.values())
    if pixels > MOST_IMAGE_PIXELS:
        raise refusal("IMAGES_TOO_LARGE", pixels=pixels, limit=MOST_IMAGE_PIXELS)
    return facts


def header(start: bytes) -> ImageFacts | None:
    """Kind and size from the first MiB (profiles may come before the size), or None where they cannot be told."""
    try:
        if start.startswith(PNG) and start[12:16] == b"IHDR":
            return ImageFacts("png", *struct.unpack_from(">II", start, 16))
        if start.startswith(b"\xff\xd8"):
            return _jpeg(start)
        # WebP (RFC 9649): sizes sit in different places of its three kinds
        webp = start[12:16] if start[:4] == b"RIFF" and start[8:12] == b"WEBP" else b""
        if webp == b"VP8X":
            wide, high = start[24:27], start[27:30]
            return ImageFacts("webp", 1 + int.from_bytes(wide, "little"), 1 + int.from_bytes(high, "little"))
        if webp == b"VP8L":
            bits = struct.unpack_from("<I", start, 21)[0]
            return ImageFacts("webp", 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF))
        if webp == b"VP8 ":
            width, height = struct.unpack_from("<HH", start, 26)
            return ImageFacts("webp", width & 0x3FFF, height & 0x3FFF)
    except struct.error:
        return None
    return None


def _jpeg(start: bytes) -> ImageFacts | None:
    place = 2
    while place + 9 <= len(start) and start[place] == 0xFF:
        marker = start[place + 1]
        if marker in FRAMES:
            height, width = struct.unpack_from(">HH", start, place + 5)
            return ImageFacts("jpeg", width, height)
        if marker == 0xFF:  # a fill byte
            place += 1
            continue
        place += 2 + struct.unpack_from(">H", start, place + 2)[0]
    return None
