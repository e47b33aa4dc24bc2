"""A model that gave a bad answer is asked again about all that rested on it; the old answers stay beside the new."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from competition.models import Round
from core import operator_key
from judging.models import StoredAnswer
from tests.verify import played_round, vlm_round
from tests.verify.conftest import Undone
from tests.verify.rejudged_round import apply, ready, stage_duels
from tests.verify.vlm_round import Mind, served
from verify.__main__ import examine_all

pytestmark = [pytest.mark.django_db, pytest.mark.long]

SEED = 2
Story = Callable[[played_round.Stage, Round], object]


def play(story: Story, *, folder: Path) -> Path:
    table = dict[str, vlm_round.Worth]()
    with pytest.MonkeyPatch.context() as patch:
        try:
            with transaction.atomic(), served(Mind(table, bias=0.3)) as (_, url):
                stage = played_round.stage(patch=patch, folder=folder, seed=SEED, picture=vlm_round.prompt)
                vlm_round.modelled(stage, patch=patch, url=url, table=table)
                stage.reveal_some(1)
                stage.play(1)
                story(stage, Round.objects.get(number=1))
                raise Undone
        except Undone:
            return folder / "bundles" / "played"


def told(folder: Path, name: str) -> Any:
    return json.loads((folder / name).read_text())


def errors(folder: Path) -> list[str]:
    report = examine_all(folder, operator=operator_key.keypair().ss58_address)
    assert report is not None
    return [finding.line() for finding in report.findings if finding.severity == "error"]


def one_answer(stage: played_round.Stage, round_: Round) -> None:
    first = set(StoredAnswer.objects.values_list("key", flat=True))
    bad = StoredAnswer.objects.filter(kind="likeness").order_by("pk")[0]
    apply(stage, ready(stage, stage_duels(stage, round_, what="answer", answer=bad.key)))
    assert first < set(StoredAnswer.objects.values_list("key", flat=True))  # asked anew, and nothing taken away


def the_round(stage: played_round.Stage, round_: Round) -> None:
    first = StoredAnswer.objects.count()
    apply(stage, ready(stage, stage_duels(stage, round_, what="round")))
    assert StoredAnswer.objects.count() > first * 3 // 2  # what was asked beyond the end of a match is not asked again


@pytest.mark.parametrize("story", [one_answer, the_round], ids=lambda story: story.__name__)
def test_what_a_model_says_anew_is_confirmed_with_what_it_said_before(story: Story, tmp_path: Path) -> None:
    folder = play(story, folder=tmp_path)
    assert "\n".join(errors(folder)) == ""
    before = {row["key"] for row in told(folder / "1", "judging.json")["answers"]}
    after = {row["key"] for row in told(folder / "1.2", "judging.json")["answers"]}
    assert before < after
    again = [d for m in told(folder / "1.2", "matches.json") for d in m["duels"] if d.get("take") == 2]
    assert again and (story is the_round or len({duel["prompt"] for duel in again}) == 1)
