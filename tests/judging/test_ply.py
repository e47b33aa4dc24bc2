"""Is a splat checked before it is believed, and does it look as its numbers say?"""

from __future__ import annotations

import struct
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from core.sandbox.chromium import walls
from core.sandbox.outcomes import Refused
from formats import known_good_files, light_copy, registry
from formats.ply import examine as ply
from formats.ply import spz
from formats.ply.rules import SPLAT_RULES
from judging.renderers.rig import EMBEDDED, CameraView
from judging.renderers.threejs import Threejs
from tests.judging import made_splats
from tests.judging.made_splats import NAMES, cloud, header, splat

needs_browser = pytest.mark.skipif(walls.program("") is None, reason=f"no Chromium here: {walls.INSTALL}")
GOOD = made_splats.ply(np.array([splat((0, 0, 0), (1, 0, 0))]))
RIG = replace(EMBEDDED, pixels=128, views=(CameraView("front", 0, 0), CameraView("back", 180, 0)), gray=())


def changed(column: str, value: float) -> bytes:
    row = splat((0, 0, 0), (1, 0, 0))
    row[NAMES.index(column)] = value
    return made_splats.ply(np.array([row]))


def without(name: str) -> bytes:
    names = tuple(each for each in NAMES if each != name)
    return header(1, names) + bytes(4 * len(names))


BROKEN = {
    "nothing": ("FILE_EMPTY", b""),
    "HTML": ("NOT_A_PLY", b"<!doctype html>"),
    "a glb": ("NOT_A_PLY", known_good_files.glb()),
    "no end of the header": ("PLY_HEADER", b"ply\nformat binary_little_endian 1.0\n" + b"comment x\n" * 4000),
    "text": ("PLY_HEADER", GOOD.replace(b"binary_little_endian", b"ascii")),
    "big endian": ("PLY_HEADER", GOOD.replace(b"little", b"big")),
    "no element": ("PLY_HEADER", b"ply\nformat binary_little_endian 1.0\nend_header\n"),
    "another element first": ("PLY_HEADER", GOOD.replace(b"element vertex", b"element face")),
    "two elements": ("PLY_HEADER", GOOD.replace(b"end_header", b"element face 1\nend_header")),
    "no number": ("PLY_HEADER", header("many") + bytes(56)),
    "a negative count": ("PLY_HEADER", header(-1) + bytes(56)),
    "a count in other digits": ("PLY_HEADER", header("1").replace(b"vertex 1", "vertex ١".encode())),
    "a property twice": ("PLY_HEADER", header(1, (*NAMES, "x")) + bytes(60)),
    "a count of four thousand million": ("PLY_HEADER", header(2**32)),
    "more than fits": ("TOO_MANY_SPLATS", header(2_000_001)),
    "no splat": ("NO_SPLATS", header(0)),
    "a list": ("PLY_PROPERTY", GOOD.replace(b"property float x", b"property list uchar int x")),
    "double": ("PLY_PROPERTY", header(1, kind="double") + bytes(112)),
    "an unknown property": ("PLY_PROPERTY", header(1, (*NAMES, "secret")) + bytes(60)),
    "a point cloud": ("PLY_PROPERTY_MISSING", header(1, ("x", "y", "z")) + bytes(12)),
    "no opacity": ("PLY_PROPERTY_MISSING", without("opacity")),
    "half the harmonics": ("PLY_HARMONICS", header(1, (*NAMES, "f_rest_0")) + bytes(60)),
    "cut off": ("PLY_LENGTH", GOOD[:-1]),
    "something behind": ("PLY_LENGTH", GOOD + b"\0"),
    "more splats than bytes": ("PLY_LENGTH", header(1_999_999) + bytes(56)),
    "NaN": ("NOT_FINITE", changed("x", float("nan"))),
    "infinity": ("NOT_FINITE", changed("opacity", float("inf"))),
    "outside": ("OUTSIDE_UNIT_CUBE", changed("y", 0.6)),
    "a splat as large as the world": ("SPLAT_TOO_LARGE", changed("scale_1", 20.0)),
    "an overflowing scale": ("SPLAT_TOO_LARGE", changed("scale_1", 3e38)),
    "no rotation": ("SPLAT_ROTATION", changed("rot_0", 0.0)),
    "no size at all": ("SPLAT_EXTREME", changed("scale_0", -1e9)),
    "a colour beyond colours": ("SPLAT_EXTREME", changed("f_dc_0", 1e30)),
    "an opacity beyond any": ("SPLAT_EXTREME", changed("opacity", 1e30)),
    "a rotation beyond any": ("SPLAT_EXTREME", changed("rot_2", 1e30)),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_refused_by_its_rule(name: str) -> None:
    rule, data = BROKEN[name]
    with pytest.raises(Refused) as refused:
        ply.examine(data)
    assert refused.value.code == rule
    assert refused.value.sentence.isprintable()


def test_every_rule_for_splats_has_a_file_that_breaks_it() -> None:
    assert set(SPLAT_RULES) <= {rule for rule, _ in BROKEN.values()}


@pytest.mark.parametrize("degree", [0, 1, 2, 3])
def test_every_degree_of_harmonics_is_read(degree: int) -> None:
    data = cloud(50, degree=degree)
    facts, splats = ply.examine(data), ply.read(data)
    assert (facts.count, splats.degree) == (50, degree)
    flat = splats.of(*(f"f_rest_{i}" for i in range(splats.harmonics.shape[1] * 3)))
    if degree:
        assert splats.harmonics[7, 1, 2] == flat[7, 2 * splats.harmonics.shape[1] + 1], (
            "red, green, blue, one after the other"
        )


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_damaged_file_is_refused_or_read_and_nothing_else(data: st.DataObject) -> None:
    broken = bytearray(cloud(3, degree=1))
    for _ in range(data.draw(st.integers(1, 4))):
        broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    try:
        facts = ply.examine(bytes(broken[: data.draw(st.integers(0, len(broken)))]))
    except Refused:
        return
    assert 0 < facts.count <= ply.MOST_SPLATS
    assert all(len(make()) > 16 for make in facts.derived.values())


# -- packed


def test_what_is_packed_is_near_what_it_was() -> None:
    data = cloud(200, degree=1)
    splats, packed = ply.read(data), spz.pack(ply.read(data), comment="licence: CC0")
    assert packed.index(b"licence: CC0\0") == 10, "where RFC 1952 has the comment"
    raw = zlib.decompress(packed, 31)
    magic, version, count, degree, fraction = struct.unpack_from("<IIIBB", raw)
    assert (magic, version, count, degree) == (0x5053474E, 2, 200, 1)
    assert len(raw) == 16 + 200 * (9 + 1 + 3 + 3 + 3 + 9)
    places = np.frombuffer(raw, np.uint8, 9 * 200, 16).reshape(200, 3, 3).astype(np.int32)
    whole = places[..., 0] | places[..., 1] << 8 | places[..., 2] << 16
    whole = np.where(whole >= 1 << 23, whole - (1 << 24), whole)
    assert np.abs(whole / (1 << fraction) - splats.of("x", "y", "z")).max() < 1e-5
    scales = np.frombuffer(raw, np.uint8, 3 * 200, 16 + 200 * 13).reshape(200, 3) / 16 - 10
    assert np.abs(scales - splats.of("scale_0", "scale_1", "scale_2")).max() <= 1 / 32 + 1e-6


def test_a_light_copy_keeps_what_covers_most(tmp_path: Path) -> None:
    file = tmp_path / "heavy.ply"
    file.write_bytes(cloud(spz.MOST_LIGHT + 500, degree=3))
    made = light_copy.lighten(file, file_format="ply")
    assert made.triangles == spz.MOST_LIGHT
    assert len(made.content) < registry.FORMATS["ply"].light_most < file.stat().st_size
    assert light_copy.lighten(file, file_format="ply") == made, "the same file gives the same copy"


# -- drawn


@pytest.fixture(scope="module")
def draw(tmp_path_factory: pytest.TempPathFactory) -> object:
    folder = tmp_path_factory.mktemp("splats")

    def drawn(*rows: list[float], names: tuple[str, ...] = NAMES, view: str = "front") -> np.ndarray:
        file = folder / "one.ply"
        file.write_bytes(made_splats.ply(np.array(rows), names))
        views = Threejs().render(file, rig=RIG, out=folder / "out", file_format="ply").views
        return np.asarray(Image.open(views[view]), np.int16)

    return drawn


@needs_browser
def test_a_splat_is_an_ellipse_of_its_colour_where_it_stands(draw: object) -> None:
    shown = draw(splat((0.2, 0.3, 0), (1, 0, 0), scale=(0.12, 0.02, 0.02)))  # type: ignore[operator]
    rows, columns = np.where(shown[..., 1] < 128)
    scale = 128 / (2 * np.tan(np.radians(RIG.fov / 2)) * RIG.radius)  # pixels a unit, at the origin's distance
    assert (columns.mean(), rows.mean()) == pytest.approx((64 + 0.2 * scale, 64 - 0.3 * scale), abs=1.0)
    assert np.ptp(columns) > 3 * np.ptp(rows), "six times as long as high, and blurred"
    assert tuple(shown[int(rows.mean().round()), int(columns.mean().round())]) == pytest.approx((255, 10, 10), abs=10)


@needs_browser
def test_the_nearer_splat_hides_the_other_from_both_sides(draw: object) -> None:
    front, back = splat((0, 0, 0.3), (1, 0, 0)), splat((0, 0, -0.3), (0, 0, 1))
    for order in ((front, back), (back, front)):
        red = draw(*order)[64, 64]  # type: ignore[operator]
        blue = draw(*order, view="back")[64, 64]  # type: ignore[operator]
        assert (red[0] > 200 > red[2], blue[2] > 200 > blue[0]) == (True, True)


@needs_browser
def test_colour_follows_the_view_where_harmonics_are_given(draw: object) -> None:
    """The second of the first degree changes along z: red from the front is more than from behind."""
    names = (*NAMES, *(f"f_rest_{i}" for i in range(9)))
    row = [*splat((0, 0, 0), (0.5, 0.5, 0.5), scale=(0.2, 0.2, 0.2)), *([0.0] * 9)]
    row[len(NAMES) + 1] = -0.8
    front, back = (int(draw(row, names=names, view=view)[64, 64][0]) for view in ("front", "back"))  # type: ignore[operator]
    shift = 0.4886025119029199 * 0.8 * 255
    assert (front - 127.5, back - 127.5) == pytest.approx((shift, -shift), abs=6)


@needs_browser
def test_opacity_lets_the_background_through(draw: object) -> None:
    shown = draw(splat((0, 0, 0), (0, 0, 0), opacity=0.5, scale=(0.2, 0.2, 0.2)))[64, 64]  # type: ignore[operator]
    assert tuple(shown) == pytest.approx((128, 128, 128), abs=4)
