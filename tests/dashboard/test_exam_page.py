"""Does the method page show what a judge can see, with the pictures that it was shown?"""

from __future__ import annotations

from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from judging import queries as judging
from judging import stored_views
from judging.exam import publishing, report
from judging.exam.examiner import ExamRun, JudgeExaminer
from judging.exam.models import JudgeExam
from judging.exam.pairs import ExamPictures
from tests.dashboard.test_pages import facts, html
from tests.judging.exam_stage import Errs, made_pairs

pytestmark = pytest.mark.django_db


def published(tmp_path: Path, *, leans: float = 0.0) -> JudgeExam:
    """Of a judge that sees from strength 3 on."""
    shown = made_pairs(tmp_path / f"shown{leans}")
    judge = Errs(shown, leans=leans)
    with ExamRun.opened(tmp_path / f"run{leans}.jsonl") as run:
        JudgeExaminer(judge, run).examine(shown)
        document = report.exam_document(judge, run, shown, ExamPictures(tmp_path, seed=1))
    return publishing.publish(document, shown, now=timezone.now())


def test_without_an_exam_the_page_says_how_to_make_one(client: Client) -> None:
    assert facts(client, reverse("method"))["exams"] == []
    assert "judge_exam --publish" in html(client, reverse("method"))


def test_the_page_shows_what_is_seen_from_which_strength_on(client: Client, tmp_path: Path) -> None:
    row = published(tmp_path)
    (exam,) = facts(client, reverse("method"))["exams"]
    blur = next(curve for curve in exam["curves"] if curve["kind"] == "blur")
    assert (exam["judge"], exam["version"], exam["right"]["share"]) == ("errs", row.version, "3/10")
    assert [point["right"]["share"] for point in blur["points"]] == ["0", "0", "1", "1", "1"]
    assert blur["threshold"] == "11/4" and blur["picture"] == row.pictures[0]["sha256"]
    text = html(client, reverse("method"))
    assert "the texture is blurred" in text and "100.0 %" in text and "not seen" in text


def test_its_pictures_are_served_and_are_files_of_ours(client: Client, tmp_path: Path) -> None:
    row = published(tmp_path)
    shown = {each["sha256"] for each in row.pictures}
    assert shown <= set(stored_views.views())
    assert all(judging.is_view(sha256) for sha256 in shown) and not judging.is_view("0" * 64)
    answer = client.get(reverse("blob", args=[shown.pop(), "png"]))
    assert b"".join(answer.streaming_content).startswith(b"\x89PNG")


def test_a_later_exam_of_the_same_version_takes_the_place_of_the_earlier(tmp_path: Path) -> None:
    published(tmp_path)
    published(tmp_path)
    published(tmp_path, leans=0.2)
    assert JudgeExam.objects.count() == 2


def test_an_exam_that_is_not_complete_is_not_shown(tmp_path: Path) -> None:
    shown = made_pairs(tmp_path / "shown")
    judge = Errs(shown)
    with ExamRun.opened(tmp_path / "run.jsonl") as run:
        JudgeExaminer(judge, run).examine(shown[:5])
        document = report.exam_document(judge, run, shown, ExamPictures(tmp_path, seed=1))
    with pytest.raises(ValueError, match="only a complete exam"):
        publishing.publish(document, shown, now=timezone.now())
