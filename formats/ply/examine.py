"""ply: a 3D Gaussian splat.  Is this one that may be drawn?  Header, then counts, then numbers.

The layout is that of 3D Gaussian Splatting (Kerbl et al. 2023): one element `vertex` of 32-bit floats, binary little-
endian; scales are logarithms, opacity is a logit, `f_rest_*` holds the harmonics of red, then green, then blue.
"""

import re
from collections.abc import Iterable
from functools import partial
from typing import Any

import numpy as np

from formats.facts import FileFacts
from formats.ply import spz
from formats.ply.splats import NEEDED, ROWS, Splats
from formats.rules import HALF_CUBE, MOST_BYTES, TOLERANCE, refusal

END = re.compile(rb"(\r?\n)end_header(\r?\n)")
PRINTABLE = re.compile(rb"[ -~]*")
MOST_HEADER = 1 << 14
MOST_SPLATS = 2_000_000
LARGEST_SCALE = 0.5  # of the asset's cube; a splat reaches three times as far
SMALLEST_LOG, MOST_LOGIT, MOST_COLOUR = -50.0, 1e4, 1e4
ALLOWED = {*NEEDED, "nx", "ny", "nz", *(f"f_rest_{i}" for i in range(45))}
DEGREES = {0: 0, 9: 1, 24: 2, 45: 3}  # by the number of f_rest properties


def examine(data: bytes) -> FileFacts:
    """Raises Refused with the first rule the file breaks."""
    splats = read(data)
    places = splats.of("x", "y", "z")
    low, high = (tuple(float(value) for value in corner) for corner in (places.min(axis=0), places.max(axis=0)))
    bounds: Any = (low, high)
    return FileFacts(
        count=len(places), bounds=bounds, derived={spz.LIGHT: partial(spz.light, splats), ROWS: splats.rows}
    )


def read(data: bytes) -> Splats:
    """The checked content.  Raises Refused."""
    names, count, start = _header(data)
    needed, present = 4 * len(names) * count, len(data) - start
    if needed != present:
        raise refusal("PLY_LENGTH", count=count, needed=needed, found=present)
    rest = {name for name in names if name.startswith("f_rest_")}
    if len(rest) not in DEGREES or rest != {f"f_rest_{i}" for i in range(len(rest))}:
        raise refusal("PLY_HARMONICS", count=len(rest))
    values = np.frombuffer(data, "<f4", offset=start).reshape(count, len(names))
    splats = Splats(values, {name: i for i, name in enumerate(names)}, DEGREES[len(rest)])
    for name in splats.columns:
        if not np.isfinite(splats.of(name)).all():
            raise refusal("NOT_FINITE", where=f"property {name}")
    places = splats.of("x", "y", "z")
    low, high = places.min(axis=0), places.max(axis=0)
    if low.min() < -HALF_CUBE - TOLERANCE or high.max() > HALF_CUBE + TOLERANCE:
        raise refusal(
            "OUTSIDE_UNIT_CUBE", low=[round(float(v), 3) for v in low], high=[round(float(v), 3) for v in high]
        )
    scales = splats.of("scale_0", "scale_1", "scale_2")
    if scales.max() > np.log(LARGEST_SCALE):
        raise refusal("SPLAT_TOO_LARGE", scale=f"{np.exp(min(float(scales.max()), 80.0)):.3g}", limit=LARGEST_SCALE)
    if not np.abs(splats.of("rot_0", "rot_1", "rot_2", "rot_3")).max(axis=1).min() > 1e-6:
        raise refusal("SPLAT_ROTATION")
    colours = [name for name in splats.columns if name.startswith("f_")]
    if scales.min() < SMALLEST_LOG or np.abs(splats.of(*colours)).max() > MOST_COLOUR:
        raise refusal("SPLAT_EXTREME", what="scale_* below -50" if scales.min() < SMALLEST_LOG else "f_* beyond 10000")
    if (
        np.abs(splats.of("opacity")).max() > MOST_LOGIT
        or np.abs(splats.of("rot_0", "rot_1", "rot_2", "rot_3")).max() > MOST_COLOUR
    ):
        raise refusal("SPLAT_EXTREME", what="opacity or rot_* beyond 10000")
    return splats


def _header(data: bytes) -> tuple[list[str], int, int]:
    """Names of the properties, number of splats, first byte of the values."""
    if not data:
        raise refusal("FILE_EMPTY")
    if len(data) > MOST_BYTES:
        raise refusal("FILE_TOO_LARGE", bytes=len(data), limit=MOST_BYTES)
    if not data.startswith((b"ply\n", b"ply\r\n")):
        raise refusal("NOT_A_PLY")
    end = END.search(data, 0, MOST_HEADER)
    if end is None:
        raise refusal("PLY_HEADER", why=f"no line of the first {MOST_HEADER} bytes is 'end_header' and a line end")
    line_end = b"\r\n" if data.startswith(b"ply\r\n") else b"\n"
    if {*end.groups()} != {line_end}:
        why = "the first line and 'end_header' end differently; end every line with LF, or every line with CR LF"
        raise refusal("PLY_HEADER", why=why)
    lines = data[: end.start()].split(line_end)
    for number, line in enumerate(lines, start=1):  # what is no line end to one reader is none to any
        if not PRINTABLE.fullmatch(line):
            why = f"line {number} holds a character that is not printable ASCII, or ends otherwise than the first line"
            raise refusal("PLY_HEADER", why=why)
    split = [line.decode("ascii").split() for line in lines[1:]]
    return (*_declared([words for words in split if words and words[0] not in ("comment", "obj_info")]), end.end())


def write(splats: Splats, *, comments: Iterable[str] = ()) -> bytes:
    """The same splats under a header of our own."""
    lines = [
        "ply",
        "format binary_little_endian 1.0",
        *(f"comment {line}" for line in comments),
        f"element vertex {len(splats.values)}",
        *(f"property float {name}" for name in splats.columns),
        "end_header",
        "",
    ]
    return "\n".join(lines).encode("ascii", "replace") + splats.values.tobytes()


def _declared(declarations: list[list[str]]) -> tuple[list[str], int]:
    if not declarations or declarations[0] != ["format", "binary_little_endian", "1.0"]:
        raise refusal("PLY_HEADER", why="the second line is not 'format binary_little_endian 1.0'")
    if len(declarations) < 2 or declarations[1][:2] != ["element", "vertex"] or len(declarations[1]) != 3:
        raise refusal("PLY_HEADER", why="the first element is not 'element vertex <count>'")
    names = []
    for words in declarations[2:]:
        if words[0] != "property":
            why = f"'{' '.join(words)[:60]}' is neither a property nor a comment; one element is allowed"
            raise refusal("PLY_HEADER", why=why)
        if len(words) != 3 or words[1] not in ("float", "float32") or words[2] not in ALLOWED:
            raise refusal("PLY_PROPERTY", told=" ".join(words[1:])[:60])
        names.append(words[2])
    repeated = [name for name in names if names.count(name) > 1]
    if repeated:
        raise refusal("PLY_HEADER", why=f"the property {repeated[0]} is declared twice")
    missing = [name for name in NEEDED if name not in names]
    if missing:
        raise refusal("PLY_PROPERTY_MISSING", name=missing[0])
    return names, _count(declarations[1][2])


def _count(word: str) -> int:
    if not (word.isascii() and word.isdigit() and len(word) <= 9):
        raise refusal("PLY_HEADER", why=f"'{word[:20]}' is no count")
    if int(word) == 0:
        raise refusal("NO_SPLATS")
    if int(word) > MOST_SPLATS:
        raise refusal("TOO_MANY_SPLATS", count=int(word), limit=MOST_SPLATS)
    return int(word)
