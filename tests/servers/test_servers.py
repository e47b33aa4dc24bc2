"""What does a judge get from servers that nobody here wrote?  `make test-servers` runs this; nothing else does."""

from __future__ import annotations

import hashlib
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from judging.backends.base import NoAnswer
from judging.panel import openai_wire as wire
from judging.panel import server_capabilities as can
from judging.panel.answer_store import Reply
from judging.panel.openai import OpenAI
from judging.panel.openai_client import Door, UnfitServer
from judging.panel.questions.calls import Asker, Call
from judging.panel.questions.pictures import Picture
from judging.panel.questions.version import version_named
from tests.judging.vlm_stage import picture, side
from tests.servers.serving import (
    KINDS,
    LLAMA,
    SERVED_AS,
    TRANSFORMERS,
    VLLM,
    VLLM_LISTING_NOTHING,
    RunningServer,
    ServerKind,
    balanced,
    made_model,
    pictures_served,
)

pytestmark = pytest.mark.servers
VERSION = replace(version_named("vlm-2"), pixels=112)
PATIENT = Door("", slots=4, timeout_s=120.0, deadline_s=600.0, pause_s=0.2, longest_pause_s=2.0)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Starts a server of a kind once, with a model of random weights; skips where it was not installed."""
    started: dict[str, RunningServer] = {}

    def start(kind: ServerKind) -> RunningServer:
        if not kind.installed:
            pytest.skip(f"{kind.name} is not in {kind.venv}: it did not install or build here")
        if kind.name not in started:
            server = RunningServer(kind, made_model(kind, tmp_path_factory.mktemp("model")))
            server.start()
            started[kind.name] = server
        return started[kind.name]

    yield start
    for server in started.values():
        server.stop()


@pytest.fixture
def judge() -> Iterator[Any]:
    made: list[OpenAI] = []

    def make(url: str, *, address: Any = None, version: Any = VERSION, **door: Any) -> OpenAI:
        made.append(OpenAI(version, replace(PATIENT, url=url, **door), address=address))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def calls(tmp_path: Path) -> list[Call]:
    """Both orders of three pairs, and one question about an asset."""
    asker = Asker(VERSION, picture(tmp_path / "prompt.png", shade=7))
    sides = [side(tmp_path, f"asset-{n}", shade=n) for n in range(3)]
    pairs = [asker.pair("likeness", one, other) for one in sides for other in sides if one is not other]
    return [*pairs, asker.asset("sides", sides[0])]


def answered(judge: OpenAI, calls: list[Call]) -> list[Reply]:
    replies = judge.answer(calls)
    silent = [str(reply) for reply in replies if isinstance(reply, NoAnswer)]
    assert not silent, silent
    return [reply for reply in replies if isinstance(reply, Reply)]


def same(one: list[Reply], other: list[Reply]) -> None:
    for first, second in zip(one, other, strict=True):
        assert first.probabilities == pytest.approx(second.probabilities, abs=2e-3)


def asked(url: str, body: dict[str, Any]) -> Any:
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{url}/v1/chat/completions", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=120) as answer:
        return json.loads(answer.read())


def states(rows: tuple[can.Capability, ...]) -> dict[str, str]:
    return {row.name: row.state for row in rows}


# vLLM: all that a judge needs


def test_vllm_serves_the_name_with_its_revision_and_can_do_what_the_table_says(running: Any, judge: Any) -> None:
    server = judge(running(VLLM).url).examine()
    assert server.names == (SERVED_AS,) and server.answers_as == SERVED_AS
    table = states(server.capabilities)
    assert server.measured_by == can.TOP
    assert [table[name] for name in (can.MODELS, can.TOP, can.MASKED, can.DATA)] == ["yes"] * 4, server.lines()
    print("\n".join(server.lines()))


def test_vllm_gives_shares_of_the_labels_among_twenty_alternatives(running: Any, judge: Any, calls: Any) -> None:
    replies = answered(judge(running(VLLM).url), calls)
    for call, reply in zip(calls, replies, strict=True):
        assert set(reply.probabilities) == set(call.labels) and len(reply.raw["top_micro"]) == wire.TOP
        assert reply.mass == pytest.approx(sum(reply.probabilities.values())) and 0.0 < reply.mass <= 1.0
    assert len({round(reply.probabilities["1"], 6) for reply in replies}) > 1, "pictures must make a difference"


def test_vllm_s_mass_is_measured_before_masking_and_is_one_after_it(running: Any) -> None:
    """Of letters, which this model nearly never writes: a mass after masking says nothing about the model."""
    url, letters = running(VLLM).url, replace(can.PROBE, labels=("x", "y", "z"))
    body = wire.body(letters, version=VERSION, address=Picture.data_url)
    masses = []
    for more in ({}, {"structured_outputs": {"choice": list(letters.labels)}}):
        payload = asked(url, body | more)
        masses.append(wire.reply(payload, letters, version=VERSION, latency_ms=0, attempt=1).mass)
    assert masses[0] < 0.01 and masses[1] > 0.99, masses


def test_vllm_reads_pictures_by_address_as_it_reads_them_as_data(running: Any, judge: Any, calls: Any) -> None:
    url = running(VLLM).url
    by_data = answered(judge(url), calls)
    files: dict[str, bytes] = {}

    def stored(one: Picture) -> str:
        sha256 = hashlib.sha256(one.jpeg()).hexdigest()
        files[sha256] = one.jpeg()
        return pattern.replace("{sha256}", sha256)

    with pictures_served(files) as pattern:
        by_address = judge(url, address=stored)
        assert states(by_address.examine().capabilities)[can.ADDRESS] == "yes"
        same(answered(by_address, calls), by_data)
        gone = judge(url, address=lambda _: pattern.replace("{sha256}", "0" * 64))
        with pytest.raises(NoAnswer) as silence:
            gone.examine()
        assert silence.value.code == "no_pictures" and "by address" in silence.value.sentence


def test_vllm_s_refusals_arrive_with_their_words(running: Any, judge: Any, calls: Any) -> None:
    url = running(VLLM).url
    (too_long,) = judge(url).answer([replace(calls[0], text="word " * 4000, key="too-long")])
    assert isinstance(too_long, NoAnswer) and too_long.code == "refused" and "(400: " in too_long.sentence
    (four,) = judge(url).answer([replace(calls[0], pictures=calls[0].pictures * 2, key="six-pictures")])
    assert isinstance(four, NoAnswer) and four.code == "refused" and "image" in four.sentence
    other = judge(url, version=replace(VERSION, revision="another"))
    with pytest.raises(NoAnswer) as silence:
        other.examine()
    assert silence.value.code == "wrong_model" and SERVED_AS in silence.value.sentence


def test_a_restart_in_the_middle_changes_no_answer(running: Any, judge: Any, calls: Any) -> None:
    server = running(VLLM)
    honest = answered(judge(server.url), calls)
    one = judge(server.url)
    first = answered(one, calls[:3])
    server.kill()
    again = threading.Thread(target=server.start)
    again.start()
    rest = answered(one, calls[3:])
    again.join()
    same([*first, *rest], honest)
    assert any(reply.attempt > 1 for reply in rest)


def test_two_servers_behind_one_address_are_one_judge_and_one_may_go(running: Any, judge: Any, calls: Any) -> None:
    first = running(VLLM)
    second = RunningServer(VLLM, first.model)
    try:
        second.start()
        honest = answered(judge(first.url), calls)
        with balanced([first.url, second.url]) as url:
            one = judge(url, slots=4)
            same(answered(one, calls), honest)
            second.kill()
            other = judge(url, slots=4)
            same(answered(other, calls), honest)
    finally:
        second.stop()


def test_vllm_that_lists_no_alternatives_gives_the_labels_shares_by_id(running: Any, judge: Any, calls: Any) -> None:
    by_top = answered(judge(running(VLLM).url), calls)
    other = RunningServer(VLLM_LISTING_NOTHING, running(VLLM).model)
    try:
        other.start()
        one = judge(other.url)
        server = one.examine()
        print("\n".join(server.lines()))
        table = states(server.capabilities)
        assert server.measured_by == can.BY_ID and (table[can.TOP], table[can.BY_ID], table[can.MASKED]) == (
            "no",
            "yes",
            "yes",
        )
        same(answered(one, calls), by_top)
    finally:
        other.stop()


def test_vllm_answers_by_schema_where_a_version_asks_for_json(running: Any, judge: Any, calls: Any) -> None:
    one = judge(running(VLLM).url, version=replace(VERSION, mode="json"))
    server = one.examine()
    assert server.measured_by == "" and states(server.capabilities)[can.JSON] == "yes"
    for call, reply in zip(calls, answered(one, calls), strict=True):
        assert list(reply.probabilities.values()) == [1.0] and set(reply.probabilities) <= set(call.labels)


# Servers that cannot judge: one sentence, before a round


@pytest.mark.parametrize("kind", [kind for kind in KINDS if not kind.judges], ids=lambda kind: kind.name)
def test_a_server_that_cannot_judge_is_refused_in_one_sentence(running: Any, judge: Any, kind: ServerKind) -> None:
    with pytest.raises(NoAnswer) as silence:
        judge(running(kind).url, deadline_s=60.0).examine()
    print(f"{kind.name}: {silence.value.code}: {silence.value.sentence}")
    assert isinstance(silence.value, UnfitServer)
    print("\n".join(silence.value.lines()))
    expected = {
        TRANSFORMERS.name: ("unmeasurable", "no version can be asked here"),
        LLAMA.name: ("no_pictures", "as words"),
    }
    code, words = expected[kind.name]
    assert silence.value.code == code and words in silence.value.sentence


def test_transformers_serve_ignores_log_probabilities_and_refuses_a_constraint(running: Any) -> None:
    """Why it can judge by no version: no probabilities, no schema, and 422 to what it does not know."""
    server = running(TRANSFORMERS)
    body = wire.body(can.PROBE, version=VERSION, address=Picture.data_url)
    with pytest.raises(NoAnswer) as silence:
        wire.reply(asked(server.url, body), can.PROBE, version=VERSION, latency_ms=0, attempt=1)
    assert silence.value.code == "no_logprobs"
    with pytest.raises(urllib.error.HTTPError) as refused:
        asked(server.url, body | {"structured_outputs": {"choice": ["0", "1", "2"]}})
    assert refused.value.code == 422
    assert "structured_outputs" in wire.reason(refused.value.read())
