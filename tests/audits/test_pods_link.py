"""Whatever bytes a service answers with, a step of ours ends in time and says one of a few words."""

import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from audits.pods import batch, link
from audits.pods.base import Pod

OK = b"HTTP/1.1 200 OK\r\n"
READY = {"status": "ready", "progress": 0, "total": 0, "payload": None}


def answer(body: object, *, status: bytes = b"200 OK") -> bytes:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return b"HTTP/1.1 %b\r\nContent-Length: %d\r\n\r\n%b" % (status, len(data), data)


@contextlib.contextmanager
def service(folder: Path, answers: dict[bytes, bytes | Iterator[bytes]]) -> Iterator[Pod]:
    """A UNIX socket that answers a path with fixed bytes, and closes."""
    with socket.socket(socket.AF_UNIX) as listening:
        descriptor = folder / "s"
        descriptor.unlink(missing_ok=True)
        listening.bind(f"/proc/self/fd/{_opened(folder)}/s")
        listening.listen()

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection, contextlib.suppress(OSError):
                    asked = received(connection).split(b" ")[1].split(b"?")[0]
                    given = answers.get(asked, answer({}))
                    for piece in [given] if isinstance(given, bytes) else given():
                        connection.sendall(piece)

        threading.Thread(target=serve, daemon=True).start()
        yield Pod(provider="local", name="pod", address={"unix": str(descriptor)})
        listening.shutdown(socket.SHUT_RDWR)


def received(connection: socket.socket) -> bytes:
    """The whole request: an answer before its end would meet a broken pipe."""
    asked = b""
    while b"\r\n\r\n" not in asked or (asked.startswith(b"POST") and not asked.endswith(b"}")):
        asked += connection.recv(65536)
    return asked


def _opened(folder: Path) -> int:
    import os

    return os.open(folder, os.O_PATH)


def endless(piece: bytes):
    def pieces() -> Iterator[bytes]:
        while True:
            yield piece

    return pieces


def test_a_status_is_read(tmp_path):
    said = {"status": "generating", "progress": 3, "total": 32, "payload": {"gpu": "none"}}
    with service(tmp_path, {b"/status": answer(said)}) as pod:
        status = batch.poll(pod, replacements_remaining=2)
    assert (status.state, status.progress, status.total, status.payload) == ("generating", 3, 32, {"gpu": "none"})


@pytest.mark.parametrize(
    "said",
    [
        [],
        None,
        5,
        "ready",
        {},
        {"status": "READY"},
        {"status": ["ready"]},
        {"status": None},
        {"status": "silent"},
        {"status": "ready" * 10_000},
        b"{",
        b"",
        b"\xff\xfe",
        b"[" * 60_000,
        b'{"a":' * 10_000,
        b"x" * 70_000,
    ],
)
def test_a_status_of_another_shape_is_nonsense(tmp_path, said):
    with service(tmp_path, {b"/status": answer(said)}) as pod:
        assert batch.poll(pod, replacements_remaining=0).state == "nonsense"


@pytest.mark.parametrize(
    ("field", "value", "kept"),
    [
        ("progress", -1, 0),
        ("progress", 10**30, 0),
        ("progress", 1.5, 0),
        ("progress", "7", 0),
        ("progress", True, 0),
        ("total", [], 0),
        ("payload", "text", None),
        ("payload", [1], None),
        ("payload", {"a": "x" * 5000}, None),
        ("payload", {"a": float("nan")}, None),
        ("payload", {"a": "\0"}, None),
        ("payload", {"a": 1}, {"a": 1}),
    ],
)
def test_what_a_status_adds_is_bounded(tmp_path, field, value, kept):
    with service(tmp_path, {b"/status": answer({**READY, field: value})}) as pod:
        status = batch.poll(pod, replacements_remaining=0)
    assert (status.state, getattr(status, field)) == ("ready", kept)


@pytest.mark.parametrize(
    ("raw", "states"),
    [
        (b"", {"silent"}),
        (b"SSH-2.0-OpenSSH\r\n", {"nonsense"}),
        (b"HTTP/1.1 999999 OK\r\n\r\n", {"nonsense"}),
        (b"HTTP/9.9 200 OK\r\n\r\n", {"nonsense", "silent"}),
        (OK + b"Content-Length: 10\r\n\r\nshort", {"silent"}),
        (OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", {"nonsense", "silent"}),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n", {"nonsense", "silent"}),
        (OK + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nx", {"nonsense", "silent"}),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab", {"silent"}),
        (OK + b"A: " + b"x" * 70_000, {"nonsense", "silent"}),
        (OK + b"A: b\r\n" * 200, {"nonsense", "silent"}),
        (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n", {"nonsense"}),
        (b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", {"nonsense"}),
    ],
)
def test_broken_http_is_a_word_not_an_exception(tmp_path, raw, states):
    with service(tmp_path, {b"/status": raw, b"/generate": raw, b"/results": raw}) as pod:
        assert batch.poll(pod, replacements_remaining=0, patience_s=30).state in states
        assert batch.submit(pod, image_urls={"a": "http://127.0.0.1/"}, seed=1, patience_s=30).state in states
        assert batch.collect(pod, into=tmp_path / "r.zip", patience_s=30).state in states
    assert not (tmp_path / "r.zip").exists() and not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("length", [b"-5", b"x", b"1" * 5000])
def test_a_length_that_is_no_number_is_read_to_the_end_or_refused(tmp_path, length):
    with service(tmp_path, {b"/results": OK + b"Content-Length: " + length + b"\r\n\r\n{}"}) as pod:
        assert batch.collect(pod, into=tmp_path / "r.zip", patience_s=30).state in ("collected", "silent", "nonsense")


@pytest.mark.parametrize(
    "piece", [b"HTTP/1.1 100 Continue\r\n\r\n", OK + b"\r\n" + b" " * 1000, b"x" * 1000, b"HTTP/1.1 200 OK\r\n" * 50]
)
def test_an_endless_answer_ends_with_our_patience_or_our_limit(tmp_path, piece):
    with service(tmp_path, {b"/status": endless(piece)}) as pod:
        assert batch.poll(pod, replacements_remaining=0, patience_s=0.5).state in ("silent", "nonsense")


def test_an_archive_has_at_most_its_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(batch, "LARGEST_ARCHIVE", 100_000)
    with service(tmp_path, {b"/results": answer(bytes(100_001))}) as pod:
        assert batch.collect(pod, into=tmp_path / "r.zip").state == "nonsense"
    with service(tmp_path, {b"/results": answer(bytes(100_000))}) as pod:
        assert batch.collect(pod, into=tmp_path / "r.zip").archive.stat().st_size == 100_000


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ({"accepted": 2}, "accepted"),
        ({"accepted": True}, "accepted"),
        ({"accepted": 1}, "nonsense"),
        ({"accepted": 0}, "nonsense"),
        ({"accepted": False}, "nonsense"),
        ({}, "nonsense"),
        ([], "nonsense"),
        ({"accepted": "2"}, "nonsense"),
    ],
)
def test_a_batch_is_accepted_whole_or_not(tmp_path, said, state):
    with service(tmp_path, {b"/generate": answer(said)}) as pod:
        assert batch.submit(pod, image_urls={"a": "http://1", "b": "http://2"}, seed=1).state == state


@pytest.mark.parametrize("said", [{"current_status": "generating"}, {"current_status": "<script>"}, {}, [], b"{"])
def test_a_conflict_is_a_conflict_whatever_it_says(tmp_path, said):
    with service(tmp_path, {b"/generate": answer(said, status=b"409 Conflict")}) as pod:
        refused = batch.submit(pod, image_urls={"a": "http://1"}, seed=1)
    assert refused.state == "conflict" and refused.detail in ("generating", "")


def test_nobody_at_the_address_is_silence(tmp_path):
    absent = Pod(provider="local", name="pod", address={"unix": str(tmp_path / "absent")})
    assert batch.poll(absent, replacements_remaining=0).state == "silent"
    gone = Pod(provider="local", name="pod", address={"unix": str(tmp_path / "no" / "folder")})
    assert batch.poll(gone, replacements_remaining=0).state == "silent"


@pytest.mark.parametrize("status", [b"502 Bad Gateway", b"503 Service Unavailable", b"504 Gateway Timeout"])
def test_what_a_proxy_answers_for_a_pod_that_it_does_not_reach_is_silence(tmp_path, status):
    for path in (b"/health", b"/status", b"/generate", b"/results"):
        with service(tmp_path, {path: answer(b"<html>nobody is there</html>", status=status)}) as pod:
            answers = {
                b"/status": batch.poll(pod, replacements_remaining=0),
                b"/generate": batch.submit(pod, image_urls={"a": "http://1"}, seed=1),
                b"/results": batch.collect(pod, into=tmp_path / "r.zip"),
            }
            result = answers.get(path, answers[b"/status"])
            assert (result.state, result.detail) == ("silent", f"{path.decode()} answered {status[:3].decode()}")
            with pytest.raises(link.Silent):
                link.ask(pod.address, path.decode())
            with pytest.raises(link.Silent), (tmp_path / "file").open("wb") as file:
                link.save(pod.address, path.decode(), into=file, patience_s=5, most=1 << 20)


def test_a_pod_may_have_a_network_address(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer({"ok": 1}))

        threading.Thread(target=serve, daemon=True).start()
        assert link.ask({"host": "127.0.0.1", "port": port}, "/health").body == b'{"ok": 1}'
