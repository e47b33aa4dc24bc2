"""What is shown of a run's pods and cost, and of its speed beside the leader's code."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from audits.decisions.rentals import PodRental
from audits.models import PodRun
from tests.dashboard.made_round import NOW, Made
from tests.dashboard.test_pages import facts, html

pytestmark = pytest.mark.django_db


def audit_url(made: Made) -> str:
    return reverse("audit", args=["made", 1, made.miners[1].hotkey])


def leaders_run(made: Made, *, card: str = "H200 at verda", hours: float = 0, generated_s: float = 60) -> PodRun:
    since = NOW + timedelta(hours=hours)
    rental = PodRental(card=card, usd_per_hour=None, since=since, until=since + timedelta(minutes=20))
    return PodRun.objects.create(
        submission=made.finished.submissions.get(role="leader"),
        purpose="leader",
        seed=7,
        provider="verda",
        progress={"pods": 1, "generation_s": generated_s, "output_s": [[5.0, 1.0]] * 12},
        rentals=[rental.to_json()],
        state="done",
        since=NOW,
    )


def test_the_audit_names_each_pods_card_price_and_hours_and_what_they_cost(client: Client, made: Made) -> None:
    text = " ".join(html(client, audit_url(made)).split())
    assert f"H200 at verda, 3.10 USD an hour, from {NOW:%Y-%m-%d %H:%M:%S} to" in text
    assert "<dt>Pods cost</dt><dd>0.6200 USD</dd>" in text
    run = facts(client, audit_url(made))["pod_runs"][0]
    assert (run["usd"], run["rentals"][0]["card"]) == (0.62, "H200 at verda")


def test_a_price_that_nobody_stated_is_unknown_and_never_nothing(client: Client, made: Made) -> None:
    rental = PodRental(card="this machine", usd_per_hour=None, since=NOW, until=NOW + timedelta(minutes=1))
    PodRun.objects.update(usd=None, rentals=[rental.to_json()])
    text = " ".join(html(client, audit_url(made)).split())
    assert "this machine, price unknown, from" in text and "<dt>Pods cost</dt><dd>unknown</dd>" in text
    entries = facts(client, reverse("round", args=["made", 1]))["entries"]
    assert {entry["pods_usd"] for entry in entries} == {None}
    miner = " ".join(html(client, reverse("miner", args=[made.miners[1].hotkey])).split())
    assert "<dt>The pods cost</dt> <dd>unknown</dd>" in miner and "0.00 USD" not in miner


def test_an_entry_costs_what_all_its_runs_cost_and_is_unknown_where_one_is(client: Client, made: Made) -> None:
    run = PodRun.objects.get()
    more = {"submission": run.submission, "seed": 1, "provider": "verda", "since": NOW}
    PodRun.objects.create(**more, purpose="audit_1", state="failed", usd=0.5, progress={"pods": 1})
    PodRun.objects.create(**more, purpose="audit_2", state="failed", progress={"pods": 0})  # no pod was had
    PodRun.objects.create(**more, purpose="audit_3", state="generating", progress={"pods": 1})  # not over
    url = reverse("round", args=["made", 1])
    costs = {entry["miner"]["hotkey"]: entry["pods_usd"] for entry in facts(client, url)["entries"]}
    assert costs[run.submission.miner.hotkey] == pytest.approx(1.12)
    assert "1.12 USD" in html(client, url)
    PodRun.objects.create(**more, purpose="audit_4", state="done", progress={"pods": 1})
    costs = {entry["miner"]["hotkey"]: entry["pods_usd"] for entry in facts(client, url)["entries"]}
    assert costs[run.submission.miner.hotkey] is None


@pytest.mark.parametrize(
    ("leader", "words"),
    [
        ({}, "5.00 s an output on H200 at verda, begun {begun} UTC: 30.00 % faster than the leader's."),
        ({"generated_s": 42}, "begun {begun} UTC: as fast as the leader's."),
        ({"card": "H100 at targon"}, "Nothing may rest on it: they ran on different kinds of card."),
        ({"hours": 1.5}, "Nothing may rest on it: they were begun more than an hour apart."),
        ({"card": ""}, "Nothing may rest on it: it is not known that each ran on one kind of card."),
    ],
)
def test_a_comparison_names_card_and_hour_of_both_and_says_where_nothing_may_rest_on_it(
    client: Client, made: Made, leader: dict, words: str
) -> None:
    leaders_run(made, **leader)
    beside = facts(client, audit_url(made))["pod_runs"][0]["beside_leader"]
    assert beside.startswith(f"3.50 s an output on H200 at verda, begun {NOW:%Y-%m-%d %H:%M} UTC; the leader's code ")
    assert words.format(begun=f"{NOW:%Y-%m-%d %H:%M}") in beside
    assert beside.replace("'", "&#x27;") in html(client, audit_url(made))


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        (
            {"usd": 0.4},
            "30.00 % faster than the leader's. The leader's code ran beside it to compare, and its pods cost",
        ),
        ({"usd": 0.4}, "cost 0.4000 USD; where its run that was judged was slower on the same kind of card, that one"),
        ({"usd": None}, "its pods' price is unknown"),
        (
            {"state": "failed", "usd": 0.4, "failure_reason": "No card was free."},
            "The leader's code ran beside it, and its pods cost 0.4000 USD. It has no time: No card was free.",
        ),
        ({"state": "generating"}, "The leader's code runs beside it, to compare: generating."),
    ],
)
def test_what_it_costs_to_run_the_leaders_code_beside_a_winners_is_shown(
    client: Client, made: Made, columns: dict, words: str
) -> None:
    row = leaders_run(made)
    PodRun.objects.filter(pk=row.pk).update(purpose="beside", beside=PodRun.objects.get(purpose="audit"), **columns)
    shown = facts(client, audit_url(made))["pod_runs"][0]["beside_leader"]
    assert words in shown and shown.replace("'", "&#x27;") in html(client, audit_url(made))


def test_without_a_timed_run_of_the_leader_there_is_nothing_beside_it(client: Client, made: Made) -> None:
    assert facts(client, audit_url(made))["pod_runs"][0]["beside_leader"] == ""
    assert "Beside the leader" not in html(client, audit_url(made))


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({}, "A winner's code is run again, and has 2 h for all outputs, or its win does not count."),
        (
            {"rules": {"speed": {"most_output_s": "5/2"}}, "pods": {"generation_s": 600}},
            "and has 10 min for all outputs, and at most 2.5 s each on average, or its win does not count.",
        ),
        (
            {"rules": {"speed": "report"}},
            "How fast a winner's code is decides nothing; a run that is not over after 2 h is ended.",
        ),
        (
            {"rules": {"stop_early": False, "speed": {"mode": "tiebreak", "clear": "1/10", "slower": "1/4"}}},
            "ahead of the leader by less than 10.00% does not take the lead where its code is more than 25.00% slower",
        ),
        (
            {"rules": {"speed": {"mode": "report", "beside": True}}},
            "is ended. The leader's code runs once more beside it, on the same kind of card, to compare.",
        ),
    ],
)
def test_the_competitions_page_says_what_time_decides(client: Client, made: Made, config: dict, words: str) -> None:
    made.competition.config = made.competition.config | {"rules": {}, "pods": {}} | config
    made.competition.save()
    url = reverse("competition", args=["made"])
    assert words in facts(client, url)["time_rule"]
    assert words.replace("'", "&#x27;") in html(client, url)
