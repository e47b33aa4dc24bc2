"""Who keeps a model's answers, and how are many duels heard at once without two workers judging one?"""

import time
from collections import Counter
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from benchmarks.vlm_server_mind import seen
from core.machine import engine
from judging.backends import judge_named
from judging.judge_worker import next_rows, until_quiet
from judging.models import Duel, StoredAnswer
from judging.panel.answer_rows import DuelAnswerStore, answers_paid_by
from judging.panel.answer_store import Remembered, Reply
from judging.panel.vlm_panel import Unwanted
from tests.judging.heard_round import PROMPTS

REPLY = Reply({"1": 0.25, "2": 0.7, "0": 0.05}, 1.0, raw={"model": "m"}, latency_ms=12)
OTHER = Reply({"1": 0.9, "2": 0.05, "0": 0.05}, 1.0)


@pytest.mark.parametrize("store_of", [lambda duel: Remembered(), DuelAnswerStore])
def test_the_first_answer_to_a_question_stands(round_, store_of):
    answers = store_of(Duel.objects.first())
    assert answers.read(["k"]) == {}
    assert answers.write("k", REPLY, kind="likeness", judge="j") == REPLY
    assert answers.write("k", OTHER, kind="likeness", judge="j") == REPLY
    assert answers.read(["k", "other"]) == {"k": REPLY}


def test_an_answer_is_read_back_to_the_last_bit(round_):
    shares = {"1": 1 / 3, "2": 2e-17, "0": 0.1 + 0.2}
    kept = DuelAnswerStore(Duel.objects.first())
    kept.write("k", Reply(shares, sum(shares.values())), kind="likeness", judge="j")
    assert kept.read(["k"])["k"].probabilities == shares


def test_one_duel_s_answers_serve_another_s(round_):
    one, other = Duel.objects.all()[:2]
    DuelAnswerStore(one).write("k", REPLY, kind="likeness", judge="j")
    assert DuelAnswerStore(other).read(["k"]) == {"k": REPLY}


def test_a_duel_that_moved_on_is_not_wanted(round_):
    now = timezone.now()
    duel = engine.claim(Duel, Duel.objects.first().pk, now=now)
    assert DuelAnswerStore(duel).wanted()
    Duel.objects.filter(pk=duel.pk).update(lease=None)
    assert not DuelAnswerStore(duel).wanted()


@pytest.mark.django_db(transaction=True)
def test_all_duels_are_heard_at_once_and_each_question_is_asked_once(round_, serving):
    server = serving(latency_s=0.2)
    assert until_quiet(duels=8, deadline_s=120)
    states = Counter(Duel.objects.values_list("state", flat=True))
    assert states == {"judged": 2 * PROMPTS}
    assert answers_paid_by(round_).count() == StoredAnswer.objects.count()
    shared = StoredAnswer.objects.filter(kind__in=("sides", "checklist", "best_view", "parts")).count()
    assert server.asked - StoredAnswer.objects.count() <= shared  # by two duels at once, before a slow database had it
    assert server.most_busy > 4
    assert not Duel.objects.exclude(lease=None).exists()
    assert {row["decided_by"] for row in Duel.objects.values_list("detail", flat=True)} <= {
        "likeness",
        "specialists",
        "draw_band",
        "gray",
        "side_guard",
    }


@pytest.mark.django_db(transaction=True)
def test_another_round_of_the_same_files_costs_nothing(round_, serving):
    server = serving()
    assert until_quiet(duels=8, deadline_s=120)
    said = list(Duel.objects.order_by("pk").values_list("outcome", "score_micro", "detail"))
    before = server.asked
    # As if judged anew, by a worker that knows only the answer store.
    born = Duel.born(now=timezone.now())
    queryset = Duel.objects.all()
    queryset.update(**born, outcome="", score_micro=None, detail={})
    assert until_quiet(duels=8, deadline_s=120)
    assert list(Duel.objects.order_by("pk").values_list("outcome", "score_micro", "detail")) == said
    assert server.asked == before


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("fault", ["http_500", "nan", pytest.param("low_mass", marks=pytest.mark.long), "reset"])
def test_half_the_calls_failing_changes_no_verdict(round_, serving, fault):
    serving()
    assert until_quiet(duels=8, deadline_s=120)
    said = list(Duel.objects.order_by("pk").values_list("outcome", "score_micro", "detail"))
    StoredAnswer.objects.all().delete()
    Duel.objects.update(**Duel.born(now=timezone.now()), outcome="", score_micro=None, detail={})
    serving(fault=fault, share=0.5)
    give_up = time.monotonic() + 200
    while Duel.objects.filter(state="judging").exists() and time.monotonic() < give_up:
        Duel.objects.filter(state="judging").update(due_at=timezone.now())
        until_quiet(duels=8, deadline_s=30)
    assert list(Duel.objects.order_by("pk").values_list("outcome", "score_micro", "detail")) == said


@pytest.mark.django_db(transaction=True)
def test_a_server_that_is_wrong_leaves_every_duel_open_and_says_why(round_, serving):
    serving(model="another/model@main")
    until_quiet(duels=8, deadline_s=20)
    rows = Duel.objects.values_list("state", "outcome", "failure_class", "failure_code").distinct()
    assert set(rows) == {("judging", "", "judge", "wrong_model")}
    assert not StoredAnswer.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_match_that_is_decided_stops_costing_calls_at_once(round_, serving):
    server = serving(latency_s=0.01)
    duel = engine.claim(Duel, Duel.objects.first().pk, now=timezone.now())
    from judging import sides
    from judging.panel.duel_verdict import verdict_of

    match = duel.match
    left = sides.of(match.defender, match.defender_origin, duel.prompt)
    right = sides.of(match.challenger, match.challenger_origin, duel.prompt)

    def gone() -> bool:
        if server.asked:
            Duel.objects.filter(pk=duel.pk).update(lease=None)
        return DuelAnswerStore(duel).wanted()

    from core import store

    with pytest.raises(Unwanted):
        verdict_of(
            judge_named("openai:vlm-2"),
            reference=store.default().path(duel.prompt.sha256),
            reference_sha256=duel.prompt.sha256,
            defender=left,
            challenger=right,
            answers=DuelAnswerStore(duel),
            wanted=gone,
        )
    assert server.asked == 2


def test_duels_are_taken_up_prompt_by_prompt_over_all_matches(round_):
    order = next_rows(now=timezone.now() + timedelta(seconds=1), most=100)
    positions = [Duel.objects.get(pk=pk).position for _, pk in order]
    assert positions == sorted(positions) and len(order) == 2 * PROMPTS


@pytest.mark.django_db(transaction=True)
def test_a_waiting_duel_holds_no_database_connection(round_):
    DuelAnswerStore(Duel.objects.first()).read(["k"])
    assert connection.connection is None


def test_what_a_simulated_server_sees_is_what_was_sent():
    url = {"type": "image_url", "image_url": {"url": "http://x/abc"}}
    body = {"messages": [{"role": "user", "content": [url, {"type": "text", "text": "Which?"}]}]}
    assert seen(body) == (["abc"], "Which?")
