"""Does a reader's own judge get the questions of a played round as the round's judge did, and is the report true?"""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from benchmarks.vlm_server_mind import Worth, seen
from tests.judging.vlm_stage import VERSION
from tests.verify import played_round, vlm_round
from tests.verify.conftest import Undone
from tests.verify.vlm_round import Mind, served
from verify.__main__ import main

pytestmark = [pytest.mark.django_db, pytest.mark.long]  # or there is no database to play in
ROOT = Path(__file__).resolve().parents[2]
Report = dict[str, Any]
Ask = Callable[..., tuple[int, Report]]


@dataclass
class Liar(Mind):
    """Gives the answer of the next label to every question whose words hold `about`."""

    about: str = "\0"
    texts: list[str] = field(default_factory=list)
    five_answered: threading.Event = field(default_factory=threading.Event)

    def answer(self, body: Mapping[str, Any]) -> tuple[str, list[tuple[str, float]]]:
        words, top = super().answer(body)
        text = seen(body)[1]
        self.texts.append(text)
        if len(self.texts) == 5:
            self.five_answered.set()
        if self.about in text:
            ordered = sorted(label for label, _ in top)
            following = dict(zip(ordered, [*ordered[1:], ordered[0]], strict=True))
            top = [(following[label], logprob) for label, logprob in top]
        return words, top


@dataclass(frozen=True)
class Played:
    folder: Path
    table: dict[str, Worth]


@pytest.fixture(scope="module")
def played(django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory) -> Played:
    """A round before an honest model; the database is as before."""
    folder, table = tmp_path_factory.mktemp("model"), dict[str, Worth]()
    with django_db_blocker.unblock(), pytest.MonkeyPatch.context() as patch:
        try:
            with transaction.atomic(), served(Mind(table, bias=0.3)) as (_, url):
                stage = played_round.stage(patch=patch, folder=folder, seed=2, order=0, picture=vlm_round.prompt)
                vlm_round.modelled(stage, patch=patch, url=url, table=table)
                stage.reveal_some(1)
                stage.play(1)
                raise Undone
        except Undone:
            return Played(folder / "bundles" / "played" / "1", table)


@pytest.fixture
def ask(played: Played, tmp_path: Path) -> Iterator[Ask]:
    """Runs the command; answers and report in the test's own folder."""

    def run(url: str, *more: str, folder: Path = played.folder) -> tuple[int, Report]:
        report = tmp_path / "report.json"
        report.unlink(missing_ok=True)
        options = ["--yes", "--answers", str(tmp_path / "answers.jsonl"), "--report", str(report)]
        code = main([str(folder), "--ask", url, *options, *more])
        return code, json.loads(report.read_text()) if report.exists() else {}

    yield run


def test_the_same_mind_agrees_with_every_answer_and_the_winner_stands(played: Played, ask: Ask, capsys: Any) -> None:
    with served(mind := Liar(played.table, bias=0.3)) as (_, url):
        code, report = ask(url, "--sample", "all")
    texts = [text for text in mind.texts if "exactly six parts" not in text]
    assert code == 0 and report["questions"]["answered"] == report["questions"]["cited"] == len(texts) == len(
        mind.texts
    )
    assert report["answers"]["same"] == report["answers"]["of"] > 50 and report["answers"]["share_micro"] == 1_000_000
    assert report["verdicts"]["changed"] == report["verdicts"]["open"] == report["verdicts"]["unanswered"] == 0
    assert all(row["difference_micro"] == 0 for row in report["by_kind"] if row["of"])
    assert {row["result"] for row in report["by_match"]} == {report["winner"]["result"]} == {"stands"}
    decision = json.loads((played.folder / "decision.json").read_text())
    assert report["winner"]["with_these_answers"] == decision["winner"]
    assert "stands, whatever the rest gives." in capsys.readouterr().out.splitlines()[-1]


def test_a_server_that_lies_about_one_kind_of_question_disagrees_by_exactly_that(played: Played, ask: Ask) -> None:
    with served(Liar(played.table, bias=0.3, about="better likeness")) as (_, url):
        code, report = ask(url, "--sample", "all")
    shares = {row["kind"]: (row["same"], row["of"]) for row in report["by_kind"]}
    likeness = shares["likeness"][1] + shares.get("gray", (0, 0))[1]
    assert code == 0 and shares["likeness"][0] == 0 < likeness
    assert all(same == of for kind, (same, of) in shares.items() if kind not in ("likeness", "gray"))
    total = sum(of for _, of in shares.values())
    assert (report["answers"]["same"], report["answers"]["of"]) == (total - likeness, total)
    assert report["winner"]["result"] != "stands"


def test_a_judge_that_sees_the_opposite_would_crown_another(played: Played, ask: Ask) -> None:
    turned = {name: Worth(-worth.quality, spoiled=worth.spoiled) for name, worth in played.table.items()}
    with served(Mind(turned, bias=0.3)) as (_, url):
        _, report = ask(url, "--sample", "all")
    assert report["verdicts"]["changed"] > report["verdicts"]["same"]
    assert report["winner"]["result"] == "changes" != report["winner"]["official"]
    assert "changes" in {row["result"] for row in report["by_match"]}


def test_a_sample_is_what_the_seed_draws_and_says_what_it_does_not_cover(played: Played, ask: Ask) -> None:
    with served(Mind(played.table, bias=0.3)) as (_, url):
        _, report = ask(url, "--sample", "20", "--seed", "a word")
        _, larger = ask(url, "--sample", "40", "--seed", "a word")
    assert 10 < report["questions"]["drawn"] <= 20 < larger["questions"]["drawn"] <= 40
    assert report["seed"] == "a word" and report["winner"]["result"] == "not covered"
    low, high = report["answers"]["interval95_micro"]
    assert low < 1_000_000 == high and low < larger["answers"]["interval95_micro"][0]
    assert any(row["result"] == "not covered" for row in report["by_match"])


def test_who_goes_on_asks_nothing_twice(played: Played, ask: Ask, tmp_path: Path) -> None:
    with served(mind := Liar(played.table, bias=0.3)) as (_, url):
        _, first = ask(url, "--sample", "20")
        asked = len(mind.texts)
        _, second = ask(url, "--sample", "20")
        assert second == first and len(mind.texts) == asked == first["questions"]["drawn"]
        log = tmp_path / "answers.jsonl"
        log.write_bytes(log.read_bytes()[:-20])  # the last line is cut off
        _, third = ask(url, "--sample", "20")
    assert third == first and len(mind.texts) == asked + 1


def test_killed_it_loses_one_question_at_most(played: Played, tmp_path: Path) -> None:
    log = tmp_path / "answers.jsonl"
    with served(mind := Liar(played.table, bias=0.3), latency_s=0.05) as (_, url):
        command = [sys.executable, "-m", "verify", str(played.folder), "--ask", url, "--yes", "--answers", str(log)]
        process = subprocess.Popen([*command, "--sample", "30"], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        mind.five_answered.wait()
        process.send_signal(signal.SIGKILL)
        process.wait()
        asked = len(mind.texts)
        ran = subprocess.run([*command, "--sample", "30", "--json"], cwd=ROOT, capture_output=True, text=True)
    report = json.loads(ran.stdout)
    assert ran.returncode == 0 and report["questions"]["answered"] == report["questions"]["drawn"]
    assert asked >= 5 and len(mind.texts) <= report["questions"]["drawn"] + 1


def test_pictures_that_are_missing_are_named(played: Played, ask: Ask, tmp_path: Path, capsys: Any) -> None:
    folder = shutil.copytree(played.folder, tmp_path / "copy")
    assets = json.loads((folder / "assets.json").read_text())
    one = next(row for row in assets if row["origin"] == "submitted" and row["rendering"])
    for sha256 in one["rendering"]["views"].values():
        (folder / "blobs" / sha256).unlink()
    with served(Mind(played.table, bias=0.3)) as (_, url):
        code, report = ask(url, "--sample", "all", folder=folder)
        assert code == 0 and report["duels"]["with_pictures"] < report["duels"]["cited"]
        assert "lack pictures in this bundle" in capsys.readouterr().err
        for blob in (folder / "blobs").iterdir():
            blob.unlink()
        assert ask(url, folder=folder) == (2, {})
    assert "download the whole bundle" in capsys.readouterr().err


def test_the_model_is_the_judge_s_unless_another_is_named(played: Played, ask: Ask, capsys: Any) -> None:
    with served(Mind(played.table), model="another/model") as (_, url):
        assert ask(url) == (2, {})
        assert "it serves another/model. Name one of its models with --model" in capsys.readouterr().err
        code, report = ask(url, "--sample", "10", "--model", "another/model")
    assert code == 0 and report["model"] == "another/model" and report["judge_model"] == VERSION.served_as


@pytest.mark.parametrize("fault", ["prose", "low_mass", "empty_choices", "http_500", "infinity", "truncated", "reset"])
def test_answers_that_are_none_count_for_nothing_and_end_it(
    fault: str, played: Played, ask: Ask, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("verify.second_opinion.model_server.PAUSE_S", 0.001)
    label_free = {"fault": fault, **({"max_logprobs": 0} if fault == "prose" else {})}
    with served(Mind(played.table), **label_free) as (_, url):
        assert ask(url) == (2, {})
    assert "5 questions in a row have no answer. 0 of" in capsys.readouterr().err


def test_a_server_without_log_probabilities_is_read_by_its_words(played: Played, ask: Ask, capsys: Any) -> None:
    with served(Mind(played.table, bias=0.3), max_logprobs=0) as (_, url):
        code, report = ask(url, "--sample", "all")
    assert code == 0 and report["measured_by"] == {"words": report["questions"]["answered"]}
    assert report["answers"]["share_micro"] == 1_000_000
    assert "no log-probabilities" in capsys.readouterr().out


def test_a_bundle_that_contradicts_itself_is_not_asked_about(played: Played, ask: Ask, tmp_path: Path) -> None:
    folder = shutil.copytree(played.folder, tmp_path / "copy")
    text = (folder / "matches.json").read_text()
    (folder / "matches.json").unlink()
    (folder / "matches.json").write_text(text.replace('"outcome":"defender"', '"outcome":"challenger"', 1))
    with served(mind := Liar(played.table)) as (_, url):
        assert ask(url, folder=folder) == (1, {}) and not mind.texts
