"""What can a judge's server do?  Each row of the table, against a simulated server that can, cannot, or pretends."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from judging.backends.base import NoAnswer
from judging.panel import server_capabilities
from judging.panel.openai_client import Passing, UnfitServer
from judging.panel.questions.pictures import Picture
from judging.panel.server_capabilities import ADDRESS, BY_ID, DATA, JSON, MASKED, TOP, Capability, Probes
from tests.judging.vlm_stage import VERSION, judge, served


def states(rows: tuple[Capability, ...]) -> dict[str, str]:
    return {row.name: row.state for row in rows}


def test_the_table_names_what_a_server_can_do_and_which_way_is_used() -> None:
    with served() as (_, url):
        server = judge(url).examine()
    assert [row.name for row in server.capabilities] == list(server_capabilities.ORDER)
    assert states(server.capabilities) == {
        "served model": "yes",
        TOP: "yes",
        BY_ID: "not asked",
        MASKED: "yes",
        JSON: "yes",
        DATA: "yes",
        ADDRESS: "not asked",
    }
    assert server.to_dict()["mode"] == "top_logprobs"
    assert any(line.startswith(f"{TOP}  ") and "20 alternatives a token" in line for line in server.lines())


def test_a_server_whose_labels_are_asked_for_by_id_shows_both_ways() -> None:
    with served(max_logprobs=5, label_ids=True) as (_, url):
        server = judge(url).examine()
    table = states(server.capabilities)
    assert (table[TOP], table[BY_ID], table[MASKED]) == ("no", "yes", "yes")  # the last as the labels are had here
    assert server.to_dict()["mode"] == BY_ID


def test_a_constraint_that_a_server_passes_over_is_none() -> None:
    with served(constrains=False, fault="low_mass") as (_, url):
        row = next(row for row in judge(url).examine().capabilities if row.name == MASKED)
    assert row.state == "no" and row.detail == "taken and ignored: label mass 0.300"


def test_pictures_by_address_are_tried_as_the_judge_sends_them() -> None:
    with served() as (_, url):
        one = judge(url)
        one.address = lambda picture: f"https://pictures.test/{picture.digest}"
        assert states(one.examine().capabilities)[ADDRESS] == "yes"


def test_a_model_that_passes_over_pictures_is_refused_before_a_round() -> None:
    with served() as (server, url):
        server.card.tokens_per_picture = 0
        with pytest.raises(NoAnswer, match="reads no pictures as data") as silence:
            judge(url).examine()
    assert silence.value.code == "no_pictures"


@pytest.mark.parametrize("by_address", [False, True])
def test_a_server_that_gives_a_picture_s_address_to_its_model_as_words_is_refused(by_address: bool) -> None:
    with served() as (server, url):
        server.card.sees = False
        one = judge(url)
        if by_address:
            one.address = lambda picture: f"https://pictures.test/{picture.digest}"
        with pytest.raises(NoAnswer, match="its address is read as words") as silence:
            one.examine()
    assert silence.value.code == "no_pictures"


def test_a_server_that_counts_no_tokens_is_not_refused_for_it() -> None:
    async def ask(_: Mapping[str, Any]) -> Any:
        return {"choices": []}

    probes = Probes(ask=ask, version=VERSION, address=Picture.data_url)
    row = asyncio.run(server_capabilities._row(DATA, lambda: probes.shown(Picture.data_url)))
    assert row.state == "not asked" and "how many tokens" in row.detail


def test_the_refusal_of_a_server_without_probabilities_says_whether_json_would_do() -> None:
    with served(max_logprobs=0) as (_, url), pytest.raises(NoAnswer, match="It follows a JSON schema") as silence:
        judge(url).examine()
    assert silence.value.code == "unmeasurable"
    with (
        served(max_logprobs=0, fault="prose") as (_, url),
        pytest.raises(NoAnswer, match="no JSON schema either") as silence,
    ):
        judge(url).examine()
    assert silence.value.code == "unmeasurable"


def test_in_json_mode_the_table_is_made_too() -> None:
    with served(max_logprobs=0) as (_, url):
        server = judge(url, version=replace(VERSION, mode="json")).examine()
    table = states(server.capabilities)
    assert server.to_dict()["mode"] == "json" and (table[TOP], table[MASKED]) == ("no", "yes")


def test_a_refused_server_shows_why_each_way_to_the_probabilities_is_closed() -> None:
    with served(max_logprobs=0) as (_, url), pytest.raises(UnfitServer) as refusal:
        judge(url).examine()
    rows = {row.name: row for row in refusal.value.capabilities}
    assert (rows[TOP].state, rows[BY_ID].state, rows[DATA].state) == ("no", "no", "yes")
    assert "/tokenize" in rows[BY_ID].detail


class Answers:
    """Raises these in turn, then answers."""

    def __init__(self, *silences: NoAnswer) -> None:
        self.silences = list(silences)

    async def __call__(self, body: Mapping[str, Any]) -> Any:
        if self.silences:
            raise self.silences.pop(0)
        return {"usage": {"prompt_tokens": 40 if "image_url" in str(body) else 10}}


@pytest.mark.parametrize(
    ("silences", "state"),
    [
        ([Passing("http_500", "one")] * 2, "yes"),
        ([Passing("http_500", "image input is not supported")] * 9, "no"),
        ([NoAnswer("refused", "At most 0 images may be provided.")], "no"),
        ([Passing("timeout", "late")], "not asked"),
        ([Passing("http_429", "busy")], "not asked"),
    ],
)
def test_what_passes_is_tried_again_and_what_says_nothing_is_no_refusal(silences: list[NoAnswer], state: str) -> None:
    probes = Probes(ask=Answers(*silences), version=VERSION, address=Picture.data_url)
    row = asyncio.run(server_capabilities._row(DATA, lambda: probes.shown(Picture.data_url)))
    assert row.state == state and (state == "yes") == ("30 tokens" in row.detail)
