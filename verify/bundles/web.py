"""What does a node of the chain, a site, or a model's server answer?  The only ones whom the verifier ever asks."""

from __future__ import annotations

import contextlib
import http.client
import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any

from verify.reading import CROWDED, is_crowded, parse_bytes

PATIENCE_S, LARGEST = 30, 32 * 2**20
FEW_ANSWERS, SECONDS_A_ROW, BYTES_A_ROW = 4, 0.02, 16 * 2**10
"""An event has about 1 KiB, one of a reveal up to 10; 200 of them, which are a page, may take 4 seconds."""
PIECE = 2**16
REFUSAL = 2**14
"""Bytes of the reason that comes with a refusal."""
FAILURES = (http.client.HTTPException, urllib.error.URLError, OSError, ValueError, RecursionError)


class Unreachable(Exception):
    """There was no answer, or another than was asked for."""


class HttpRefusal(Unreachable):
    """The server answered, and gave no document.  `status`: of HTTP; `reason`: the beginning of what came with it."""

    def __init__(self, sentence: str, *, status: int, reason: bytes) -> None:
        super().__init__(sentence)
        self.status, self.reason = status, reason


class WebSource:
    """A site, a node or a model's server, which may be hostile: each answer comes within `patience_s` seconds and
    LARGEST bytes, from the address that is asked and no other, as it is (no compression), and its texts are UTF-8.

    All answers together have a deadline and a limit of bytes too.  Both begin with those of a few answers and grow by
    SECONDS_A_ROW and BYTES_A_ROW with each of the `rows` that have come, until these are `most_rows`.
    """

    def __init__(
        self, *, most_rows: int = 0, patience_s: float | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        self.most_rows, self.rows, self.bytes, self.since = most_rows, 0, 0, time.monotonic()
        self.patience_s, self.headers = PATIENCE_S if patience_s is None else patience_s, dict(headers or {})

    def json(self, address: str, *, body: Any = None) -> Any:
        """The JSON at an http(s) address, `body` posted where there is one.  Raises Unreachable; where an answer of
        another status than 2xx came HttpRefusal, which is one."""
        if not address.startswith(("http://", "https://")):
            raise Unreachable(f"{address[:60]!r} must begin with https:// (of a node also wss://)")
        rows = min(self.rows, self.most_rows)
        seconds, most = FEW_ANSWERS * self.patience_s + SECONDS_A_ROW * rows, FEW_ANSWERS * LARGEST + BYTES_A_ROW * rows
        left = self.since + seconds - time.monotonic()
        late = f"{address[:200]}: all answers together took more than {seconds:g} seconds"
        if left <= 0:
            raise Unreachable(late)
        data = None if body is None else json.dumps(body).encode()
        headers = {**self.headers, "Content-Type": "application/json", "Accept-Encoding": "identity"}
        content: Future[bytes] = Future()
        # a server that sends a byte now and then is waited for by a thread, which the program does not wait for
        threading.Thread(target=_receive, args=(content, address, data, headers, self.patience_s), daemon=True).start()
        try:
            received = content.result(timeout=min(self.patience_s, left))
            self.bytes += len(received)
            if self.bytes > most or is_crowded(received):
                why = CROWDED if self.bytes <= most else f"all answers together have more than {most} bytes"
                raise Unreachable(f"{address[:200]}: {why}")
            return parse_bytes(received)
        except TimeoutError as error:
            slow = f"{address[:200]}: no whole answer within {self.patience_s:g} seconds"
            raise Unreachable(late if left < self.patience_s else slow) from error
        except FAILURES as error:
            raise Unreachable(f"{address[:200]}: {str(error)[:200] or type(error).__name__}") from error
        finally:
            content.cancel()


def _receive(
    content: Future[bytes], address: str, data: bytes | None, headers: Mapping[str, str], patience_s: float
) -> None:
    try:
        request = urllib.request.Request(address, data=data, headers=dict(headers))  # noqa: S310  (its scheme is checked)
        with _opener().open(request, timeout=patience_s) as answer:
            outcome = _plain_body(answer, content)
    except Exception as error:  # whatever it is, it is the answer's failure and not this program's
        failure = _refused(error, address) if isinstance(error, urllib.error.HTTPError) else error
        if content.set_running_or_notify_cancel():
            content.set_exception(failure)
        return
    if content.set_running_or_notify_cancel():
        content.set_result(outcome)


def _refused(refusal: urllib.error.HTTPError, address: str) -> HttpRefusal:
    reason = b""
    with contextlib.suppress(Exception):  # without its reason it is a refusal as well
        reason = refusal.read(REFUSAL)
    return HttpRefusal(f"{address[:200]}: {str(refusal)[:200]}", status=refusal.code, reason=reason)


def _plain_body(answer: http.client.HTTPResponse, content: Future[bytes]) -> bytes:
    """All of it, while somebody waits for the content.  Raises ValueError."""
    if answer.headers.get("Content-Encoding", "identity") != "identity":
        raise ValueError("the answer is compressed, and was asked for plain")
    received = bytearray()
    while not content.cancelled() and (piece := answer.read1(PIECE)):
        received += piece
        if len(received) > LARGEST:
            raise ValueError(f"the answer has more than {LARGEST} bytes")
    if answer.length:
        raise ValueError("the answer is cut off")
    return bytes(received)


def _opener() -> urllib.request.OpenerDirector:
    """Through the proxy that the environment names; it follows no redirect and knows nothing but HTTP."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    return opener
