"""Does `manage.py run --judge` look at the judge before it plays, and give it a process of its own?"""

from __future__ import annotations

import subprocess
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from competition.management.commands import run
from competition.models import Competition


class Looked:
    """In place of the process that looks at the judge."""

    def __init__(self, status: int) -> None:
        self.status, self.argv = status, list[str]()

    def __call__(self, argv: list[str], **how: Any) -> subprocess.CompletedProcess[str]:
        self.argv = argv
        return subprocess.CompletedProcess(argv, self.status)


@pytest.mark.parametrize(("status", "anyway"), [(1, False), (1, True), (run.EXAM_FAILED, False)])
def test_nothing_is_played_before_a_judge_that_is_not_ready(
    monkeypatch: pytest.MonkeyPatch, status: int, anyway: bool
) -> None:
    looked = Looked(status)
    monkeypatch.setattr(subprocess, "run", looked)
    with pytest.raises(CommandError, match="nothing is played: openai:vlm-2 is not ready") as refused:
        run.Command(stdout=StringIO()).look_at_judge("openai:vlm-2", wait_s=7, anyway=anyway)
    assert looked.argv[-4:] == ["judge_ready", "openai:vlm-2", "--wait", "7"]
    assert ("--judge-anyway" in str(refused.value)) is (status == run.EXAM_FAILED)


@pytest.mark.parametrize(("status", "anyway"), [(0, False), (run.EXAM_FAILED, True)])
def test_it_is_played_before_one_that_is_and_before_one_that_failed_its_exam_where_asked(
    monkeypatch: pytest.MonkeyPatch, status: int, anyway: bool
) -> None:
    monkeypatch.setattr(subprocess, "run", Looked(status))
    run.Command(stdout=StringIO()).look_at_judge("openai:vlm-2", wait_s=0, anyway=anyway)


def test_a_judge_that_is_named_judges_in_one_process_of_its_own() -> None:
    where = {"host": "127.0.0.1", "port": 1, "workers": 2, "demo": True}
    named = {program.name: program.argv for program in run.parts(**where, own_judge=True)}  # type: ignore[arg-type]
    assert "judge" in named["judge"] and not any("judge" in named[f"worker-{number}"] for number in (1, 2))
    usual = {program.name: program.argv for program in run.parts(**where)}  # type: ignore[arg-type]
    assert "judge" not in usual and all("judge" in usual[f"worker-{number}"] for number in (1, 2))


@pytest.mark.django_db
def test_a_demo_is_made_before_the_judge_that_is_asked_for_and_stays_before_it(tmp_path: Any) -> None:
    call_command("seed_demo", "--judge", "openai:vlm-2", stdout=StringIO())
    made = Competition.objects.get(slug="demo")
    assert made.judge == "openai:vlm-2" and "the judge is openai:vlm-2," in made.description
    call_command("seed_demo", stdout=StringIO())
    with pytest.raises(CommandError, match="a demo before openai:vlm-2, not before perceptual-v1"):
        call_command("seed_demo", "--judge", "perceptual-v1", stdout=StringIO())
