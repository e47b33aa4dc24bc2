"""Does a file of positions say exactly where the defects are, and is nothing else read from one?"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from formats.integrity.defect_positions import (
    COUNTS,
    FIRST,
    FLOAT,
    HEADER,
    MAGIC,
    MOST_BYTES,
    REACH,
    VERSION,
    DefectPositions,
    pack,
    parse,
    positions_of,
)
from formats.integrity.marks import MARKS, MOST_SHOWN
from formats.integrity.mesh import defects
from tests.formats.made_meshes import CUBE, SHAPES, Shape

Corners = tuple[tuple[float, ...], ...]


def written(made: Shape) -> dict[str, DefectPositions]:
    """As a reader of the file has them."""
    return parse(pack(positions_of(made.points, made.faces, defects(made.points, made.faces))))


def corners_of(found: DefectPositions) -> set[Corners]:
    """Of each defect its corners, in any order."""
    return {tuple(sorted(tuple(corner) for corner in each)) for each in found.positions.tolist()}


def corners(made: Shape, *wanted: tuple[int, ...]) -> set[Corners]:
    return {tuple(sorted(tuple(made.points[corner].tolist()) for corner in each)) for each in wanted}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a cube", {}),
        ("a cube without one side", {"open_edges": corners(CUBE, (4, 5), (5, 7), (7, 6), (6, 4))}),
        (
            "a cube with one face turned",
            {
                "inverted_faces": corners(CUBE, (4, 7, 6)),
                "mismatched_edges": corners(CUBE, (4, 7), (7, 6), (6, 4)),
            },
        ),
        ("a cube turned inside out", {"inverted_faces": corners(CUBE, *CUBE.faces.tolist())}),
        ("two cubes that share an edge", {"non_manifold_edges": corners(CUBE, (3, 7))}),
        ("two cubes that share a corner", {"non_manifold_vertices": corners(CUBE, (7,))}),
        ("a cube with one face twice", {"duplicate_faces": corners(CUBE, tuple(CUBE.faces[4]))}),
    ],
)
def test_positions_are_those_of_the_defects_and_of_nothing_else(name: str, expected: dict[str, set[Corners]]) -> None:
    found = {number: corners_of(each) for number, each in written(SHAPES[name]).items() if each.counted}
    assert found == expected


@pytest.mark.parametrize("name", [name for name in SHAPES if not name.startswith("nothing")])
def test_each_mark_has_as_many_positions_as_are_counted(name: str) -> None:
    made = SHAPES[name]
    small = Shape((made.points - made.points.mean(axis=0)) / np.abs(made.points).max() / 2, made.faces)
    for mark in MARKS:
        found, counted = written(small)[mark.number], made.counts.get(mark.number, 0)
        assert (found.counted, found.positions.shape) == (counted, (counted, mark.corners, 3))


def triangles_apart(count: int) -> Shape:
    """Each with three open edges."""
    first = np.random.default_rng(1).uniform(-0.4, 0.4, (count, 1, 3))
    return Shape((first + np.eye(3) * 1e-3).reshape(-1, 3), np.arange(3 * count).reshape(-1, 3))


def test_of_very_many_defects_some_are_shown_evenly_chosen_and_all_are_counted() -> None:
    made = triangles_apart(4000)
    where = defects(made.points, made.faces)
    found = positions_of(made.points, made.faces, where)["open_edges"]
    assert (found.counted, len(found.positions)) == (12_000, MOST_SHOWN)
    chosen = [n * 12_000 // MOST_SHOWN for n in range(MOST_SHOWN)]
    assert chosen[0] == 0 and chosen[-1] >= 11_998 and len(set(chosen)) == MOST_SHOWN
    assert (found.positions == where.open_edges[chosen].astype(np.float32)).all()
    content = pack(positions_of(made.points, made.faces, where))
    assert content == pack(positions_of(made.points, made.faces, where)) and len(content) <= MOST_BYTES < 2_000_000


def test_the_form_stays_as_its_version_says() -> None:
    """Stored files are read for ever: another order of marks, or more of them, needs another version."""
    assert (MAGIC, VERSION, HEADER.size, COUNTS.size) == (b"GNTFAULT", 1, 12, 8)
    assert [(mark.number, mark.corners) for mark in MARKS] == [
        ("open_edges", 2),
        ("inverted_faces", 3),
        ("mismatched_edges", 2),
        ("non_manifold_edges", 2),
        ("non_manifold_vertices", 1),
        ("crossing_faces", 3),
        ("duplicate_faces", 3),
    ]
    made = SHAPES["two cubes that share a corner"]
    content = pack(positions_of(made.points, made.faces, defects(made.points, made.faces)))
    counts = (0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0)
    assert content == struct.pack("<8sI14I3f", b"GNTFAULT", 1, *counts, 1.0, 1.0, 1.0)


def test_the_viewer_knows_the_same_form() -> None:
    text = (Path(__file__).parents[2] / "dashboard" / "static" / "dashboard" / "defects.js").read_text()
    known = f'MAGIC = "{MAGIC.decode()}", VERSION = {VERSION}, MOST_SHOWN = {MOST_SHOWN:_}, REACH = {REACH:g};'
    assert f"export const {known}" in text
    assert f"const HEADER = {HEADER.size}, COUNTS = {COUNTS.size}, FLOAT = {FLOAT.itemsize};" in text


def one_edge(*, counted: int = 1, shown: int = 1, position: float = 0.25, floats: int = 6) -> bytes:
    counts = COUNTS.pack(counted, shown) + bytes(FIRST - HEADER.size - COUNTS.size)
    return HEADER.pack(MAGIC, VERSION) + counts + struct.pack(f"<{floats}f", *[position] * floats)


def test_what_is_made_here_is_read() -> None:
    assert parse(one_edge())["open_edges"].positions.tolist() == [[[0.25] * 3] * 2]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        one_edge()[: FIRST - 1],
        b"GNTSCENE" + one_edge()[8:],
        HEADER.pack(MAGIC, 2) + one_edge()[HEADER.size :],
        one_edge()[:-1],
        one_edge() + b"\0",
        one_edge(floats=9),
        one_edge(shown=0, floats=0),
        one_edge(counted=0),
        one_edge(counted=2**32 - 1, shown=2**32 - 1),
        one_edge(counted=2**32 - 1, shown=MOST_SHOWN),
        one_edge(counted=MOST_SHOWN + 1, shown=MOST_SHOWN + 1, floats=6 * (MOST_SHOWN + 1)),
        one_edge(position=1.5),
        one_edge(position=float("nan")),
        one_edge(position=float("-inf")),
    ],
    ids=range(15),
)
def test_anything_else_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError):
        parse(content)
