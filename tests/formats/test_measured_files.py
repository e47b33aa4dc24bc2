"""Are files measured as they are drawn, and textures as they lie on them?"""

from __future__ import annotations

import io
import json
from dataclasses import replace

import numpy as np
import pytest
import trimesh
from PIL import Image
from scipy.spatial import Delaunay

from core.sandbox.outcomes import Refused
from formats import known_good
from formats.glb.gltf import chunks
from formats.glb.integrity import measure as measure_glb
from formats.integrity import texture_overlap
from formats.integrity.measures import MeshIntegrity
from formats.integrity.texture_overlap import overlap
from formats.known_good_files import pack
from formats.ply import integrity as ply_integrity
from tests.formats.made_meshes import BALL, CUBE
from tests.judging.broken_glb import Glb
from tests.judging.made_splats import ply, splat

SQUARE = MeshIntegrity(
    open_edges=4,
    non_manifold_edges=0,
    non_manifold_vertices=0,
    mismatched_edges=0,
    inverted_faces=0,
    degenerate_faces=0,
    duplicate_faces=0,
    crossing_faces=0,
    crossing_sample=2,
    pieces=1,
    faces_without_uv=0,
    uv_overlap=0.0,
    textures=1,
    texture_edge=4,
    texture_channels=3,
    texture_maps=1,
    triangles=2,
    draw_calls=1,
    bytes=0,
)


def square(glb: Glb) -> MeshIntegrity:
    """The numbers but the bytes, which are compared with the file's."""
    data = glb.bytes()
    numbers = measure_glb(data)
    assert numbers.bytes == len(data)
    return replace(numbers, bytes=0)


def test_a_textured_square_has_four_open_edges_and_one_texture() -> None:
    assert square(Glb()) == SQUARE


def test_a_see_through_texture_has_four_channels_and_its_longest_edge_counts() -> None:
    file = io.BytesIO()
    Image.new("RGBA", (2, 8), (1, 2, 3, 200)).save(file, "PNG")
    assert square(Glb(file.getvalue())) == replace(SQUARE, texture_edge=8, texture_channels=4)


def test_faces_need_coordinates_for_every_texture_of_their_material() -> None:
    missing = replace(SQUARE, faces_without_uv=2, uv_overlap=None)
    glb = Glb()
    del glb.tree["meshes"][0]["primitives"][0]["attributes"]["TEXCOORD_0"]
    assert square(glb) == missing
    other_channel = Glb()
    other_channel.tree["materials"][0]["normalTexture"] = {"index": 0, "texCoord": 1}
    assert square(other_channel) == replace(missing, texture_maps=2)


def test_faces_whose_material_shows_no_texture_need_no_coordinates() -> None:
    glb = Glb()
    del glb.tree["meshes"][0]["primitives"][0]["material"]
    del glb.tree["meshes"][0]["primitives"][0]["attributes"]["TEXCOORD_0"]
    assert square(glb) == replace(SQUARE, uv_overlap=None)


def test_what_two_nodes_draw_is_one_mesh_and_two_draw_calls() -> None:
    glb = Glb()
    glb.tree["nodes"] = [
        {"mesh": 0, "translation": [-0.2, 0, 0], "scale": [0.5, 1, 1]},
        {"mesh": 0, "translation": [0.2, 0, 0], "scale": [0.5, 1, 1]},
    ]
    glb.tree["scenes"][0]["nodes"] = [0, 1]
    beside = replace(SQUARE, open_edges=6, triangles=4, draw_calls=2, crossing_sample=4, uv_overlap=1.0)
    assert square(glb) == beside


def test_a_mirrored_node_is_not_turned_inside_out() -> None:
    def numbers(scale: list[int]) -> MeshIntegrity:
        data = trimesh.Trimesh(CUBE.points - 0.5, CUBE.faces).export(file_type="glb")
        tree, body = chunks(data)
        tree["nodes"] = [{"mesh": 0, "scale": scale}]
        tree["scenes"], tree["scene"] = [{"nodes": [0]}], 0
        return measure_glb(pack(json.dumps(tree).encode(), bytes(body)))

    assert numbers([1, 1, 1]).inverted_faces == numbers([-1, 1, 1]).inverted_faces == 0


def test_a_seam_of_normals_or_textures_is_no_hole() -> None:
    split = BALL.split()
    normals = np.random.default_rng(0).normal(size=split.points.shape)
    data = trimesh.Trimesh(split.points / 3, split.faces, vertex_normals=normals, process=False).export(file_type="glb")
    numbers = measure_glb(data)
    assert (numbers.open_edges, numbers.pieces, numbers.triangles) == (0, 1, len(BALL.faces))


def test_a_file_that_breaks_a_rule_is_refused_and_not_measured() -> None:
    with pytest.raises(Refused, match="glTF"):
        measure_glb(b"no glb")


def test_the_good_file_of_each_format_can_be_measured() -> None:
    assert measure_glb(known_good("glb")).open_edges == 3
    assert ply_integrity.measure(known_good("ply")).splats == 1


# Textures: (f, 3, 2) corners on them.
def rectangle(left: float, low: float, right: float, high: float) -> list[list[tuple[float, float]]]:
    return [[(left, low), (right, low), (right, high)], [(left, low), (right, high), (left, high)]]


def shared(*rectangles: tuple[float, float, float, float], sheets: list[int] | None = None) -> float | None:
    uv = np.array([face for each in rectangles for face in rectangle(*each)], np.float32)
    return overlap(uv, np.repeat(sheets or [0] * len(rectangles), 2))


def test_the_share_of_texture_that_several_faces_cover_is_exact() -> None:
    assert shared((0, 0, 1, 1)) == 0
    assert shared((0, 0, 1, 1), (0, 0, 1, 1)) == 1
    assert shared((0, 0, 0.5, 1), (0.5, 0, 1, 1)) == 0
    assert shared((0, 0, 0.5, 1), (0.25, 0, 0.75, 1)) == pytest.approx(1 / 3)
    assert shared((0, 0, 0.5, 1), (0.25, 0, 0.75, 1), sheets=[3, 8]) == 0


def test_a_texture_that_repeats_is_one_texture() -> None:
    assert shared((0, 0, 0.5, 0.5), (1, -3, 1.5, -2.5)) == 1
    assert shared((0, 0, 0.5, 0.5), (1.5, -3, 2, -2.5)) == 0
    assert shared((0, 0, 4, 4)) is None


def test_coordinates_that_are_no_number_or_cover_no_point_share_nothing() -> None:
    assert overlap(np.full((4, 3, 2), np.nan, np.float32), np.zeros(4, np.int64)) is None
    assert shared((0.1, 0.1, 0.1, 0.1)) is None
    assert overlap(np.zeros((0, 3, 2), np.float32), np.zeros(0, np.int64)) is None


@pytest.mark.parametrize("seed", range(5))
def test_a_point_on_the_side_of_two_faces_belongs_to_one(seed: int) -> None:
    """Corners on the grid's own points, where a careless rule counts both faces or none."""
    rng = np.random.default_rng(seed)
    corners = np.concatenate([rng.integers(0, 64, (200, 2)) / 64 + 1 / 2048, [(0, 0), (0, 1), (1, 0), (1, 1)]])
    faces = Delaunay(np.unique(corners, axis=0))
    uv = faces.points[faces.simplices].astype(np.float32)
    uv[::2] = uv[::2, ::-1]
    assert overlap(uv, np.zeros(len(uv), np.int64)) == 0


def test_faces_that_all_lie_on_one_another_make_the_grid_coarser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texture_overlap, "MOST_POINTS", 10_000)
    assert shared(*[(0.0, 0.0, 1.0, 1.0)] * 500) == 1


# Splats.
def ball_of_splats(count: int = 400) -> list[list[float]]:
    rng = np.random.default_rng(2)
    places = rng.normal(size=(count, 3))
    places *= 0.3 / np.linalg.norm(places, axis=1, keepdims=True)
    return [splat(tuple(place), (0.5, 0.5, 0.5), scale=(0.02, 0.01, 0.001)) for place in places]


def test_floaters_needles_and_faint_splats_are_counted_and_nothing_else() -> None:
    grey = (0.5, 0.5, 0.5)
    rows = ball_of_splats()
    sound = ply_integrity.measure(ply(np.array(rows)))
    assert (sound.splats, sound.floaters, sound.needles, sound.faint) == (400, 0, 0, 0)
    assert sound.floater_sample == 400
    assert sound.opacity == pytest.approx(0.99, abs=1e-3)
    assert sound.extent == pytest.approx(0.6, rel=0.1)
    rows += [splat((x, 0.49, 0.49), grey) for x in (-0.49, 0.0, 0.49)]
    rows += [splat((0.3, 0, 0), grey, scale=(0.2, 0.01, 0.01))] * 2
    rows += [splat((0.3, 0, 0), grey, opacity=0.01)] * 5
    faulty = ply_integrity.measure(ply(np.array(rows)))
    assert (faulty.floaters, faulty.needles, faulty.faint) == (3, 2, 5)


@pytest.mark.parametrize("seed", range(3))
def test_order_scale_and_turn_change_no_count_of_splats(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = np.array([*ball_of_splats(), *[splat((0.45, 0.4, x), (0.5, 0.5, 0.5)) for x in (-0.4, 0.4)]])
    turned = rows[rng.permutation(len(rows))]
    matrix = trimesh.transformations.random_rotation_matrix(rng.random(3))[:3, :3]
    scale = 10 ** rng.uniform(-3, -0.5)
    turned[:, :3] = turned[:, :3] @ matrix.T * scale
    turned[:, 7:10] += np.log(scale)
    one, other = ply_integrity.measure(ply(rows)), ply_integrity.measure(ply(turned))
    assert (one.floaters, one.needles, one.faint) == (other.floaters, other.needles, other.faint) == (2, 0, 0)
    assert other.extent == pytest.approx(one.extent * scale, rel=1e-4)


def test_splats_that_all_lie_in_one_place_cost_no_more_than_others() -> None:
    rows = np.repeat(np.array([splat((0.1, 0.1, 0.1), (0.5, 0.5, 0.5))]), 150_000, axis=0)
    numbers = ply_integrity.measure(ply(rows))
    assert (numbers.splats, numbers.floaters, numbers.floater_sample) == (150_000, 0, 100_000)
    assert numbers.extent == pytest.approx(0, abs=1e-9)
