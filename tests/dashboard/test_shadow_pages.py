"""What reviewers read of a second judge: the list, one run, and nothing for anybody else."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from core import clock
from dashboard.facts import shadow_pages
from judging.models import ShadowRun
from judging.shadow import queries
from tests.dashboard.test_reviewing import signed_in
from tests.judging.second_judge import NAME, KnownJudge, finished_round, second, shadow

__all__ = ["second"]  # a fixture
pytestmark = pytest.mark.django_db
ADDRESSES = ("/reviews/shadows/", "/reviews/shadows.json", "/reviews/shadows/{}/", "/reviews/shadows/{}.json",
             "/reviews/shadows/{}/margins.json")  # fmt: skip


@pytest.fixture
def staff() -> Client:
    return signed_in("ann")


def test_who_is_not_signed_in_is_led_to_the_door(second: KnownJudge) -> None:
    finished_round()
    second.as_official()
    number = shadow()["number"]
    for address in ADDRESSES:
        answer = Client().get(address.format(number))
        assert answer.status_code == 302 and answer.headers["Location"].startswith(
            "/reviews/sign-in/?next=/reviews/sha"
        )


def test_where_no_judge_was_tried_the_list_says_how_it_is_done(staff: Client) -> None:
    answer = staff.get("/reviews/shadows/")
    assert "manage.py shadow SLUG ROUND --judge NAME" in answer.content.decode()
    assert "no-store" in answer.headers["Cache-Control"]
    assert staff.get("/reviews/shadows.json").json()["runs"] == []
    assert staff.get("/reviews/shadows/1/").status_code == 404


def test_a_run_shows_matrix_changed_matches_and_the_leader(staff: Client, second: KnownJudge) -> None:
    _, _, played = finished_round()
    second.as_official()
    second.differs(played["ann"], {0: "draw"})
    report = shadow("--price", "2")
    number = report["number"]
    listed = staff.get("/reviews/shadows/")
    assert f'<a href="/reviews/shadows/{number}/">{number}: {NAME}</a>' in listed.content.decode()
    page = staff.get(f"/reviews/shadows/{number}/")
    text = " ".join(page.content.decode().split())
    assert page.status_code == 200 and "no-store" in page.headers["Cache-Control"]
    assert "The judges agree on 23 of 24 duels; 1 match would end otherwise, and another would lead." in text
    assert '<th scope="row">right (challenger)</th> <td class="num">0</td> <td class="num">1</td>' in text
    assert "<b>below the bar</b>" in text and "<b>Another.</b>" in text and "at 2.00 for 1,000 questions" in text
    hotkey = played["ann"].challenger.miner.hotkey
    assert f'<a href="/c/second/r/1/leader-vs-{hotkey}/">screen</a>' in text
    assert staff.get(f"/reviews/shadows/{number}.json").json() == report
    figure = staff.get(f"/reviews/shadows/{number}/margins.json").json()
    assert sum(len(trace["x"]) for trace in figure["data"]) == 2


def test_a_run_shows_how_far_it_is(staff: Client, second: KnownJudge) -> None:
    finished_round()
    second.as_official()
    number = shadow("--sample", "3")["number"]
    ShadowRun.objects.update(ended_at=None, most_duels=24, last_at=clock.now())
    text = " ".join(staff.get(f"/reviews/shadows/{number}/").content.decode().split())
    assert "<dt>State</dt><dd>running</dd>" in text and "<dd>3 of at most 24</dd>" in text
    run = queries.run_numbered(number)
    later = shadow_pages.shadow_list([run], now=clock.now() + timedelta(hours=1))
    assert later.runs[0].state == "interrupted"
    ShadowRun.objects.update(last_at=clock.now() - timedelta(hours=1))
    assert "Run the same command again" in staff.get(f"/reviews/shadows/{number}/").content.decode()
