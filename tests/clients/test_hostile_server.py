"""A server that may be anybody's costs the client no memory or time without end, and never ends it in a traceback."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from gauntlet_client import AsyncClient, Client, Unreachable, archives, calls, downloading, receiving
from gauntlet_client.cli import main

from tests.clients.hostile_archives import entry
from tests.raw_site import Site, drip, page, sent

BOMB = gzip.compress(b'"' + bytes(64 << 20) + b'"')
BEGUN = [
    b"HTTP/1.1 200 OK",
    b"HTTP/1.1 200 OK\r\n",
    b"HTTP/1.1 200 OK\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
]


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site()
    yield made
    made.listener.close()


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Nobody waits long, or tries again; set when the server may stop."""
    monkeypatch.setattr(receiving, "ANSWER_S", 0.5)
    monkeypatch.setattr(receiving, "GRACE_S", 0.5)
    monkeypatch.setattr("gauntlet_client.requests.TRIES", 1)
    over = threading.Event()
    yield over
    over.set()


def asked(site: Site) -> Any:
    with Client(site.address) as client:
        return client.ask(calls.index())


def awaited(site: Site) -> Any:
    async def ask() -> Any:
        async with AsyncClient(site.address) as client:
            return await client.ask(calls.index())

    return asyncio.run(ask())


@pytest.mark.parametrize("ask", [asked, awaited])
def test_an_answer_that_is_compressed_is_refused_before_it_is_unpacked(ask: Any, site: Site) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(BOMB)}\r\n\r\n"
    site.answer = sent(head, BOMB)
    with pytest.raises(Unreachable, match="compressed"):
        ask(site)
    assert b"\r\naccept-encoding: identity\r\n" in site.requests[0].lower()


@pytest.mark.parametrize("ask", [asked, awaited])
def test_an_answer_is_read_up_to_a_limit(ask: Any, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiving, "LARGEST_ANSWER", 1 << 16)
    site.answer = sent("HTTP/1.1 200 OK\r\n\r\n", b" " * (1 << 20))
    with pytest.raises(Unreachable, match="no answer of this API has"):
        ask(site)


@pytest.mark.parametrize("ask", [asked, awaited])
@pytest.mark.parametrize("begun", BEGUN)
def test_an_answer_that_drips_is_given_up(ask: Any, begun: bytes, site: Site, hurried: threading.Event) -> None:
    site.answer = drip(begun, hurried)
    with pytest.raises(Unreachable, match="too slowly"):
        ask(site)


@pytest.mark.parametrize("begun", BEGUN)
def test_a_download_that_drips_is_given_up_and_can_be_gone_on_with(
    begun: bytes, site: Site, hurried: threading.Event, tmp_path: Path
) -> None:
    site.answer = drip(begun, hurried)
    with Client(site.address) as client, pytest.raises(Unreachable, match="too slowly") as broken:
        downloading.fetch(client, "/it", tmp_path / "it")
    assert "goes on where this ended" in broken.value.fix


def test_a_download_that_is_fast_enough_may_take_long(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    patience = receiving.Patience(receiving.GRACE_S, rate=receiving.LEAST_RATE)
    for _ in range(10_000):
        now[0] += 1
        patience.add(receiving.LEAST_RATE)
    assert patience.left_s() == receiving.GRACE_S


HOSTILE = {
    "nested too deep": b"[" * 100_000,
    "more values than any answer": b"[" + b"{}," * 3_000_000 + b"{}]",
    "half a surrogate pair": rb'{"sentence": "\ud800"}',
    "a number without end": b'{"round": ' + b"9" * 5000 + b"}",
    "not UTF-8": b'{"sentence": "\xff"}',
    "another document": b'{"round": 1}',
    "a list": b"[[]]",
    "null": b"null",
    "a number": b"7",
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("words", [["standing", "5F"], ["why", "5F"], ["watch", "5F"], ["download"]])
def test_whatever_a_server_answers_is_told_in_a_sentence(words: list[str], name: str, site: Site) -> None:
    site.answer = page(HOSTILE[name])
    result = CliRunner().invoke(main, [*words, "--server", site.address])
    assert result.exit_code == 4, (result.output, result.exception)
    assert "No:" in result.output
    assert "Traceback" not in result.output


def test_a_pause_without_end_or_that_is_no_number_is_not_waited_for(site: Site) -> None:
    body = json.dumps({"error": {"code": "busy", "sentence": "Busy."}}).encode()
    site.answer = sent(f"HTTP/1.1 409 No\r\nRetry-After: {'9' * 400}\r\nContent-Length: {len(body)}\r\n\r\n", body)
    assert CliRunner().invoke(main, ["standing", "5F", "--server", site.address]).exit_code == 3


def test_a_file_that_a_manifest_lists_twice_is_refused_and_read_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = bytes(1 << 20)
    row = {"path": "blobs/a", "sha256": hashlib.sha256(content).hexdigest()}
    manifest = json.dumps({"files": [row] * 3000}).encode()
    archive = tmp_path / "it.tar"
    archive.write_bytes(entry("demo-1/manifest.json", manifest) + entry("demo-1/blobs/a", content) + bytes(1024))
    hashed: list[str] = []
    digest_of = archives._digest
    monkeypatch.setattr(archives, "_digest", lambda file, member: hashed.append(member.path) or digest_of(file, member))
    with pytest.raises(archives.Damaged, match="twice"):
        archives.unpack(archive, tmp_path, name="demo-1", manifest_sha256=hashlib.sha256(manifest).hexdigest())
    assert hashed == ["demo-1/blobs/a"]
    assert not (tmp_path / "demo-1").exists()
