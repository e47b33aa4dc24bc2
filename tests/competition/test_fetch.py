"""A file comes whole, with its hash, or not at all and with the reason; our own network is never reached."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from core.net import http_client, partial_files
from core.net.failures import FetchFailed
from core.net.fetch import FetchedFile, fetch, require_a_file
from core.net.host_slots import InProcess
from core.net.http_client import Response
from core.net.limits import Patience
from tests.competition.fetching import BODY, PATIENT, POLICY, failed, fetched
from tests.competition.hostile_host import HostileHost, Visit, hostile_host


def test_a_file_comes_whole_with_its_hash(host: HostileHost, into: Path) -> None:
    url = host.on("/a.glb", lambda visit: visit.file(BODY, Content_Type="model/gltf-binary"))
    got = fetched(url, into)
    assert got == FetchedFile(
        sha256=hashlib.sha256(BODY).hexdigest(), bytes=len(BODY), content_type="model/gltf-binary", final_url=url
    )
    assert into.read_bytes() == BODY
    asked = host.visits[0].headers
    assert asked["accept-encoding"] == "identity" and asked["host"] == f"127.0.0.1:{host.port}"
    assert "range" not in asked and "cookie" not in asked and "authorization" not in asked


def test_a_chunked_file_comes_whole(host: HostileHost, into: Path) -> None:
    def chunks(visit: Visit) -> None:
        visit.head(Transfer_Encoding="chunked")
        for at in range(0, len(BODY), 50_000):
            visit.send(b"%x\r\n%b\r\n" % (len(BODY[at : at + 50_000]), BODY[at : at + 50_000]))
        visit.send(b"0\r\n\r\n")

    assert fetched(host.on("/a", chunks), into).sha256 == hashlib.sha256(BODY).hexdigest()


def trickle(visit: Visit) -> None:
    visit.head(Content_Length=1000)
    while visit.pause(0.05):
        visit.send(b"x")


def header_trickle(visit: Visit) -> None:
    visit.send(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while visit.pause(0.05):
        visit.send(b"x")


def endless_chunks(visit: Visit) -> None:
    visit.head(Transfer_Encoding="chunked")
    while not visit.over.is_set():
        visit.send(b"8000\r\n" + bytes(0x8000) + b"\r\n")


def crumbs(visit: Visit) -> None:
    visit.head(Transfer_Encoding="chunked")
    while not visit.over.is_set():
        visit.send(b"1\r\nx\r\n" * 5000)


def endless_without_length(visit: Visit) -> None:
    visit.head()
    while not visit.over.is_set():
        visit.send(bytes(0x8000))


def cut(visit: Visit) -> None:
    visit.head(Content_Length=len(BODY))
    visit.send(BODY[:1000])


def reset_midway(visit: Visit) -> None:
    cut(visit)
    visit.reset()


def chunks_cut(visit: Visit) -> None:
    visit.head(Transfer_Encoding="chunked")
    visit.send(b"3e8\r\n" + BODY[:500])


def longer(visit: Visit) -> None:
    visit.head(Content_Length=1000)
    visit.send(BODY[:1500])


def longer_later(visit: Visit) -> None:
    visit.head(Content_Length=1000)
    visit.send(BODY[:1000])
    visit.pause(0.01)
    visit.send(BODY[1000:1500])


def interim_for_ever(visit: Visit) -> None:
    while not visit.over.is_set():
        visit.send(b"HTTP/1.1 103 Early Hints\r\n\r\n")


def header_flood(visit: Visit) -> None:
    visit.send(b"HTTP/1.1 200 OK\r\n")
    while not visit.over.is_set():
        visit.send(b"X-Flood: " + b"y" * 1000 + b"\r\n")


def raw(data: bytes) -> Callable[[Visit], None]:
    return lambda visit: visit.send(data)


def status(line: str) -> Callable[[Visit], None]:
    return lambda visit: visit.head(line, Content_Length=0)


# What ends by our patience, and by which part of it: the other parts would be ended by a busy machine, too.
ENDED = {
    "one byte at a time": replace(PATIENT, grace_s=0.3),
    "headers one byte at a time": replace(PATIENT, total_s=1.5),
    "no answer at all": replace(PATIENT, idle_s=0.4),
    "hangs after the headers": replace(PATIENT, idle_s=0.4),
}
ATTACKS = {
    "one byte at a time": (trickle, "too_slow"),
    "headers one byte at a time": (header_trickle, "out_of_time"),
    "no answer at all": (Visit.hang, "silent"),
    "hangs after the headers": (lambda v: (v.head(Content_Length=9), v.hang()), "silent"),
    "endless chunks": (endless_chunks, "too_big"),
    "single-byte chunks": (crumbs, "broken_http"),
    "endless, no length": (endless_without_length, "no_length"),
    "announces 10 GiB": (lambda v: v.head(Content_Length=10 * 2**30), "too_big"),
    "announces a number of 40 digits": (lambda v: v.head(Content_Length="9" * 40), "broken_http"),
    "announces -1": (lambda v: v.head(Content_Length=-1), "broken_http"),
    "announces two lengths": (
        raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx"),
        "broken_http",
    ),
    "ends before the length": (cut, "truncated"),
    "resets midway": (reset_midway, "truncated"),
    "resets at once": (Visit.reset, "truncated"),
    "closes at once": (lambda v: None, "truncated"),
    "chunks without an end": (chunks_cut, "truncated"),
    "more than the length": (longer, "longer_than_said"),
    "more than the length, later": (longer_later, "longer_than_said"),
    "gzip though asked not to": (lambda v: v.file(b"\x1f\x8b" + bytes(500), Content_Encoding="gzip"), "encoded"),
    "an unknown transfer encoding": (lambda v: v.head(Transfer_Encoding="gzip, chunked"), "broken_http"),
    "an empty file": (lambda v: v.file(b""), "empty"),
    "headers without end": (header_flood, "headers_too_big"),
    "interim answers without end": (interim_for_ever, "broken_http"),
    "no HTTP": (raw(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), "broken_http"),
    "HTTP/0.9": (raw(b"glTF" + bytes(500)), "truncated"),
    "a NUL in a header": (raw(b"HTTP/1.1 200 OK\r\nA: b\0c\r\n\r\n"), "broken_http"),
    "a part nobody asked for": (lambda v: v.range_of(BODY) if v.asked_from else part(v), "false_range"),
    "404": (status("404 Not Found"), "not_found"),
    "410": (status("410 Gone"), "not_found"),
    "403": (status("403 Forbidden"), "forbidden"),
    "429": (status("429 Slow Down"), "busy"),
    "500": (status("500 Oops"), "server_error"),
    "599": (status("599 What"), "server_error"),
    "204": (status("204 Nothing"), "unexpected_status"),
    "304 unasked": (status("304 Same"), "unexpected_status"),
    "416 unasked": (status("416 No"), "unexpected_status"),
    "302 to nowhere": (status("302 Off"), "unexpected_status"),
}


def part(visit: Visit) -> None:
    visit.head("206 Partial Content", Content_Length=10, Content_Range="bytes 0-9/10")
    visit.send(bytes(10))


@pytest.mark.parametrize("attack", ATTACKS)
def test_each_attack_ends_in_its_own_code(
    attack: str, host: HostileHost, into: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_client, "LATE_BYTES_S", 100)  # a busy host's late bytes are late
    behaviour, code = ATTACKS[attack]
    fault = failed(host.on("/x", behaviour), into, replace(POLICY, patience=ENDED.get(attack, PATIENT)))
    assert (fault.code, fault.failure_class) == (code, "miner"), fault.sentence
    assert into.stat().st_size <= POLICY.max_bytes


def test_a_closed_port_is_refused(into: Path) -> None:
    with hostile_host() as gone:
        url = gone.url("/x")
    assert failed(url, into).code == "refused"


# redirects


def to(location: str) -> Callable[[Visit], None]:
    return lambda visit: visit.head("302 Found", Location=location, Content_Length=0)


def test_two_redirects_are_followed(host: HostileHost, into: Path) -> None:
    host.on("/2", to("/3#part"))
    host.on("/3", lambda visit: visit.file(BODY))
    got = fetched(host.on("/1", to(host.url("/2"))), into)
    assert got.bytes == len(BODY) and got.final_url == host.url("/3#part")


def test_a_redirect_loop_ends(host: HostileHost, into: Path) -> None:
    assert failed(host.on("/x", to("/x")), into).code == "too_many_redirects"
    assert len(host.visits) == 3


@pytest.mark.parametrize(
    ("location", "code"),
    [
        ("http://169.254.169.254/latest/meta-data", "wrong_scheme"),
        ("http://10.0.0.1:8080/", "wrong_scheme"),
        ("https://10.0.0.1/", "private_address"),
        ("https://[::1]/", "private_address"),
        ("https://user:word@example.org/", "credentials"),
        ("https://example.org:22/", "wrong_port"),
        ("file:///etc/passwd", "wrong_scheme"),
        ("gopher://127.0.0.1:6379/_FLUSHALL", "wrong_scheme"),
        ("//127.0.0.1:22/", "wrong_scheme"),
        ("https://[", "bad_url"),
        ("https://0x7f.1/", "bad_url"),
    ],
)
def test_a_redirect_is_checked_like_any_address(location: str, code: str, host: HostileHost, into: Path) -> None:
    fault = failed(host.on("/x", to(location)), into)
    assert fault.code == code, fault.sentence
    assert len(host.visits) == 1


# ours


def test_a_full_disk_is_ours(host: HostileHost, into: Path) -> None:
    url = host.on("/x", lambda visit: visit.file(BODY))
    fault = failed(url, into, replace(POLICY, spare_bytes=2**60))
    assert (fault.code, fault.failure_class, fault.who) == ("our_disk_full", "infrastructure", "operator")
    assert not host.visits


def test_a_failing_disk_is_ours(host: HostileHost, tmp_path: Path) -> None:
    (tmp_path / "wall").write_text("a file where the folder should be")
    fault = failed(host.on("/x", lambda visit: visit.file(BODY)), tmp_path / "wall" / "asset")
    assert (fault.code, fault.failure_class) == ("our_disk", "infrastructure")


def test_a_write_to_a_full_disk_is_ours(host: HostileHost, into: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    assert failed(host.on("/x", lambda visit: visit.file(BODY)), into).code == "our_disk_full"


def test_a_busy_machine_of_ours_does_not_make_a_host_slow(host: HostileHost, into: Path) -> None:
    """The clock leaps between reads, as it does where the processor is elsewhere: time not spent waiting."""

    class Leaping:
        now = 0.0
        asked = 0

        def __call__(self) -> float:
            self.asked += 1
            self.now += 0.5 if self.asked % 2 else 0.0
            return self.now

    short = replace(POLICY, patience=replace(PATIENT, total_s=2))
    fault = failed(host.on("/x", lambda visit: visit.file(BODY)), into, short, clock=Leaping())
    assert fault.failure_class == "infrastructure", fault.sentence


def test_an_answer_that_our_own_code_stumbles_over_is_the_hosts_where_a_plain_one_is_read_right_afterwards(
    host: HostileHost, into: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, read = host.on("/x", lambda visit: visit.file(b"odd" * 99)), require_a_file

    def stumbling(response: Response) -> None:
        if response.length == 297:
            raise KeyError("nobody thought of this answer")
        read(response)

    monkeypatch.setattr("core.net.fetch.require_a_file", stumbling)
    fault = failed(url, into)
    assert (fault.code, fault.failure_class) == ("broken_http", "miner")
    monkeypatch.setattr("core.net.fetch.require_a_file", lambda response: {}["a fault of our own"])
    fault = failed(url, into)
    assert (fault.code, fault.failure_class) == ("our_fault", "infrastructure")
    assert [path.name for path in into.parent.iterdir() if "control" in path.name] == []


def test_a_control_that_this_machine_cannot_ask_leaves_the_failure_ours(
    host: HostileHost, into: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_port(*_: object) -> None:
        raise OSError(98, "Address already in use")

    monkeypatch.setattr("core.net.fetch.require_a_file", lambda response: {}["a stumble"])
    monkeypatch.setattr("core.net.plain_host.ThreadingHTTPServer", no_port)
    fault = failed(host.on("/x", lambda visit: visit.file(BODY)), into)
    assert (fault.code, fault.failure_class) == ("our_fault", "infrastructure")


def test_two_workers_cannot_write_one_file(host: HostileHost, into: Path) -> None:
    with partial_files.opened(into):
        fault = failed(host.on("/x", lambda visit: visit.file(BODY)), into)
    assert (fault.code, fault.failure_class) == ("our_fault", "infrastructure")


def test_a_host_gets_no_more_than_its_slots(host: HostileHost, tmp_path: Path) -> None:
    slots, begun, go = InProcess(1), threading.Event(), threading.Event()

    def slow(visit: Visit) -> None:
        begun.set()
        go.wait(120)
        visit.file(BODY)

    url = host.on("/x", slow)
    patient = replace(POLICY, patience=Patience())
    first = threading.Thread(target=lambda: fetch(url, policy=patient, into=tmp_path / "1", slots=slots))
    first.start()
    assert begun.wait(120)
    with pytest.raises(FetchFailed) as caught:
        fetch(url, policy=POLICY, into=tmp_path / "2", slots=slots)
    assert (caught.value.code, caught.value.failure_class) == ("no_slot", "infrastructure")
    go.set()
    first.join(120)
    assert fetch(url, policy=patient, into=tmp_path / "2", slots=slots).bytes == len(BODY)
    assert not slots.taken


def test_our_own_outage_is_not_taken_for_the_hosts(into: Path) -> None:
    with hostile_host() as gone:
        url, dead = gone.url("/x"), ("127.0.0.1", gone.port)
    with hostile_host() as alive:
        assert failed(url, into, replace(POLICY, witness=("127.0.0.1", alive.port))).code == "refused"
    fault = failed(url, into, replace(POLICY, witness=dead))
    assert (fault.code, fault.failure_class) == ("our_network", "infrastructure")
