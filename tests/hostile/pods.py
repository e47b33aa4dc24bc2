"""Services made against whoever asks them: `KINDS`, name -> a behaviour of a pod, always the same.

A behaviour is an honest service of the batch API with one thing in it that is not: what it answers to one question,
byte by byte, or how it ends.  `serve` puts it on a port of this machine.
"""

from __future__ import annotations

import io
import json
import socket
import struct
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from audits.pods import docker, local, runpod
from audits.pods.base import PodFault

STEMS = ("apple", "bicycle", "chair")
PATHS = ("/health", "/status", "/generate", "/results")
Answer = bytes | Callable[[], Iterator[bytes]]


@dataclass(frozen=True, kw_only=True)
class Behaviour:
    """`answers`: by path, instead of what is honest; `dies`: how each of its pods ends once it has a batch."""

    answers: dict[str, Answer] = field(default_factory=dict)
    dies: PodFault | None = None


def http(body: bytes, *, status: str = "200 OK", headers: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body


def honest(path: str, *, submitted: bool) -> bytes:
    if path == "/generate":
        return http(json.dumps({"accepted": len(STEMS)}).encode())
    if path == "/results":
        return http(zipped({f"{stem}.glb": b"glTF " + stem.encode() for stem in STEMS}))
    status = "complete" if submitted else "ready"
    return http(json.dumps({"status": status, "progress": 0, "total": 3, "payload": None}).encode())


def zipped(files: dict[str, bytes], *, kind: int = zipfile.ZIP_STORED, comment: bytes = b"") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", kind) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content, compress_type=kind)
        archive.comment = comment
    return buffer.getvalue()


@contextmanager
def serve(behaviour: Behaviour) -> Iterator[int]:
    """The port on which the behaviour answers; every connection has a thread of its own."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        service = _Service(behaviour, door)
        thread = threading.Thread(target=service.accept, daemon=True)
        thread.start()
        try:
            yield door.getsockname()[1]
        finally:
            service.over.set()
            with suppress(OSError):
                door.shutdown(socket.SHUT_RDWR)
            thread.join(60)


class _Service:
    def __init__(self, behaviour: Behaviour, door: socket.socket) -> None:
        self.behaviour, self.door = behaviour, door
        self.submitted, self.over = False, threading.Event()

    def accept(self) -> None:
        while not self.over.is_set():
            try:
                connection, _ = self.door.accept()
            except OSError:
                return
            threading.Thread(target=self.answer, args=(connection,), daemon=True).start()

    def answer(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.settimeout(20)
            path = self._asked(connection)
            answer = self.behaviour.answers.get(path) or honest(path, submitted=self.submitted)
            self.submitted = self.submitted or path == "/generate"
            for piece in [answer] if isinstance(answer, bytes) else answer():
                if self.over.is_set():
                    return
                connection.sendall(piece)

    def _asked(self, connection: socket.socket) -> str:
        head = b""
        while b"\r\n\r\n" not in head and (piece := connection.recv(4096)):
            head += piece
        head, _, body = head.partition(b"\r\n\r\n")
        length = next(
            (int(h.split(b":")[1]) for h in head.split(b"\r\n") if h.lower().startswith(b"content-length")), 0
        )
        while len(body) < length and (piece := connection.recv(4096)):
            body += piece
        return head.split(b" ")[1].decode().partition("?")[0] if b" " in head else "/"


def hangs() -> Iterator[bytes]:
    while True:
        time.sleep(0.05)
        yield b""


def drips(first: bytes, drop: bytes, pause_s: float = 0.02) -> Callable[[], Iterator[bytes]]:
    def answer() -> Iterator[bytes]:
        yield first
        while True:
            yield drop
            time.sleep(pause_s)

    return answer


def floods(first: bytes, wave: bytes) -> Callable[[], Iterator[bytes]]:
    def answer() -> Iterator[bytes]:
        yield first
        while True:
            yield wave

    return answer


OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
RAW: dict[str, Answer] = {
    "silence": hangs,
    "nothing": b" ",
    "half_a_head": OK,
    "garbage": b"\x00\xff\xfe garbage\r\n\r\n",
    "http_0_9": b"ready\n",
    "other_protocol": b"SSH-2.0-OpenSSH_9\r\n",
    "version_9": b"HTTP/9.9 200 OK\r\n\r\n",
    "status_text": b"HTTP/1.1 ok OK\r\n\r\n",
    "status_huge": b"HTTP/1.1 " + b"9" * 5_000 + b" OK\r\n\r\n",
    "status_negative": b"HTTP/1.1 -200 OK\r\n\r\n",
    "status_500": http(b"{}", status="500 Oh"),
    "status_503": http(b"<h1>Busy</h1>", status="503 Busy"),
    "status_404": http(b"{}", status="404 No"),
    "status_401": http(b"", status="401 No"),
    "redirect": http(b"", status="302 Found", headers="Location: http://127.0.0.1:1/\r\n"),
    "teapot": http(b"", status="418 I am"),
    "continue_for_ever": floods(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "informed": b"HTTP/1.1 103 Hints\r\n\r\n" * 900,
    "length_negative": OK + b"Content-Length: -1\r\n\r\n{}",
    "length_text": OK + b"Content-Length: many\r\n\r\n{}",
    "length_huge": OK + b"Content-Length: " + b"9" * 5_000 + b"\r\n\r\n{}",
    "length_too_long": OK + b"Content-Length: 999\r\n\r\n{}",
    "lengths": OK + b"Content-Length: 2\r\nContent-Length: 9\r\n\r\n{}",
    "empty_body": http(b""),
    "chunk_negative": floods(CHUNKED + b"-1\r\n", b"x" * 65_536),
    "chunk_text": CHUNKED + b"zz\r\n",
    "chunk_open": CHUNKED + b"5\r\nab",
    "chunk_huge": CHUNKED + b"f" * 900 + b"\r\n",
    "chunks_of_one": floods(CHUNKED, b"1\r\nx\r\n" * 9_000),
    "chunk_line": floods(CHUNKED, b"1" * 65_536),
    "chunk_extension": floods(CHUNKED + b"1;", b"a" * 65_536),
    "trailers": floods(CHUNKED + b"0\r\n", b"A: b\r\n" * 900),
    "body_for_ever": floods(OK + b"\r\n", b"x" * 65_536),
    "headers_for_ever": floods(OK, b"A: b\r\n" * 900),
    "header_line": floods(OK + b"A: ", b"b" * 65_536),
    "headers_many": OK + b"".join(b"A%d: b\r\n" % n for n in range(9_000)) + b"\r\n{}",
    "header_nul": OK + b"A\0: \0\r\n\r\n{}",
    "header_without_a_name": OK + b": b\r\n\r\n{}",
    "header_latin": OK + b"A: \xff\xfe\r\n\r\n{}",
    "folded": OK + b"A: b\r\n c\r\n\r\n{}",
    "gzip": http(b"\x1f\x8b" + bytes(90), headers="Content-Encoding: gzip\r\n"),
    "head_drips": drips(OK, b"A: b\r\n"),
    "body_drips": drips(OK + b"Content-Length: 99999\r\n\r\n", b"x"),
    "unknown_encoding": OK + b"Transfer-Encoding: cow\r\n\r\n{}",
    "two_answers": http(b"{}") * 2,
    "reason_huge": b"HTTP/1.1 200 " + b"O" * 900_000 + b"\r\n\r\n{}",
}

DOCUMENTS: dict[str, bytes] = {
    **{
        f"json_{name}": text.encode()
        for name, text in {
            "null": "null",
            "number": "1",
            "list": "[]",
            "text": '"ready"',
            "true": "true",
            "empty": "{}",
            "broken": '{"status": ',
            "nan": '{"status": NaN}',
            "huge_number": '{"status": "ready", "progress": ' + "9" * 5_000 + "}",
            "deep": "[" * 60_000,
            "deep_object": '{"status":' * 9_000,
            "status_list": '{"status": ["ready"]}',
            "status_number": '{"status": 1}',
            "status_null": '{"status": null}',
            "status_object": '{"status": {"a": 1}}',
            "status_unknown": '{"status": "busy"}',
            "status_capital": '{"status": "READY"}',
            "status_surrogate": '{"status": "\\ud800"}',
            "same_key": '{"status": "ready", "status": 1}',
            "progress_text": '{"status": "ready", "progress": "x"}',
            "progress_negative": '{"status": "ready", "progress": -9}',
            "payload_text": '{"status": "ready", "payload": "x"}',
            "payload_deep": '{"status": "ready", "payload": {"a": ' + "[" * 900 + "]" * 900 + "}}",
            "payload_huge": '{"status": "ready", "payload": {"a": "' + "x" * 50_000 + '"}}',
            "payload_nul": '{"status": "ready", "payload": {"a": "\\u0000"}}',
            "payload_surrogate": '{"status": "ready", "payload": {"\\ud800": "\\udfff"}}',
            "replace": '{"status": "replace", "payload": {"reason": 1}}',
            "warming": '{"status": "warming_up"}',
            "generating": '{"status": "generating", "progress": 1, "total": 3}',
            "complete": '{"status": "complete"}',
            "ready": '{"status": "ready"}',
            "accepted_none": '{"accepted": 0}',
            "accepted_text": '{"accepted": "3"}',
            "accepted_many": '{"accepted": 99}',
            "accepted_true": '{"accepted": true}',
            "accepted_list": '{"accepted": [3]}',
            "accepted_float": '{"accepted": 3.0}',
            "accepted_nan": '{"accepted": NaN}',
            "accepted_huge": '{"accepted": ' + "9" * 5_000 + "}",
            "too_large": '{"status": "' + "x" * 200_000 + '"}',
        }.items()
    },
    "json_latin": b'{"status": "\xff"}',
    "json_utf_16": '{"status": "ready"}'.encode("utf-16"),
    "json_mark": b'\xef\xbb\xbf{"status": "ready"}',
    "json_nul": b'{"status": "ready"}\0',
}

GLB = {f"{stem}.glb": b"glTF " + stem.encode() for stem in STEMS}
GOOD = zipped(GLB)


def _failed(text: str | bytes) -> bytes:
    return zipped({"apple.glb": b"glTF", "_failed.json": text if isinstance(text, bytes) else text.encode()})


def _patched(at: int, value: bytes, *, of: bytes = GOOD, mark: bytes = b"PK\x01\x02") -> bytes:
    """`of` with bytes changed behind its first record of that kind."""
    place = of.index(mark) + at
    return of[:place] + value + of[place + len(value) :]


ARCHIVES: dict[str, bytes] = {
    "empty": b"",
    "text": b"no archive",
    "cut": GOOD[: len(GOOD) // 2],
    "cut_end": GOOD[:-1],
    "head_only": GOOD[:30],
    "zeros": bytes(9_000),
    "no_files": zipped({}),
    "end_only": b"PK\x05\x06" + bytes(18),
    "junk_before": b"junk" * 900 + GOOD,
    "junk_behind": GOOD + b"junk" * 900,
    "comment": zipped(GLB, comment=b"x" * 60_000),
    "end_in_comment": zipped(GLB, comment=b"PK\x05\x06" + bytes(18)),
    "bomb": zipped(dict.fromkeys(GLB, bytes(9_000_000)), kind=zipfile.ZIP_DEFLATED),
    "bomb_bz2": zipped(dict.fromkeys(GLB, bytes(9_000_000)), kind=zipfile.ZIP_BZIP2),
    "bomb_lzma": zipped(dict.fromkeys(GLB, bytes(9_000_000)), kind=zipfile.ZIP_LZMA),
    "quoted": zipped({"apple.glb": GOOD}),
    "names_outside": zipped({"../apple.glb": b"x", "/etc/passwd": b"x", "..\\apple.glb": b"x"}),
    "names_odd": zipped({"\u202eapple.glb": b"x", "a\n.glb": b"x"}),
    "name_long": zipped({"a" * 60_000: b"x"}),
    "names_many": zipped({f"{n}.glb": b"x" for n in range(3_000)}),
    "folder": zipped({"apple.glb/": b""}),
    "other_stems": zipped({"dragon.glb": b"x"}),
    "other_kind": zipped({"apple.exe": b"x"}),
    "capitals": zipped({"APPLE.GLB": b"x"}),
    "one_missing": zipped({"apple.glb": b"x"}),
    "empty_files": zipped(dict.fromkeys(GLB, b"")),
    "twice": GOOD[: GOOD.index(b"PK\x01\x02")] + zipped(GLB | {"apple.glb": b"again"}),
    "failed_list": _failed("[]"),
    "failed_number": _failed("1"),
    "failed_deep": _failed('{"apple":' * 6_000),
    "failed_broken": _failed("{"),
    "failed_numbers": _failed('{"apple": 1, "chair": null, "bicycle": []}'),
    "failed_huge_number": _failed('{"chair": ' + "9" * 5_000 + "}"),
    "failed_long": _failed('{"chair": "' + "x" * 60_000 + '"}'),
    "failed_too_long": _failed(" " * 90_000),
    "failed_surrogate": _failed('{"chair": "\\ud800\\u0000"}'),
    "failed_latin": _failed(b'{"chair": "\xff"}'),
    "failed_all": _failed('{"apple": "a", "bicycle": "b", "chair": "c"}'),
    "failed_strangers": _failed('{"dragon": "x"}'),
    "failed_nan": _failed('{"chair": NaN}'),
    "failed_utf_16": _failed("{}".encode("utf-16")),
    "method_unknown": _patched(10, b"\x63\0"),
    "encrypted": _patched(8, b"\x01\0"),
    "size_lies": _patched(24, struct.pack("<L", 99)),
    "size_huge": _patched(24, b"\xff\xff\xff\xff"),
    "packed_huge": _patched(20, b"\xff\xff\xff\xff"),
    "sum_lies": _patched(16, b"abcd"),
    "offset_far": _patched(42, b"\xff\xff\xff\x7f"),
    "offset_64": _patched(42, b"\xff\xff\xff\xff"),
    "extra_long": _patched(30, b"\xff\xff"),
    "name_length": _patched(28, b"\xff\xff"),
    "version_high": _patched(6, b"\xff\xff"),
    "date_odd": _patched(12, b"\xff\xff\xff\xff"),
    "link": _patched(38, struct.pack("<L", 0o120777 << 16)),
    "device": _patched(38, struct.pack("<L", 0o020666 << 16)),
    "head_lies": _patched(18, b"\x01\0\0\0", mark=b"PK\x03\x04"),
    "head_name": _patched(30, b"/", mark=b"PK\x03\x04"),
    "head_gone": _patched(0, b"XXXX", mark=b"PK\x03\x04"),
    "disk": _patched(4, b"\x09\0", mark=b"PK\x05\x06"),
    "entries": _patched(10, b"\xff\xff", mark=b"PK\x05\x06"),
    "directory": _patched(12, b"\xff\xff\xff\x7f", mark=b"PK\x05\x06"),
    "directory_far": _patched(16, b"\xff\xff\xff\x7f", mark=b"PK\x05\x06"),
    "locator": GOOD[:-22] + b"PK\x06\x07" + bytes(16) + GOOD[-22:],
    "overlapping": _patched(
        42, bytes(4), of=GOOD[: GOOD.rindex(b"PK\x01\x02")] + GOOD[GOOD.rindex(b"PK\x01\x02") :], mark=b"PK\x01\x02"
    ),
    "too_large": b"PK" + bytes(66 << 20),
}

LOCAL_ENDS = {
    **{
        f"local_signal_{number}": {"because": "ended", "signal": number}
        for number in (1, 2, 3, 4, 6, 7, 8, 9, 11, 13, 14, 15, 24, 25, 31)
    },
    **{
        f"local_exit_{code}": {"because": "ended", "exit": code}
        for code in (0, 1, 2, 3, 125, 126, 127, 134, 137, 139, 143, 255)
    },
    "local_walls_down": {"because": "ended"},
    "local_expired": {"because": "expired"},
}
DOCKER_ENDS = {
    **{
        f"docker_exit_{code}": {"ExitCode": code}
        for code in (0, 1, 2, 125, 126, 127, 128, 134, 137, 139, 143, 255, -1, 65536, "0", None)
    },
    "docker_memory": {"ExitCode": 137, "OOMKilled": True},
    "docker_error": {"ExitCode": 128, "Error": "exec: not found"},
    "docker_dead": {"Status": "dead", "ExitCode": 0},
    "docker_paused": {"Status": "paused"},
    "docker_removing": {"Status": "removing"},
}
RENTED_ENDS = {
    **{f"rented_exit_{code}": {"lastExit": {"exitCode": code}} for code in (0, 1, 125, 137, 139, 143, 255, "1", None)},
    "rented_without_a_word": {},
    "rented_words": {"lastExit": "killed"},
}


def _kinds() -> Iterator[tuple[str, Behaviour]]:
    yield "honest", Behaviour()
    for path in PATHS:
        for name, raw in RAW.items():
            yield f"{path[1:]}_{name}", Behaviour(answers={path: raw})
    for path in ("/status", "/generate"):
        for name, document in DOCUMENTS.items():
            yield f"{path[1:]}_{name}", Behaviour(answers={path: http(document)})
    for name, content in ARCHIVES.items():
        yield f"archive_{name}", Behaviour(answers={"/results": http(content)})
    for name, ended in LOCAL_ENDS.items():
        yield name, Behaviour(dies=local.blame(ended, walls=True))
    for name, state in DOCKER_ENDS.items():
        yield name, Behaviour(dies=docker.blame(state))
    for name, row in RENTED_ENDS.items():
        yield name, Behaviour(dies=runpod.blame(row))


KINDS: dict[str, Behaviour] = dict(_kinds())
