"""Are the defects of a mesh counted rightly, however it is written down?"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import fields
from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from formats.integrity import crossings
from formats.integrity.measures import MESH_MEASURES, SPLAT_MEASURES, MeshIntegrity, SplatIntegrity
from formats.integrity.mesh import defects
from tests.formats.made_meshes import SHAPES, Shape, shape, sphere

SOUND = {
    "open_edges": 0,
    "non_manifold_edges": 0,
    "non_manifold_vertices": 0,
    "mismatched_edges": 0,
    "inverted_faces": 0,
    "degenerate_faces": 0,
    "duplicate_faces": 0,
    "crossing_faces": 0,
    "pieces": 1,
}
COORDINATES = st.integers(-4, 4)
SOUPS = st.lists(st.tuples(*[st.tuples(COORDINATES, COORDINATES, COORDINATES)] * 3), min_size=1, max_size=8)


def counts(made: Shape) -> dict[str, int]:
    where = defects(made.points, made.faces)
    return {
        "open_edges": len(where.open_edges),
        "non_manifold_edges": len(where.non_manifold_edges),
        "non_manifold_vertices": len(where.non_manifold_vertices),
        "mismatched_edges": len(where.mismatched_edges),
        "inverted_faces": len(where.inverted),
        "degenerate_faces": len(where.degenerate),
        "duplicate_faces": len(where.duplicate),
        "crossing_faces": len(where.crossing),
        "pieces": where.pieces,
    }


@pytest.mark.parametrize("name", SHAPES)
def test_every_defect_of_a_known_shape_is_counted_and_nothing_else(name: str) -> None:
    assert counts(SHAPES[name]) == SOUND | SHAPES[name].counts


def test_forty_shapes_and_every_kind_of_defect_are_known() -> None:
    assert len(SHAPES) >= 40
    assert {kind for made in SHAPES.values() for kind in made.counts} == SOUND.keys()


@settings(max_examples=200, deadline=None)
@given(
    name=st.sampled_from(sorted(SHAPES)),
    seed=st.integers(0, 2**32 - 1),
    scale=st.floats(-3, 3),
    turn=st.tuples(*[st.floats(-1, 1)] * 4).filter(lambda turn: sum(part * part for part in turn) > 0.01),
)
def test_order_of_vertices_and_faces_scale_and_turn_change_no_count(
    name: str, seed: int, scale: float, turn: tuple[float, float, float, float]
) -> None:
    made, rng = SHAPES[name], np.random.default_rng(seed)
    order = rng.permutation(len(made.points))
    faces = np.argsort(order)[made.faces][rng.permutation(len(made.faces))]
    first = rng.integers(0, 3, len(faces))[:, None]
    faces = np.take_along_axis(faces, (first + np.arange(3)) % 3, axis=1)
    points = made.points[order] @ trimesh.transformations.quaternion_matrix(turn)[:3, :3].T * 10**scale
    assert counts(Shape(points, faces)) == SOUND | made.counts


@pytest.mark.parametrize("name", SHAPES)
def test_32_bit_numbers_of_a_file_change_no_count(name: str) -> None:
    made = SHAPES[name]
    if np.abs(made.points).max() < 100:  # a float32 far from the origin rounds more than the tolerance
        assert counts(Shape((made.points / 9).astype(np.float32), made.faces)) == SOUND | made.counts


@pytest.mark.parametrize("name", SHAPES)
def test_trimesh_agrees_where_it_knows(name: str) -> None:
    """It counts copies and faces without an area like others, and merges vertices that are equal to 8 digits."""
    made, measured = SHAPES[name], counts(SHAPES[name])
    if measured["degenerate_faces"] or measured["duplicate_faces"] or "rounding" in name:
        return
    mesh = trimesh.Trimesh(made.points, made.faces, process=True, merge_norm=True)
    assert mesh.is_watertight == (measured["open_edges"] == measured["non_manifold_edges"] == 0)
    if mesh.is_watertight:
        assert mesh.is_winding_consistent == (measured["mismatched_edges"] == 0)


@settings(max_examples=300, deadline=None)
@given(SOUPS)
def test_a_soup_of_triangles_is_counted_as_by_hand(soup: list[tuple[tuple[int, int, int], ...]]) -> None:
    """Against plain Python and exact fractions."""
    made = shape([corner for triangle in soup for corner in triangle], np.arange(3 * len(soup)).reshape(-1, 3))
    measured = counts(made)
    whole = [triangle for triangle in soup if len(set(triangle)) == 3]
    distinct = sorted({tuple(sorted(triangle)) for triangle in whole})
    used: defaultdict[frozenset[object], list[int]] = defaultdict(list)
    for number, triangle in enumerate(distinct):
        for pair in combinations(triangle, 2):
            used[frozenset(pair)].append(number)
    flat = [number for number, triangle in enumerate(distinct) if not any(normal(triangle))]
    crossing = {
        n for pair in combinations(range(len(distinct)), 2) if cross(*(distinct[i] for i in pair)) for n in pair
    }
    assert measured["open_edges"] == sum(len(faces) == 1 for faces in used.values())
    assert measured["non_manifold_edges"] == sum(len(faces) > 2 for faces in used.values())
    assert measured["duplicate_faces"] == len(whole) - len(distinct)
    assert measured["degenerate_faces"] == len(soup) - len(whole) + len(flat)
    assert measured["crossing_faces"] == len(crossing)
    assert measured["pieces"] == groups(
        range(len(distinct)),
        [(i, j) for i, j in combinations(range(len(distinct)), 2) if set(distinct[i]) & set(distinct[j])],
    )
    touching = 0
    for place in {corner for triangle in distinct for corner in triangle}:
        around = [number for number, triangle in enumerate(distinct) if place in triangle]
        joined = [(i, j) for i, j in combinations(around, 2) if len(set(distinct[i]) & set(distinct[j])) == 2]
        touching += groups(around, joined) > 1
    assert measured["non_manifold_vertices"] == touching


Corner = tuple[int, int, int]
Triangle = tuple[Corner, Corner, Corner]


def groups(things: object, pairs: list[tuple[int, int]]) -> int:
    group = {thing: {thing} for thing in things}  # type: ignore[attr-defined]
    for one, other in pairs:
        joined = group[one] | group[other]
        for each in joined:
            group[each] = joined
    return len({id(each) for each in group.values()})


def normal(triangle: Triangle) -> Corner:
    (a, b, c), (d, e, f) = (tuple(y - x for x, y in zip(triangle[0], corner, strict=True)) for corner in triangle[1:])
    return b * f - c * e, c * d - a * f, a * e - b * d


def cross(one: Triangle, other: Triangle) -> bool:
    """Do they share a stretch of the line in which their planes meet, with corners on both sides of each plane?"""
    if len(set(one) & set(other)) > 1 or not any(normal(one)) or not any(normal(other)):
        return False
    along = normal((((0, 0, 0)), normal(one), normal(other)))
    stretches = []
    for triangle, plane in ((one, other), (other, one)):
        depths = [dot(normal(plane), corner) - dot(normal(plane), plane[0]) for corner in triangle]
        if not min(depths) < 0 < max(depths):
            return False
        ends = [Fraction(dot(along, corner)) for corner, depth in zip(triangle, depths, strict=True) if depth == 0]
        for i, j in combinations(range(3), 2):
            if depths[i] * depths[j] < 0:
                share = Fraction(depths[i], depths[i] - depths[j])
                ends.append(dot(along, triangle[i]) + share * (dot(along, triangle[j]) - dot(along, triangle[i])))
        stretches.append((min(ends), max(ends)))
    return min(end for _, end in stretches) > max(start for start, _ in stretches)


def dot(one: Corner, other: Corner) -> int:
    return sum(x * y for x, y in zip(one, other, strict=True))


def test_vertices_apart_by_less_than_the_tolerance_are_one_and_by_more_are_not() -> None:
    cube = SHAPES["a cube"]
    size = float(np.sqrt(3))
    assert counts(cube.split(apart=1e-7 * size)) == SOUND
    assert counts(cube.split(apart=1e-4 * size))["open_edges"] == 36


def test_a_large_mesh_is_examined_for_crossings_by_a_sample_that_its_content_chooses() -> None:
    ball = sphere(5)
    made = ball.beside(ball.moved(1.0))
    assert len(made.faces) > crossings.SAMPLED_FACES
    one, same, other = (defects(made.points, made.faces, seed=seed) for seed in (1, 1, 2))
    assert len(one.examined) == len(other.examined) == crossings.SAMPLED_FACES
    assert (one.examined == same.examined).all() and (one.crossing == same.crossing).all()
    assert (one.examined != other.examined).any()
    assert 0 < len(one.crossing) < crossings.SAMPLED_FACES and np.isin(one.crossing, one.examined).all()


def test_faces_that_all_lie_close_together_end_the_sample_and_not_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crossings, "MOST_WORK", 200_000)
    rng = np.random.default_rng(3)
    made = Shape(rng.random((9_000, 3)), np.arange(9_000).reshape(-1, 3))
    where = defects(made.points, made.faces)
    assert 0 < len(where.examined) < 3_000
    assert np.isin(where.crossing, where.examined).all()


def test_vertices_that_all_lie_within_the_tolerance_cost_no_more_than_others() -> None:
    rng = np.random.default_rng(5)
    near = rng.random((30_000, 3)) * 1e-9
    far = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]])
    made = Shape(np.concatenate([near, far]), np.arange(30_003).reshape(-1, 3))
    assert counts(made) == SOUND | {"degenerate_faces": 10_000, "open_edges": 3}


def test_the_table_of_measures_has_every_number_once_and_in_its_order() -> None:
    for table, numbers in ((MESH_MEASURES, MeshIntegrity), (SPLAT_MEASURES, SplatIntegrity)):
        assert [measure.name for measure in table] == [each.name for each in fields(numbers)]
        assert all(measure.label and measure.unit and measure.definition.endswith(".") for measure in table)
        assert max(Counter(measure.label for measure in table).values()) == 1
