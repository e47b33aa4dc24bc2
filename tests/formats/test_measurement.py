"""Are untrusted files measured behind the sandbox's walls, and are the numbers that come back checked?"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import trimesh

from core.sandbox.outcomes import Refused, RendererFault
from formats import known_good
from formats.glb.integrity import measure as measure_glb
from formats.integrity import measurement
from formats.integrity.measures import MeshIntegrity, SplatIntegrity
from formats.ply.integrity import measure as measure_ply
from formats.threejs import scene_file
from formats.threejs.sandbox_work import triangle
from tests.formats.made_meshes import BALL, SHAPES, Shape
from tests.judging.made_splats import cloud

MESH, SPLATS = measure_glb(known_good("glb")), measure_ply(known_good("ply"))


def test_the_sandbox_measures_what_is_measured_outside_it(tmp_path: Path) -> None:
    made = SHAPES["two rods through a plate"]
    data = glb_file(made)
    (tmp_path / "glb").write_bytes(data)
    (tmp_path / "ply").write_bytes(splats := cloud(500))
    measured = measurement.measure(tmp_path / "glb", file_format="glb")
    assert measured == measure_glb(data)
    assert isinstance(measured, MeshIntegrity) and (measured.pieces, measured.crossing_faces) == (3, 20)
    assert measurement.measure(tmp_path / "ply", file_format="ply") == measure_ply(splats)
    (tmp_path / "apart").write_bytes(apart := glb_file(BALL.split(apart=4e-7)))
    assert measurement.measure(tmp_path / "apart", file_format="glb") == measure_glb(apart)


def glb_file(made: Shape) -> bytes:
    return bytes(trimesh.Trimesh(made.points / 5, made.faces, process=False).export(file_type="glb"))


def test_a_module_is_measured_as_what_it_builds_and_its_bytes_are_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cube = trimesh.creation.box((0.5, 0.5, 0.5)).export(file_type="glb")
    built = scene_file.join(triangle(), cube)
    monkeypatch.setattr("formats.format_sandbox.part", lambda named: lambda module: built)
    file = tmp_path / "module"
    file.write_bytes(known_good("threejs"))
    measured = measurement.measure(file, file_format="threejs")
    assert isinstance(measured, MeshIntegrity)
    assert (measured.triangles, measured.open_edges, measured.pieces) == (12, 0, 1)
    assert measured.bytes == len(known_good("threejs"))


def test_a_file_that_breaks_a_rule_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"no glb at all")
    with pytest.raises(Refused):
        measurement.measure(tmp_path / "file", file_format="glb")


@pytest.mark.parametrize(
    "change",
    [
        {"open_edges": -1},
        {"open_edges": True},
        {"open_edges": 1.0},
        {"open_edges": None},
        {"open_edges": 2**60},
        {"open_edges": "3"},
        {"uv_overlap": float("nan")},
        {"uv_overlap": float("inf")},
        {"more": 1},
    ],
)
def test_numbers_that_are_none_are_a_fault_of_the_work(change: dict[str, Any]) -> None:
    with pytest.raises(RendererFault):
        measurement.parsed(asdict(MESH) | change, MeshIntegrity)


@pytest.mark.parametrize("payload", [None, [], {}, {"open_edges": 3}])
def test_an_answer_without_every_number_is_a_fault_of_the_work(payload: Any) -> None:
    with pytest.raises(RendererFault):
        measurement.parsed(payload, MeshIntegrity)


def test_numbers_come_back_as_they_were_measured() -> None:
    assert measurement.parsed(asdict(MESH), MeshIntegrity) == MESH
    assert measurement.parsed(asdict(SPLATS), SplatIntegrity) == SPLATS
