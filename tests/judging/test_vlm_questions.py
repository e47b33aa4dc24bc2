"""What is a judge version, what is sent for a question, and by what name is the answer kept?"""

import json
import re
import shutil
from dataclasses import replace

import pytest

from benchmarks.vlm_server_load import Card
from judging.backends.base import NoAnswer, Side
from judging.panel import openai
from judging.panel import openai_wire as wire
from judging.panel.questions import pictures
from judging.panel.questions.calls import Asker, expected, shares_of
from judging.panel.questions.version import ABOUT, FOLDER, BadVersion, read, version_named
from judging.panel.vlm_panel import parts_of
from tests.judging.vlm_stage import FRONT, VERSION, picture, side

SIX = '{"parts": ["a red handle", "b", "c", "d", "e", "f"]}'


@pytest.fixture
def copy(tmp_path):
    return shutil.copytree(FOLDER / "vlm-2", tmp_path / "vlm-2")


@pytest.fixture
def asker(tmp_path):
    return Asker(VERSION, picture(tmp_path / "prompt.png", shade=7))


def body(call, version=VERSION):
    return wire.body(call, version=version, address=pictures.Picture.data_url)


def edit(copy, **said):
    told = json.loads((copy / "judge.json").read_text())
    (copy / "judge.json").write_text(json.dumps(told | said))


def test_the_same_folder_is_the_same_judge(copy):
    assert read(copy).digest == version_named("vlm-2").digest


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
    [
        {"mode": "guess"},
        {"constrain": "by force"},
        {"pixels": 0},
        {"model": ""},
        {"bars": {"likeness": 0.5}},
        {"bars": {"unknown": 1}},
        {"questions": {}},
        {"surprise": 1},
    ],
)
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


@pytest.mark.parametrize("version", [VERSION, replace(VERSION, constrain="structured_outputs")])
def test_one_token_is_asked_for_and_no_label_is_forced(asker, tmp_path, version):
    call = asker.asset("sides", side(tmp_path, "a", shade=1))
    sent = body(call, version)
    assert {**sent, "messages": 0} == {
        "model": f"{VERSION.model}@{VERSION.revision}",
        "messages": 0,
        "temperature": 0,
        "n": 1,
        "max_tokens": 1,
        "logprobs": True,
        "top_logprobs": 20,
    }


def test_a_version_that_has_judged_keeps_its_hash():
    assert version_named("vlm-1").digest == "6fcc78e4e1b909ce390d189658d3c8275fe805a905a3c86cf67274bffb308e8d"
    assert version_named("vlm-2").digest == "8e7704bc5d6795e24394c0ed27da3cdc9e9f159d3024a477d068a490fd0f6586"


def test_a_version_that_forces_labels_is_asked_no_more(settings):
    settings.VLM_URL = "http://127.0.0.1:9"
    with pytest.raises(ValueError, match="name vlm-2"):
        openai.made("vlm-1")


def answer_of(top, **more):
    content = [{"top_logprobs": [dict(zip(("token", "logprob", "id"), row, strict=False)) for row in top]}]
    return {"model": VERSION.served_as, "choices": [{"message": {}, "logprobs": {"content": content}}]} | more


def reply_to(payload, call):
    return wire.reply(payload, call, version=VERSION, latency_ms=1, attempt=1)


@pytest.fixture
def pair(asker, tmp_path):
    return asker.pair("likeness", side(tmp_path, "a", shade=1), side(tmp_path, "b", shade=2))


def test_two_tokens_that_are_shown_as_one_text_are_an_answer(pair):
    top = [("1", -0.02), ("2", -4.1), ("0", -6.3), ("\ufffd", -14.2), ("\ufffd", -15.9)]
    shares = reply_to(answer_of(top), pair).probabilities
    assert [round(shares[label], 3) for label in "120"] == [0.98, 0.017, 0.002]


@pytest.mark.parametrize(
    ("top", "share"),
    [
        ([("1", -1.0), ("1", -2.0)], 0.5032),  # no ids: by their place
        ([("1", -1.0, 16), ("1", -2.0, 220)], 0.5032),
        ([("1", -1.0, 16), ("1", -1.0, 16)], 0.3679),  # one token, listed twice
        ([("1", -1.0, 16), ("1", -1.0, None)], 0.7358),
        ([(" 1\n", -1.0), ("Ġ1", -1.0)], 0.7358),
    ],
)
def test_shares_of_all_tokens_that_are_one_label_are_added(pair, top, share):
    assert reply_to(answer_of(top), pair).probabilities["1"] == pytest.approx(share, abs=1e-4)


@pytest.mark.parametrize(
    "top", [[("1", -1.0, 16), ("1", -2.0, 16)], [("1", -0.1), ("1", -0.1)], [("x", -0.1), ("y", -0.2)]]
)
def test_what_is_no_distribution_is_no_answer(pair, top):
    with pytest.raises(NoAnswer) as silence:
        reply_to(answer_of(top), pair)
    assert silence.value.code == "bad_logprobs"


@pytest.mark.parametrize("top", [[], [None], [1], ["1"], [{}], [{"token": "1"}], {"1": -0.1}, None, "1"])
def test_what_lists_no_alternatives_is_no_answer(pair, top):
    content = [{"top_logprobs": top}]
    payload = {"model": VERSION.served_as, "choices": [{"message": {}, "logprobs": {"content": content}}]}
    with pytest.raises(NoAnswer) as silence:
        reply_to(payload, pair)
    assert silence.value.code in ("no_logprobs", "bad_logprobs")


KEY = "tok-3f9a7c1e5b"


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        (b'{"error": {"message": "At most 2 images.", "code": 400}}', "At most 2 images."),
        (b'{"object": "error", "message": "Too long."}', "Too long."),
        (b'{"detail": [{"loc": ["body"], "msg": "Field required", "input": "data"}]}', "Field required"),
        (b"<h1>Forbidden</h1>\n\x1b[31mno", "<h1>Forbidden</h1> [31mno"),
        (b'{"error": "no image data:image/jpeg;base64,' + b"QUJD" * 900 + b' here"}', "no image [picture] here"),
        (f"key {KEY} is unknown".encode(), "key [hidden] is unknown"),
        (b"Authorization: Bearer abcdef123456 refused", "Authorization: Bearer [hidden] refused"),
        (b"see https://me:pass@host/x?sig=abc", "see https://[hidden]@host/x?[hidden]"),
        (b'{"error": {"message": {"a": 1}}}', '{"error": {"message": {"a": 1}}}'),
        (b"[" * 100_000, ""),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b"", ""),
    ],
)
def test_a_refusal_is_kept_as_one_bounded_line_without_secrets(body, kept):
    line = wire.reason(body, secrets=[KEY])
    assert len(line) <= 300 and KEY not in line
    assert line == kept or not kept


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
    assert pictures.low_contrast(Side("w" * 64, views), FRONT)
    assert not pictures.low_contrast(side(tmp_path, "dark", shade=1), FRONT)
