"""What did a round cost, as far as it is known, and what may the next one cost?  What is unknown is never 0."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audits.models import PodRun
from competition.models import Asset, Round
from dashboard.facts import costs
from dashboard.facts.costs import ELSEWHERE, KNOWN, NAMES, UNKNOWN, MeasuredAmount, MeasuredRound, Prices, RoundCosts
from dashboard.operations import round_costs
from judging.models import Control, Duel, Match, Rendering, StoredAnswer
from tests.dashboard.made_round import Made
from tests.dashboard.test_pages import facts, html

AMOUNTS: dict[str, float | None] = {
    "judge": 7200.0,
    "tokens_read": 2_000_000.0,
    "tokens_written": 10_000.0,
    "pods": 3.0,
    "rendering": 8.0,
    "measuring": 1.0,
    "stored": 5e9,
    "served": None,
}


def by_prices(prices: Prices, **amounts: float | None) -> dict[str, costs.CostLine]:
    measured = {
        item: MeasuredAmount(amount=amount, basis="Measured.", usd=6.0 if item == "pods" else None)
        for item, amount in {**AMOUNTS, **amounts}.items()
    }
    return {line.item: line for line in costs.priced(MeasuredRound(amounts=measured), prices)}


def test_money_is_the_amount_by_the_price() -> None:
    lines = by_prices(Prices(gpu_hour=2.5, cpu_hour=0.04, gigabyte_month=0.02))
    assert {item: line.usd for item, line in lines.items()} == {
        "judge": 5.0,
        "tokens_read": None,
        "tokens_written": None,
        "pods": 6.0,
        "rendering": pytest.approx(0.32),
        "measuring": 0.04,
        "stored": pytest.approx(0.1),
        "served": None,
    }
    assert lines["tokens_read"].state == ELSEWHERE and lines["served"].state == UNKNOWN
    assert "At 2.5 USD an hour of a card" in lines["judge"].basis


def test_a_judge_is_paid_by_tokens_or_by_the_hour_and_never_by_both() -> None:
    lines = by_prices(Prices(gpu_hour=2.5, tokens_read_million=0.5, tokens_written_million=2.0))
    assert [lines[item].usd for item in ("judge", "tokens_read", "tokens_written")] == [None, 1.0, 0.02]
    assert lines["judge"].state == ELSEWHERE
    half = by_prices(Prices(tokens_read_million=0.5))
    assert half["tokens_written"].state == UNKNOWN, "without a price of its own"


def test_what_has_no_price_or_no_measurement_is_unknown_and_what_was_not_used_costs_nothing() -> None:
    assert {line.state for item, line in by_prices(Prices()).items() if item not in ("pods", "served")} == {
        UNKNOWN,
        ELSEWHERE,
    }
    lines = by_prices(Prices(cpu_hour=0.04), rendering=None, judge=0.0)
    assert (lines["rendering"].usd, lines["rendering"].state) == (None, UNKNOWN)
    assert (lines["judge"].usd, lines["judge"].state) == (0.0, KNOWN)


def test_an_estimate_names_what_is_unknown_and_what_stands_in_another_line() -> None:
    lines = tuple(by_prices(Prices(gpu_hour=2.5)).values())
    unknown = costs.unknown_of(lines)
    page = RoundCosts(
        competition="c", round=1, final=True, lines=lines, known_usd=11.0, unknown=unknown, sentence="", url=""
    )
    words = {line.item: money for line, money in costs.estimate("c", judge="j", rounds=[page]).money_words}
    assert words["judge"].startswith("5") and (words["tokens_read"], words["served"]) == (ELSEWHERE, UNKNOWN)


@pytest.fixture(autouse=True)
def forget() -> None:
    cache.clear()


@pytest.fixture
def finished(made: Made) -> Round:
    return Round.objects.select_related("competition").filter(competition=made.competition, state="finished").first()


def line(page: RoundCosts, item: str) -> costs.CostLine:
    return next(each for each in page.lines if each.item == item)


def asked(round_: Round, spans: list[tuple[float, int]], *, usage: dict[str, int] | None) -> None:
    """Answers that a duel of the round was given: seconds after now at which each came, and its milliseconds."""
    duel, now = Duel.objects.filter(match__round=round_).first(), timezone.now()
    for n, (at, latency) in enumerate(spans):
        row = StoredAnswer.objects.create(
            key=f"{round_.pk:032}{n:032}",
            judge="j",
            kind="likeness",
            mass=1,
            raw={"usage": usage} if usage else {},
            latency_ms=latency,
            asked_for=duel,
        )
        StoredAnswer.objects.filter(pk=row.pk).update(made_at=now + timedelta(seconds=at))


@pytest.mark.django_db
def test_seconds_of_cards_are_those_in_which_any_question_was_open_of_each_card(finished: Round, settings: Any) -> None:
    # Two that overlap (0..4 and 2..5), one inside (3..4), and one apart (10..11).
    spans = [(4.0, 4000), (5.0, 3000), (4.0, 1000), (11.0, 1000)]
    asked(finished, spans, usage={"prompt_tokens": 100, "completion_tokens": 1})
    page = round_costs.of_round(finished)
    assert line(page, "judge").amount == pytest.approx(6.0)
    assert (line(page, "tokens_read").amount, line(page, "tokens_written").amount) == (400.0, 4.0)
    settings.JUDGE_GPUS = 4
    assert line(round_costs.of_round(finished), "judge").amount == pytest.approx(24.0)


@pytest.mark.django_db
def test_controls_are_counted_as_densely_as_duels_and_what_is_no_number_is_unknown(finished: Round) -> None:
    asked(finished, [(4.0, 4000), (4.0, 4000)], usage={"prompt_tokens": 100, "completion_tokens": 1})
    usage: dict[str, Any] = {"prompt_tokens": 50.0, "completion_tokens": "one"}
    answers = {name: {"latency_ms": 1500, "raw": {"usage": usage}} for name in ("left", "right")}
    prompt = finished.drawn.first().prompt
    Control(round=finished, kind="self", prompt=prompt, answers=answers, **Control.born(now=timezone.now())).save()
    page = round_costs.of_round(finished)
    assert (line(page, "judge").amount, line(page, "tokens_read").amount) == (pytest.approx(4.0 + 3.0 / 2), 300.0)
    assert line(page, "tokens_written").amount is None and "about controls" in line(page, "judge").basis


@pytest.mark.django_db
def test_tokens_that_a_server_counts_for_some_answers_only_are_unknown(finished: Round) -> None:
    asked(finished, [(1.0, 500)], usage={"prompt_tokens": 100, "completion_tokens": 1})
    StoredAnswer.objects.create(
        key="f" * 64, judge="j", kind="sides", mass=1, asked_for=Duel.objects.filter(match__round=finished).first()
    )
    read = line(round_costs.of_round(finished), "tokens_read")
    assert (read.amount, read.usd) == (None, None) and "1 of 2" in read.basis


@pytest.mark.django_db
def test_a_judge_that_computes_is_asked_nothing(finished: Round) -> None:
    judge = line(round_costs.of_round(finished), "judge")
    assert (judge.amount, judge.usd, judge.state) == (0.0, 0.0, KNOWN) and "computes" in judge.basis


@pytest.mark.django_db
def test_pods_without_a_price_have_hours_and_no_money(finished: Round) -> None:
    runs = PodRun.objects.filter(submission__round=finished)
    assert runs.exists()
    runs.update(usd=1.5)
    assert line(round_costs.of_round(finished), "pods").usd == 1.5 * runs.count()
    first = runs.first()
    PodRun.objects.filter(pk=first.pk).update(usd=None)
    pods = line(round_costs.of_round(finished), "pods")
    assert pods.usd is None and pods.amount and pods.state == UNKNOWN


@pytest.mark.django_db
def test_processors_of_a_file_are_paid_by_the_round_that_had_it_first(finished: Round, settings: Any) -> None:
    settings.PRICE_CPU_HOUR = 1.0
    files = set(round_costs.paid_files(finished))
    drawn = Rendering.objects.filter(competition=finished.competition, state__in=("rendered", "refused"))
    drawn.update(processor_ms=None)
    assert line(round_costs.of_round(finished), "rendering").amount is None
    drawn.update(processor_ms=36_000)
    number = drawn.filter(sha256__in=files).count()
    rendering = line(round_costs.of_round(finished), "rendering")
    assert number and rendering.usd == rendering.amount == pytest.approx(number / 100)
    later = Round.objects.filter(competition=finished.competition, number__gt=finished.number).first()
    shared = Asset.objects.filter(submission__round=later, sha256__in=files)
    assert not set(round_costs.paid_files(later)) & files or not shared.exists()


@pytest.mark.django_db
def test_the_pages_the_twin_and_the_api_show_the_same_costs(client: Client, finished: Round) -> None:
    at = [finished.competition.slug, finished.number]
    twin = facts(client, reverse("judge", args=at))["costs"]
    api = client.get(f"/api/v1/competitions/{at[0]}/rounds/{at[1]}/costs").json()
    assert twin["lines"] == api["lines"] and twin["known_usd"] == api["known_usd"]
    assert [row["item"] for row in twin["lines"]] == list(NAMES)
    assert "served" in twin["unknown"]
    page = html(client, reverse("judge", args=at))
    assert twin["sentence"] in page and "unknown" in page
    assert twin["sentence"] in html(client, reverse("status"))


@pytest.mark.django_db
def test_an_estimate_is_of_rounds_of_the_same_judge_and_rules_and_names_them(client: Client, finished: Round) -> None:
    slug = finished.competition.slug
    newest = Round.objects.filter(competition=finished.competition).order_by("-number").first()
    Round.objects.filter(pk=finished.pk).update(rules=newest.rules)
    Match.objects.filter(round=finished).update(judge_name=finished.competition.judge)
    out = StringIO()
    call_command("estimate", slug, "--json", stdout=out)
    estimate = json.loads(out.getvalue())
    assert estimate["basis"] == [finished.number]
    assert client.get(f"/api/v1/competitions/{slug}/estimate").json()["basis"] == [finished.number]
    out = StringIO()
    call_command("estimate", slug, stdout=out)
    assert estimate["sentence"] in out.getvalue()
    Match.objects.filter(round=finished).update(judge_name="openai:another")
    nothing = round_costs.next_round(finished.competition)
    assert (nothing.basis, nothing.usd, nothing.lines) == ((), None, ()) and "nothing to estimate" in nothing.sentence
    with pytest.raises(CommandError, match="no competition"):
        call_command("estimate", "nowhere")


@pytest.mark.django_db
def test_a_round_that_runs_shows_what_it_may_cost(client: Client, made: Made) -> None:
    page = facts(client, reverse("judge", args=["made", made.running.number]))
    assert page["estimate"]["sentence"] in html(client, reverse("judge", args=["made", made.running.number]))
    assert page["costs"]["sentence"].startswith("So far")


@pytest.mark.django_db
def test_a_metric_that_is_unknown_is_absent(client: Client, finished: Round) -> None:
    text = client.get(reverse("metrics")).content.decode()
    samples = [row for row in text.splitlines() if not row.startswith("#")]
    assert any(row.startswith("gauntlet_round_cost_amount{") and 'item="stored"' in row for row in samples)
    assert not any('item="served"' in row for row in samples)
    assert {row.split("{")[0] for row in samples} <= set(round_costs.METRICS)
