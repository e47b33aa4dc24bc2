"""Does the client ask again when it should, never with the same nonce, and say what is wrong and what to do?"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from bittensor_core import Keypair
from gauntlet_client import AsyncClient, Client, Key, Refused, Unreachable, Unusable, calls, downloading, keys, requests

from dashboard.api import signing

KEY = Key.from_secret("//tests")
FINE = (200, {}, {"sentence": "You lead."})
BUSY = (
    503,
    {"Retry-After": "0"},
    {"error": {"code": "busy", "class": "infrastructure", "sentence": "Busy.", "fix": "Wait."}},
)


@dataclass
class Server:
    """Answers one after the other, the last for ever; what was asked is kept."""

    address: str
    answers: list[tuple[int, dict[str, str], Any]] = field(default_factory=list)
    asked: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def server() -> Iterator[Server]:
    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            told.asked.append((self.command, self.path, dict(self.headers), body))
            status, headers, document = told.answers.pop(0) if len(told.answers) > 1 else told.answers[0]
            content = document if isinstance(document, bytes) else json.dumps(document).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = answer

        def log_message(self, *_: Any) -> None:
            pass

    made = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told = Server(f"http://127.0.0.1:{made.server_port}")
    threading.Thread(target=made.serve_forever, args=(0.05,), daemon=True).start()
    yield told
    made.shutdown()


def test_a_busy_server_is_asked_again_with_a_new_nonce(server: Server) -> None:
    server.answers = [BUSY, BUSY, FINE]
    with Client(server.address, key=KEY) as client:
        assert client.ask(calls.standing())["sentence"] == "You lead."
    nonces = {headers["Gauntlet-Nonce"] for _, _, headers, _ in server.asked}
    assert len(server.asked) == len(nonces) == 3


def test_what_is_sent_bears_the_signature_the_platform_asks_for(server: Server) -> None:
    server.answers = [FINE]
    with Client(server.address, key=KEY) as client:
        client.ask(calls.submit("mesh", repo="me/it", commit="a" * 40, cdn_url="https://files.example.org/ä b"))
        client.ask(calls.standing(competition="mesh", round_=3))
    for method, path, headers, body in server.asked:
        signed = signing.claimed(headers)
        assert signed is not None and signed.hotkey == KEY.address
        assert signing.genuine(signed, signing.SentRequest(method=method, host=headers["Host"], path=path, body=body))


def test_waiting_and_awaiting_ask_the_same(server: Server) -> None:
    async def awaited() -> list[Any]:
        async with AsyncClient(server.address, key=KEY) as client:
            return [await client.ask(calls.standing()), [row async for row in client.each(calls.get("rounds"))]]

    pages = [
        (200, {}, {"results": [{"id": 1}], "next": "/api/v1/rounds?cursor=x"}),
        (200, {}, {"results": [{"id": 2}], "next": None}),
    ]
    server.answers = [BUSY, FINE, *pages]
    told = asyncio.run(awaited())
    server.answers = [BUSY, FINE, *pages]
    with Client(server.address, key=KEY) as client:
        assert told == [client.ask(calls.standing()), list(client.each(calls.get("rounds")))]
    half = len(server.asked) // 2
    assert [asked[:2] for asked in server.asked[:half]] == [asked[:2] for asked in server.asked[half:]]


def test_a_refusal_is_the_server_s_own_sentence_and_is_not_asked_again(server: Server) -> None:
    server.answers = [
        (409, {}, {"error": {"code": "closed", "class": "miner", "sentence": "Too late.", "fix": "Next round."}})
    ]
    with Client(server.address, key=KEY) as client, pytest.raises(Refused) as refused:
        client.ask(calls.withdraw("mesh"))
    assert (refused.value.sentence, refused.value.fix, refused.value.status) == ("Too late.", "Next round.", 409)
    assert len(server.asked) == 1


def test_a_wrong_clock_is_named_where_it_refuses_every_signature() -> None:
    told = {"error": {"code": "not_authenticated", "sentence": "Not signed.", "fix": "Check all of these."}}
    asked = httpx.Request("GET", "http://127.0.0.1/")
    for date, fix in (
        ("Sun, 01 Mar 2020 12:00:00 GMT", "Your clock is"),
        (formatdate(usegmt=True), "Check all of these"),
    ):
        with pytest.raises(Refused) as refused:
            requests.understood(httpx.Response(401, headers={"Date": date}, json=told, request=asked))
        assert refused.value.fix.startswith(fix)


@pytest.mark.parametrize("answer", [b"<html>hello</html>", b"[1, 2", b""])
def test_something_that_is_no_api_is_said_to_be_none(server: Server, answer: bytes) -> None:
    server.answers = [(404, {}, answer)]
    with Client(server.address) as client, pytest.raises(Unreachable, match="no answer of this API"):
        client.ask(calls.index())


def test_nobody_at_home_is_tried_a_few_times(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)
    with Client("http://127.0.0.1:9") as client, pytest.raises(Unreachable, match="does not answer"):
        client.ask(calls.index())
    assert slept == [1.0, 2.0, 4.0]


def test_a_server_that_asks_for_an_hour_is_not_waited_for(server: Server) -> None:
    server.answers = [(429, {"Retry-After": "3600"}, {"error": {"sentence": "Too often.", "retry_after_s": 3600}})]
    with Client(server.address) as client, pytest.raises(Refused) as refused:
        client.ask(calls.index())
    assert refused.value.retry_after_s == 3600 and len(server.asked) == 1


@pytest.mark.parametrize("text", ["ftp://x", "http://", "http://me@x", ""])
def test_an_address_that_is_none_is_refused_here(text: str) -> None:
    with pytest.raises(Unusable, match="no address"):
        requests.origin(text)


def test_keys_are_found_in_wallets_files_and_the_environment(tmp_path: Path) -> None:
    folder = tmp_path / "mine" / "hotkeys"
    folder.mkdir(parents=True)
    seed = "12" * 32
    pair = Keypair.create_from_seed(bytes.fromhex(seed))
    (folder / "default").write_text(json.dumps({"secretSeed": f"0x{seed}", "ss58Address": pair.ss58_address}))
    (tmp_path / "words").write_text(f"{seed}\n")
    assert Key.from_wallet("mine", folder=tmp_path).address == pair.ss58_address
    assert Key.from_file(tmp_path / "words").address == pair.ss58_address
    assert keys.found(environment={"GAUNTLET_KEY": seed}).address == pair.ss58_address
    assert keys.found(environment={}) is None


@pytest.mark.parametrize("name", ["../mine", "", "..", "a/b"])
def test_a_wallet_s_name_does_not_leave_its_folder(name: str, tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="no name of a wallet"):
        Key.from_wallet(name, folder=tmp_path)


@pytest.mark.parametrize("text", ["", "twelve words that are no mnemonic at all", "zz" * 32, "12"])
def test_a_secret_that_is_none_is_named_without_being_shown(text: str) -> None:
    with pytest.raises(Unusable) as no:
        Key.from_secret(text)
    assert not text or text not in no.value.sentence


def test_a_download_goes_on_and_a_wrong_hash_is_thrown_away(server: Server, tmp_path: Path) -> None:
    server.answers = [(206, {}, b"world")]
    (tmp_path / "it.part").write_bytes(b"hello ")
    with Client(server.address) as client:
        downloading.fetch(client, "/it", tmp_path / "it")
        assert (tmp_path / "it").read_bytes() == b"hello world"
        assert server.asked[0][2]["Range"] == "bytes=6-"
        with pytest.raises(downloading.Damaged, match="published was"):
            downloading.fetch(client, "/other", tmp_path / "other", sha256="0" * 64)
    assert not list(tmp_path.glob("other*"))
