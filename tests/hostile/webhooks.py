"""In which ways may a receiver of webhooks be hostile?  Each kind by its name, the same in every run.

`ANSWERS` are what a receiver on loopback does with a connection; `ADDRESSES` what somebody may give for an address.  A
letter to any of them must end, in time and with a class and a code, and nothing else may wait for it.
"""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress

Answer = Callable[[socket.socket, threading.Event], None]
TRICKLE_S = 0.05
HEAD = b"HTTP/1.1 200 OK\r\n"
BLANK = b"\r\n"


def says(content: bytes) -> Answer:
    """Read the request, answer so, and close."""

    def answer(at: socket.socket, stop: threading.Event) -> None:
        _request(at)
        at.sendall(content)

    return answer


def stops_after(content: bytes) -> Answer:
    """Send so much and stay connected in silence."""

    def answer(at: socket.socket, stop: threading.Event) -> None:
        _request(at)
        at.sendall(content)
        stop.wait()

    return answer


def trickles(content: bytes, *, piece: int) -> Answer:
    """A few bytes now and then, so that no wait for the next one is long."""

    def answer(at: socket.socket, stop: threading.Event) -> None:
        for start in range(0, len(content), piece):
            at.sendall(content[start : start + piece])
            if stop.wait(TRICKLE_S):
                return
        stop.wait()

    return answer


def never_ends(first: bytes, again: bytes) -> Answer:
    """The same bytes for ever."""

    def answer(at: socket.socket, stop: threading.Event) -> None:
        at.sendall(first)
        while not stop.is_set():
            at.sendall(again)

    return answer


def silent(at: socket.socket, stop: threading.Event) -> None:
    """Takes the connection and never says a word."""
    stop.wait()


def reads_slowly(at: socket.socket, stop: threading.Event) -> None:
    """A byte of the request now and then."""
    while not stop.wait(TRICKLE_S) and at.recv(1):
        pass


def closes(at: socket.socket, stop: threading.Event) -> None:
    """At once, in order."""


def resets(at: socket.socket, stop: threading.Event) -> None:
    """At once, by a reset."""
    at.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def resets_after_the_request(at: socket.socket, stop: threading.Event) -> None:
    _request(at)
    resets(at, stop)


def closes_its_half(at: socket.socket, stop: threading.Event) -> None:
    """Says that nothing will come, and stays."""
    at.shutdown(socket.SHUT_WR)
    stop.wait()


def _request(at: socket.socket) -> None:
    at.settimeout(2)
    with suppress(TimeoutError):
        at.recv(65536)


def _head(status: object, *lines: str) -> bytes:
    return "".join(f"{line}\r\n" for line in (f"HTTP/1.1 {status} X", *lines, "")).encode("latin-1")


STATUSES = (
    *range(300, 309),
    *range(400, 419),
    *range(421, 432),
    451,
    499,
    *range(500, 512),
    520,
    530,
    598,
    599,
)
REDIRECTS = {
    "to itself": "/hook",
    "to a metadata service": "http://169.254.169.254/latest/meta-data/",
    "to loopback": "http://127.0.0.1:22/",
    "to a file": "file:///etc/passwd",
    "to gopher": "gopher://127.0.0.1:70/_x",
    "to IPv6 loopback": "http://[::1]/",
    "to a number": "http://2130706433/",
    "to nothing": "",
    "to a line": "//x",
    "to data": "data:text/plain,x",
    "to a script": "javascript:alert(1)",
    "to 0": "http://0/",
    "with a user": "https://a:b@example.org/",
    "to many characters": "https://example.org/" + "a" * 9000,
}
BROKEN = {
    "no HTTP": b"hello\r\n\r\n",
    "only a line end": b"\r\n",
    "only NUL": b"\0" * 64,
    "0xFF": b"\xff" * 64,
    "HTTP/0.9": b"<html>",
    "HTTP/2": b"HTTP/2 200\r\n\r\n",
    "HTTP/9.9": b"HTTP/9.9 200 OK\r\n\r\n",
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "TLS alert": b"\x15\x03\x01\x00\x02\x02\x28",
    "SSH": b"SSH-2.0-OpenSSH_9.2\r\n",
    "SMTP": b"220 mail ESMTP\r\n",
    "a request": b"POST / HTTP/1.1\r\nHost: x\r\n\r\n",
    "status abc": b"HTTP/1.1 abc OK\r\n\r\n",
    "status 0": _head("000"),
    "status 99": _head("99"),
    "status 600": _head("600"),
    "status 999": _head("999"),
    "status 2000": _head("2000"),
    "status -200": _head("-200"),
    "status 2e2": _head("2e2"),
    "no status": b"HTTP/1.1\r\n\r\n",
    "no reason": b"HTTP/1.1 500\r\n\r\n",
    "bare LF": b"HTTP/1.1 500 X\nA: b\n\n",
    "bare CR": b"HTTP/1.1 500 X\rA: b\r\r",
    "a header without colon": _head(500, "nothing"),
    "an empty name": _head(500, ": x"),
    "a space before the colon": _head(500, "A : b"),
    "a folded header": _head(500, "A: b", " c"),
    "a NUL in a header": _head(500, "A: \0"),
    "a CR in a header": _head(500, "A: b\rc"),
    "an umlaut in a name": _head(500, "Ä: b"),
    "bytes in a value": _head(500, "A: \xff\xfe"),
    "two lengths": _head(500, "Content-Length: 1", "Content-Length: 2"),
    "a negative length": _head(200, "Content-Length: -1"),
    "a length of words": _head(200, "Content-Length: much"),
    "an endless length": _head(200, "Content-Length: " + "9" * 400),
    "length and chunks": _head(200, "Content-Length: 5", "Transfer-Encoding: chunked"),
    "chunks twice": _head(200, "Transfer-Encoding: chunked, chunked"),
    "an unknown coding": _head(200, "Transfer-Encoding: zip"),
    "an upgrade": _head(101, "Upgrade: websocket", "Connection: Upgrade"),
    "only 100": _head(100),
    "100 twice": _head(100) + _head(100),
    "103 only": _head(103, "Link: </x>"),
    "1xx a hundred times": _head(102) * 100,
    "half a status line": b"HTTP/1.1 2",
    "half a header": HEAD + b"A: b",
    "no blank line": HEAD + b"A: b\r\n",
    "two answers": _head(500) + _head(200),
    "a BOM": b"\xef\xbb\xbf" + _head(200),
    "UTF-16": "HTTP/1.1 200 OK\r\n\r\n".encode("utf-16"),
    "a header of 64 kB": _head(200, "A: " + "b" * 65536),
    "a name of 64 kB": _head(200, "b" * 65536 + ": a"),
    "5000 headers": _head(200, *(f"A{n}: b" for n in range(5000))),
    "a reason of 64 kB": b"HTTP/1.1 200 " + b"x" * 65536 + BLANK + BLANK,
    "lower case": b"http/1.1 500 x\r\n\r\n",
    "a space first": b" HTTP/1.1 500 X\r\n\r\n",
    "tabs": b"HTTP/1.1\t500\tX\r\n\r\n",
    "401 with a realm": _head(401, 'WWW-Authenticate: Basic realm="x"'),
    "retry after for ever": _head(503, "Retry-After: 99999999999"),
    "retry after words": _head(429, "Retry-After: later"),
    "cookies": _head(500, *["Set-Cookie: a=b"] * 50),
}
TIMED: dict[str, Answer] = {
    "silent": silent,
    "reads slowly": reads_slowly,
    "closes at once": closes,
    "resets at once": resets,
    "resets after the request": resets_after_the_request,
    "closes its half": closes_its_half,
    "endless headers": never_ends(HEAD, b"A: b\r\n"),
    "an endless header": never_ends(HEAD + b"A: ", b"b" * 4096),
    "an endless status line": never_ends(b"HTTP/1.1 200 ", b"x" * 4096),
    "endless 1xx": never_ends(b"", _head(102)),
    "endless NUL": never_ends(b"", b"\0" * 4096),
    "endless line ends": never_ends(b"", b"\r\n" * 2048),
    "an endless body": never_ends(_head(200, "Content-Length: 99999999999"), b"x" * 65536),
    "endless chunks": never_ends(_head(200, "Transfer-Encoding: chunked"), b"1\r\nx\r\n" * 512),
    "an endless error": never_ends(_head(500), b"x" * 65536),
    **{f"silent after {count} bytes": stops_after((HEAD + b"Server: x\r\n")[:count]) for count in range(1, 28, 2)},
    **{f"a trickle by {piece}": trickles(HEAD + b"A: b\r\n" * 400, piece=piece) for piece in (1, 2, 3, 5, 8, 13)},
    "1xx in a trickle": trickles(_head(102) * 200, piece=4),
}
ANSWERS: Mapping[str, Answer] = {
    **{f"status {status}": says(_head(status, "Content-Length: 0")) for status in STATUSES},
    **{f"a redirect {name}": says(_head(302, f"Location: {to}")) for name, to in REDIRECTS.items()},
    **{f"broken: {name}": says(content) for name, content in BROKEN.items()},
    **TIMED,
}

ADDRESSES: Mapping[str, str] = {
    "nothing": "",
    "a space": " ",
    "a word": "hook",
    "no scheme": "//example.org/",
    "ftp": "ftp://example.org/",
    "a file": "file:///etc/passwd",
    "gopher": "gopher://example.org/",
    "data": "data:,x",
    "a script": "javascript:1",
    "no host": "https:///x",
    "only a scheme": "https://",
    "a port": "https://example.org:8443/",
    "port 0": "https://example.org:0/",
    "port 99999": "https://example.org:99999/",
    "a port of words": "https://example.org:x/",
    "a user": "https://user@example.org/",
    "a password": "https://a:b@example.org/",
    "a second @": "https://a@b@example.org/",
    "a fragment": "https://example.org/#x",
    "a backslash": "https://example.org\\@10.0.0.1/",
    "a tab": "https://exa\tmple.org/",
    "a line end": "https://example.org/\r\nX: y",
    "a NUL": "https://example.org/\0",
    "http": "http://example.org/",
    "10.0.0.1": "https://10.0.0.1/",
    "127.0.0.1": "https://127.0.0.1/",
    "172.16.0.1": "https://172.16.0.1/",
    "192.168.0.1": "https://192.168.0.1/",
    "169.254.169.254": "https://169.254.169.254/",
    "0.0.0.0": "https://0.0.0.0/",
    "255.255.255.255": "https://255.255.255.255/",
    "224.0.0.1": "https://224.0.0.1/",
    "100.64.0.1": "https://100.64.0.1/",
    "a number": "https://2130706433/",
    "hex": "https://0x7f000001/",
    "octal": "https://0177.0.0.1/",
    "short": "https://127.1/",
    "mixed": "https://0x7f.1/",
    "IPv6 loopback": "https://[::1]/",
    "IPv6 any": "https://[::]/",
    "IPv4 in IPv6": "https://[::ffff:127.0.0.1]/",
    "link-local": "https://[fe80::1]/",
    "a zone": "https://[fe80::1%25eth0]/",
    "unique local": "https://[fc00::1]/",
    "NAT64": "https://[64:ff9b::7f00:1]/",
    "6to4": "https://[2002:7f00:1::]/",
    "documentation": "https://[2001:db8::1]/",
    "half a bracket": "https://[::1/",
    "brackets round a name": "https://[example.org]/",
    "full-width digits": "https://１２７.0.0.1/",
    "a circled digit": "https://①②⑦.0.0.1/",
    "a full-width dot": "https://127。0。0。1/",
    "a name of 300": "https://" + "a" * 300 + ".org/",
    "a label of 64": "https://" + "a" * 64 + ".org/",
    "two dots": "https://example..org/",
    "a dot first": "https://.example.org/",
    "a space in the host": "https://exa mple.org/",
    "a percent in the host": "https://exa%6dple.org/",
    "a path of 1 MB": "https://10.0.0.1/" + "a" * 1_000_000,
}


@contextmanager
def receiver(kind: str) -> Iterator[str]:
    """The address of a receiver of this kind of `ANSWERS`; when it is left, none of its threads is."""
    stop, threads = threading.Event(), []
    server = socket.create_server(("127.0.0.1", 0), backlog=64)

    def serve(at: socket.socket) -> None:
        with at, suppress(OSError):
            at.settimeout(1)
            ANSWERS[kind](at, stop)

    def accept() -> None:
        with suppress(OSError):
            while True:
                threads.append(threading.Thread(target=serve, args=[server.accept()[0]], daemon=True))
                threads[-1].start()

    threads.append(threading.Thread(target=accept, daemon=True))
    threads[0].start()
    try:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/hook"
    finally:
        stop.set()
        with suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)
        server.close()
        until = time.monotonic() + 10
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))
