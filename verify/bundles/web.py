"""What does a node of the chain, or a site, answer?  The only two whom the verifier ever asks."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

PATIENCE_S, LARGEST = 30, 32 * 2**20


class Unreachable(Exception):
    """There was no answer, or another than was asked for."""


def fetch_json(address: str, *, body: Any = None) -> Any:
    """The JSON at an http(s) address, `body` posted where there is one.  Raises Unreachable."""
    if not address.startswith(("http://", "https://")):
        raise Unreachable(f"{address[:60]!r} must begin with https:// (of a node also wss://)")
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address, data=data, headers={"Content-Type": "application/json"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:  # noqa: S310  (its scheme is checked)
            return json.loads(answer.read(LARGEST))
    except (urllib.error.URLError, TimeoutError, ValueError, OSError, RecursionError) as error:
        raise Unreachable(f"{address[:200]}: {error}") from error
