"""What the site tells of a round's judge: queue, calls, failures, cost, gates; and why it paused a round."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from competition.models import Round
from core.machine import engine
from dashboard.facts.matches import match_url
from judging.decisions import two_families
from judging.decisions.ballots import FamilyVerdict, Verdict
from judging.health import controls
from judging.models import Control, DescribedJudge, Duel, Match, StoredAnswer
from judging.panel.questions.version import described_together, version_named
from tests.dashboard.made_round import Made
from tests.dashboard.test_pages import facts, html
from tests.dashboard.test_pages_served import queries_for

pytestmark = pytest.mark.django_db
VLM = version_named("vlm-2")


@pytest.fixture
def judged(made: Made) -> Round:
    """The running round before a model that was asked forty questions, of which two took two attempts."""
    made.competition.judge = "openai:vlm-2"
    made.competition.save()
    Match.objects.filter(round=made.running).update(judge=VLM.digest, judge_name="openai:vlm-2")
    DescribedJudge.objects.create(version=VLM.digest, described=VLM.described())
    duel = Duel.objects.filter(match__round=made.running).first()
    usage = {"prompt_tokens": 3000, "completion_tokens": 1}
    for n in range(40):
        StoredAnswer.objects.create(
            key=f"{n:064}",
            judge=VLM.digest,
            kind="likeness" if n % 2 else "sides",
            probabilities={"1": 1.0},
            mass=1,
            raw={"usage": usage},
            latency_ms=200 + n,
            attempt=1 + (n < 2),
            asked_for=duel,
        )
    return Round.objects.get(pk=made.running.pk)


def add_controls(round_: Round, *, canary: int) -> None:
    """Eight of each kind; the canaries all have this score."""
    now, prompts = timezone.now(), [drawn.prompt for drawn in round_.drawn.select_related("prompt")]
    for kind, score in (("self", 0), ("canary", canary), ("injection", 0), ("repeat", 500_000)):
        for n in range(8):
            row = Control(
                round=round_,
                kind=kind,
                prompt=prompts[n % len(prompts)],
                variant=f"{n}",
                score_micro=score,
                before_micro=500_000 if kind == "repeat" else None,
                **Control.born(now=now),
            )
            row.state = "judged"
            row.save()


def at(round_: Round) -> str:
    return reverse("judge", args=[round_.competition.slug, round_.number])


def test_calls_failures_and_cost_of_a_round_are_told(client: Client, judged: Round) -> None:
    mute = Duel.objects.filter(match__round=judged, state="judging").first()
    told = {"attempts": 5, "failure_class": "judge", "failure_code": "timeout", "failure_reason": "<b>No answer.</b>"}
    Duel.objects.filter(pk=mute.pk).update(**told)
    page = facts(client, at(judged))
    assert (page["answers"], page["attempts"], page["failed"]) == (40, 42, "1/21")
    assert page["prompt_tokens"] == 120_000 and page["completion_tokens"] == 40 and page["server_seconds"] == 9
    assert page["per_second"] == round(40 / 300, 6)
    assert [(row["kind"], row["answers"]) for row in page["calls"]] == [("likeness", 20), ("sides", 20)]
    assert [row["code"] for row in page["failures"]] == ["timeout"]
    assert page["queue"][0]["silent"] == 1 and "gives no answer to 1 question" in page["sentence"]
    assert page["bars"]["likeness"] == 450_000 and page["model"] == VLM.model
    text = html(client, at(judged))
    assert "&lt;b&gt;No answer." in text and "Tokens read" in text


def test_what_the_judge_s_server_can_do_is_shown_and_nothing_where_none_was_examined(
    client: Client, judged: Round
) -> None:
    assert facts(client, at(judged))["capabilities"] == [] and "What its server can do" not in html(client, at(judged))
    row = {"name": "top_logprobs", "state": "yes", "detail": "20 alternatives <b>a token</b>"}
    server = {"names": [VLM.served_as], "answers_as": VLM.served_as, "mode": "top_logprobs", "capabilities": [row]}
    DescribedJudge.objects.update(server=server)
    page = facts(client, at(judged))
    assert page["measured_by"] == "top_logprobs" and page["capabilities"] == [row]
    text = html(client, at(judged))
    assert "What its server can do" in text and "alternatives &lt;b&gt;a token" in text
    DescribedJudge.objects.update(server=server | {"mode": "json"})
    assert "labels as JSON, without probabilities" in html(client, at(judged))


def test_the_page_of_a_round_says_where_its_judge_is_and_why_it_paused_it(client: Client, judged: Round) -> None:
    add_controls(judged, canary=10_000)
    assert f'href="{at(judged)}"' in html(client, judged_url(judged))
    stop = controls.pause(judged, "not well", code="JUDGE_HEALTH", failure_class="judge", now=timezone.now())
    assert engine.move(judged, stop, now=timezone.now())
    text = html(client, judged_url(judged))
    assert "The controls that say so" in text and "the good one must win" in text and "at least 97%" in text
    told = client.get(f"{judged_url(judged).rstrip('/')}.json").json()
    assert told["by_model"] is True and told["corrections"] == []
    assert [row["gate"] for row in told["unwell"]["gates"]] == ["canary"] and told["unwell"]["controls"]
    assert facts(client, at(judged))["sentence"].startswith("The judge is not well: canary")
    assert [row["state"] for row in facts(client, at(judged))["gates"]].count("failed") == 1


def judged_url(round_: Round) -> str:
    return reverse("round", args=[round_.competition.slug, round_.number])


def test_the_method_explains_the_gates_with_the_last_rounds_rates(client: Client, judged: Round) -> None:
    assert facts(client, reverse("method"))["health"] is None
    add_controls(judged, canary=-500_000)
    told = facts(client, reverse("method"))["health"]
    assert told["round"] == judged.number and {row["gate"]: row["state"] for row in told["gates"]}["canary"] == "passed"
    assert "100.0%" in html(client, reverse("method"))


def test_a_panel_has_gates_of_each_family_and_the_page_names_the_one_that_is_unwell(
    client: Client, judged: Round
) -> None:
    families = [version_named(name) for name in ("qwen2.5-vl-7b", "glm-4.6v-flash")]
    DescribedJudge.objects.filter(version=VLM.digest).update(described=described_together(families))
    add_controls(judged, canary=-500_000)
    for control in judged.controls.all():
        canary = control.kind == "canary"
        rows = [
            FamilyVerdict(version.family, version.served_as, Verdict("defender" if seen else "draw", -seen, "", ()))
            for version, seen in zip(families, (500_000 * canary, 0), strict=True)
        ]
        before = {version.family: 0 for version in families}
        detail = {"families": [row.row() for row in rows]} | ({"before": before} if control.kind == "repeat" else {})
        Control.objects.filter(pk=control.pk).update(detail=detail)
    page = facts(client, at(judged))
    states = {row["gate"]: row["state"] for row in page["gates"]}
    assert len(states) == 12 and (states["qwen canary"], states["glm canary"]) == ("passed", "failed")
    assert page["sentence"].startswith("The judge is not well: glm canary")
    assert page["model"] == " + ".join(version.model for version in families)
    assert "glm canary" in html(client, at(judged))


def test_a_match_shows_what_each_family_of_a_panel_alone_saw(client: Client, judged: Round) -> None:
    duels = Duel.objects.filter(match__round=judged, state="judged").order_by("match", "position")
    match = max(judged.matches.all(), key=lambda row: duels.filter(match=row).count())
    seen = [("challenger", "defender"), ("challenger", "draw"), ("challenger", "challenger")]
    rows, scores = list(duels.filter(match=match)), {"challenger": 9, "draw": 0, "defender": -9}
    for place, duel in enumerate(rows):
        both = [
            FamilyVerdict(family, f"{family}@1", Verdict(outcome, scores[outcome], "", ()))
            for family, outcome in zip(("qwen", "glm"), seen[place % 3], strict=True)
        ]
        Duel.objects.filter(pk=duel.pk).update(detail=two_families.verdict(both).detail())
    kinds = Counter(place % 3 for place in range(len(rows)))
    assert kinds[0] and kinds[1] and kinds[2]
    page = facts(client, match_url(judged, match))["families"]
    assert page["duels"] == len(rows) and page["contradictions"] == kinds[0]
    tallies = {row["family"]: (row["won"], row["drawn"], row["lost"], row["decisive"]) for row in page["tallies"]}
    assert tallies == {"qwen": (len(rows), 0, 0, kinds[1]), "glm": (kinds[2], kinds[1], kinds[0], 0)}
    assert "What each family of models alone saw" in html(client, match_url(judged, match))


def test_a_judge_that_computes_has_a_page_that_says_so(client: Client, made: Made) -> None:
    url = reverse("judge", args=[made.competition.slug, made.running.number])
    assert "computes" in html(client, url) and facts(client, url)["gates"] == []
    assert f'href="{url}"' not in html(client, judged_url(made.running))
    assert client.get(reverse("judge", args=["nobody", 1])).status_code == 404


@pytest.mark.usefixtures("clock_measured")
def test_more_answers_and_controls_cost_no_further_query(client: Client, judged: Round) -> None:
    before = queries_for(client, at(judged))
    add_controls(judged, canary=-500_000)
    assert queries_for(client, at(judged)) == before <= 30  # of which 8 are the costs, and an estimate
    assert json.loads(client.get(at(judged)[:-1] + ".json").content)["url"] == at(judged)
