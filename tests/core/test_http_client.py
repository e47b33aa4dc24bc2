"""The one client, at the addresses an operator configures: a host of his own, a socket file, a server with kept lines.

What strangers' addresses may do to it is tried in `tests/competition/test_fetch*.py`.
"""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.net import http_client, url_guard
from core.net.connection_pool import Lines
from core.net.failures import FetchFailed
from core.net.limits import Patience, TransferLimits

OK = b"HTTP/1.1 200 OK\r\n"
PATIENT = Patience.within(60)


class Server:
    """Answers each whole request with the next of `answers`, and closes after the last."""

    def __init__(self, listener: socket.socket, answers: list[bytes]) -> None:
        self.listener, self.answers, self.requests, self.connections = listener, answers, [], 0
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                self.connections += 1
                with connection, contextlib.suppress(OSError):
                    self._talk(connection)

    def _talk(self, connection: socket.socket) -> None:
        while self.answers:
            heard = b""
            while not _whole(heard):
                more = connection.recv(65536)
                if not more:
                    return
                heard += more
            self.requests.append(heard)
            connection.sendall(self.answers.pop(0))


def _whole(heard: bytes) -> bool:
    head, ended, body = heard.partition(b"\r\n\r\n")
    if b"chunked" in head:
        return body.endswith(b"0\r\n\r\n")
    length = [int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")]
    return bool(ended) and len(body) >= sum(length)


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    with contextlib.ExitStack() as opened:

        def start(*answers: bytes) -> Server:
            return Server(opened.enter_context(socket.create_server(("127.0.0.1", 0))), list(answers))

        yield start


def sized(body: bytes, *more: bytes) -> bytes:
    return OK + b"".join(line + b"\r\n" for line in more) + b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


def ask(url: str, *, most: int = 1000, **more: object) -> http_client.HttpAnswer:
    return http_client.ask(url_guard.configured(url), patience=PATIENT, most=most, **more)


def code_of(url: str, **more: object) -> str:
    with pytest.raises(FetchFailed) as failed:
        ask(url, **more)
    return failed.value.code


def test_a_configured_address_may_be_plain_and_private_and_carry_a_password(serve):
    server = serve(sized(b"here"))
    answer = ask(server.url.replace("//", "//us%20er:pw@") + "/a b?q=1")
    assert (answer.status, answer.content) == (200, b"here")
    head = server.requests[0]
    assert head.startswith(b"GET /a%20b?q=1 HTTP/1.1\r\n") and b"Authorization: Basic dXMgZXI6cHc=\r\n" in head
    assert b"Accept-Encoding: identity\r\n" in head


@pytest.mark.parametrize("url", ["", "host:80", "ftp://host/", "http://", "unix://", "http://host:99999/"])
def test_what_is_no_address_is_refused_before_anything_is_dialled(url):
    with pytest.raises(FetchFailed) as failed:
        url_guard.configured(url)
    assert failed.value.code == "bad_url"


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "unix:///var/run/docker.sock", "https://10.0.0.1/"])
def test_an_address_from_outside_never_gets_what_a_configured_one_may(url):
    with pytest.raises(FetchFailed):
        url_guard.addresses(url_guard.check(url), timeout_s=5)


def test_a_socket_file_is_an_address_however_long_its_path(tmp_path: Path):
    folder = tmp_path / ("d" * 120)
    folder.mkdir()
    with socket.socket(socket.AF_UNIX) as listener, contextlib.chdir(folder):
        listener.bind("s")
        listener.listen()
        Server(listener, [sized(b"by file")])
        assert ask(f"unix://{folder}/s").content == b"by file"
    assert code_of(f"unix://{folder}/none") == "unreachable"


def test_no_redirect_is_followed(serve):
    server = serve(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")
    assert ask(server.url).status == 302 and len(server.requests) == 1


def test_a_body_has_at_most_its_bound_and_comes_as_it_is(serve):
    assert ask(serve(sized(b"x" * 1000)).url).content == b"x" * 1000
    assert code_of(serve(sized(b"x" * 1001)).url) == "too_big"
    assert code_of(serve(sized(b"x", b"Content-Encoding: gzip")).url) == "encoded"
    assert code_of(serve(OK + b"A: " + b"x" * 70_000).url) == "headers_too_big"


def test_an_answer_may_end_with_its_connection_but_not_before_its_length(serve):
    assert ask(serve(b"HTTP/1.0 200 OK\r\n\r\nall of it").url).content == b"all of it"
    assert code_of(serve(OK + b"Content-Length: 10\r\n\r\nshort").url) == "truncated"


def test_a_body_in_pieces_is_sent_in_chunks(serve):
    server = serve(sized(b"ok"))
    ask(server.url, method="POST", body=iter([b"one", b"", b"two"]))
    assert server.requests[0].endswith(b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n")


def test_a_host_that_answers_before_the_request_s_end_is_heard():
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def refuse() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(100)
                connection.sendall(b"HTTP/1.1 413 No\r\nContent-Length: 8\r\n\r\ntoo much")
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(1 << 16):
                    pass

        threading.Thread(target=refuse, daemon=True).start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        assert ask(url, method="POST", body=b"x" * (1 << 20)).status == 413


def test_lines_are_read_as_they_come_and_none_grows_without_end(serve, monkeypatch):
    monkeypatch.setattr(http_client, "LONGEST_LINE", 10)
    server = serve(sized(b"one\ntwo\n" + b"x" * 25))
    with http_client.request(
        url_guard.configured(server.url), watch=http_client.Watch(PATIENT, clock=lambda: 0.0), limits=TransferLimits()
    ) as response:
        assert list(response.lines()) == [b"one", b"two", b"x" * 25]


def test_connection_pool_carry_many_questions_over_one_connection(serve):
    server = serve(*(sized(b"%d" % number) for number in range(5)))

    async def talk() -> list[bytes]:
        lines = Lines(server.url, headers={"Authorization": "Bearer key"})
        answers = [await lines.ask("POST", "/v1/q", body=b"{}", patience=PATIENT) for _ in range(5)]
        await lines.close()
        return [answer.content for answer in answers]

    assert asyncio.run(talk()) == [b"0", b"1", b"2", b"3", b"4"]
    assert server.connections == 1 and b"Bearer key" in server.requests[0]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (OK + b"Content-Length: 10\r\n\r\nshort", "truncated"),
        (b"SSH-2.0-OpenSSH\r\n", "broken_http"),
        (sized(b"x" * 2000), "too_big"),
    ],
)
def test_a_kept_line_has_the_same_bounds_and_is_not_used_after_a_broken_answer(serve, answer, code):
    server = serve(answer)

    async def talk() -> str:
        lines = Lines(server.url, limits=TransferLimits(body_bytes=1000))
        with pytest.raises(FetchFailed) as failed:
            await lines.ask("GET", "/", patience=PATIENT)
        assert not lines.idle
        return failed.value.code

    assert asyncio.run(talk()) == code


def test_a_server_that_never_answers_ends_a_question_at_its_deadline():
    async def talk(url: str) -> str:
        lines = Lines(url)
        with pytest.raises(FetchFailed) as failed:
            await lines.ask("GET", "/", patience=Patience.within(0.2))
        return failed.value.code

    with socket.create_server(("127.0.0.1", 0)) as mute:
        assert asyncio.run(talk(f"http://127.0.0.1:{mute.getsockname()[1]}")) == "out_of_time"
    assert asyncio.run(talk("http://127.0.0.1:9")) == "unreachable"
