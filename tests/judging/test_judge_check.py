"""How often is a judge right where everybody knows the answer?"""

import io
import json

import cv2
import numpy as np
import pytest
from django.core.management import CommandError, call_command

from judging import checking
from judging.backends import Answer, NoAnswer, Side, judge_named
from judging.checking import Case, checked
from judging.questions import QUESTIONS

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
