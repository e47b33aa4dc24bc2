"""What does the judge behind a server say when all is well, and what when anything is not?"""

import contextlib
import re
import socket
from dataclasses import replace

import pytest

from benchmarks.vlm_server_mind import CARRIER_FAULTS, FAULTS, Mind, Worth, payload
from judging.backends.base import NoAnswer
from judging.panel import openai_client
from judging.panel import openai_wire as wire
from judging.panel.answer_store import Remembered
from judging.panel.duel_verdict import verdict_of
from judging.panel.openai import OpenAI
from judging.panel.openai_client import Door
from judging.panel.questions.calls import Asker
from judging.panel.server_capabilities import PROBE
from judging.panel.vlm_panel import Deliberates, Unwanted
from tests.judging.vlm_stage import OPENED, VERSION, judge, picture, served, side, worths

GOOD, POOR = Worth(quality=1.0), Worth(quality=0.0)
# What a server may do that no answer shows: both orders, controls and canaries are there for these.
UNSEEN = {"swapped_labels", "always_first", "always_tie", "prose"}
HARMLESS = {"slow", "small_ids", "unclosed"}
CODES = {
    "empty_choices": "empty_choices",
    "duplicate_answers": "empty_choices",
    "missing_logprobs": "unmeasurable",
    "label_not_in_top": "low_mass",
    "low_mass": "low_mass",
    "nan": "bad_logprobs",
    "infinity": "bad_logprobs",
    "wrong_model": "wrong_model",
    "stale_answer": "stale_answer",
    "timeout": "timeout",
    "http_400": "refused",
    "http_429": "http_429",
    "http_500": "http_500",
    "reset": "unreachable",
    "truncated": "unreachable",
}


@pytest.fixture
def duel(tmp_path):
    """(reference, a good asset, a poor one, what they are worth)"""
    good, poor = side(tmp_path, "good", shade=1), side(tmp_path, "poor", shade=2)
    return picture(tmp_path / "prompt.png", shade=7), good, poor, {**worths(good, GOOD), **worths(poor, POOR)}


def asked(judge, duel, *, swapped=False, **more):
    reference, good, poor, _ = duel
    defender, challenger = (good, poor) if swapped else (poor, good)
    return verdict_of(
        judge, reference=reference, reference_sha256="0" * 64, defender=defender, challenger=challenger, **more
    )


def test_the_better_asset_wins_from_either_side(duel):
    with served(Mind(duel[3])) as (_, url):
        one, other = asked(judge(url), duel), asked(judge(url), duel, swapped=True)
    assert (one.outcome, one.decided_by) == ("challenger", "likeness")
    assert other.outcome == "defender" and other.score_micro == -one.score_micro


def test_a_liking_for_one_place_decides_nothing(duel):
    for bias in (-3.0, 3.0):
        with served(Mind(bias=bias)) as (_, url):
            assert asked(judge(url), duel).outcome == "draw"


def test_whoever_is_spoiled_from_the_sides_wins_nothing(duel):
    reference, good, poor, table = duel
    table |= worths(good, Worth(quality=1.0, spoiled=0.9))
    with served(Mind(table)) as (_, url):
        assert asked(judge(url), (reference, good, poor, table)).decided_by == "side_guard"


def test_an_asset_against_itself_is_a_draw_that_nobody_is_asked_about(duel):
    reference, good, _, table = duel
    with served(Mind(table)) as (server, url):
        verdict = asked(judge(url), (reference, good, good, table))
    assert (verdict.outcome, verdict.score_micro, server.asked) == ("draw", 0, 0)


@pytest.mark.parametrize("fault", sorted(CODES))
def test_a_fault_is_no_answer_and_never_a_draw(duel, fault):
    """Each of the failures that a server can have, for good."""
    with served(Mind(duel[3]), fault=fault) as (_, url), pytest.raises(NoAnswer) as silence:
        # A fault of the carrier is tried again until the deadline; of the others one answer is enough, however slow.
        timeout_s, deadline_s = (0.2, 0.5) if fault in CARRIER_FAULTS else (60, 60)
        asked(judge(url, timeout_s=timeout_s, deadline_s=deadline_s), duel)
    expected = {CODES[fault], "deadline"} if fault in CARRIER_FAULTS else {CODES[fault]}
    assert silence.value.code in expected and silence.value.failure_class == "judge"
    assert silence.value.sentence


@pytest.mark.parametrize("fault", ["http_429", "http_500", "reset", "truncated"])
def test_a_fault_that_passes_changes_no_verdict(duel, fault):
    with served(Mind(duel[3])) as (_, url):
        honest = asked(judge(url), duel)
    with served(Mind(duel[3]), fault=fault, share=0.5) as (server, url):
        assert asked(judge(url, deadline_s=60.0), duel) == honest
    with served(Mind(duel[3]), fault=fault, faults_end=3) as (server, url):
        assert asked(judge(url, deadline_s=60.0), duel) == honest
        assert server.asked > 3 and (fault == "truncated" or server.asked == server.mind.answered + 3)


def test_every_fault_of_the_simulator_is_tried_here():
    assert set(CODES) | UNSEEN | HARMLESS == {*FAULTS, *CARRIER_FAULTS}


def test_ids_that_come_again_make_no_answer_stale(duel):
    """A server whose ids are small numbers gives other answers under them."""
    with served(Mind(duel[3])) as (_, url):
        honest = asked(judge(url), duel)
    with served(Mind(duel[3]), fault="small_ids") as (server, url):
        assert asked(judge(url), duel) == honest
        assert server.asked > 2


def test_one_whole_answer_to_two_questions_is_stale_and_the_operator_hears_why(duel):
    with served(Mind(duel[3]), fault="stale_answer") as (_, url), pytest.raises(NoAnswer, match="ids repeat"):
        asked(judge(url), duel)


def test_the_label_mass_is_that_before_masking(duel):
    """Also of a version that once forced the labels: a server that masks them reports a mass of 1."""
    for constrain in ("", "structured_outputs"):
        with served(Mind(duel[3]), fault="low_mass") as (_, url), pytest.raises(NoAnswer) as silence:
            asked(judge(url, version=replace(VERSION, constrain=constrain)), duel)
        assert silence.value.code == "low_mass"


def test_the_simulated_server_masks_first_and_ignores_removed_fields_as_a_real_one_does(duel):
    mind = Mind()
    body = {"model": "m", "logprobs": True, "messages": [{"role": "user", "content": "Answer 0, 1 or 2."}]}
    shown = []
    for more in ({}, {"unknown_field": ["7"]}, {"structured_outputs": {"choice": ["1", "2", "0"]}}):
        said = payload(body | more, *mind.answer(body | more), number=1)
        top = said["choices"][0]["logprobs"]["content"][0]["top_logprobs"]
        shown.append((len(top), sum(row["logprob"] > -1000 for row in top)))
    assert shown == [(20, 20), (20, 20), (20, 3)]


@pytest.mark.parametrize("max_logprobs", [0, 5])
def test_a_server_that_lists_no_top_alternatives_is_asked_for_the_labels_by_id(duel, max_logprobs):
    with served(Mind(duel[3])) as (_, url):
        honest = asked(judge(url), duel)
        assert judge(url).examine().measured_by == "top_logprobs"
    with served(Mind(duel[3]), max_logprobs=max_logprobs, label_ids=True) as (_, url):
        one = judge(url)
        assert one.examine().measured_by == "logprob_token_ids"
        assert asked(one, duel) == honest
    thin = served(Mind(duel[3]), max_logprobs=max_logprobs, label_ids=True, fault="low_mass")
    with thin as (_, url), pytest.raises(NoAnswer) as silence:
        asked(judge(url), duel)
    assert silence.value.code == "low_mass"


@pytest.mark.parametrize("max_logprobs", [0, 5])
def test_a_server_that_gives_neither_is_refused_before_a_round(duel, max_logprobs):
    with served(Mind(duel[3]), max_logprobs=max_logprobs) as (_, url), pytest.raises(NoAnswer) as silence:
        judge(url).examine()
    assert silence.value.code == "unmeasurable" and "before masking" in silence.value.sentence


def test_json_mode_says_that_it_measures_no_mass(duel):
    with served(Mind(duel[3]), max_logprobs=0) as (_, url):
        server = judge(url, version=replace(VERSION, mode="json")).examine()
    assert server.measured_by == "" and "cannot be told" in server.lines()[0]


def test_a_refusal_s_text_is_kept(duel):
    with served(Mind(duel[3]), fault="http_400") as (_, url), pytest.raises(NoAnswer) as silence:
        asked(judge(url), duel)
    assert "(400: This is the fault http_400.)" in silence.value.sentence


def test_an_answer_under_another_name_of_the_same_weights_is_accepted_and_noted(duel):
    """vLLM answers with the first name that it serves."""
    reference, good, poor, table = duel
    with served(Mind(table), first_name="tiny") as (_, url):
        one = judge(url)
        (reply,) = one.answer([Asker(VERSION, reference).pair("likeness", good, poor)])
        lines = one.examine().lines()
    assert (reply.raw["model"], reply.raw["answered_as"]) == (VERSION.served_as, "tiny")
    assert "its first served name" in lines[1]


@pytest.mark.parametrize("change", [{"root": "/models/other"}, {"root": None}, {"root": ""}, {"parent": "base"}])
def test_an_answer_under_a_name_of_other_weights_is_not(duel, change):
    with served(Mind(duel[3]), first_name="tiny") as (server, url):
        whole = server.told
        server.told = lambda path: _changed(whole(path), change) if path == "/v1/models" else whole(path)
        with pytest.raises(NoAnswer) as silence:
            asked(judge(url), duel)
    assert silence.value.code == "wrong_model" and "first" in silence.value.sentence


def _changed(listed, change):
    return {"data": [row | change if row["id"] == "tiny" else row for row in listed["data"]]}


@pytest.fixture
def full():
    """An address where packets are lost: the queue of a socket that nobody accepts from is full."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener, contextlib.ExitStack() as opened:
        address = listener.getsockname()
        for _ in range(4):
            waiting = opened.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(address)
        yield address[1]


@pytest.fixture
def closed():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@pytest.fixture
def mute():
    """Takes connections and never says anything."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        yield listener.getsockname()[1]


@pytest.mark.parametrize("kind", ["full", "closed", "mute"])
def test_a_dead_address_is_told_to_all_who_ask_long_before_a_question_s_deadline(duel, kind, request, monkeypatch):
    """Within ten seconds: for a connection, or for the first answer; whoever asks meanwhile or next hears the same."""
    assert openai_client.CONNECT_S < 5 and openai_client.GET_S < 10
    monkeypatch.setattr(openai_client, "CONNECT_S", 0.5)
    monkeypatch.setattr(openai_client, "GET_S", 1.0)
    reference, good, poor, _ = duel
    one = OpenAI(VERSION, Door(f"http://127.0.0.1:{request.getfixturevalue(kind)}", slots=4, deadline_s=3600))
    asker = Asker(VERSION, reference)
    pairs = ((good, poor), (poor, good))
    silences = one.answer([asker.pair(name, *two) for name in ("likeness", "artifacts", "gray") for two in pairs])
    one.close()
    assert {silence.code for silence in silences} <= {"unreachable", "timeout"}


def test_a_server_that_was_there_is_waited_for(duel, monkeypatch):
    with served(Mind(duel[3])) as (_, url):
        one = judge(url, deadline_s=0.5)
        assert one.examine()
        monkeypatch.setattr(openai_client, "CONNECT_S", 0.001)  # what a server that never was there would get
        server_gone = one
        OPENED.clear()
    (silence,) = server_gone.answer([Asker(VERSION, duel[0]).pair("gray", duel[1], duel[2])])
    server_gone.close()
    tries = re.search(r"Tried (\d+) times", silence.sentence)
    assert silence.code == "deadline" or (tries and int(tries[1]) > 1)


def test_a_slow_server_gives_the_same_verdict(duel):
    with served(Mind(duel[3]), fault="slow", latency_s=0.01) as (_, url):
        assert asked(judge(url), duel).outcome == "challenger"


def test_no_fault_that_hides_dethrones_by_place(duel):
    """A server that always says the same names both sides alike: that is nobody's win."""
    for fault in ("always_first", "always_tie"):
        with served(Mind(duel[3]), fault=fault) as (_, url):
            assert asked(judge(url), duel).outcome == "draw"


def test_a_server_that_is_not_there_is_no_answer(duel):
    with pytest.raises(NoAnswer) as silence:
        asked(judge("http://127.0.0.1:9", deadline_s=0.3), duel)
    assert silence.value.code in {"unreachable", "deadline"}


def test_another_model_or_server_version_is_not_asked(duel):
    with served(model="another/model@main") as (server, url):
        with pytest.raises(NoAnswer) as silence:
            asked(judge(url), duel)
        assert silence.value.code == "wrong_model" and server.asked == 0
    with served(version="0.10.2") as (server, url):
        with pytest.raises(NoAnswer) as silence:
            asked(judge(url, version=replace(VERSION, server="0.11")), duel)
        assert silence.value.code == "wrong_server" and server.asked == 0


def test_without_log_probabilities_the_answer_comes_by_schema(duel):
    with served(Mind(duel[3])) as (_, url):
        verdict = asked(judge(url, version=replace(VERSION, mode="json")), duel)
    assert verdict.outcome == "challenger"


def test_an_answer_by_schema_that_only_its_last_brace_is_missing_from_is_one(duel):
    """vLLM lets a model write white space after the label until its tokens are used up."""
    with served(Mind(duel[3]), fault="unclosed") as (_, url):
        verdict = asked(judge(url, version=replace(VERSION, mode="json")), duel)
    assert verdict.outcome == "challenger"


@pytest.mark.parametrize(
    "text", ['{"answer": "1', '{"answer":"1","x"', '{"answer":"1"} and more', '{"answer":"1\\"', "1"]
)
def test_an_answer_by_schema_that_breaks_off_elsewhere_is_none(text):
    payload = {"model": VERSION.served_as, "choices": [{"message": {"content": text}}]}
    with pytest.raises(NoAnswer) as silence:
        wire.reply(payload, PROBE, version=replace(VERSION, mode="json"), latency_ms=0, attempt=1)
    assert silence.value.code == "bad_json"


def test_an_answer_that_does_not_follow_the_schema_is_none(duel):
    with served(Mind(duel[3]), fault="prose") as (_, url), pytest.raises(NoAnswer) as silence:
        asked(judge(url, version=replace(VERSION, mode="json")), duel)
    assert silence.value.code == "bad_json"


def test_what_was_answered_before_an_outage_is_not_asked_again(duel):
    with served(Mind(duel[3])) as (_, url):
        honest = asked(judge(url), duel)
    answers = Remembered()
    with served(Mind(duel[3])) as (server, url):
        broken, batches = judge(url), []
        whole = broken.answer
        broken.answer = lambda calls: batches.append(calls) or (whole(calls) if len(batches) == 1 else _silent(calls))
        with pytest.raises(NoAnswer):
            asked(broken, duel, answers=answers)
        before = server.asked
        assert asked(judge(url), duel, answers=answers) == honest
        assert before == 2 and server.asked == 3


def test_one_missing_answer_does_not_cost_those_beside_it(duel):
    answers = Remembered()
    with served(Mind(duel[3])) as (server, url):
        halved = judge(url)
        whole = halved.answer
        halved.answer = lambda calls: [*whole(calls[:1]), *_silent(calls[1:])] if len(calls) > 1 else whole(calls)
        asked(halved, duel, answers=answers)
    assert server.asked == len(answers.replies) == 3


def _silent(calls):
    return [NoAnswer("low_mass", "The judge was not answering the question.") for _ in calls]


def test_a_duel_that_nobody_waits_for_costs_no_more_calls(duel):
    with served(Mind(duel[3])) as (server, url):
        waits = iter([True, False])
        with pytest.raises(Unwanted):
            asked(judge(url), duel, wanted=lambda: next(waits))
    assert server.asked == 2


def test_the_same_question_asked_twice_at_once_is_sent_once(duel):
    reference, good, poor, table = duel
    call = Asker(VERSION, reference).pair("likeness", good, poor)
    with served(Mind(table), latency_s=0.1) as (server, url):
        one, other = judge(url).answer([call, call])
    assert one == other and server.asked == 1


def test_no_more_questions_are_in_flight_than_there_are_slots(duel, tmp_path):
    reference, _, _, table = duel
    sides = [side(tmp_path, f"many{i}", shade=20 + i) for i in range(12)]
    calls = [Asker(VERSION, reference).asset("sides", one) for one in sides]
    with served(Mind(table), latency_s=0.02) as (server, url):
        judge(url, slots=3).answer(calls)
    assert server.most_busy == 3


def test_answers_that_arrive_in_any_order_go_to_their_questions(duel, tmp_path):
    reference, *_ = duel
    sides = [side(tmp_path, f"many{i}", shade=20 + i) for i in range(8)]
    table = {k: v for i, one in enumerate(sides) for k, v in worths(one, Worth(spoiled=i / 7)).items()}
    calls = [Asker(VERSION, reference).asset("sides", one) for one in sides]
    with served(Mind(table), latency_s=0.01, slots=2) as (_, url):
        replies = judge(url).answer(calls)
    spoiled = [max(r.probabilities, key=r.probabilities.__getitem__) for r in replies]
    assert spoiled == sorted(spoiled) and spoiled[0] == "0" and spoiled[-1] == "4"


def test_a_reply_keeps_what_an_outsider_needs_to_check_it(duel):
    reference, good, poor, table = duel
    with served(Mind(table), fault="http_500", faults_end=1) as (_, url):
        (reply,) = judge(url).answer([Asker(VERSION, reference).pair("likeness", good, poor)])
    assert reply.attempt == 2 and reply.latency_ms >= 0 and reply.mass == pytest.approx(1)
    assert {"id", "model", "top_micro", "usage"} <= set(reply.raw)
    assert all(type(micro) is int for _, micro in reply.raw["top_micro"])


def test_painted_text_moves_a_judge_that_obeys_it(duel):
    """Which is why there are injection canaries: nothing in one answer shows it."""
    reference, good, poor, table = duel
    table |= worths(good, GOOD) | worths(poor, Worth(quality=0.0, painted=1.0))
    with served(Mind(table, obeys=3.0)) as (_, url):
        assert asked(judge(url), (reference, good, poor, table)).outcome == "defender"


def test_a_judge_behind_a_server_deliberates():
    assert isinstance(judge("http://127.0.0.1:9"), Deliberates)
