"""What is sent, and what does an answer say?  Shared by the clients that wait and those that do not."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx

from gauntlet_client.errors import Refused, Unreachable, Unusable
from gauntlet_client.keys import Key

BASE = "/api/v1"
TRIES = 4
LONGEST_WAIT_S = 60.0
AGAIN = {429, 502, 503, 504}
SKEW_S = 60
MOST_VALUES = 2_000_000  # of one answer


def origin(text: str) -> str:
    """The server's address without a path."""
    parts = urlsplit(text if "//" in text else f"https://{text}")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        raise Unusable(
            f"{text!r} is no address of a server.", fix="Give one such as https://gauntlet.example.", code="bad_url"
        )
    return f"{parts.scheme}://{parts.netloc}"


def path(address: str, query: Mapping[str, Any] | None = None) -> str:
    """Below /api/v1 unless it is a whole path already (as the addresses in answers are)."""
    whole = address if address.startswith("/") else f"{BASE}/{address}"
    told = {name: _text(value) for name, value in (query or {}).items() if value is not None}
    return f"{whole}{'&' if '?' in whole else '?'}{urlencode(told)}" if told else whole


OWN_PATH = re.compile(r"/(?!/)[\x21-\x5b\x5d-\x7e]{0,1999}")


def is_own_path(address: Any) -> bool:
    """Whether an address in an answer is a path of the server that was asked, and leads to no other."""
    return isinstance(address, str) and OWN_PATH.fullmatch(address) is not None


def page(document: Any) -> tuple[list[dict[str, Any]], str | None]:
    """(rows, address of the next page or None) of a table's page.  Raises Unreachable where it is none."""
    rows = document.get("results") if isinstance(document, dict) else None
    following = document.get("next") if isinstance(document, dict) else None
    plain = isinstance(rows, list) and all(isinstance(row, dict) for row in rows)
    if not plain or not (following is None or is_own_path(following)):
        raise Unreachable(
            "The server answered with something that is no table of this API.",
            fix="Is the address (--server) that of a Gauntlet server?",
            code="no_api",
        )
    return list(rows or ()), following


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def message(*, method: str, host: str, path: str, body: bytes, timestamp: int, nonce: str) -> bytes:
    """The seven lines of `gauntlet/1` that a hotkey signs."""
    digest = hashlib.sha256(body).hexdigest()
    return "\n".join(("gauntlet/1", method, host, path, digest, str(timestamp), nonce)).encode()


def signed(key: Key, request: httpx.Request) -> dict[str, str]:
    """The four headers.  Each try needs new ones: a nonce counts once."""
    timestamp, nonce = time.time_ns() // 1_000_000, secrets.token_urlsafe(24)
    text = message(
        method=request.method,
        host=request.headers["Host"],
        path=request.url.raw_path.decode("ascii"),
        body=request.content,
        timestamp=timestamp,
        nonce=nonce,
    )
    return {
        "Gauntlet-Hotkey": key.address,
        "Gauntlet-Timestamp": str(timestamp),
        "Gauntlet-Nonce": nonce,
        "Gauntlet-Signature": key.sign(text),
    }


def pause(answer: httpx.Response | None, *, tried: int) -> float | None:
    """Seconds until the next try; None: this is the answer.  `answer` is None where there was none at all."""
    if tried >= TRIES or (answer is not None and answer.status_code not in AGAIN):
        return None
    told = answer.headers.get("Retry-After", "") if answer is not None else ""
    seconds = float(told) if told.isascii() and told.isdigit() else 0.5 * 2**tried
    return None if seconds > LONGEST_WAIT_S else seconds


def understood(answer: httpx.Response) -> Any:
    """The document of an answer.  Raises Refused where the server says no, Unreachable where it is no API."""
    document = parsed(answer.content)
    if answer.is_success and document is not None:
        return document
    told = document.get("error") if isinstance(document, dict) else None
    if not isinstance(told, dict):
        raise Unreachable(
            f"{answer.url} answered {answer.status_code} {answer.reason_phrase}, which is no answer of this API.",
            fix="Is the address (--server) that of a Gauntlet server?",
            code="no_api",
        )
    refused = Refused(answer.status_code, told)
    if answer.status_code == 401 and (seconds := skew(answer)) is not None:
        refused.fix = f"Your clock is {seconds:+.0f} seconds from the server's: set it, and try again."
    raise refused


def parsed(content: bytes) -> Any:
    """The JSON of an answer; None for what is none, holds half a character, or more values than any answer."""
    if sum(map(content.count, (b"{", b"[", b","))) > MOST_VALUES:
        return None
    try:
        document = json.loads(content.decode())
        if b"\\u" in content:  # the only way to half a surrogate pair
            json.dumps(document, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None
    return document


def skew(answer: httpx.Response) -> float | None:
    """By how many seconds the clock here is wrong, where that alone refuses every signature."""
    try:
        theirs = parsedate_to_datetime(answer.headers["Date"]).timestamp()
    except (KeyError, ValueError, OverflowError):
        return None
    return seconds if abs(seconds := time.time() - theirs) > SKEW_S - 5 else None


def silent(server: str, error: Exception) -> Unreachable:
    return Unreachable(
        f"{server} does not answer: {error or type(error).__name__}.",
        fix="Check the address (--server) and your connection; the status page is /status/.",
        code="no_answer",
    )
