"""What is a judge version, what is sent for a question, and by what name is the answer kept?"""

import json
import re
import shutil
from dataclasses import replace

import pytest

from benchmarks.vlm_server_load import Card
from judging.backends import openai_wire as wire
from judging.backends.base import NoAnswer, Side
from judging.deliberating import parts_of
from judging.questions import pictures
from judging.questions.calls import Asker, expected, shares_of
from judging.questions.version import ABOUT, FOLDER, BadVersion, read, version_named
from tests.judging.vlm_stage import FRONT, VERSION, picture, side

SIX = '{"parts": ["a red handle", "b", "c", "d", "e", "f"]}'


@pytest.fixture
def copy(tmp_path):
    return shutil.copytree(FOLDER / "vlm-1", tmp_path / "vlm-1")


@pytest.fixture
def asker(tmp_path):
    return Asker(VERSION, picture(tmp_path / "prompt.png", shade=7))


def body(call, version=VERSION):
    return wire.body(call, version=version, address=pictures.Picture.data_url)


def edit(copy, **said):
    told = json.loads((copy / "judge.json").read_text())
    (copy / "judge.json").write_text(json.dumps(told | said))


def test_the_same_folder_is_the_same_judge(copy):
    assert read(copy).digest == version_named("vlm-1").digest


def test_a_word_a_bar_a_model_or_a_revision_makes_another_judge(copy):
    digests = {read(copy).digest}
    edit(copy, revision="0" * 40)
    digests.add(read(copy).digest)
    edit(copy, model="another/model")
    digests.add(read(copy).digest)
    edit(copy, bars={"likeness": 500_000})
    digests.add(read(copy).digest)
    (copy / "likeness.txt").write_text("Which is better? Answer 0, 1 or 2.")
    digests.add(read(copy).digest)
    assert len(digests) == 5


@pytest.mark.parametrize(
    "said",
    [{"mode": "guess"}, {"constrain": "by force"}, {"pixels": 0}, {"model": ""}, {"bars": {"likeness": 0.5}},
     {"bars": {"unknown": 1}}, {"questions": {}}, {"surprise": 1}],
)  # fmt: skip
def test_a_folder_that_says_what_cannot_be_is_refused(copy, said):
    edit(copy, **said)
    with pytest.raises(BadVersion):
        read(copy)


@pytest.mark.parametrize("name", ["", "..", "vlm-9", "VLM", "a/b"])
def test_a_version_that_is_not_there_is_an_error(name):
    with pytest.raises(ValueError):
        version_named(name)


def test_the_only_words_put_into_a_question_are_the_prompt_s_own_parts():
    for kind, template in VERSION.templates.items():
        assert re.findall(r"{\w+}", template.asks.replace('{"parts"', "")) == (
            ["{parts}"] if kind == "checklist" else []
        )


def test_only_detail_is_about_one_angle():
    one_angle = {k for k, t in VERSION.templates.items() if ABOUT[k] == "pair" and len(t.shows) == 1}
    assert one_angle == {"detail"}
    assert all(len(VERSION.templates[k].shows) == 4 for k in ("likeness", "artifacts", "gray", "checklist", "sides"))


def test_the_order_of_the_sides_is_part_of_the_question(asker, tmp_path):
    a, b = side(tmp_path, "a", shade=1), side(tmp_path, "b", shade=2)
    assert asker.pair("likeness", a, b).key != asker.pair("likeness", b, a).key


def test_the_same_contents_are_the_same_question_wherever_they_lie(asker, tmp_path):
    one, twin = side(tmp_path / "here", "a", shade=1), side(tmp_path / "there", "other", shade=1)
    assert asker.asset("sides", one).key == asker.asset("sides", twin).key
    assert asker.asset("sides", one).key != asker.asset("sides", side(tmp_path, "b", shade=2)).key
    other = Asker(replace(VERSION, revision="1" * 40), asker.reference)
    assert other.asset("sides", one).key != asker.asset("sides", one).key


def test_pictures_come_first_so_that_questions_about_the_same_ones_share_their_beginning(asker, tmp_path):
    a, b = side(tmp_path, "a", shade=1), side(tmp_path, "b", shade=2)
    card = Card(tokens_per_picture=1000)
    for call in (asker.pair("likeness", a, b), asker.pair("artifacts", a, b), asker.asset("best_view", a)):
        card.take(body(call), completion_tokens=1)
    assert card.cached_tokens >= 3000 + 2000
    kinds = [part["type"] for part in body(asker.pair("likeness", a, b))["messages"][1]["content"]]
    assert kinds == ["text", "image_url"] * 3 + ["text"]


def test_one_token_is_asked_for_and_the_labels_are_named(asker, tmp_path):
    call = asker.asset("sides", side(tmp_path, "a", shade=1))
    sent = body(call)
    assert (sent["max_tokens"], sent["temperature"], sent["logprobs"]) == (1, 0, True)
    assert sent["structured_outputs"] == {"choice": ["0", "1", "2", "3", "4"]}
    assert sent["model"] == f"{VERSION.model}@{VERSION.revision}"
    assert "structured_outputs" not in body(call, replace(VERSION, constrain=""))


def test_a_missing_view_is_no_answer(asker):
    with pytest.raises(NoAnswer) as silence:
        asker.asset("sides", Side("0" * 64, {}))
    assert silence.value.code == "missing_view"


def test_labels_count_with_and_without_a_space_before_them(asker, tmp_path):
    call = asker.pair("likeness", side(tmp_path, "a", shade=1), side(tmp_path, "b", shade=2))
    top = [{"token": t, "logprob": v} for t, v in [("1", -1.0), (" 1", -2.0), ("▁2", -1.5), ("x", -3.0)]]
    payload = {
        "model": VERSION.served_as,
        "choices": [{"message": {}, "logprobs": {"content": [{"top_logprobs": top}]}}],
    }
    reply = wire.reply(payload, call, version=VERSION, latency_ms=1, attempt=1)
    assert reply.probabilities["1"] == pytest.approx(0.5032, abs=1e-3)
    assert reply.mass == pytest.approx(0.7263, abs=1e-3) and reply.probabilities["0"] == 0


def test_the_score_is_expected_over_the_allowed_labels():
    labels = VERSION.templates["likeness"].labels
    assert expected(shares_of({"1": 0.1, "2": 0.7, "0": 0.1}), labels) == 666_667
    assert expected(shares_of({"1": 0.45, "2": 0.45, "0": 0.0}), labels) == 0


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"parts": []}', '{"parts": "abcdef"}', SIX.replace('"b"', "1"), SIX.replace('"b"', '"<>"')],
)
def test_a_list_that_is_none_is_no_answer(text):
    with pytest.raises(NoAnswer):
        parts_of(text)


def test_a_list_is_six_short_plain_texts():
    assert parts_of(SIX.replace("a red handle", "a {red}\\n<handle>" + "x" * 99))[0].startswith("a red handle xxx")
    assert max(map(len, parts_of(SIX.replace('"b"', f'"{"long " * 40}"')))) <= 80


def test_an_object_that_is_white_is_pale_and_a_dark_one_is_not(tmp_path):
    import cv2
    import numpy as np

    views = {}
    for background, prefix in ((255, ""), (128, "gray_")):
        for view in FRONT:
            pixels = np.full((32, 32, 3), background, np.uint8)
            pixels[8:24, 8:24] = 250
            views[f"{prefix}{view}"] = tmp_path / f"{prefix}{view}.png"
            cv2.imwrite(str(views[f"{prefix}{view}"]), pixels)
    assert pictures.pale(Side("w" * 64, views), FRONT)
    assert not pictures.pale(side(tmp_path, "dark", shade=1), FRONT)
