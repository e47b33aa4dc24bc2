"""Does a converted copy show the same thing, and say whose it is?"""

from __future__ import annotations

import io
import json
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
import trimesh

from core.sandbox.chromium import walls
from core.sandbox.outcomes import Refused
from examples.objects import glb_of
from formats import known_good_files, registry
from formats.conversion import convert
from formats.glb import examine as glb
from formats.ply import examine as ply
from tests.judging.made_splats import cloud

TOLD = {"round": "demo/1", "miner": "5Fx", "commit": "ab" * 20, "licence": "MIT", "sha256 of the original": "cd" * 32}


@pytest.fixture
def mug(tmp_path: Path) -> Path:
    path = tmp_path / "mug.glb"
    path.write_bytes(glb_of("mug"))
    return path


@pytest.fixture
def splats(tmp_path: Path) -> Path:
    path = tmp_path / "ball.ply"
    path.write_bytes(cloud(100, degree=2))
    return path


def test_every_conversion_is_known_by_name() -> None:
    for row in registry.FORMATS.values():
        assert tuple(registry.part(f"{row.sandbox}:WORK").conversions) == row.targets


def test_a_glb_says_whose_it_is_and_draws_the_same(mug: Path) -> None:
    made = convert(mug, file_format="glb", to="glb", provenance=TOLD)
    length = struct.unpack_from("<I", made, 12)[0]
    asset = json.loads(made[20 : 20 + length])["asset"]
    assert asset["extras"] == TOLD
    assert "miner: 5Fx" in asset["copyright"] and "licence: MIT" in asset["copyright"]
    before, after = (glb.examine(data) for data in (mug.read_bytes(), made))
    assert (after.count, after.bounds) == (before.count, before.bounds)


def test_an_obj_holds_the_same_surface_and_says_whose_it_is(mug: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(convert(mug, file_format="glb", to="obj.zip", provenance=TOLD))) as archive:
        text = archive.read("asset.obj").decode()
        assert "asset.mtl" in archive.namelist()
    assert text.startswith("# round: demo/1\n# miner: 5Fx\n")
    mesh = trimesh.load_mesh(io.BytesIO(text.encode()), file_type="obj")
    facts = glb.examine(mug.read_bytes())
    assert len(mesh.faces) == facts.count
    assert np.allclose(mesh.bounds, facts.bounds, atol=1e-4)


def test_a_ply_and_an_spz_say_whose_they_are(splats: Path) -> None:
    made = convert(splats, file_format="ply", to="ply", provenance=TOLD)
    assert b"comment miner: 5Fx\n" in made
    assert np.array_equal(ply.read(made).values, ply.read(splats.read_bytes()).values)
    packed = convert(splats, file_format="ply", to="spz", provenance=TOLD)
    assert b"miner: 5Fx; commit: " in packed[:400]


@pytest.mark.skipif(walls.program("") is None, reason=f"no Chromium here: {walls.INSTALL}")
def test_a_module_becomes_the_mesh_it_builds_and_says_whose_it_is(tmp_path: Path) -> None:
    path = tmp_path / "module.js"
    path.write_text(known_good_files.MODULE)
    made = convert(path, file_format="threejs", to="glb", provenance=TOLD)
    length = struct.unpack_from("<I", made, 12)[0]
    assert json.loads(made[20 : 20 + length])["asset"]["extras"] == TOLD
    assert glb.examine(made).count > 0


def test_what_is_told_cannot_break_out_of_its_line(splats: Path) -> None:
    hostile = {"miner": "x\nend_header\n", "repo": "é\0"}
    made = convert(splats, file_format="ply", to="ply", provenance=hostile)
    assert b"comment miner: x?end_header?\n" in made and b"comment repo: ??\n" in made
    assert ply.examine(made).count == 100


def test_an_unknown_target_is_refused_with_a_choice(splats: Path) -> None:
    with pytest.raises(ValueError, match=r"ply files cannot become 'stl'; choose ply or spz"):
        convert(splats, file_format="ply", to="stl", provenance=TOLD)


def test_a_broken_file_is_refused_as_ever(tmp_path: Path) -> None:
    broken = tmp_path / "broken.glb"
    broken.write_bytes(b"glTF")
    with pytest.raises(Refused, match="TRUNCATED"):
        convert(broken, file_format="glb", to="glb", provenance=TOLD)
