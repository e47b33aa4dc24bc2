"""What does a model in our own memory say?  A tiny one, built and trained here, judges real duels offline."""

import hashlib
import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from judging.backends import judge_named
from judging.backends.base import NoAnswer, Side
from judging.panel.duel_verdict import verdict_of
from judging.panel.questions.calls import Asker
from judging.panel.questions.version import version_named
from judging.panel.transformers import Transformers
from judging.panel.vlm_panel import Deliberates
from tests.conftest import TORCH
from tests.judging.vlm_stage import FRONT, SIDES

needs_torch = pytest.mark.torch
VIEWS = (*FRONT, *SIDES, *(f"gray_{view}" for view in FRONT))


def asset(folder: Path, *, red: int) -> Side:
    path = folder / f"{red}.png"
    cv2.imwrite(str(path), np.full((32, 32, 3), (30, 30, red), np.uint8))
    return Side(hashlib.sha256(path.read_bytes()).hexdigest(), dict.fromkeys(VIEWS, path))


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A folder with a model that prefers the redder of two assets."""
    from tests.judging import tiny_vlm

    return tiny_vlm.saved(tmp_path_factory.mktemp("tiny"), steps=tiny_vlm.STEPS), tiny_vlm.short_version()


@pytest.fixture
def judge(model):
    folder, version = model
    return Transformers(version, folder=str(folder), device="cpu", batch=4)


@pytest.fixture
def asker(model, tmp_path):
    return Asker(model[1], asset(tmp_path, red=128).views["back"])


def asked(judge, folder, *, defender, challenger):
    sides = [asset(folder, red=red) for red in (defender, challenger)]
    return verdict_of(
        judge,
        reference=asset(folder, red=128).views["back"],
        reference_sha256="0" * 64,
        defender=sides[0],
        challenger=sides[1],
    )


@needs_torch
@pytest.mark.parametrize(("red", "other"), [(250, 5), (230, 20), (210, 40)])
def test_a_behaving_model_judges_real_duels(judge, tmp_path, red, other):
    assert asked(judge, tmp_path, defender=other, challenger=red).outcome == "challenger"
    assert asked(judge, tmp_path, defender=red, challenger=other).outcome == "defender"


@needs_torch
def test_a_batch_gives_each_question_the_answer_it_gets_alone(judge, asker, tmp_path):
    sides = [asset(tmp_path, red=red) for red in (10, 90, 170, 250)]
    calls = [asker.pair("likeness", one, other) for one in sides for other in sides if one != other]
    together = judge.answer(calls)
    alone = [judge.answer([call])[0] for call in calls]
    for one, other in zip(together, alone, strict=True):
        assert one.probabilities == pytest.approx(other.probabilities, abs=1e-4)


@needs_torch
def test_pairs_and_single_assets_fit_into_one_batch(judge, asker, tmp_path):
    one, other = asset(tmp_path, red=10), asset(tmp_path, red=240)
    pair, single = judge.answer([asker.pair("likeness", one, other), asker.asset("sides", one)])
    assert set(pair.probabilities) == {"0", "1", "2"} and set(single.probabilities) == {"0", "1", "2", "3", "4"}
    assert 0 <= pair.mass <= 1.001 and 0 <= single.mass <= 1.001


@needs_torch
def test_a_batch_that_does_not_fit_is_halved(judge, asker, tmp_path):
    import torch

    sides = [asset(tmp_path, red=red) for red in (10, 90, 170, 250)]
    calls = [asker.asset("sides", side) for side in sides]
    expected = judge.answer(calls)
    honest, sizes = judge.loaded.labels, []

    def cramped(batch):
        sizes.append(len(batch))
        if len(batch) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return honest(batch)

    judge.loaded.labels = cramped
    again = judge.answer(calls)
    assert [r.probabilities for r in again] == [pytest.approx(r.probabilities, abs=1e-4) for r in expected]
    assert judge.batch == 1 and max(sizes) > 1


@needs_torch
def test_a_question_that_alone_does_not_fit_is_no_answer(judge, asker, tmp_path):
    import torch

    judge.answer([asker.asset("sides", asset(tmp_path, red=10))])

    def never(batch):
        raise torch.OutOfMemoryError("CUDA out of memory")

    judge.loaded.labels = never
    (silence,) = judge.answer([asker.asset("sides", asset(tmp_path, red=20))])
    assert isinstance(silence, NoAnswer) and silence.code in {"out_of_memory", "model"}


@needs_torch
@pytest.mark.parametrize(("share", "code"), [(math.nan, "bad_logprobs"), (0.1, "low_mass")])
def test_probabilities_that_are_none_or_of_something_else_are_no_verdict(judge, asker, tmp_path, share, code):
    judge.answer([asker.asset("sides", asset(tmp_path, red=10))])
    judge.loaded.labels = lambda batch: [dict.fromkeys(call.labels, share) for call in batch]
    with pytest.raises(NoAnswer) as silence:
        asked(judge, tmp_path, defender=20, challenger=240)
    assert silence.value.code == code and not judge.answers.replies


@needs_torch
def test_a_label_that_is_not_one_token_is_refused(judge, asker, tmp_path):
    judge.answer([asker.asset("sides", asset(tmp_path, red=10))])
    assert len(judge.loaded.tokens("1")) >= 1
    with pytest.raises(ValueError):
        judge.loaded.tokens("neither of them")


@needs_torch
def test_words_that_are_no_list_are_no_answer(judge, asker):
    from judging.panel.vlm_panel import require_sound

    call = asker.prompt("parts")
    (reply,) = judge.answer([call])
    with pytest.raises(NoAnswer) as silence:
        require_sound(call, reply, least_mass=900_000)
    assert silence.value.code == "bad_parts"


@needs_torch
def test_a_folder_without_a_model_is_no_answer(model, asker, tmp_path):
    broken = Transformers(model[1], folder=str(tmp_path / "nothing"), device="cpu")
    (silence,) = broken.answer([asker.asset("sides", asset(tmp_path, red=10))])
    assert isinstance(silence, NoAnswer) and silence.code == "model"


@needs_torch
@pytest.mark.parametrize("family", ["qwen2_5_vl", "glm4v"])
def test_families_whose_processor_needs_torchvision_work(family, asker, tmp_path):
    from tests.judging import tiny_families

    judge = Transformers(asker.version, folder=str(tiny_families.saved(tmp_path / family, family)), device="cpu")
    one, other = asset(tmp_path, red=10), asset(tmp_path, red=240)
    pair, single = judge.answer([asker.pair("likeness", one, other), asker.asset("sides", one)])
    assert set(pair.probabilities) == {"0", "1", "2"} and 0 < pair.mass <= 1.001
    alone = judge.answer([asker.pair("likeness", one, other)])[0]
    assert pair.probabilities == pytest.approx(alone.probabilities, abs=1e-4)
    assert 0 < single.mass <= 1.001


@needs_torch
def test_weights_that_are_not_what_their_version_states_are_refused_once_they_are_loaded(asker, tmp_path):
    from tests.judging import tiny_families

    folder = tiny_families.saved(tmp_path / "glm4v", "glm4v")
    version = replace(asker.version, family="glm", licence="MIT", image_token="<image>", pixels_per_token=1)

    def loaded(version):
        return Transformers(version, folder=str(folder), device="cpu").load()

    assert loaded(version) is None
    assert loaded(replace(version, image_token="<picture>")).code == "another_model"
    (folder / "README.md").write_text("---\nlicense: mit\n---\n# A model\n")
    assert loaded(version) is None
    (folder / "README.md").write_text("---\ntags: [a]\nlicense: apache-2.0\n---\nlicense: mit\n")
    refused = loaded(version)
    assert refused.code == "another_licence" and "apache-2.0" in refused.sentence


@needs_torch
@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("qwen2.5-vl-7b", "Qwen2_5_VL"),
        ("qwen3-vl-8b", "Qwen3VL"),
        ("qwen3-vl-2b", "Qwen3VL"),
        ("glm-4.6v-flash", "Glm4v"),
    ],
)
def test_a_picture_s_token_stands_for_as_many_pixels_as_in_the_family_s_own_code(name, family):
    import transformers

    vision = getattr(transformers, f"{family}VisionConfig")()
    assert version_named(name).pixels_per_token == vision.patch_size * vision.spatial_merge_size


@needs_torch
def test_loading_ends_once_the_weights_are_there_or_with_the_reason(judge, model, tmp_path):
    assert judge.load() is None and judge.loaded is not None
    assert Transformers(model[1], folder=str(tmp_path / "nothing"), device="cpu").load().code == "model"


def test_a_model_in_memory_deliberates_and_is_loaded_by_nobody_who_only_makes_the_judge():
    made = Transformers(version_named("vlm-2"))
    assert isinstance(made, Deliberates) and made.loaded is None


@needs_torch
def test_a_model_in_memory_is_another_judge_than_the_same_one_behind_a_server():
    assert judge_named("transformers:vlm-2").version != version_named("vlm-2").digest


@pytest.mark.skipif(TORCH, reason="torch is here")
def test_without_torch_the_judge_says_what_to_install():
    with pytest.raises(ValueError, match="requirements-gpu"):
        judge_named("transformers:vlm-2")


@needs_torch
def test_making_the_judge_loads_no_torch():
    program = (
        "import os, sys; os.environ['DJANGO_SETTINGS_MODULE'] = 'tests.settings'\n"
        "from judging.panel.transformers import Transformers\n"
        "from judging.panel.questions.version import version_named\n"
        "Transformers(version_named('vlm-2'))\n"
        "sys.exit('torch' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr[-500:]


@needs_torch
def test_the_speed_of_a_model_is_measured_with_real_questions():
    """As `python -m benchmarks.model_speed` does on a card, with a model that a CPU can carry."""
    from benchmarks import model_speed

    rows = list(model_speed.measured("tiny", device="cpu", batches=(1, 3), seconds=0.1, pixels=112, peak=1.0))
    assert [(row.batch, row.shared) for row in rows] == [(1, False), (1, True), (3, False), (3, True)]
    assert all(row.questions_s > 0 for row in rows) and all(row.prefill_share > 0 for row in rows if not row.shared)
    assert len({row.tokens for row in rows}) == 1 and rows[0].tokens > 3 * (112 // 28) ** 2
    assert rows[0].line().count("|") == model_speed.HEAD.splitlines()[0].count("|")


@needs_torch
@pytest.mark.parametrize("family", ["qwen2_5_vl", "glm4v"])
def test_what_questions_share_is_read_once_and_changes_no_answer(family, asker, tmp_path):
    """Reference and leader's sheet of a pair, the reference of all others; each gets the answer it gets alone."""
    from judging.panel.transformers_model import Loaded
    from tests.judging import tiny_families

    folder = str(tiny_families.saved(tmp_path / family, family))
    leader, *others = (asset(tmp_path, red=red) for red in (10, 90, 170, 250))
    calls = [asker.pair("likeness", leader, other) for other in others]
    calls += [asker.pair("likeness", other, leader) for other in others] + [asker.asset("sides", leader)]
    plain = Loaded.from_folder(folder, revision=None, device="cpu")
    sharing = Loaded.from_folder(folder, revision=None, device="cpu", shares_beginnings=True)
    expected = [plain.labels([call])[0] for call in calls]
    for _ in range(2):  # the second time from kept beginnings
        for one, other in zip(sharing.labels(calls), expected, strict=True):
            assert one == pytest.approx(other, abs=1e-5)
    assert sharing.prefixes.hits == len(sharing.prefixes.entries) == 2


@needs_torch
@pytest.mark.parametrize("size", [(112, 112), (140, 84), (61, 97)])
def test_pictures_are_cut_up_on_a_card_as_the_family_s_own_code_does_it(size):
    import numpy as np
    from PIL import Image
    from transformers import Qwen2VLImageProcessorPil

    from judging.panel import transformers_prefix

    how = Qwen2VLImageProcessorPil(size={"shortest_edge": 56 * 56, "longest_edge": 112 * 112})
    smooth = Image.fromarray(np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)).resize(size)
    own, ours = how(images=[smooth], return_tensors="pt"), transformers_prefix.cut_up(smooth, how, device="cpu")
    assert ours.grid.tolist() == own["image_grid_thw"][0].tolist()
    # levels of 255, where both scale: they round differently
    apart = (ours.pixels - own["pixel_values"]).abs().max() * 0.28 * 255
    assert float(apart) < (0.01 if size == (112, 112) else 3)
