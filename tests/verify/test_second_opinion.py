"""`python -m verify BUNDLE --ask URL`: which questions are put to whom, at what cost, and what is said of answers?"""

from __future__ import annotations

import io
import json
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from benchmarks.vlm_server_mind import Mind, seen
from tests.judging.vlm_stage import VERSION, served
from tests.raw_site import Site, sent
from tests.verify import made_bundle, model_bundle
from tests.verify.model_bundle import EYES
from verify.__main__ import main
from verify.bundles import bundle as bundles
from verify.bundles.files import ExaminedBundle
from verify.second_opinion import command, model_server
from verify.second_opinion.agreement import AgreementShare, share
from verify.second_opinion.command import Choices, second_opinion
from verify.second_opinion.model_server import ModelServer, UnreadableAnswer
from verify.second_opinion.questions import CitedQuestion, NotAskable, cited_duels, draw, questions_of

Report = dict[str, Any]
QUESTION = CitedQuestion("0" * 64, "likeness", "Which?", ())


@dataclass
class Witness(Mind):
    """Notes what it is asked; gives the answer of the next label where the words hold `lies_about`."""

    lies_about: str = "\0"
    texts: list[str] = field(default_factory=list)

    def answer(self, body: Mapping[str, Any]) -> tuple[str, list[tuple[str, float]]]:
        words, top = super().answer(body)
        self.texts.append(seen(body)[1])
        if self.lies_about in self.texts[-1]:
            ordered = sorted(label for label, _ in top)
            following = dict(zip(ordered, [*ordered[1:], ordered[0]], strict=True))
            top = [(following[label], logprob) for label, logprob in top]
        return words, top


@pytest.fixture(scope="module")
def round_(tmp_path_factory: pytest.TempPathFactory) -> ExaminedBundle:
    return model_bundle.judged(tmp_path_factory.mktemp("round"))


@pytest.fixture
def ask(round_: ExaminedBundle, tmp_path: Path) -> Any:
    def run(url: str, *, of: ExaminedBundle = round_, **choices: Any) -> tuple[int, Report]:
        report = tmp_path / "report.json"
        report.unlink(missing_ok=True)
        files = {"answers": tmp_path / "answers.jsonl", "report": report}
        code = second_opinion(of, Choices(**{"url": url, "yes": True, "sample": None, **files, **choices}))
        return code, json.loads(report.read_text()) if report.exists() else {}

    return run


def test_the_round_s_own_model_is_asked_the_same_and_agrees(round_: ExaminedBundle, ask: Any, capsys: Any) -> None:
    """It tells pictures apart by their bytes, so that another byte would be another answer."""
    with served(mind := Witness(**EYES)) as (_, url):
        code, report = ask(url)
    asked = questions_of(cited_duels(round_))
    assert code == 0 and sorted(mind.texts) == sorted(question.text for question in asked.values())
    assert report["answers"] == {
        "same": len(asked),
        "of": len(asked),
        "share_micro": 10**6,
        "interval95_micro": [10**6] * 2,
    }
    assert {row["kind"] for row in report["by_kind"]} >= {"likeness", "sides"}
    assert {row["result"] for row in report["by_match"]} == {report["winner"]["result"]} == {"stands"}
    assert report["winner"]["with_these_answers"] == round_.document("decision.json")["winner"]
    out = capsys.readouterr().out
    assert f"{len(asked)} of {len(asked)} (100.0 %; all of them)" in out and "stands, whatever the rest gives." in out


def test_a_lie_about_one_kind_is_measured_exactly(ask: Any) -> None:
    with served(Witness(**EYES, lies_about="the model spoiled")) as (_, url):
        code, report = ask(url)
    kinds = {row["kind"]: row for row in report["by_kind"]}
    assert code == 0 and kinds["sides"]["same"] == 0 < kinds["sides"]["of"]
    assert all(row["same"] == row["of"] for kind, row in kinds.items() if kind != "sides")
    assert report["answers"]["same"] == report["answers"]["of"] - kinds["sides"]["of"]


def test_where_another_question_would_decide_nothing_is_said_to_stand(ask: Any, capsys: Any) -> None:
    with served(Mind(**{**EYES, "guess": -EYES["guess"]})) as (_, url):
        _, report = ask(url)
    assert report["verdicts"]["open"] == 3 and report["winner"]["result"] == "not covered"
    assert {row["result"] for row in report["by_match"]} == {"not covered"}
    assert "0 duels without a verdict and 3 open ones could still change that" in capsys.readouterr().out


def test_a_smaller_sample_is_the_beginning_of_a_larger_one_and_bounds_the_questions(round_: ExaminedBundle) -> None:
    duels = cited_duels(round_)
    names = [duel.name for duel in draw(duels, seed="one", most=None)]
    for most in range(5, 40):
        drawn = draw(duels, seed="one", most=most)
        assert [duel.name for duel in drawn] == names[: len(drawn)] and len(questions_of(drawn)) <= most
    assert [duel.name for duel in draw(duels, seed="another", most=None)] != names


def test_who_goes_on_with_a_larger_sample_pays_for_the_rest_alone(ask: Any, tmp_path: Path, capsys: Any) -> None:
    with served(mind := Witness(**EYES)) as (_, url):
        _, first = ask(url, sample=12)
        had = len(mind.texts)
        assert had == first["questions"]["drawn"] <= 12 and first["winner"]["result"] == "not covered"
        log = tmp_path / "answers.jsonl"
        log.write_bytes(log.read_bytes()[:-9])  # killed while it wrote
        _, second = ask(url)
    assert second["seed"] == first["seed"] and len(mind.texts) == second["questions"]["drawn"] + 1
    assert f"({had - 1} more were answered before)" in capsys.readouterr().err


def test_answers_of_another_model_or_server_do_not_count(ask: Any) -> None:
    with served(Witness(**EYES)) as (_, url):
        ask(url, sample=12)
    with served(mind := Witness(**EYES)) as (_, url):
        ask(url, sample=12)
        assert mind.texts


def test_nothing_is_asked_before_somebody_said_yes_to_the_cost(ask: Any, capsys: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))  # no terminal
    with served(mind := Witness(**EYES)) as (_, url):
        assert ask(url, yes=False) == (2, {}) and not mind.texts
    said = capsys.readouterr().err
    assert "of pictures, about" in said and "tokens read and one written for each." in said and "give --yes." in said


def test_a_key_goes_to_the_server_and_nowhere_else(ask: Any, tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "key").write_text("sk-very-secret\n")
    refusal = json.dumps({"error": {"message": "Wrong key sk-very-secret\x1b[31m"}}).encode()
    site = Site()
    site.answer = sent(f"HTTP/1.1 401 Unauthorized\r\nContent-Length: {len(refusal)}\r\n\r\n", refusal)
    assert ask(site.address, key_file=tmp_path / "key") == (2, {})
    site.listener.close()
    said = capsys.readouterr().err
    assert "HTTP 401: Wrong key [key]" in said and "\x1b" not in said and "sk-very-secret" not in said
    assert b"Authorization: Bearer sk-very-secret" in site.requests[0]


def test_a_server_is_asked_by_the_best_way_that_it_takes(ask: Any) -> None:
    with served(Mind(**EYES), max_logprobs=8) as (server, url):
        code, report = ask(url)
    assert code == 0 and report["measured_by"] == {"log-probabilities": report["questions"]["answered"]}
    assert server.asked == report["questions"]["answered"] + 1  # one was refused, and then no more
    with served(Mind(**EYES), max_logprobs=0) as (_, url):
        _, report = ask(url)
    assert (
        report["measured_by"] == {"words": report["questions"]["answered"]}
        and report["answers"]["share_micro"] == 10**6
    )


@pytest.mark.parametrize(
    "fault", ["low_mass", "empty_choices", "duplicate_answers", "http_500", "nan", "http_400", "reset"]
)
def test_what_is_no_answer_counts_for_nothing(fault: str, ask: Any, capsys: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(model_server, "PAUSE_S", 0.001)
    with served(Mind(**EYES), fault=fault) as (_, url):
        assert ask(url) == (2, {})
    assert "Stopped: 5 questions in a row have no answer. 0 of" in capsys.readouterr().err
    with served(Mind(**EYES), fault=fault, share=0.1, seed=3) as (_, url):
        code, report = ask(url)
    assert code == 0 and report["answers"]["share_micro"] == 10**6
    assert report["questions"]["answered"] + sum(report["unanswered"].values()) == report["questions"]["drawn"]


PAYLOADS: dict[str, Any] = {
    "a list": [],
    "no choices": {},
    "choices that are none": {"choices": "1"},
    "a choice that is none": {"choices": [1]},
    "a message that is none": {"choices": [{"message": 5}]},
    "a sentence": {"choices": [{"message": {"content": "Model 1 is better."}}]},
    "another label": {"choices": [{"message": {"content": "7"}}]},
    "nested": {"choices": [{"message": {"content": "[" * 5000}}]},
    "probability above one": {
        "choices": [{"logprobs": {"content": [{"top_logprobs": [{"token": "1", "logprob": 5}]}]}}]
    },
    "a text as probability": {
        "choices": [{"logprobs": {"content": [{"top_logprobs": [{"token": "1", "logprob": "0"}]}]}}]
    },
    "a number as token": {"choices": [{"logprobs": {"content": [{"top_logprobs": [{"token": 1, "logprob": -1}]}]}}]},
    "labels without mass": {"choices": [{"logprobs": {"content": [{"top_logprobs": [{"token": "a", "logprob": 0}]}]}}]},
}


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
def test_whatever_a_server_sends_is_an_answer_or_none(payload: Any, monkeypatch: Any) -> None:
    server = ModelServer("http://127.0.0.1:9", described=VERSION.described())
    monkeypatch.setattr(server, "_send", lambda path, body=None: payload)
    with pytest.raises(UnreadableAnswer):
        server.answer(QUESTION, [])


def refused(round_: ExaminedBundle, tmp_path: Path, name: str) -> tuple[dict[str, Any], ExaminedBundle]:
    """Choices and bundle that cannot be asked about, by name."""
    (tmp_path / "empty").touch()
    made = bundles.examine(made_bundle.make().write(tmp_path / "made"))
    bare = ExaminedBundle(tmp_path)
    bare.manifest, bare.documents, bare.log.round = round_.manifest, round_.documents, 1
    table: dict[str, tuple[dict[str, Any], ExaminedBundle]] = {
        "no model": ({}, made),
        "no pictures": ({}, bare),
        "nobody there": ({"url": "http://127.0.0.1:9"}, round_),
        "no address": ({"url": "ftp://host"}, round_),
        "a user in it": ({"url": "http://me:secret@127.0.0.1:9"}, round_),
        "another model": ({"model": "no/such"}, round_),
        "a small sample": ({"sample": 2}, round_),
        "an empty key": ({"key_file": tmp_path / "empty"}, round_),
        "no key file": ({"key_file": tmp_path / "missing"}, round_),
        "answers nowhere": ({"answers": tmp_path / "no" / "such" / "place"}, round_),
        "a report nowhere": ({"report": tmp_path / "no" / "such" / "place"}, round_),
    }
    return table[name]


REFUSALS = {
    "no model": "cites no questions to a model (judging.json): there is nothing to ask",
    "no pictures": "download the whole bundle (gauntlet download)",
    "nobody there": "Is the server up, and is this its address?",
    "no address": "is no address of a server: http://HOST:PORT or https://HOST",
    "a user in it": "write the key into a file, --key-file",
    "another model": f"does not serve no/such: it serves {VERSION.served_as}",
    "a small sample": "ask for a larger --sample (the smallest duel here has",
    "an empty key": "must hold the key alone, on one line",
    "no key file": "cannot be read as text: FileNotFoundError",
    "answers nowhere": "cannot be written: No such file or directory. Name another: --answers",
    "a report nowhere": "The report cannot be written to",
}


@pytest.mark.parametrize(("name", "sentence"), REFUSALS.items(), ids=REFUSALS)
def test_what_cannot_be_asked_is_one_sentence_and_2(
    name: str, sentence: str, round_: ExaminedBundle, ask: Any, tmp_path: Path, capsys: Any
) -> None:
    choices, of = refused(round_, tmp_path, name)
    with served(Mind(**EYES)) as (_, url):
        assert ask(**{"url": url, "of": of, **choices}) == (2, {})
    said = capsys.readouterr().err
    assert sentence in said and "secret" not in said and "Traceback" not in said


def test_a_server_that_serves_other_models_names_them(round_: ExaminedBundle, ask: Any, capsys: Any) -> None:
    with served(Mind(**EYES), model="some/other") as (_, url):
        assert ask(url) == (2, {})
        assert "it serves some/other. Name one of its models with --model" in capsys.readouterr().err
        code, report = ask(url + "/v1/", model="some/other")
    assert code == 0 and report["model"] == "some/other" and report["judge_model"] == VERSION.served_as


def test_a_server_that_lists_no_models_is_asked_for_the_named_one() -> None:
    site = Site()
    site.answer = sent("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
    server = ModelServer(site.address, described=VERSION.described())
    with pytest.raises(NotAskable, match="lists no models"):
        server.choose("")
    assert server.choose("mine") == "mine"
    site.listener.close()


def test_what_is_no_bundle_or_has_errors_is_not_asked_about(tmp_path: Path, capsys: Any) -> None:
    assert main([str(tmp_path), "--ask", "http://127.0.0.1:9"]) == 2
    assert "is no bundle; --ask takes the folder of one round" in capsys.readouterr().err
    folder = made_bundle.make().write(tmp_path / "made")
    (folder / "round.json").write_text("{}")
    assert main([str(folder), "--ask", "http://127.0.0.1:9"]) == 1
    assert "Run it without --ask to see them." in capsys.readouterr().err


def test_intervals_count_duels_and_close_as_the_sample_nears_the_whole() -> None:
    assert share(0, 0, drawn=0, whole=9) == AgreementShare(0, 0, None)
    assert share(9, 10, drawn=10, whole=10).interval95_micro == (900_000, 900_000)
    assert share(20, 20, drawn=20, whole=10**9).interval95_micro == (838_875, 10**6)  # Wilson, of 20 without a miss
    assert share(45, 50, drawn=50, whole=10**9).interval95_micro == (786_398, 956_524)
    few, many = (share(90, 100, drawn=drawn, whole=1000).interval95_micro or (0, 0) for drawn in (20, 100))
    assert few[0] < many[0] < 900_000 < many[1] < few[1]


def test_a_picture_that_is_none_is_no_answer_and_stops_nobody(round_: ExaminedBundle, ask: Any, tmp_path: Path) -> None:
    folder = shutil.copytree(round_.folder, tmp_path / "copy")
    views = round_.document("assets.json")[0]["rendering"]["views"]
    (folder / "blobs" / views["front_left"]).write_bytes(b"no picture")
    damaged = ExaminedBundle(folder)
    damaged.manifest, damaged.documents, damaged.log.round = round_.manifest, round_.documents, 1
    with served(Mind(**EYES)) as (_, url):
        code, report = ask(url, of=damaged)
    assert code == 0 and report["unanswered"]["picture"] > 0
    assert command.STANDARD_SAMPLE == 200


def test_who_lacks_what_draws_pictures_is_named_the_packages(tmp_path: Path, capsys: Any, monkeypatch: Any) -> None:
    folder = made_bundle.make().write(tmp_path / "made")
    for name in [name for name in sys.modules if name.startswith("verify.second_opinion")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "cv2", None)
    assert main([str(folder), "--ask", "http://127.0.0.1:9"]) == 2
    assert "pip install numpy opencv-python-headless pillow rfc8785" in capsys.readouterr().err
    assert main([str(folder)]) == 0, "nothing else needs them"


def test_who_is_interrupted_keeps_the_answers(ask: Any, tmp_path: Path, capsys: Any, monkeypatch: Any) -> None:
    real = ModelServer.answer

    def answer(server: ModelServer, question: CitedQuestion, pictures: Any) -> Any:
        if server.key == "stop":
            raise KeyboardInterrupt
        server.key = "stop"
        return real(server, question, pictures)

    with served(Witness(**EYES)) as (_, url):
        monkeypatch.setattr(ModelServer, "answer", answer)
        assert ask(url) == (2, {})
        assert "the same command goes on there." in capsys.readouterr().err
        monkeypatch.setattr(ModelServer, "answer", real)
        code, _ = ask(url)
    assert code == 0 and "(1 more were answered before)" in capsys.readouterr().err


def test_texts_of_a_server_move_no_terminal(ask: Any, capsys: Any) -> None:
    with served(Mind(**EYES), model="evil\x1b]0;name\x07") as (_, url):
        assert ask(url) == (2, {})
    said = capsys.readouterr().err
    assert "\x1b" not in said and "evil\\x1b]0;name\\x07" in said
