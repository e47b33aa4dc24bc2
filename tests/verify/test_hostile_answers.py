"""A site, or a node, that answers with anything at all ends in a sentence and an exit code, never in a traceback."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.raw_site import Answer, Site, drip, page, sent
from tests.verify.made_files import signed
from verify.__main__ import main
from verify.bundles import web
from verify.bundles.web import Unreachable, WebSource


def rows(*results: Any, following: Any = None) -> Answer:
    return page(json.dumps({"results": list(results), "next": following}).encode())


def text_of(text: Any, **more: Any) -> Answer:
    return rows({"text": text, "signature": "00" * 64, "signed_by": "5F", **more})


HEAD = "gauntlet/demo\n1\n" + "A" * 43 + "="
EVENT = {"seq": 1, "kind": "pool", "body": {}, "previous": "0" * 64, "hash": "0" * 64}
NESTED = b"[" * 900 + b"]" * 900

ANSWERS: dict[str, Answer] = {
    "nothing": lambda connection: None,
    "a bad status line": sent("garbage\r\n"),
    "a line too long": sent("HTTP/1.1 200 OK\r\nX: " + "a" * 70_000 + "\r\n\r\n"),
    "more than 100 headers": sent("HTTP/1.1 200 OK\r\n" + "X: y\r\n" * 200 + "\r\n"),
    "a status that is none": sent("HTTP/1.1 999999 OK\r\n\r\n"),
    "a cut body": sent("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n", b'{"results": []'),
    "a whole document, said to be longer": sent(
        "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n", b'{"results": [], "next": null}'
    ),
    "a length that is none": sent("HTTP/1.1 200 OK\r\nContent-Length: ²\r\n\r\n", b"{}"),
    "a negative length": sent("HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", b"{}"),
    "a bad chunk": sent("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"),
    "a cut chunk": sent("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nabc"),
    "sent elsewhere": sent("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n"),
    "sent to no address": sent("HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1:port/\r\n\r\n"),
    "sent to brackets": sent("HTTP/1.1 308 Moved\r\nLocation: http://[?a\r\n\r\n"),
    "sent to a file": sent("HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\n\r\n"),
    "asked for a password": sent("HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=x\r\nContent-Length: 0\r\n\r\n"),
    "compressed": sent(
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n", gzip.compress(b'{"results": [], "next": null}')
    ),
    "not UTF-8": page(b'{"results": ["\xff"]}'),
    "UTF-16": page('{"results": [], "next": null}'.encode("utf-16")),
    "not JSON": page(b"<html>"),
    "NaN": page(b'{"results": [{"seq": NaN}], "next": null}'),
    "a number without end": page(b'{"results": [{"seq": ' + b"9" * 5000 + b'}], "next": null}'),
    "a huge number": page(b'{"results": [{"seq": ' + b"9" * 4300 + b'}], "next": null}'),
    "nested far too deep": page(b"[" * 200_000),
    "nested deep": page(b'{"results": [{"seq": ' + NESTED + b'}], "next": null}'),
    "more values than bytes": page(b"[" + b"{}," * 1_000_000 + b"{}]"),
    "half a surrogate pair": page(rb'{"results": [{"seq": "\ud800"}], "next": null}'),
    "a next page that is none": rows(EVENT, following="http://[?cursor=a"),
    "a next page that is a number": rows(EVENT, following=7),
    "no table": page(b"[]"),
    "rows that are none": page(b'{"results": [1], "next": null}'),
    "an event of wrong types": rows({"seq": [], "kind": {}, "body": 1, "previous": None, "hash": 1.5}),
    "an event of another hash": rows(EVENT),
    "a number for an event's kind": rows({**EVENT, "kind": 5}),
    "a huge number in an event": page(
        b'{"results": [{"seq": 1, "kind": "a", "previous": "' + b"0" * 64 + b'", "hash": "' + b"0" * 64 + b'", '
        b'"body": {"a": ' + b"9" * 4300 + b'}}], "next": null}'
    ),
    "a deep body of an event": page(
        b'{"results": [{"seq": 1, "kind": "a", "previous": "' + b"0" * 64 + b'", "hash": "' + b"0" * 64 + b'", '
        b'"body": {"a": ' + NESTED + b'}}], "next": null}'
    ),
    "a key twice": page(b'{"results": [], "results": [{"seq": 1, "seq": 2}], "next": null}'),
    "a head of half a surrogate pair": text_of(HEAD + "\n\ud800"),
    "a head that is none": text_of("gauntlet"),
    "a head that is a list": text_of([HEAD]),
    "a head with a signature that is a list": text_of(HEAD, signature=["00"]),
    "a head with a signature of other letters": text_of(HEAD, signature="\u0661\u0661"),
    "a head signed by nobody that is": text_of(HEAD, signed_by="\0"),
}


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site()
    yield made
    made.listener.close()


@pytest.mark.parametrize("name", ANSWERS)
def test_whatever_a_site_answers_is_told_in_a_sentence(
    name: str, site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    site.answer = ANSWERS[name]
    for options in ([], ["--json"]):
        assert main([f"{site.address}/c/demo", *options]) == 1
        shown = capsys.readouterr()
        assert shown.err == ""
        assert " errors, " in shown.out or json.loads(shown.out)["errors"]


def test_a_site_sends_nobody_elsewhere(site: Site) -> None:
    elsewhere = Site()
    elsewhere.answer = rows()
    site.answer = sent(f"HTTP/1.1 302 Found\r\nLocation: {elsewhere.address}/\r\nContent-Length: 0\r\n\r\n")
    with pytest.raises(Unreachable, match="302"):
        WebSource().json(f"{site.address}/")
    elsewhere.listener.close()
    assert elsewhere.requests == []


@pytest.mark.parametrize("begun", [b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\n\r\n", b""])
def test_an_answer_that_drips_is_given_up(begun: bytes, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "PATIENCE_S", 0.5)
    over = threading.Event()
    site.answer = drip(begun, over)
    with pytest.raises(Unreachable, match="no whole answer within"):
        WebSource().json(f"{site.address}/")
    over.set()


def test_an_answer_is_read_up_to_a_limit(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "LARGEST", 1000)
    site.answer = page(b'"' + b"a" * 100_000 + b'"')
    with pytest.raises(Unreachable, match="more than 1000 bytes"):
        WebSource().json(f"{site.address}/")


def endless_ledger(site: Site, *, counted: int, body: str = "") -> Answer:
    """A head of so many events, and a page of one event that is followed by itself."""
    text = f"gauntlet/demo\n{counted}\n" + "A" * 43 + "=\n"
    note = json.loads(signed(text.encode(), signer="operator")["checkpoint.sig.json"])
    head, events = rows({"text": text, **note}), rows({**EVENT, "body": {"a": body}}, following="?cursor=a")
    return lambda connection: (head if b"/checkpoints" in site.requests[-1] else events)(connection)


@pytest.mark.parametrize("counted", [10, 10**17])
def test_a_ledger_that_never_ends_is_given_up_after_the_seconds_of_what_came(
    counted: int, site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(web, "FEW_ANSWERS", 0.02)
    monkeypatch.setattr(web, "SECONDS_A_ROW", 1e-7)
    site.answer = endless_ledger(site, counted=counted)
    assert main([f"{site.address}/c/demo"]) == 1
    assert "all answers together took more than 0.6" in capsys.readouterr().out


def test_a_ledger_has_the_bytes_of_the_events_that_its_head_counts(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(web, "LARGEST", 300_000)
    site.answer = endless_ledger(site, counted=10, body="a" * 200_000)
    assert main([f"{site.address}/c/demo"]) == 1
    assert f"all answers together have more than {4 * 300_000 + 7 * 2**14} bytes" in capsys.readouterr().out
    assert len(site.requests) == 8


@pytest.mark.parametrize(
    "address", ["http://[/c/demo", "http://127.0.0.1:port/c/demo", "http:///c/demo", "http://a b/c/d"]
)
def test_an_address_that_is_none_is_told(address: str) -> None:
    assert main([address]) == 1


@pytest.mark.parametrize(
    "content",
    [
        json.dumps({"text": HEAD + "\n\ud800", "signature": "00", "signed_by": "5F"}).encode(),
        json.dumps({"text": HEAD, "signature": "\ud800", "signed_by": "\ud800"}).encode(),
        HEAD.encode() + b"\n\xed\xa0\x80",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"text": ' + b"9" * 5000 + b"}",
        b'{"text": NaN}',
        b'{"results": 5}',
        b"[" + b"{}," * 1_000_000 + b"{}]",
    ],
)
def test_whatever_a_kept_checkpoint_holds_is_told(content: bytes, site: Site, tmp_path: Path) -> None:
    (tmp_path / "kept").write_bytes(content)
    site.answer = rows()
    assert main([f"{site.address}/c/demo", "--checkpoint", str(tmp_path / "kept")]) == 1
