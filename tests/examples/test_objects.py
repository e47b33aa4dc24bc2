"""The true objects: closed, single-sided, within the unit cube, and worth comparing anything with."""

import io

import numpy as np
import pytest
import trimesh

from examples.objects import OBJECTS, glb_of

SOME = ("balloon", "book", "car", "guitar", "mug", "shield", "snail", "tree")


def parts(name: str) -> list[trimesh.Trimesh]:
    scene = trimesh.load(io.BytesIO(glb_of(name)), file_type="glb", process=False)
    return list(scene.geometry.values())


def test_there_are_enough_objects_for_a_round_and_a_title_match() -> None:
    assert len(OBJECTS) == 32


@pytest.mark.parametrize("name", SOME)
def test_an_object_fills_the_unit_cube_and_stays_in_it(name: str) -> None:
    corners = np.concatenate([part.vertices for part in parts(name)])
    assert np.abs(corners).max() <= 0.5
    assert np.ptp(corners, axis=0).max() == pytest.approx(0.95, abs=1e-4)


@pytest.mark.parametrize("name", SOME)
def test_every_part_is_a_closed_solid_that_faces_outward(name: str) -> None:
    for part in parts(name):
        whole = part.copy()
        whole.merge_vertices(merge_tex=True, merge_norm=True)
        assert whole.is_watertight
        assert whole.volume > 0


@pytest.mark.parametrize("name", SOME)
def test_normals_agree_with_the_faces_they_belong_to(name: str) -> None:
    for part in parts(name):
        corners = part.vertex_normals[part.faces].mean(axis=1)
        assert (np.einsum("ij,ij->i", corners, part.face_normals) > 0).mean() > 0.99


def test_no_material_is_double_sided_or_metal() -> None:
    for name in SOME:
        for part in parts(name):
            assert not part.visual.material.doubleSided
            assert part.visual.material.metallicFactor == 0


def test_the_same_name_gives_the_same_bytes() -> None:
    assert glb_of("teapot") == glb_of("teapot")
