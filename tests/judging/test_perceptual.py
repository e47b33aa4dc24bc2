"""Which asset is the better likeness, as far as plain image metrics can tell?"""

from dataclasses import replace
from itertools import combinations

import cv2
import numpy as np
import pytest
import trimesh
from hypothesis import given
from hypothesis import strategies as st

from judging.backends import NoAnswer, Question, Side, judge_named, scripted
from judging.decisions.ballots import MICRO
from judging.health.degraded_meshes import DEGRADATIONS, glb_of
from judging.panel.duel_verdict import verdict_of
from judging.panel.questions import QUESTIONS
from judging.perceptual import perceptual, silhouettes
from judging.perceptual.image_similarity import Look
from judging.renderers import raycast
from judging.renderers.rig import EMBEDDED, FRONT, GRAY_PREFIX, VIEWS, CameraView, Rig

SMALL = replace(EMBEDDED, pixels=128, gray=FRONT)
PICTURES = [view.name for view in VIEWS] + [GRAY_PREFIX + name for name in FRONT]
STUDIO = Rig(views=(CameraView("prompt", 18, -10),), gray=(), radius=1.8, pixels=200, background="#8f9aa5")


def painted(mesh, colour):
    mesh.visual = trimesh.visual.TextureVisuals(
        material=trimesh.visual.material.PBRMaterial(baseColorFactor=[*colour, 255], metallicFactor=0.0)
    )
    return mesh


def lantern():
    """A red ball on a white post on a green foot, with a blue button: a thing with parts, a front and a back."""
    ball = trimesh.creation.uv_sphere(radius=0.27, count=[24, 24]).apply_translation([0, 0.2, 0])
    post = trimesh.creation.box(extents=[0.1, 0.3, 0.1]).apply_translation([0, -0.15, 0])
    foot = trimesh.creation.box(extents=[0.5, 0.14, 0.36]).apply_translation([0, -0.37, 0])
    button = trimesh.creation.uv_sphere(radius=0.12, count=[16, 16]).apply_translation([0.05, 0.2, 0.22])
    colours = {"ball": (205, 40, 40), "post": (235, 235, 235), "foot": (50, 140, 60), "button": (40, 60, 190)}
    parts = zip(colours, (ball, post, foot, button), strict=True)
    return trimesh.Scene({name: painted(mesh, colours[name]) for name, mesh in parts})


def photographed(scene, folder, *, name):
    folder = folder / name
    folder.mkdir()
    for picture, pixels in raycast.draw(glb_of(scene), rig=SMALL, views=PICTURES).items():
        cv2.imwrite(str(folder / f"{picture}.png"), cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))
    return Side(name, {picture: folder / f"{picture}.png" for picture in PICTURES})


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    path = tmp_path_factory.mktemp("prompt") / "lantern.png"
    cv2.imwrite(str(path), cv2.cvtColor(raycast.draw(glb_of(lantern()), rig=STUDIO)["prompt"], cv2.COLOR_RGB2BGR))
    return path


@pytest.fixture(scope="module")
def sides(tmp_path_factory):
    folder = tmp_path_factory.mktemp("views")
    made = {name: photographed(broken(lantern()), folder, name=name) for name, broken in DEGRADATIONS.items()}
    flat = lantern()
    for part in flat.geometry.values():
        part.apply_scale([1, 1, 0.03])
    return made | {
        "good": photographed(lantern(), folder, name="good"),
        "flat": photographed(flat, folder, name="flat"),
    }


def duel(reference, defender, challenger, *, judge=None):
    return verdict_of(
        judge or judge_named("perceptual-v1"),
        reference=reference,
        reference_sha256="lantern",
        defender=defender,
        challenger=challenger,
    )


@pytest.mark.parametrize("breakage", ["missing_part", "wrong_colour", "squashed", "hollow_back", "empty", "flat"])
def test_a_broken_copy_loses_from_either_side(reference, sides, breakage):
    assert duel(reference, sides["good"], sides[breakage]).outcome == "defender"
    assert duel(reference, sides[breakage], sides["good"]).outcome == "challenger"


def test_what_nobody_can_see_is_a_draw(reference, sides):
    assert duel(reference, sides["good"], sides["blurred_texture"]).outcome == "draw"  # it has no texture


def test_an_asset_against_itself_scores_exactly_nothing(reference, sides):
    for side in sides.values():
        verdict = duel(reference, side, side)
        assert verdict.score_micro == 0 and verdict.outcome == "draw"


def test_swapping_the_sides_negates_exactly(reference, sides):
    for one, other in combinations(sides.values(), 2):
        assert duel(reference, one, other).score_micro == -duel(reference, other, one).score_micro


def test_only_the_sides_tell_a_hollow_back(reference, sides):
    verdict = duel(reference, sides["good"], sides["hollow_back"])
    assert verdict.decided_by == "around"
    assert abs(verdict.stages[0].score) < abs(verdict.stages[-1].score)


def test_two_judges_that_share_nothing_agree_to_the_last_digit(reference, sides):
    judges = perceptual.made(""), perceptual.made("")
    one, other = (duel(reference, sides["good"], sides["squashed"], judge=judge) for judge in judges)
    assert one == other and judges[0].version == judges[1].version


def test_an_asset_is_measured_once_per_reference(reference, sides, monkeypatch):
    calls, honest = [], perceptual.measured
    monkeypatch.setattr(perceptual, "measured", lambda *a, **k: calls.append(1) or honest(*a, **k))
    judge = perceptual.made("")
    for challenger in ("squashed", "flat", "empty"):
        duel(reference, sides["good"], sides[challenger], judge=judge)
    assert len(calls) == 4


def test_a_white_thing_on_white_is_seen(tmp_path):
    white = np.full((64, 64, 3), 255, np.uint8)
    gray = np.full((64, 64, 3), 128, np.uint8)
    gray[16:48, 16:48] = 255
    assert silhouettes.of_view(white, gray).sum() == 32 * 32
    assert silhouettes.of_view(white, None).sum() == 0


def test_the_object_of_a_photo_is_found_in_front_of_a_gradient_and_above_its_shadow():
    photo = np.repeat(np.linspace(120, 190, 200, dtype=np.uint8)[:, None, None], 200, axis=1).repeat(3, axis=2)
    cv2.ellipse(photo, (100, 158), (60, 8), 0, 0, 360, (120, 120, 120), -1)
    photo = cv2.GaussianBlur(photo, (0, 0), 5)
    cv2.circle(photo, (100, 100), 55, (40, 40, 200), -1)
    truth = np.zeros((200, 200), np.uint8)
    cv2.circle(truth, (100, 100), 55, 1, -1)
    found = silhouettes.of_reference(photo) > 0.5
    assert (found & (truth > 0)).sum() / (found | (truth > 0)).sum() > 0.93


@pytest.mark.parametrize("size", [(40, 40), (80, 20), (21, 90), (3, 3)])
def test_a_look_keeps_proportions_and_forgets_place_and_size(size):
    def look(left, top, scale):
        pixels, mask = np.zeros((256, 256, 3), np.uint8), np.zeros((256, 256), np.float32)
        window = slice(top, top + size[0] * scale), slice(left, left + size[1] * scale)
        pixels[window], mask[window] = (30, 90, 200), 1
        return Look.of(pixels, mask)

    one, other = look(5, 7, 1), look(60, 40, 2)
    assert np.abs(one.mask - other.mask).mean() < 0.01
    assert perceptual.front_parts(one, other)["palette"] > 0.99


def test_a_picture_of_nothing_has_no_look():
    assert Look.of(np.zeros((64, 64, 3), np.uint8), np.zeros((64, 64), np.float32)) is None


def test_a_prompt_without_an_object_is_no_answer(tmp_path, sides):
    cv2.imwrite(str(tmp_path / "blank.png"), np.full((64, 64, 3), 200, np.uint8))
    with pytest.raises(NoAnswer) as missing:
        verdict_of(
            judge_named("perceptual-v1"),
            reference=tmp_path / "blank.png",
            reference_sha256="blank",
            defender=sides["good"],
            challenger=sides["flat"],
        )
    assert missing.value.code == "no_object"


@pytest.mark.parametrize("harm", ["missing", "unreadable", "not a picture"])
def test_a_view_that_is_not_there_is_no_answer_and_no_defeat(reference, sides, tmp_path, harm):
    views = dict(sides["good"].views)
    if harm == "missing":
        del views["back"]
    else:
        views["back"] = tmp_path / "back.png"
    if harm == "not a picture":
        views["back"].write_bytes(b"oops")
    with pytest.raises(NoAnswer) as missing:
        duel(reference, sides["good"], Side(harm, views))
    assert missing.value.failure_class == "judge"


def test_a_question_of_another_kind_is_no_answer(reference, sides):
    question = Question("beauty", reference, "lantern", sides["good"], sides["flat"])
    with pytest.raises(NoAnswer) as missing:
        judge_named("perceptual-v1").ask(question)
    assert missing.value.code == "unknown_question"


def test_every_third_call_of_a_scripted_outage_is_no_answer(reference, sides):
    judge = scripted.made("fail_every=3")
    question = Question("front", reference, "lantern", sides["good"], sides["flat"])
    answered = []
    for _ in range(7):
        try:
            answered.append(judge.ask(question).score)
        except NoAnswer:
            answered.append(None)
    assert [score is None for score in answered] == [False, False, True, False, False, True, False]
    assert answered[0] == judge_named("perceptual-v1").ask(question).score


@given(st.integers(-MICRO, MICRO), st.integers(1, MICRO))
def test_a_larger_difference_never_scores_less_and_never_more_than_one(difference, half):
    score = perceptual.saturated(difference, half=half)
    assert score == -perceptual.saturated(-difference, half=half)
    assert abs(score) <= MICRO
    assert score <= perceptual.saturated(difference + 1, half=half)


def test_weights_are_whole():
    assert sum(perceptual.FRONT_WEIGHTS.values()) == 1000
    assert sum(perceptual.AROUND_WEIGHTS.values()) == 1000
    assert sum(perceptual.ANGLE_WEIGHTS) == 1000 and max(perceptual.ANGLE_WEIGHTS) < 500
    assert set(perceptual.SIDES) == set(QUESTIONS["around"].shows)
