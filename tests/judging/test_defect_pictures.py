"""Does the picture of a mesh's defects show where they are, and nothing where there are none?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from core.sandbox.outcomes import Refused, RendererFault
from formats.glb.integrity import examine
from formats.integrity.defect_positions import MOST_BYTES, pack, positions_of
from formats.integrity.marks import MARKS
from formats.integrity.mesh import MeshDefects
from judging.renderers import defect_pictures, draw_defects
from judging.renderers.defect_marks import POSITIONS, RIG, marked
from judging.renderers.raycaster import draw_pictures
from judging.renderers.rig import GRID
from tests.formats.made_meshes import SHAPES, glb_of

RED, BLUE = "open_edges", "inverted_faces"


def colours_in(picture: np.ndarray) -> set[str]:
    """The numbers whose colours are seen, by hue: what lies behind see-through grey is paler."""
    red, green, blue = (picture[..., i].astype(int) for i in range(3))
    seen = {
        RED: (red - np.maximum(green, blue) > 60) & (np.abs(green - blue) < 30),
        BLUE: (blue - red > 60) & (blue - green > 40),
        "mismatched_edges": (np.minimum(green, blue) - red > 60) & (np.abs(green - blue) < 40),
        "non_manifold_edges": (np.minimum(red, blue) - green > 60) & (np.abs(red - blue) < 30),
        "crossing_faces": (red - green > 40) & (green - blue > 60),
        "duplicate_faces": (green - np.maximum(red, blue) > 60),
        "non_manifold_vertices": (red < 40) & (green < 40) & (blue < 40),
    }
    return {name for name, where in seen.items() if where.sum() > 20}


def drawn(name: str) -> np.ndarray:
    _, where, mesh = examine(glb_of(name))
    return draw_pictures(marked(mesh, where), rig=RIG, pictures=[GRID])[GRID]


@pytest.mark.parametrize(
    ("name", "colours"),
    [
        ("a cube", set()),
        ("a cube without one side", {RED}),
        ("a cube with one side turned", {BLUE, "mismatched_edges"}),
        ("a cube turned inside out", {BLUE}),
        ("a rod through a plate", {"crossing_faces"}),
        ("a cube with one face twice", {"duplicate_faces"}),
        ("two cubes that share an edge", {"non_manifold_edges"}),
        ("two cubes that share a corner", {"non_manifold_vertices"}),
    ],
)
def test_each_kind_of_defect_is_seen_in_its_colour_and_no_other(name: str, colours: set[str]) -> None:
    assert colours_in(drawn(name)) == colours


def test_open_edges_are_seen_where_the_hole_is() -> None:
    """The red of each view reaches from the leftmost to the rightmost corner of the hole, and from top to bottom."""
    made = SHAPES["a cube without one side"]
    hole = made.points[4:] * 0.8 - 0.4
    whole = drawn("a cube without one side").astype(int)
    half = RIG.grid_pixels // 2
    for place, view in enumerate(RIG.gray):
        camera = RIG.camera(view)
        right, up, forward = ((hole - camera.position) @ np.array(v) for v in (camera.right, camera.up, camera.forward))
        reach = np.tan(np.radians(RIG.fov) / 2)
        across, down = (right / forward / reach + 1) / 2 * half, (1 - up / forward / reach) / 2 * half
        row, column = divmod(place, 2)
        tile = whole[row * half : (row + 1) * half, column * half : (column + 1) * half]
        rows, columns = np.nonzero(tile[..., 0] - tile[..., 1:].max(axis=2) > 60)
        assert np.allclose([columns.min(), columns.max()], [across.min(), across.max()], atol=3)
        assert np.allclose([rows.min(), rows.max()], [down.min(), down.max()], atol=3)


def test_every_mark_is_a_number_and_a_place_that_are_measured() -> None:
    numbers, where, _ = examine(glb_of("a cube"))
    assert all(hasattr(numbers, mark.number) and hasattr(where, mark.defects) for mark in MARKS)
    assert {mark.defects for mark in MARKS} <= set(MeshDefects.__dataclass_fields__)
    assert len({mark.words for mark in MARKS}) == len(MARKS)


def test_the_sandbox_draws_the_same_picture_and_leaves_the_positions(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(glb_of("a cube without one side"))
    both = draw_defects(tmp_path / "file", out=tmp_path / "out", file_format="glb")
    assert (np.asarray(Image.open(both.picture)) == drawn("a cube without one side")).all()
    _, where, mesh = examine(glb_of("a cube without one side"))
    assert both.positions == pack(positions_of(mesh.points, mesh.faces, where))
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["grid.png"]


@pytest.mark.parametrize("left", [None, b"", b"GNTFAULT" + bytes(60), bytes(MOST_BYTES + 1)])
def test_positions_that_nobody_could_read_are_a_fault_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left: bytes | None
) -> None:
    """A good file fails in the same place, so no miner is blamed."""

    class Work:
        def run(self, task: Any, *, data: Path, folder: Path, limits: Any) -> None:
            (folder / f"{GRID}.rgb").write_bytes(bytes(3 * RIG.grid_pixels**2))
            if left is not None:
                (folder / POSITIONS).write_bytes(left)

    monkeypatch.setattr(defect_pictures, "SANDBOX", Work())
    (tmp_path / "file").write_bytes(glb_of("a cube without one side"))
    with pytest.raises(RendererFault, match="positions"):
        draw_defects(tmp_path / "file", out=tmp_path / "out", file_format="glb")


def test_a_file_that_breaks_a_rule_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"no mesh")
    with pytest.raises(Refused):
        draw_defects(tmp_path / "file", out=tmp_path / "out", file_format="glb")
