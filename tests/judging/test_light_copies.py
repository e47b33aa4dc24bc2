"""Light copies: what they keep of a heavy file, and what a hostile one cannot do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh
from PIL import Image

from core.sandbox.outcomes import Refused, RendererFault
from formats import light_copy
from formats.glb import canonical, gltf, mesh_simplification
from formats.glb import check as glb
from formats.glb.sandbox_work import WORK
from formats.sandbox import Sandbox
from judging.renderers import raycast
from judging.renderers.rig import EMBEDDED
from tests.judging.broken_glb import BROKEN

VIEWS = ["front_left", "top_down"]


def globe(*, subdivisions: int = 6, edge: int = 1024, **material: Any) -> bytes:
    """A painted ball with a seam in its texture: 20 x 4^subdivisions triangles."""
    ball = trimesh.creation.icosphere(subdivisions=subdivisions, radius=0.45)
    x, y, z = (ball.vertices / 0.45).T
    uv = np.stack([np.arctan2(x, z) / (2 * np.pi) + 0.5, np.arcsin(np.clip(y, -1, 1)) / np.pi + 0.5], axis=1)
    down, across = np.mgrid[0:edge, 0:edge] * 8 // edge
    colours = np.stack([down * 30, across * 30, np.full_like(down, 90)], axis=-1).astype(np.uint8)
    paint = trimesh.visual.material.PBRMaterial(baseColorTexture=Image.fromarray(colours), **material)
    ball.visual = trimesh.visual.TextureVisuals(uv=uv, material=paint)
    return ball.export(file_type="glb")


def lightened(data: bytes) -> tuple[bytes, int]:
    return mesh_simplification.lighten(glb.examine(data)[1].model())


@pytest.fixture(scope="module")
def heavy() -> bytes:
    return globe()


def test_a_light_copy_looks_like_its_original(heavy: bytes) -> None:
    copy, triangles = lightened(heavy)
    before, after = glb.check(heavy), glb.check(copy)  # our own checker reads it
    assert triangles == after.triangles < before.triangles / 2
    assert len(copy) < min(mesh_simplification.LIGHT, len(heavy) / 4)
    assert np.allclose(before.bounds, after.bounds, atol=0.02)
    drawn = [raycast.draw(file, rig=EMBEDDED, views=VIEWS) for file in (heavy, copy)]
    for view in VIEWS:
        first, second = (pictures[view].astype(int) for pictures in drawn)
        assert first.std() > 10, "there is something to see"
        assert np.abs(first - second).mean() < 2.5
        silhouettes = [(picture.min(axis=2) < 250) for picture in (first, second)]
        assert (silhouettes[0] != silhouettes[1]).mean() < 0.01


def test_what_is_light_already_keeps_its_triangles() -> None:
    copy, triangles = lightened(globe(subdivisions=3, edge=64))
    assert triangles == 20 * 4**3
    first, second = (
        raycast.draw(file, rig=EMBEDDED, views=VIEWS[:1])["front_left"].astype(int)
        for file in (globe(subdivisions=3, edge=64), copy)
    )
    assert np.abs(first - second).mean() < 2


def test_no_crack_opens_along_a_seam(heavy: bytes) -> None:
    copy, _ = lightened(heavy)
    reader = glb.examine(copy)[1]
    (part,) = reader.model().parts
    _, welded = np.unique(part.positions.round(5), axis=0, return_inverse=True)
    faces = welded.reshape(-1)[part.faces]
    edges = np.sort(faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
    _, sides = np.unique(edges, axis=0, return_counts=True)
    assert (sides == 1).mean() < 0.002, "every edge of a closed surface has a triangle on both sides"


@pytest.mark.parametrize(
    ("material", "kept"),
    [
        ({"alphaMode": "BLEND", "baseColorFactor": [1.0, 0.5, 0.25, 0.5]}, {"blends": True}),
        ({"alphaMode": "MASK", "alphaCutoff": 0.25}, {"cutoff": 0.25}),
        ({"doubleSided": True, "emissiveFactor": [0.5, 0.0, 0.0]}, {"double_sided": True}),
    ],
)
def test_how_it_is_painted_is_kept(material: dict[str, Any], kept: dict[str, Any]) -> None:
    told = glb.examine(lightened(globe(subdivisions=2, edge=32, **material))[0])[1].model().materials[0]
    assert {name: getattr(told, name) for name in kept} == kept
    if "emissiveFactor" in material:
        assert told.emissive == pytest.approx((0.5, 0, 0), abs=0.01)
    if "baseColorFactor" in material:
        assert told.base == pytest.approx((1.0, 0.5, 0.25, 0.5), abs=0.01)


def test_many_pictures_get_smaller_until_the_copy_is_light() -> None:
    scene = trimesh.Scene()
    noise = np.random.default_rng(0).integers(0, 255, (24, 512, 512, 3), dtype=np.uint8)
    for place, pixels in enumerate(noise):
        box = trimesh.creation.box(extents=(0.05, 0.05, 0.05))
        box.apply_translation((place % 6 * 0.15 - 0.4, place // 6 * 0.15 - 0.3, 0))
        uv = np.random.default_rng(place).random((len(box.vertices), 2))
        box.visual = trimesh.visual.TextureVisuals(uv=uv, image=Image.fromarray(pixels))
        scene.add_geometry(box)
    copy, triangles = lightened(scene.export(file_type="glb"))
    assert len(copy) <= mesh_simplification.LIGHT
    assert triangles == 24 * 12


@pytest.fixture(scope="module")
def room() -> Iterator[Sandbox]:
    made = Sandbox("formats.glb.sandbox_work:work")
    yield made
    made.close()


def test_the_copy_is_made_behind_walls(room: Sandbox, heavy: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.glb").write_bytes(heavy)
    made = light_copy.lighten(tmp_path / "a.glb", sandbox=room)
    assert glb.check(made.content).triangles == made.triangles


@pytest.mark.parametrize("name", sorted(BROKEN)[::6])
def test_a_file_that_breaks_a_rule_gets_no_copy(room: Sandbox, name: str, tmp_path: Path) -> None:
    code, data = BROKEN[name]
    (tmp_path / "a.glb").write_bytes(data)
    with pytest.raises(Refused) as refused:
        light_copy.lighten(tmp_path / "a.glb", sandbox=room)
    assert refused.value.code == code


@pytest.fixture(scope="module")
def broken_room() -> Iterator[Sandbox]:
    made = Sandbox("tests.judging.bad_lightening:work")
    yield made
    made.close()


@pytest.mark.parametrize("deed", ["pipe", "folder", "flood", "empty", "lie", "nothing"])
def test_what_a_broken_room_leaves_is_not_taken(broken_room: Sandbox, deed: str, tmp_path: Path) -> None:
    (tmp_path / "a.glb").write_bytes(deed.encode())
    with pytest.raises(RendererFault):
        light_copy.lighten(tmp_path / "a.glb", sandbox=broken_room)


def test_a_light_copy_is_made_of_the_canonical_form_and_not_of_the_miner_s_bytes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A moved node tells them apart: the canonical form rounds its vertices in its own place."""
    scene = trimesh.Scene()
    move = trimesh.transformations.random_rotation_matrix(np.array([0.1, 0.2, 0.3]))
    move[:3, 3] = (0.123, -0.201, 0.077)
    scene.add_geometry(trimesh.creation.icosphere(subdivisions=2, radius=0.1), transform=move)
    data = scene.export(file_type="glb")
    given: list[gltf.Model] = []

    def lighten(model: gltf.Model) -> tuple[bytes, int]:
        given.append(model)
        return b"", 0

    monkeypatch.setattr(mesh_simplification, "lighten", lighten)
    WORK.lighten(data)
    monkeypatch.undo()
    reader = glb.examine(data)[1]
    anew, own = gltf.read(canonical.canonical(reader)), reader.model()
    assert not np.array_equal(anew.parts[0].positions, own.parts[0].positions)
    assert np.array_equal(given[0].parts[0].positions, anew.parts[0].positions)
