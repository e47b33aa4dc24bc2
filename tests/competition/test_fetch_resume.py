"""An unfinished file goes on where it stopped, unless the host's file is no longer the same."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from core.net import partial_files
from tests.competition.fetching import BODY, POLICY, TAG, failed, fetched
from tests.competition.hostile_host import HostileHost, Visit


def breaks_off_once(visit: Visit, body: bytes = BODY, tag: str = TAG) -> None:
    """The first time 100,000 bytes; after that what an honest host does."""
    if visit.number == 1:
        visit.head(Content_Length=len(body), ETag=tag)
        visit.send(body[:100_000])
    else:
        visit.range_of(body, ETag=tag)


def test_an_unfinished_file_is_resumed(host: HostileHost, into: Path) -> None:
    url = host.on("/x", breaks_off_once)
    assert failed(url, into).code == "truncated"
    assert fetched(url, into).sha256 == hashlib.sha256(BODY).hexdigest()
    asked = host.visits[1].headers
    assert asked["range"] == f"bytes={100_000 - POLICY.overlap_bytes}-" and asked["if-range"] == TAG


@pytest.mark.parametrize("tag", ["", 'W/"weak"', "naked"])
def test_without_a_strong_tag_it_starts_from_zero(tag: str, host: HostileHost, into: Path) -> None:
    url = host.on("/x", lambda visit: breaks_off_once(visit, tag=tag))
    failed(url, into)
    assert fetched(url, into).bytes == len(BODY)
    assert "range" not in host.visits[1].headers


def test_after_a_crash_of_the_machine_it_starts_from_zero(host: HostileHost, into: Path) -> None:
    url = host.on("/x", breaks_off_once)
    failed(url, into)
    partial_files.write_label(into, replace(partial_files.read_label(into), boot="another"))
    assert fetched(url, into).bytes == len(BODY)
    assert "range" not in host.visits[1].headers


OTHER = os.urandom(250_000)


def answers_206(body: bytes, **headers: object) -> Callable[[Visit], None]:
    def behaviour(visit: Visit) -> None:
        start = visit.asked_from
        if visit.number == 1 or start is None:
            breaks_off_once(visit) if visit.number == 1 else visit.file(OTHER, ETag='"v2"')
            return
        usual = {"Content_Length": len(body) - start, "Content_Range": f"bytes {start}-{len(body) - 1}/{len(body)}"}
        visit.head("206 Partial Content", **(usual | headers))
        visit.send(body[start:])

    return behaviour


SWAPS = {
    "an honest 200": lambda v: breaks_off_once(v) if v.number == 1 else v.file(OTHER, ETag='"v2"'),
    "a 416": lambda v: breaks_off_once(v) if v.number == 1 else answers_416(v),
    "a 206 with another tag": answers_206(BODY, ETag='"v2"'),
    "a 206 with another total": answers_206(OTHER),
    "a 206 of other bytes under the same tag": answers_206(os.urandom(len(BODY)), ETag=TAG),
    "a 206 from another byte": answers_206(BODY, Content_Range=f"bytes 5-{len(BODY) - 1}/{len(BODY)}"),
    "a 206 that ends early": answers_206(BODY, Content_Range=f"bytes 95904-200000/{len(BODY)}"),
    "a 206 without a range": answers_206(BODY, Content_Range="nonsense"),
    "a 206 of unknown total": answers_206(BODY, Content_Range=f"bytes 95904-{len(BODY) - 1}/*"),
    "a 206 of the wrong length": answers_206(BODY, Content_Length=7),
}


def answers_416(visit: Visit) -> None:
    visit.head("416 No", Content_Length=0) if visit.asked_from else visit.file(OTHER, ETag='"v2"')


@pytest.mark.parametrize("swap", SWAPS)
def test_a_file_that_changed_between_tries_is_fetched_whole_again(swap: str, host: HostileHost, into: Path) -> None:
    url = host.on("/x", SWAPS[swap])
    assert failed(url, into).code == "truncated"
    got = fetched(url, into)
    assert into.read_bytes() == OTHER and got.sha256 == hashlib.sha256(OTHER).hexdigest()


def test_a_resumed_file_may_not_grow_past_the_limit(host: HostileHost, into: Path) -> None:
    url = host.on("/x", breaks_off_once)
    failed(url, into)
    assert failed(url, into, replace(POLICY, max_bytes=200_000)).code == "too_big"


def test_an_outage_of_ours_uses_up_no_try(host: HostileHost, into: Path) -> None:
    url = host.on("/x", breaks_off_once)
    failed(url, into)
    assert [partial_files.count_try(into, ours=ours) for ours in (True, False, True, True, False)] == [1, 1, 1, 1, 2]
    assert fetched(url, into).bytes == len(BODY)  # counting keeps what is known of the file
    assert "range" in host.visits[1].headers
    assert partial_files.count_try(into, ours=False) == 3
    partial_files.forget(into)
    assert list(into.parent.iterdir()) == []
