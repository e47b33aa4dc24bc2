"""How is a provider's HTTP interface asked without believing a broken line?

Three ends, never mixed: an answer; *missing*, which only a plain 404 of the provider says; and *unknown*, which is all
else: no connection, a server's error, words that cannot be read.  Unknown is ours, and means: look again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import httpx

from audits.pods.base import INFRASTRUCTURE, PodFault

LARGEST = 4 << 20
PATIENCE = httpx.Timeout(30.0, connect=10.0)


class Missing(LookupError):
    """The provider says that there is no such thing."""


class RestRefused(Exception):
    """The provider understood and said no: `status`, and what it said."""

    def __init__(self, status: int, said: str) -> None:
        self.status, self.said = status, said
        super().__init__(f"{status}: {said}")


def unknown(what: str) -> PodFault:
    return PodFault(INFRASTRUCTURE, "provider_unknown", f"We do not know how the pod is: {what}. We look again.")


class Rest:
    """One provider.  `secret` goes into a header and nowhere else: never into a message, a log or a row."""

    def __init__(self, base: str, *, name: str, secret: str = "", transport: httpx.BaseTransport | None = None) -> None:
        self.name = name
        headers = {"Authorization": f"Bearer {secret}"} if secret else {}
        self.client = httpx.Client(
            base_url=base,
            headers=headers,
            timeout=PATIENCE,
            transport=transport,
            follow_redirects=False,
            trust_env=False,
        )

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
            with self.client.stream(method, path, params=query, content=content, headers=headers) as answer:
                said = b""
                for piece in answer.iter_raw():
                    said += piece
                    if len(said) > LARGEST:
                        raise unknown(f"{self.name} answered with more than {LARGEST >> 20} MiB")
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as reason:
            raise unknown(f"{self.name} does not answer ({type(reason).__name__})") from reason
        return self._judged(answer.status_code, said)

    def _judged(self, status: int, said: bytes) -> bytes:
        if status == 404:
            raise Missing(_words(said))
        if status == 401:
            raise unknown(f"{self.name} refuses our key")
        if status == 429 or status >= 500 or (300 <= status < 400 and status != 304):
            raise unknown(f"{self.name} answered {status}")
        if status >= 400:
            raise RestRefused(status, _words(said))
        return said


def _words(said: bytes) -> str:
    text = said[:300].decode("utf-8", "replace")
    return "".join(letter for letter in text if letter.isprintable())
