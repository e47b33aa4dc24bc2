"""A slow visitor holds up nobody else: real servers on loopback, the slow ones on another of its addresses."""

from __future__ import annotations

import select
from collections.abc import Iterator

import pytest
from gunicorn.config import Config

from benchmarks import slow_visitors
from benchmarks.slow_visitors import ATTACKS, SERVERS, ask, attack, served
from core.web import web_worker


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with served(SERVERS["gunicorn FairWorker, 32 threads"]) as port:
        yield port


@pytest.mark.parametrize("name", ["slow headers", "slow bodies", "slow readers of a stream", "who never close"])
def test_others_are_answered_while_many_stall(port: int, name: str) -> None:
    held = attack(port, ATTACKS[name])
    try:
        assert ask(port) is not None
        assert ask(port) is not None
        if name in ("slow headers", "slow bodies"):
            answered, _, _ = select.select(held, [], [], 0)
            assert not answered, "they stall still: nobody was answered by ending them"
    finally:
        for each in held:
            each.close()


def test_a_header_of_ten_megabytes_is_not_read_to_its_end(port: int) -> None:
    held = attack(port, ATTACKS["10 MB headers"], many=3)
    assert ask(port) is not None
    for each in held:
        each.close()


def test_the_many_of_one_address_get_their_turns(port: int) -> None:
    held = attack(port, slow_visitors.request("/"))
    for each in held:
        each.settimeout(120)
        assert each.recv(12) == b"HTTP/1.1 200"
        each.close()


def test_the_server_itself_believes_no_header_of_a_peer() -> None:
    """By default gunicorn lets loopback peers say by which scheme and under which prefix they ask."""
    cfg = Config()
    assert cfg.secure_scheme_headers and "SCRIPT_NAME" in cfg.forwarder_headers
    web_worker.believe_nobody(cfg)
    assert not cfg.secure_scheme_headers and not any(cfg.forwarder_headers)


def test_a_header_has_seconds_and_an_answer_minutes() -> None:
    assert not web_worker.late(since=0, requested_at=None, now=web_worker.HEAD_S)
    assert web_worker.late(since=0, requested_at=None, now=web_worker.HEAD_S + 1)
    assert not web_worker.late(since=0, requested_at=5, now=web_worker.WHOLE_S)
    assert web_worker.late(since=0, requested_at=5, now=web_worker.WHOLE_S + 1)
