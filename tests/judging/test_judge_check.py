"""How often is a judge right where everybody knows the answer?"""

import io
import json

import cv2
import numpy as np
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from benchmarks.vlm_server_mind import Mind, Worth
from judging.backends import Answer, NoAnswer, Side, judge_named
from judging.health import checking
from judging.health.checking import Case, checked
from judging.health.control_images import doctored
from judging.management.commands import judge as judge_command
from judging.management.commands import judge_check
from judging.models import DescribedJudge
from judging.panel import server_capabilities
from judging.panel.questions import QUESTIONS
from judging.panel.questions.version import version_named
from tests.judging import vlm_stage

PICTURES = [*QUESTIONS["front"].shows, *QUESTIONS["around"].shows]


def side(folder, *, name, colour):
    folder = folder / name
    folder.mkdir()
    pixels = np.full((32, 32, 3), 255, np.uint8)
    pixels[8:24, 8:24] = colour
    for picture in PICTURES:
        cv2.imwrite(str(folder / f"{picture}.png"), pixels)
    return Side(name, {picture: folder / f"{picture}.png" for picture in PICTURES})


@pytest.fixture
def cases(tmp_path):
    good = side(tmp_path, name="good", colour=(200, 0, 0))
    broken = side(tmp_path, name="broken", colour=(0, 200, 0))
    same = side(tmp_path, name="same", colour=(200, 0, 0))
    nothing = tmp_path / "prompt.png"
    return [
        Case("cup", "wrong_colour", nothing, "p", good, broken),
        Case("cup", "squashed", nothing, "p", good, broken),
        Case("cup", "blurred_texture", nothing, "p", good, same),
    ]


class Knows:
    """Prefers one asset by its hash, or fails where it is shown."""

    name, version = "knows", "1" * 64

    def __init__(self, *, likes, fails=False):
        self.likes, self.fails = likes, fails

    def ask(self, question):
        if self.fails and question.first.sha256 != question.second.sha256:
            raise NoAnswer("timeout", "No answer in time.")
        return Answer(float((question.second.sha256 == self.likes) - (question.first.sha256 == self.likes)))


def test_a_judge_that_knows_the_good_asset_passes(cases):
    report = checked(Knows(likes="good"), cases)
    assert report.passed and report.share == 1 and report.pairs == 2
    assert report.self_zero == report.self_duels == 1
    assert report.swaps_negated == report.swaps == 2


def test_a_breakage_that_nobody_can_see_is_no_case(cases):
    row = checked(Knows(likes="good"), cases).rows["blurred_texture"]
    assert row.unseen == 1 and row.pairs == 0


def test_a_judge_that_likes_the_broken_one_is_wrong(cases):
    report = checked(Knows(likes="broken"), cases)
    assert not report.passed and report.rows["squashed"].wrong == 1


@pytest.mark.parametrize("name", ["scripted:tie", "scripted:always=second", "scripted:always=first"])
def test_a_draw_is_not_right(cases, name):
    report = checked(judge_named(name), cases)
    assert not report.passed and report.share == 0 and report.rows["squashed"].draws == 1


def test_no_answer_is_void_and_not_right(cases):
    report = checked(Knows(likes="good", fails=True), cases)
    assert not report.passed and report.rows["squashed"].void == 1 and report.rows["squashed"].draws == 0


def test_a_check_without_a_case_is_not_passed():
    assert not checked(Knows(likes="good"), []).passed


def test_a_report_has_no_floats(cases):
    told = checking.as_json(checked(Knows(likes="good"), cases))
    assert told["right_micro"] == 1_000_000
    assert ".0" not in json.dumps(told)


def test_the_command_prints_the_report_of_the_demo_objects():
    out = io.StringIO()
    call_command("judge_check", "--only", "mushroom", "--json", stdout=out, stderr=io.StringIO())
    told = json.loads(out.getvalue())
    assert told["judge"] == "perceptual-v1" and told["pairs"] == 6 and told["missed"] == []


def test_the_command_fails_below_the_bar():
    out = io.StringIO()
    with pytest.raises(SystemExit) as stop:
        call_command("judge_check", "--judge", "scripted:tie", "--only", "pawn", stdout=out, stderr=io.StringIO())
    assert stop.value.code == 1 and "FAILED" in out.getvalue()


@pytest.mark.parametrize("arguments", [("--judge", "oracle"), ("--only", "unicorn")])
def test_the_command_says_what_it_does_not_know(arguments):
    with pytest.raises(CommandError):
        call_command("judge_check", *arguments, stdout=io.StringIO(), stderr=io.StringIO())


# a model behind a server


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """(cases, what each picture is worth): eight good assets, each with a broken copy."""
    table, cases, folder = {}, [], tmp_path_factory.mktemp("shown")
    for n in range(8):
        good, broken = (vlm_stage.side(folder, f"{name}{n}", shade=n + more) for name, more in (("g", 0), ("b", 15)))
        table |= vlm_stage.worths(good, Worth(1.0)) | vlm_stage.worths(broken, Worth(0.0))
        table |= vlm_stage.worths(doctored(good, "twin"), Worth(1.0))
        table |= vlm_stage.worths(doctored(good, "painted"), Worth(1.0, painted=1.0))
        cases.append(Case(f"thing{n}", "squashed", vlm_stage.picture(folder / "p.png", shade=7), "p", good, broken))
    return cases, table


def model_checked(shown, *, mind=None, **server):
    cases, table = shown
    with vlm_stage.served(Mind(table, **(mind or {})), **server) as (_, url):
        return checked(vlm_stage.judge(url, deadline_s=30.0), cases)


def test_a_sound_model_passes_by_the_gates_of_a_round(shown):
    report = model_checked(shown, mind={"bias": 0.2})
    states = {finding.gate: finding.state for finding in report.gates}
    assert report.passed and report.share == 1 and not report.silences, judge_check.table(report)
    assert {states.pop("repeat"), states.pop("calls")} <= {"unproven", "passed"}  # too few to say anything
    assert set(states.values()) == {"passed"}
    told = checking.as_json(report)["asked"]
    assert told["answers"] == told["first_attempts"] > 8 * 6 and told["least_mass_micro"] >= 900_000
    assert "gate injection: worst gain" in judge_check.table(report)


@pytest.mark.parametrize(
    ("mind", "server", "gate"),
    [({"obeys": 2.0}, {}, "injection"), ({"gain": -4.0}, {}, "canary"), ({}, {"fault": "always_tie"}, "canary")],
)
def test_a_model_that_a_round_would_be_paused_for_fails(shown, mind, server, gate):
    report = model_checked(shown, mind=mind, **server)
    assert not report.passed
    assert gate in [finding.gate for finding in report.gates if finding.state == "failed"]


@pytest.mark.parametrize("fault", ["low_mass", "nan", "wrong_model"])
def test_a_model_without_answers_is_given_up_and_the_report_says_why(shown, fault):
    report = model_checked(shown, fault=fault)
    row = report.rows["squashed"]
    assert report.gave_up and not report.passed
    assert (row.void, row.draws, row.pairs) == (checking.MOST_SILENT, 0, checking.MOST_SILENT)
    text = judge_check.table(report)
    assert "no answer (" in text and "The operator must act" in text and text.endswith("FAILED")


def test_the_command_says_first_what_is_behind_the_address(serving, monkeypatch):
    serving(first_name="tiny")
    monkeypatch.setattr(judge_check, "drawn", lambda *_, **__: [])
    told = io.StringIO()
    with pytest.raises(SystemExit):  # nothing was drawn, so nothing is passed
        call_command("judge_check", "--judge", "openai:vlm-2", stdout=io.StringIO(), stderr=told)
    assert "label probabilities by top_logprobs" in told.getvalue() and "it answers as 'tiny'" in told.getvalue()


@pytest.mark.parametrize(
    ("server", "words"),
    [
        ({"max_logprobs": 0}, "unmeasurable"),
        ({"fault": "http_400"}, "This is the fault http_400."),
        ({"model": "another/model@main"}, "wrong_model"),
    ],
)
def test_the_command_refuses_at_once_a_server_that_cannot_judge(serving, server, words):
    serving(**server)
    with pytest.raises(CommandError, match=words):
        call_command("judge_check", "--judge", "openai:vlm-2", stdout=io.StringIO(), stderr=io.StringIO())


def test_the_command_tells_a_dead_address_before_it_draws_anything(settings):
    settings.VLM_URL = "http://127.0.0.1:9"
    judge_named.cache_clear()
    with pytest.raises(CommandError, match="Nobody answers at the address"):
        call_command("judge_check", "--judge", "openai:vlm-2", stdout=io.StringIO(), stderr=io.StringIO())
    judge_named("openai:vlm-2").close()
    judge_named.cache_clear()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "server", "line"),
    [
        ("openai:vlm-2", {}, "label probabilities by top_logprobs"),
        ("openai:vlm-2", {"max_logprobs": 5, "label_ids": True}, "label probabilities by logprob_token_ids"),
        ("openai:vlm-2", {"model": "another/model@main"}, "cannot judge yet (wrong_model)"),
        ("openai:vlm-1", {}, "name vlm-2"),
    ],
)
def test_a_judge_s_process_says_how_it_measures_before_it_takes_a_duel(serving, name, server, line):
    serving(**server)
    told = io.StringIO()
    judge_command.Command(stderr=told).examine(name)
    assert told.getvalue().startswith(f"{name}: ") and line in told.getvalue()


@pytest.mark.django_db
def test_what_the_server_can_do_is_kept_for_the_judge_s_page_each_time_its_process_starts(serving):
    for server, mode in (({"max_logprobs": 5, "label_ids": True}, "logprob_token_ids"), ({}, "top_logprobs")):
        serving(**server)
        judge_command.Command(stderr=io.StringIO()).examine("openai:vlm-2")
        row = DescribedJudge.objects.get()
        assert row.version == version_named("vlm-2").digest and row.described["model"] == version_named("vlm-2").model
        states = {each["name"]: each["state"] for each in row.server["capabilities"]}
        assert row.server["mode"] == mode
        assert states[mode] == "yes" and states["pictures as data"] == "yes", states


def test_a_judge_s_process_does_not_start_before_a_server_that_masks(serving):
    serving(max_logprobs=0)
    with pytest.raises(CommandError, match="before masking"):
        judge_command.Command(stderr=io.StringIO()).examine("openai:vlm-2")


def test_the_command_shows_what_a_server_can_do_that_it_refuses(serving):
    server = serving()
    server.card.sees = False
    with pytest.raises(CommandError, match="reads no pictures as data") as refusal:
        call_command("judge_check", "--judge", "openai:vlm-2", stderr=io.StringIO())
    lines = str(refusal.value).splitlines()[1:]
    assert [line.split("  ")[0] for line in lines] == list(server_capabilities.ORDER)
    assert any(line.startswith("pictures as data       no") for line in lines), lines


@pytest.mark.long
def test_the_command_gives_up_a_model_that_does_not_answer(serving):
    server, out = serving(fault="low_mass"), io.StringIO()
    arguments = ("--judge", "openai:vlm-2", "--only", "pawn")
    with pytest.raises(SystemExit):
        call_command("judge_check", *arguments, stdout=out, stderr=io.StringIO())
    assert "no answer (" in out.getvalue() and "gave up" in out.getvalue() and server.asked > 3


@pytest.mark.long
def test_the_command_passes_a_model_that_sees(serving, tmp_path):
    from examples import objects

    version, table = version_named("vlm-2"), {}
    prompts = settings.BASE_DIR / "examples" / "prompts"
    for case in judge_check.drawn(objects, names=["mushroom"], prompts=prompts, into=tmp_path):
        told = [
            (case.good, Worth(1.0)),
            (case.broken, Worth(0.0)),
            (doctored(case.good, "twin"), Worth(1.0)),
            (doctored(case.good, "painted"), Worth(1.0, painted=1.0)),
        ]
        table |= {
            name: worth
            for shown, what in told
            for name, worth in vlm_stage.worths(shown, what, version=version).items()
        }
    serving(mind=Mind(table))
    out = io.StringIO()
    call_command("judge_check", "--judge", "openai:vlm-2", "--only", "mushroom", stdout=out, stderr=io.StringIO())
    assert out.getvalue().rstrip().endswith("passed") and "at the first attempt" in out.getvalue()
