"""What the site says of itself, and of any two entries side by side."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from competition.models import Miner, Round
from core.machine.engine import stateful_models
from core.queue.heartbeats import Heart
from dashboard.facts import duel_statistics
from dashboard.facts.about_pages import releases
from dashboard.pages.answers import twin_url
from dashboard.templatetags.gauntlet import coded
from judging.models import Duel, Match
from tests.dashboard import made_round
from tests.dashboard.made_round import Made
from tests.dashboard.test_over_rounds import table
from tests.dashboard.test_pages import facts, html
from tests.dashboard.test_pages_served import HOSTILE, queries_for

pytestmark = pytest.mark.django_db
NAMES = ("status", "method", "data", "changelog")


def compared(made: Made, *, a: str, b: str) -> str:
    return f"{reverse('compare')}?c={made.competition.slug}&round=1&a={a}&b={b}"


def both(made: Made) -> str:
    return compared(made, a=made.miners[1].hotkey, b=made.miners[2].hotkey)


def test_each_has_a_twin_and_nothing_inline(client: Client, made: Made) -> None:
    for url in (*map(reverse, NAMES), both(made), reverse("compare")):
        text = html(client, url)
        assert facts(client, url)["url"]
        assert 'type="application/json" href="/' in text
        assert " style=" not in text
        assert text.count("<script") == 1, "the keys, and nothing else"


def test_an_empty_site_has_them_too(client: Client, db: None) -> None:
    for name in NAMES:
        html(client, reverse(name))
        facts(client, reverse(name))
    assert client.get(reverse("compare")).status_code == 404


def test_what_a_miner_wrote_is_text_here_too(client: Client, db: None) -> None:
    made = made_round.make(hostile=HOSTILE)
    Miner.objects.update(label="<u>x</u>")
    Round.objects.update(waiting_for=HOSTILE, failure_reason=HOSTILE, failure_class="judge", attempts=4)
    for url in (*map(reverse, NAMES), both(made)):
        text = html(client, url)
        assert "<u>" not in text
        assert "<script>alert" not in text


@pytest.mark.usefixtures("clock_measured")
def test_twice_the_miners_and_prompts_cost_no_further_query(client: Client, db: None) -> None:
    def counts(made: Made) -> dict[str, int]:
        return {name: queries_for(client, reverse(name)) for name in NAMES} | {
            "compare": queries_for(client, both(made))
        }

    few = counts(made_round.make(slug="few", miners=5, prompts=6))
    made = made_round.make(slug="many", miners=10, prompts=12)
    per_competition = {"method": 1, "changelog": 2, "status": 10}  # of its last round: what it cost
    many = {name: count - per_competition.get(name, 0) for name, count in counts(made).items()}
    assert few == many
    status = 3 * len(stateful_models()) + 10  # three for each kind of row
    most = {"status": status, "method": 10, "data": 3, "changelog": 3, "compare": 9}
    assert {name: count for name, count in many.items() if count > most[name]} == {}


def test_status_says_what_waits_too_long(client: Client, made: Made) -> None:
    now = timezone.now()
    Round.objects.filter(pk=made.running.pk).update(due_at=now - timedelta(hours=2), lease=None)
    page = facts(client, reverse("status"))
    assert page["sentence"].startswith("Overdue: 1 round in duels. Due for 2 h")
    assert "the operator must act" in page["sentence"] and page["overdue"][0]["since"]
    assert page["well"] is False
    (rounds,) = [work for work in page["work"] if work["kind"] == "round"]
    assert (rounds["open"], rounds["due"], rounds["overdue"]) == (1, 1, 1)
    Round.objects.filter(pk=made.running.pk).update(due_at=now - timedelta(seconds=5))
    for role in ("reconciler", "worker: io"):
        Heart(role).beat(now=now)
    assert facts(client, reverse("status"))["sentence"].startswith("All is well: 1 row due, none overdue.")


def test_status_names_what_fails_and_who_must_act(client: Client, made: Made) -> None:
    duel = Duel.objects.filter(state="judging").first()
    failed = {"failure_class": "judge", "failure_code": "silent", "failure_reason": "No answer.", "attempts": 3}
    Duel.objects.filter(pk=duel.pk).update(**failed)
    (trouble,) = facts(client, reverse("status"))["troubles"]
    assert (trouble["kind"], trouble["attempts"], trouble["failure_code"]) == ("duel", 3, "silent")
    assert "the operator must act" in html(client, reverse("status"))


def test_status_says_when_a_round_is_paused(client: Client, made: Made) -> None:
    Round.objects.filter(pk=made.running.pk).update(state="paused", failure_reason="Too many voids.")
    page = facts(client, reverse("status"))
    assert "is paused in round 2: the operator must act." in page["sentence"]
    Round.objects.filter(pk=made.running.pk).update(source={"era": 1})
    assert facts(client, reverse("status"))["books"][0]["stage"] == "played elsewhere"
    assert "paused" not in facts(client, reverse("status"))["sentence"]


def test_the_judge_is_measured_where_it_was_asked_twice(client: Client, made: Made) -> None:
    """Two entries of one commit that were both judged against the same defender."""
    screens = Match.objects.filter(round=made.finished, kind="screen")
    first, second = (screens.get(challenger__miner=miner) for miner in made.miners[1:3])
    second.challenger.commit = first.challenger.commit
    second.challenger.save()
    outcomes = {
        match.pk: dict(match.duels.filter(state="judged").values_list("prompt_id", "outcome"))
        for match in (first, second)
    }
    shared = outcomes[first.pk].keys() & outcomes[second.pk].keys()
    same = sum(outcomes[first.pk][key] == outcomes[second.pk][key] for key in shared)
    told = duel_statistics.repeats(made.competition)
    assert (told["pairs"], told["same"]) == (len(shared), same)
    assert 0 < told["opposite"] <= told["pairs"] - told["same"]
    (row,) = facts(client, reverse("method"))["repeats"]
    assert row["pairs"] == len(shared)


def test_the_method_counts_a_real_match_through(client: Client, made: Made) -> None:
    example = facts(client, reverse("method"))["example"]
    assert example["round"] == 1
    assert example["tally"]["margin"] == "1/5"


def test_data_lists_bundles_with_their_hash(client: Client, made: Made) -> None:
    (row,) = facts(client, reverse("data"))["bundles"]
    assert (row["competition"], row["round"], row["bundle"]["hash"]) == ("made", 1, "f" * 64)
    assert "f" * 64 in html(client, reverse("data"))


def test_a_line_of_the_change_log_keeps_its_code_and_its_emphasis_and_nothing_else() -> None:
    marked = {
        "the box *defects* of `/a/*.b*`": "the box <em>defects</em> of <code>/a/*.b*</code>",
        "2 * 3 * 4, ` and *": "2 * 3 * 4, ` and *",
        "<i> *<b>* `<u>`": "&lt;i&gt; <em>&lt;b&gt;</em> <code>&lt;u&gt;</code>",
    }
    assert {line: coded(line) for line in marked} == marked


def test_the_changelog_tells_judges_and_rules_from_the_rounds(client: Client, made: Made) -> None:
    page = facts(client, reverse("changelog"))
    (judge,) = page["judges"]
    decided = Match.objects.filter(state="decided").count()
    assert (judge["name"], judge["first"], judge["last"], judge["count"]) == ("perceptual-v1", 1, 1, decided)
    (rules,) = page["rulesets"]
    assert (rules["name"], rules["first"], rules["last"]) == ("margin-1", 1, 2)
    assert page["releases"], "from CHANGELOG.md"


def test_a_changelog_is_read_by_headings_and_items() -> None:
    (release,) = releases("# Changelog\n\n## 1.0\n- One\n  goes on.\n- Two\n")
    assert (release.title, release.changes) == ("1.0", ("One goes on.", "Two"))
    assert coded("a `<b>` c <i>") == "a <code>&lt;b&gt;</code> c &lt;i&gt;"


def test_two_entries_stand_side_by_side(client: Client, made: Made) -> None:
    page = facts(client, both(made))
    assert page["url"] == both(made)
    assert [row["prompt"] for row in page["prompts"]][:2] == ["prompt-000", "prompt-001"]
    first = page["prompts"][0]
    assert (first["a"]["result"], first["b"]["result"]) == ("won", "lost")
    assert first["a"]["view"] != first["b"]["view"]
    assert "against the leader they ended differently on" in page["sentence"]
    assert page["match_url"] == ""
    assert f'href="{twin_url(both(made)).replace("&", "&amp;")}"' in html(client, both(made))
    rows = table(client, f"/compare.csv?{both(made).partition('?')[2]}")
    assert rows[0]["a_result"] == "won"


def test_the_leader_can_be_compared_with_who_met_it(client: Client, made: Made) -> None:
    other = made.miners[1].hotkey
    page = facts(client, compared(made, a="leader", b=other[:8]))
    assert page["match_url"] == reverse("match", args=["made", 1, "leader", other])
    assert page["prompts"][0]["a"]["view"], "the platform's own outputs of the leader"
    for odd in ("5zzzzzz", "x", "leader<"):
        assert client.get(compared(made, a=odd, b="leader")).status_code == 404


def test_status_names_every_process_and_says_who_is_silent(client: Client, made: Made) -> None:
    now = timezone.now()
    told = "No reconciler is heard: nothing new is begun until the operator starts one."
    assert facts(client, reverse("status"))["sentence"] == told
    Heart("reconciler").beat(now=now)
    assert facts(client, reverse("status"))["sentence"].startswith("No worker is heard")
    Heart("worker: cpu").beat(now=now - timedelta(minutes=2))
    page = facts(client, reverse("status"))
    assert [(each["role"], each["silent"]) for each in page["processes"]] == [
        ("reconciler", False),
        ("worker: cpu", True),
    ]
    assert page["well"] is False
    Heart("worker: cpu", pid=7).beat(now=now)
    assert facts(client, reverse("status"))["sentence"].startswith("All is well")


def test_a_running_round_says_when_nobody_moves_it(client: Client, made: Made) -> None:
    running, home = reverse("round", args=["made", 2]), reverse("competition", args=["made"])
    now = timezone.now()
    for url in (running, home):
        assert "No reconciler is running" in html(client, url)
    Heart("reconciler").beat(now=now - timedelta(minutes=5))
    heard = f"{now - timedelta(minutes=5):%H:%M:%S}"
    for url in (running, home):
        assert f"{heard}: the reconciler is silent, and the operator must act." in html(client, url)
    Heart("reconciler").beat(now=now)
    for url in (running, home, reverse("round", args=["made", 1])):
        assert "reconciler" not in html(client, url)
    assert facts(client, running)["tracker"]["stands_still"] == ""
