"""How is a splat packed into an SPZ file, about a tenth of its ply?  Version 2 of github.com/nianticlabs/spz.

It is gzip around a header of 16 bytes and one block per property.  gzip's own comment carries who made it.
"""

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

from formats.ply.splats import Splats

LIGHT = "light.spz"
MAGIC, VERSION = 0x5053474E, 2
FRACTION = 16  # bits behind the point: 1/65536 of the cube, and still ±128
MOST_LIGHT = 60_000  # splats of a proxy: about 1 MB
C0 = 0.28209479177387814

Bytes = NDArray[np.uint8]


def light(splats: Splats) -> bytes:
    """A proxy for the site: the splats that cover most, without view-dependent colour above the first degree."""
    scales = np.sort(splats.of("scale_0", "scale_1", "scale_2").astype(np.float64), axis=1)
    importance = np.exp(scales[:, 1] + scales[:, 2]) * _sigmoid(splats.of("opacity"))[:, 0]
    order = np.sort(np.argsort(-importance, kind="stable")[:MOST_LIGHT])
    return pack(splats, order, degree=min(1, splats.degree))


def pack(
    splats: Splats, order: NDArray[np.intp] | None = None, *, degree: int | None = None, comment: str = ""
) -> bytes:
    """The splats at `order` (all by default) as an SPZ file; `comment` must be Latin-1 without NUL."""
    chosen = np.arange(len(splats.values)) if order is None else order
    degree = splats.degree if degree is None else degree
    head = struct.pack("<IIIBBBB", MAGIC, VERSION, len(chosen), degree, FRACTION, 0, 0)
    scales = splats.of("scale_0", "scale_1", "scale_2")[chosen]
    colours = splats.of("f_dc_0", "f_dc_1", "f_dc_2")[chosen]
    places = np.rint(splats.of("x", "y", "z")[chosen].astype(np.float64) * (1 << FRACTION)).astype("<i4")
    turns = splats.of("rot_0", "rot_1", "rot_2", "rot_3")[chosen]
    unit = turns / np.linalg.norm(turns, axis=1, keepdims=True)
    unit *= np.where(unit[:, :1] < 0, -1, 1)  # w is not negative, and follows from x, y and z
    parts = [
        places.reshape(-1, 1).view(np.uint8).reshape(-1, 4)[:, :3],
        _byte(_sigmoid(splats.of("opacity")[chosen]) * 255),
        _byte((colours * 0.15 + 0.5) * 255),
        _byte((scales + 10) * 16),
        _byte(unit[:, 1:] * 127.5 + 127.5),
        _byte(splats.harmonics[chosen][:, : {0: 0, 1: 3, 2: 8, 3: 15}[degree]] * 128 + 128),
    ]
    return gzip(head + b"".join(part.tobytes() for part in parts), comment=comment)


def gzip(data: bytes, *, comment: str = "") -> bytes:
    """RFC 1952, without a time, so that the same content is the same file."""
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    flags, comment_field = (
        (0x10, comment.encode("latin-1", "replace").replace(b"\0", b"?") + b"\0") if comment else (0, b"")
    )
    head = struct.pack("<BBBBIBB", 0x1F, 0x8B, 8, flags, 0, 2, 255) + comment_field
    return (
        head + squeeze.compress(data) + squeeze.flush() + struct.pack("<II", zlib.crc32(data), len(data) & 0xFFFFFFFF)
    )


def count(packed: bytes) -> int:
    """How many splats our own file holds."""
    return int.from_bytes(zlib.decompress(packed, 31)[8:12], "little")


def _sigmoid(values: NDArray[np.float32]) -> NDArray[np.float64]:
    sure: NDArray[np.float64] = 1 / (1 + np.exp(-np.clip(values.astype(np.float64), -60, 60)))
    return sure


def _byte(values: NDArray[np.floating]) -> Bytes:
    stored: Bytes = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return stored
