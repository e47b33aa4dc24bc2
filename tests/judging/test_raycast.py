"""Does the raycast renderer show what a glb file says, from where the rig says, the same way each time?"""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh
from numpy.typing import NDArray
from PIL import Image

from judging.renderers.raycast import draw
from judging.renderers.rig import FRONT, VIEWS, Rig
from tests.judging.broken_glb import FLOAT, Glb, broken

RED, GREEN, BLUE, YELLOW, CYAN, PINK = (
    (255, 0, 0),
    (0, 255, 0),
    (0, 0, 255),
    (255, 255, 0),
    (0, 255, 255),
    (255, 0, 255),
)
SMALL = Rig(views=VIEWS, gray=FRONT, pixels=64, grid_pixels=64)
MIDDLE = 32
Quad = tuple[tuple[float, float, float], ...]


def quads(*told: tuple[Quad, tuple[int, ...], dict[str, Any]]) -> bytes:
    """Unlit squares of four corners, each in one colour, so that pixels are exactly what the file says."""
    glb = Glb()
    glb.tree["meshes"][0]["primitives"], glb.tree["materials"] = [], []
    for corners, colour, more in told:
        position = glb.accessor(np.array(corners, "<f4").tobytes(), FLOAT, 4, "VEC3")
        faces = glb.accessor(np.array([0, 1, 2, 0, 2, 3], "<u2").tobytes(), 5123, 6, "SCALAR")
        glb.tree["meshes"][0]["primitives"].append(
            {"attributes": {"POSITION": position}, "indices": faces, "material": len(glb.tree["materials"])}
        )
        rgba = [channel / 255 for channel in colour] + [1] * (4 - len(colour))
        glb.tree["materials"].append(
            {"pbrMetallicRoughness": {"baseColorFactor": rgba}, "extensions": {"KHR_materials_unlit": {}}, **more}
        )
    return glb.bytes()


def facing(axis: int, sign: int, *, at: float = 0.3, half: float = 0.3) -> Quad:
    """A square across `axis`, its front toward +axis or -axis."""
    first, second = [i for i in range(3) if i != axis]
    if axis == 1:
        first, second = second, first
    corners = []
    for across, up in ((-1, -1), (1, -1), (1, 1), (-1, 1))[:: 1 if sign > 0 else -1]:
        corner = [0.0, 0.0, 0.0]
        corner[axis], corner[first], corner[second] = at * sign, across * half, up * half
        corners.append((corner[0], corner[1], corner[2]))
    return tuple(corners)


SIX = [(0, 1, RED), (0, -1, GREEN), (2, 1, BLUE), (2, -1, YELLOW), (1, 1, CYAN), (1, -1, PINK)]
CUBE = quads(*((facing(axis, sign), colour, {}) for axis, sign, colour in SIX))


def at(drawn: NDArray[np.uint8], row: int, column: int) -> tuple[int, ...]:
    return tuple(int(value) for value in drawn[row, column])


def colours(drawn: NDArray[np.uint8]) -> set[tuple[int, ...]]:
    return {tuple(colour) for colour in drawn.reshape(-1, 3).tolist()}


# -- where the camera stands


@pytest.mark.parametrize(("view", "colour"), [("right", RED), ("left", GREEN), ("back", YELLOW), ("top_down", CYAN)])
def test_each_side_is_seen_from_its_camera(view: str, colour: tuple[int, ...]) -> None:
    assert at(draw(CUBE, rig=SMALL, views=[view])[view], MIDDLE, MIDDLE) == colour


def test_theta_turns_from_the_front_toward_plus_x() -> None:
    drawn = draw(CUBE, rig=SMALL, views=["front_left", "front_right"])
    middle = drawn["front_left"][MIDDLE]
    assert np.flatnonzero((middle == BLUE).all(axis=1)).max() < np.flatnonzero((middle == RED).all(axis=1)).min()
    middle = drawn["front_right"][MIDDLE]
    assert np.flatnonzero((middle == GREEN).all(axis=1)).max() < np.flatnonzero((middle == BLUE).all(axis=1)).min()


def test_negative_phi_looks_from_above_and_up_is_up() -> None:
    drawn = draw(CUBE, rig=SMALL, views=["front_above", "front_below"])
    column = drawn["front_above"][:, MIDDLE]
    assert np.flatnonzero((column == CYAN).all(axis=1)).max() < np.flatnonzero((column == BLUE).all(axis=1)).min()
    column = drawn["front_below"][:, MIDDLE]
    assert np.flatnonzero((column == BLUE).all(axis=1)).max() < np.flatnonzero((column == PINK).all(axis=1)).min()
    assert CYAN not in colours(drawn["front_below"])


def test_seen_from_the_top_the_front_is_at_the_bottom_and_right_is_right() -> None:
    spot = quads(
        (facing(1, 1, at=0.0, half=0.5), BLUE, {}),
        (tuple((x * 0.1, 0.01, z * 0.1 + 0.4) for x, z in ((-1, -1), (-1, 1), (1, 1), (1, -1))), RED, {}),
        (tuple((x * 0.1 + 0.4, 0.01, z * 0.1) for x, z in ((-1, -1), (-1, 1), (1, 1), (1, -1))), GREEN, {}),
    )
    drawn = draw(spot, rig=SMALL, views=["top_down"])["top_down"]
    rows, _ = np.nonzero((drawn == RED).all(axis=2))
    _, columns = np.nonzero((drawn == GREEN).all(axis=2))
    assert rows.min() > MIDDLE
    assert columns.min() > MIDDLE


def test_the_unit_cube_fills_the_picture_as_the_field_of_view_says() -> None:
    """A square of half-width h at distance d covers h / (d tan(fov/2)) of the half-picture."""
    rig = Rig(views=VIEWS, gray=(), pixels=200, fov=60.0, radius=2.0)
    drawn = draw(quads((facing(0, 1, at=0.0, half=0.5), RED, {})), rig=rig, views=["right"])["right"]
    width = (drawn[100] == RED).all(axis=1).sum()
    assert width == pytest.approx(200 * 0.5 / (2.0 * np.tan(np.radians(30))), abs=2)


# -- which surfaces are seen


def test_the_back_of_a_single_sided_square_is_not_there() -> None:
    drawn = draw(quads((facing(2, 1), RED, {})), rig=SMALL, views=["front_left", "back"])
    assert RED in colours(drawn["front_left"])
    assert colours(drawn["back"]) == {(255, 255, 255)}


def test_a_double_sided_square_is_seen_from_both_sides() -> None:
    drawn = draw(quads((facing(2, 1), RED, {"doubleSided": True})), rig=SMALL, views=["back"])["back"]
    assert at(drawn, MIDDLE, MIDDLE) == RED


def test_a_ray_goes_on_behind_a_culled_surface() -> None:
    """Seen from the back: first the hidden back of a red square, then the front of a green one."""
    both = quads((facing(2, 1, at=0.0), RED, {}), (facing(2, -1, at=-0.2), GREEN, {}))
    assert at(draw(both, rig=SMALL, views=["back"])["back"], MIDDLE, MIDDLE) == GREEN


def test_two_squares_back_to_back_each_show_their_own_side() -> None:
    sheet = quads((facing(2, 1, at=0.0), RED, {}), (facing(2, -1, at=0.0), GREEN, {}))
    drawn = draw(sheet, rig=SMALL, views=["front_left", "back"])
    assert GREEN not in colours(drawn["front_left"])
    assert RED not in colours(drawn["back"])


def test_an_inside_out_cube_shows_its_far_walls() -> None:
    inside = quads(*((facing(axis, sign)[::-1], colour, {}) for axis, sign, colour in SIX))
    assert at(draw(inside, rig=SMALL, views=["right"])["right"], MIDDLE, MIDDLE) == GREEN


def test_a_mirrored_node_keeps_its_outside_outside() -> None:
    def mirror(it: Glb) -> None:
        it.tree["nodes"] = [{"mesh": 0, "scale": [-1, 1, 1]}]
        told = {"baseColorFactor": [0, 0, 1, 1]}
        it.tree["materials"] = [{"pbrMetallicRoughness": told, "extensions": {"KHR_materials_unlit": {}}}]

    assert at(draw(broken(mirror), rig=SMALL, views=["front_below"])["front_below"], MIDDLE, MIDDLE) == BLUE


def test_alpha_mask_cuts_holes_and_alpha_blend_mixes() -> None:
    behind = (facing(2, 1, at=0.0), BLUE, {})
    for mode, alpha, seen in (("MASK", 64, BLUE), ("MASK", 192, RED), ("OPAQUE", 64, RED), ("BLEND", 0, BLUE)):
        glb = quads(behind, (facing(2, 1, at=0.1), (*RED, alpha), {"alphaMode": mode}))
        assert at(draw(glb, rig=SMALL, views=["front_below"])["front_below"], MIDDLE, MIDDLE) == seen, mode
    half = quads(behind, (facing(2, 1, at=0.1), (255, 0, 0, 127.5), {"alphaMode": "BLEND"}))
    assert at(draw(half, rig=SMALL, views=["front_below"])["front_below"], MIDDLE, MIDDLE) == (127, 0, 127)


# -- which colours are seen


def _png(pixels: NDArray[np.uint8]) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="PNG")
    return file.getvalue()


def _papered(image: bytes, **sampler: Any) -> bytes:
    glb = Glb(image)
    glb.tree["materials"][0]["extensions"] = {"KHR_materials_unlit": {}}
    glb.tree["samplers"] = [sampler]
    glb.tree["textures"][0]["sampler"] = 0
    return glb.bytes()


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "JPEG"])
def test_a_texture_s_first_row_is_where_v_is_zero(kind: str, tmp_path: Path) -> None:
    drawn = np.zeros((8, 8, 3), np.uint8)
    drawn[:4, :4], drawn[:4, 4:], drawn[4:, :4], drawn[4:, 4:] = RED, GREEN, BLUE, YELLOW
    Image.fromarray(drawn).resize((64, 64), Image.Resampling.NEAREST).save(tmp_path / "p", format=kind, quality=95)
    seen = draw(_papered((tmp_path / "p").read_bytes()), rig=SMALL, views=["front_below"])["front_below"].astype(int)
    for row, column, colour in ((24, 24, RED), (24, 40, GREEN), (40, 24, BLUE), (40, 40, YELLOW)):
        assert np.abs(seen[row, column] - colour).max() < 30


def test_a_fine_texture_seen_from_afar_is_its_mean_not_noise() -> None:
    stripes = np.zeros((512, 512, 3), np.uint8)
    stripes[:, ::2] = 255
    glb = Glb(_png(stripes))
    glb.tree["materials"][0]["extensions"] = {"KHR_materials_unlit": {}}
    seen = draw(glb.bytes(), rig=SMALL, views=["front_below"])["front_below"][28:36, 28:36]
    assert 100 < seen.mean() < 200
    assert seen.std() < 12


def test_a_linear_factor_is_shown_in_srgb() -> None:
    glb = quads((facing(2, 1), (55, 55, 55), {}))
    assert at(draw(glb, rig=SMALL, views=["front_below"])["front_below"], MIDDLE, MIDDLE) == (128, 128, 128)


def test_vertex_colours_and_factor_multiply() -> None:
    def tint(it: Glb) -> None:
        it.tree["accessors"][3].update(bufferView=it.view(bytes([255, 0, 255, 255] * 4)))
        told = {"baseColorFactor": [1, 1, 0, 1]}
        it.tree["materials"] = [{"pbrMetallicRoughness": told, "extensions": {"KHR_materials_unlit": {}}}]

    assert at(draw(broken(tint), rig=SMALL, views=["front_below"])["front_below"], MIDDLE, MIDDLE) == RED


def test_a_face_turned_away_from_the_lamp_is_darker_and_the_lamp_follows() -> None:
    ball = trimesh.creation.icosphere(subdivisions=3, radius=0.4)
    drawn = draw(ball, rig=SMALL, views=["front_left", "back"])
    for name in drawn:
        upper, lower = drawn[name][MIDDLE - 8, MIDDLE + 4], drawn[name][MIDDLE + 9, MIDDLE - 7]
        assert int(upper.sum()) > int(lower.sum())
    assert np.abs(drawn["front_left"].astype(int) - drawn["back"]).mean() < 1


def test_emission_adds_light() -> None:
    def glow(it: Glb) -> None:
        it.tree["materials"] = [
            {"pbrMetallicRoughness": {"baseColorFactor": [0, 0, 0, 1]}, "emissiveFactor": [0, 1, 0]}
        ]

    assert at(draw(broken(glow), rig=SMALL, views=["front_below"])["front_below"], MIDDLE, MIDDLE) == GREEN


# -- which pictures are taken


def test_gray_pictures_differ_from_white_ones_in_the_background_only() -> None:
    drawn = draw(CUBE, rig=SMALL)
    assert set(drawn) == set(SMALL.pictures())
    white, gray = drawn["front_left"], drawn["gray_front_left"]
    assert at(white, 0, 0) == (255, 255, 255)
    assert at(gray, 0, 0) == (128, 128, 128)
    assert at(white, MIDDLE, MIDDLE) == at(gray, MIDDLE, MIDDLE)


def test_the_grid_shows_the_four_front_views() -> None:
    drawn = draw(CUBE, rig=SMALL)
    tiles = [np.asarray(Image.fromarray(drawn[name]).resize((32, 32), Image.Resampling.BOX)) for name in FRONT]
    grid = np.vstack([np.hstack(tiles[:2]), np.hstack(tiles[2:])])
    assert (drawn["grid"] == grid).all()


def test_edges_are_smoothed_by_samples() -> None:
    rough = Rig(views=VIEWS, gray=(), pixels=64, samples=1)
    assert len(colours(draw(CUBE, rig=rough, views=["front_left"])["front_left"])) == 3
    assert len(colours(draw(CUBE, rig=SMALL, views=["front_left"])["front_left"])) > 3
