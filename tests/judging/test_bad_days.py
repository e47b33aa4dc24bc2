"""What does a round make of a judge's bad day?  It asks again, then says void, or pauses; a verdict never comes of it.

Each day is played on rows, with real threads and a real server on loopback: two matches in their duels, and controls.
`docs/judge.md` has the table of these days; worker that die in mid-question are in `tests/scenarios`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from benchmarks.vlm_server_mind import Mind, Worth
from competition.models import LedgerEvent, Round
from competition.steps import resume
from core.machine import engine
from judging import matches, sides, steps
from judging.backends import judge_named
from judging.health import controls
from judging.health.control_images import doctored
from judging.judge_worker import until_quiet
from judging.models import Control, Duel, StoredAnswer
from judging.panel import openai
from judging.panel.openai_client import Door
from judging.panel.questions.version import version_named
from tests.judging.heard_round import PROMPTS
from tests.judging.vlm_stage import worths

pytestmark = pytest.mark.django_db(transaction=True)

VLM = version_named("vlm-2")
# The day -> what is wrong with the server, what is wrong with the model, the code of the pause.
SILENT: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "answers for another model": ({"fault": "wrong_model"}, {}, "JUDGE"),
    "another model is served": ({"model": "another/model@main"}, {}, "JUDGE"),
    "NaN for log-probabilities": ({"fault": "nan"}, {}, "JUDGE"),
    "label mass 0.3": ({"fault": "low_mass"}, {}, "JUDGE"),
    "an answer that was given before": ({"fault": "stale_answer"}, {}, "JUDGE"),
    "every question is refused": ({"fault": "http_400"}, {}, "JUDGE"),
    "a server without probabilities": ({"max_logprobs": 0}, {}, "JUDGE"),
}
UNWELL: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "every answer is the first place": ({"fault": "always_first"}, {}, "canary"),
    "every answer is a tie": ({"fault": "always_tie"}, {}, "canary"),
    "labels are swapped": ({"fault": "swapped_labels"}, {}, "canary"),
    "the model follows painted text": ({}, {"obeys": 2.0}, "injection"),
    "the model guesses": ({}, {"noise": 3.0}, "injection"),
}


def few_in_short(days: dict[str, Any]) -> list[Any]:
    """Every third day is a quick one."""
    return [day if place % 3 == 0 else pytest.param(day, marks=pytest.mark.long) for place, day in enumerate(days)]


@pytest.fixture
def eyes(round_: Round, monkeypatch: pytest.MonkeyPatch) -> dict[str, Worth]:
    """The leader is worth 1, the first challenger 2, the second 0; as many controls as four prompts give are enough."""
    monkeypatch.setattr(controls, "GATES", replace(controls.GATES, least=PROMPTS))
    table: dict[str, Worth] = {}
    for drawn in round_.drawn.select_related("prompt"):
        leaders = sides.of(matches.leader(round_), "generated", drawn.prompt)
        own = sides.of_prompt(round_.competition, drawn.prompt)
        table |= worths(leaders, Worth(1.0), version=VLM) | worths(own, Worth(1.0), version=VLM)
        table |= worths(doctored(own, "twin"), Worth(1.0), version=VLM)
        table |= worths(doctored(own, "painted"), Worth(1.0, painted=1.0), version=VLM)
        for quality, entry in zip((2.0, 0.0), matches.challengers(round_), strict=True):
            side = sides.of(entry, "submitted", drawn.prompt)
            table |= worths(side, Worth(quality), version=VLM)
    return table


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that gives up soon; how long it would go on is a matter of `test_openai`."""
    monkeypatch.setattr(openai, "Door", partial(Door, timeout_s=2, deadline_s=0.02, pause_s=0.01))


def play(round_: Round, *, looks: int = 12) -> str:
    """Judge all there is, again and again as if the pauses between tries were over; how the round stands then."""
    controls.ensure(round_, now=timezone.now())
    for _ in range(looks):
        until_quiet(duels=8, deadline_s=120)
        for match in round_.matches.filter(state="judging"):
            engine.advance("judging.Match", match.pk, now=timezone.now())
        now = timezone.now()
        if stop := steps.trouble(round_, now=now) or controls.trouble(round_, now=now):
            assert engine.move(round_, stop, now=now)
            return f"{round_.state} {round_.failure_class} {round_.failure_code}"
        if not open_rows(round_):
            return "done"
        Duel.objects.filter(state="judging").update(due_at=now)
        Control.objects.filter(state="judging").update(due_at=now)
    return "still open"


def open_rows(round_: Round) -> int:
    open_ = round_.controls.filter(state="judging").count()
    return open_ + Duel.objects.filter(match__round=round_, state="judging").count()


def verdicts() -> list[tuple[Any, ...]]:
    return list(Duel.objects.order_by("pk").values_list("state", "outcome", "score_micro", "detail"))


def outcomes(round_: Round) -> list[list[str]]:
    rows = round_.matches.order_by("challenger__reveal_block", "pk")
    return [list(match.duels.values_list("outcome", flat=True)) for match in rows]


def test_a_good_day_ends_with_what_the_files_are_worth(round_, serving, eyes):
    serving(mind=Mind(eyes))
    assert play(round_) == "done"
    assert outcomes(round_) == [["challenger"] * PROMPTS, ["defender"] * PROMPTS]


@pytest.mark.parametrize("day", few_in_short(SILENT))
def test_an_answer_that_is_none_is_nobody_s_verdict_and_the_round_pauses(round_, serving, eyes, day):
    server, mind, code = SILENT[day]
    serving(mind=Mind(eyes, **mind), **server)
    Duel.objects.update(attempts=4)  # this is the last of five tries
    assert play(round_) == f"paused judge {code}"
    assert "manage.py resume heard 1" in round_.failure_reason
    assert {state for state, *_ in verdicts()} == {"judging"} and not StoredAnswer.objects.exists()
    assert LedgerEvent.objects.filter(kind="round.paused").exists()


def test_a_refusal_s_text_is_in_the_row_and_on_the_page_of_the_judge(round_, serving, client):
    serving(fault="http_400")
    until_quiet(duels=8, deadline_s=120)
    row = Duel.objects.exclude(failure_code="").first()
    assert (row.failure_class, row.failure_code) == ("judge", "refused")
    assert "This is the fault http_400." in row.failure_reason
    page = client.get(f"/c/heard/r/{round_.number}/judge/").content.decode()
    assert "This is the fault http_400." in page


@pytest.mark.parametrize("day", few_in_short(UNWELL))
def test_answers_that_are_wrong_in_silence_pause_the_round_before_any_is_official(round_, serving, eyes, day):
    server, mind, gate = UNWELL[day]
    serving(mind=Mind(eyes, **mind), **server)
    assert play(round_) == "paused judge JUDGE_HEALTH"
    assert f"{gate}:" in round_.failure_reason and "needed" in round_.failure_reason
    assert round_.decision is None


def test_half_of_the_calls_fail_and_no_verdict_changes(round_, serving, eyes):
    serving(mind=Mind(eyes), fault="http_500", share=0.5)
    assert play(round_) in ("done", "paused judge JUDGE_HEALTH")
    assert outcomes(round_) == [["challenger"] * PROMPTS, ["defender"] * PROMPTS]
    assert "calls:" in round_.failure_reason or not round_.failure_reason


def test_a_server_that_is_down_for_an_hour_costs_a_pause_and_no_verdict(
    round_, serving, eyes, impatient, settings, monkeypatch
):
    """By the engine's own schedule: after 1, 2, 4, 8 and 16 seconds the tries are used up, and the round pauses."""
    serving(mind=Mind(eyes))
    address, settings.VLM_URL = settings.VLM_URL, "http://127.0.0.1:9"
    judge_named.cache_clear()
    first = Duel.objects.first()
    Duel.objects.exclude(pk=first.pk).update(due_at=timezone.now() + timedelta(days=1))  # one is enough to look at
    began, paused_at = timezone.now(), None
    for at in an_hour(first, monkeypatch):
        if paused_at is None and (stop := steps.trouble(round_, now=at)):
            assert engine.move(round_, stop, now=at) and round_.failure_code == "JUDGE"
            paused_at = at
    assert paused_at is not None and timedelta(seconds=10) < paused_at - began < timedelta(minutes=1)
    assert {state for state, *_ in verdicts()} == {"judging"} and round_.state == "paused"
    first.refresh_from_db()
    assert 55 < first.attempts < 65  # it goes on asking, quietly

    settings.VLM_URL = address
    monkeypatch.setattr("judging.panel.openai.Door", partial(Door, pause_s=0.005))
    judge_named.cache_clear()
    assert resume(round_, why="the server is back", now=timezone.now())
    Duel.objects.update(due_at=timezone.now())
    assert play(round_) == "done"
    assert outcomes(round_) == [["challenger"] * PROMPTS, ["defender"] * PROMPTS]


def an_hour(duel: Duel, monkeypatch: pytest.MonkeyPatch) -> Iterator[datetime]:
    """Each time within an hour at which the duel was looked at, by the engine's own schedule."""
    clock = [timezone.now()]
    with monkeypatch.context() as patch:
        patch.setattr("core.clock.now", lambda: clock[0])
        until = clock[0] + timedelta(hours=1)
        while clock[0] < until:
            assert engine.advance("judging.Duel", duel.pk, now=clock[0])
            yield clock[0]
            duel.refresh_from_db()
            clock[0] = duel.due_at


def test_every_bad_day_is_in_the_documentation():
    page = (Path(__file__).resolve().parents[2] / "docs" / "judge.md").read_text()
    told = re.findall(r"^\| (.+?) \| .+ \| .+ \|$", page.split("## Bad days")[1], re.MULTILINE)
    assert {*SILENT, *UNWELL} <= set(told)
