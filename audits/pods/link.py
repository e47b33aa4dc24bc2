"""How is one HTTP request sent to a pod that may answer slowly, endlessly or with rubbish?

By the client of `core.net`, with one deadline for the whole exchange: with a limit for each read only, a pod could hold
a worker for ever with one byte a minute.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO

from django.conf import settings

from audits.pods.base import INFRASTRUCTURE, PodFault
from core.net import http_client, url_guard
from core.net.failures import FetchFailed
from core.net.limits import Patience, TransferLimits, Watch
from core.net.url_guard import HttpOrigin

LARGEST_REFUSAL = 64 << 10
# Something was answered, but not what HTTP or our limits allow; every other failure is silence.
RUBBISH = frozenset({"bad_url", "broken_http", "headers_too_big", "encoded", "too_big"})
KEYS = {"verda": "VERDA_INFERENCE_KEY"}  # a proxy that asks for a key -> the setting that holds it
NOT_REACHED = (502, 503, 504)  # a provider's proxy says so, or the service itself: either way it gave no answer


class Silent(Exception):
    """No connection, no answer (or a proxy's that there is none), or no end of it in time."""


class Rubbish(Exception):
    """An answer, but not one that HTTP or our limits allow."""


@dataclass(frozen=True, kw_only=True)
class PodResponse:
    status: int
    body: bytes


def ask(
    address: Mapping[str, Any], path: str, *, body: bytes | None = None, patience_s: float = 5.0, most: int = 64 << 10
) -> PodResponse:
    """GET, or POST of a JSON `body`.  Raises Silent, Rubbish."""
    with _exchange(address, path, body=body, patience_s=patience_s, most=most) as response:
        return PodResponse(status=response.status, body=response.content())


def save(address: Mapping[str, Any], path: str, *, into: BinaryIO, patience_s: float, most: int) -> PodResponse:
    """GET; the body goes to a file, into the response if the status is not 200.  Raises Silent, Rubbish, PodFault."""
    with _exchange(address, path, body=None, patience_s=patience_s, most=most) as response:
        if response.status != 200:
            return PodResponse(status=response.status, body=response.content(most=LARGEST_REFUSAL))
        for piece in response.body:
            try:
                into.write(piece)
            except OSError as reason:  # a full disk of ours must not look like a silent pod
                raise PodFault(
                    INFRASTRUCTURE, "disk", f"We could not keep the results: {reason.strerror}. We try again."
                ) from reason
        return PodResponse(status=200, body=b"")


@contextmanager
def _exchange(
    address: Mapping[str, Any], path: str, *, body: bytes | None, patience_s: float, most: int
) -> Iterator[http_client.Response]:
    """One request and its open answer; every way for it to go wrong becomes Silent or Rubbish."""
    try:
        with http_client.request(
            origin_of(address).at(path),
            method="GET" if body is None else "POST",
            headers=_key_of(address) | ({} if body is None else {"Content-Type": "application/json"}),
            body=body,
            watch=Watch(Patience.within(patience_s), time.monotonic),
            limits=TransferLimits(body_bytes=most),
        ) as response:
            if response.status in NOT_REACHED:
                raise Silent(f"{path.partition('?')[0]} answered {response.status}")
            yield response
    except FetchFailed as failed:
        kind = Rubbish if failed.code in RUBBISH else Silent
        raise kind(failed.code) from failed


def _key_of(address: Mapping[str, Any]) -> dict[str, str]:
    """The address names whose key its proxy wants to see, and never holds it: it stands in rows."""
    if "key" not in address:
        return {}
    return {"Authorization": f"Bearer {getattr(settings, KEYS[address['key']])}"}


def origin_of(address: Mapping[str, Any]) -> HttpOrigin:
    """Where a pod is reached: a socket file, a port of a host, or a provider's proxy."""
    if "url" in address:
        return url_guard.configured(str(address["url"]))
    if "unix" in address:
        return url_guard.configured(f"unix://{address['unix']}")
    host = str(address["host"])
    return url_guard.configured(f"http://{f'[{host}]' if ':' in host else host}:{int(address['port'])}")
