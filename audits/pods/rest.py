"""How is a provider's HTTP interface asked so that a broken line is never taken for an answer?

Three ends, never mixed: an answer; *missing*, which only a plain 404 of the provider means; and *unknown*, which is
everything else: no connection, a server's error, words that cannot be read.  Unknown is ours, and means: look again.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Any
from urllib.parse import quote, urlencode

from audits.pods.base import INFRASTRUCTURE, PodFault
from core.net import http_client, url_guard
from core.net.failures import FetchFailed
from core.net.limits import Patience, TransferLimits, Watch

LARGEST = 4 << 20
PATIENCE = Patience.within(120.0, connect_s=10.0, idle_s=30.0)


class Missing(LookupError):
    """The provider answers that there is no such thing."""


class RestRefused(Exception):
    """The provider understood the request and refused it: `status`, and its words in `message`."""

    def __init__(self, status: int, message: str) -> None:
        self.status, self.message = status, message
        super().__init__(f"{status}: {message}")


class Unknown(PodFault):
    """Neither an answer nor a refusal: look again."""

    def __init__(self, what: str) -> None:
        sentence = f"We do not know how the pod is: {what}. We look again."
        super().__init__(INFRASTRUCTURE, "provider_unknown", sentence)


class KeyRefused(Unknown):
    """The provider did not take our key or token: nothing came of the request."""


class ServerFailed(Unknown):
    """The provider answered with an error of its own, and these words; what came of the request is not known."""

    def __init__(self, what: str, *, message: str) -> None:
        self.message = message
        super().__init__(what)


def unknown(what: str) -> PodFault:
    return Unknown(what)


class Rest:
    """One provider.  `secret` goes into a header and nowhere else: never into a message, a log or a row."""

    def __init__(self, base: str, *, name: str, secret: str = "") -> None:
        self.name, self.base = name, base
        self.headers = {"Authorization": f"Bearer {secret}"} if secret else {}

    def json(self, method: str, path: str, *, body: Any = None, query: Mapping[str, str] | None = None) -> Any:
        """The answer as plain values; None where it is empty.  Raises Missing, RestRefused and PodFault (unknown)."""
        raw = self.raw(method, path, query=query, content=None if body is None else json.dumps(body).encode())
        try:
            return json.loads(raw) if raw.strip() else None
        except (ValueError, RecursionError) as reason:
            raise unknown(f"{self.name} answered with something else than JSON") from reason

    def raw(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        content: bytes | None = None,
        kind: str = "application/json",
    ) -> bytes:
        headers = {"Content-Type": kind} if content is not None else {}
        try:
            with self.stream(method, path, query=query, body=content, headers=headers, patience=PATIENCE) as answer:
                status, payload = answer.status, answer.content(most=LARGEST)
        except FetchFailed as failed:
            if failed.code == "too_big":
                raise unknown(f"{self.name} answered with more than {LARGEST >> 20} MiB") from failed
            raise unknown(f"{self.name} does not answer ({failed.code})") from failed
        if status == 404:
            raise Missing(_words(payload))
        if status == 401:
            raise KeyRefused(f"{self.name} refuses our key")
        if status >= 500:
            raise ServerFailed(f"{self.name} answered {status}", message=_words(payload))
        if status == 429 or (300 <= status < 400 and status != 304):
            raise unknown(f"{self.name} answered {status}")
        if status >= 400:
            raise RestRefused(status, _words(payload))
        return payload

    def stream(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: bytes | Iterable[bytes] | None = None,
        headers: Mapping[str, str],
        patience: Patience,
    ) -> AbstractContextManager[http_client.Response]:
        """An answer that is read while it comes, with no bound but the time; raises FetchFailed."""
        words = f"?{urlencode(query, quote_via=quote)}" if query else ""
        return http_client.request(
            url_guard.configured(self.base).at(f"{path}{words}"),
            method=method,
            headers={**self.headers, **headers},
            body=body,
            watch=Watch(patience, time.monotonic),
            limits=TransferLimits(body_bytes=None),
        )


def _words(body: bytes) -> str:
    text = body[:300].decode("utf-8", "replace")
    return "".join(letter for letter in text if letter.isprintable())
