"""What the tests of the fetch share: a policy that waits for a busy machine, and one try at a file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from core.net.failures import FetchFailed
from core.net.fetch import FetchedFile, FetchPolicy, fetch
from core.net.host_slots import InProcess
from core.net.limits import Patience

BODY = os.urandom(300_000)
PATIENT = Patience(total_s=200, connect_s=100, idle_s=100, grace_s=100, least_rate=20_000)
POLICY = FetchPolicy(
    max_bytes=1_000_000, patience=PATIENT, loopback_ports=range(1024, 65536), spare_bytes=0, max_header_bytes=8192
)
TAG = '"v1"'


def fetched(url: str, into: Path, policy: FetchPolicy = POLICY, **more: object) -> FetchedFile:
    return fetch(url, policy=policy, into=into, slots=InProcess(2), **more)


def failed(url: str, into: Path, policy: FetchPolicy = POLICY, **more: object) -> FetchFailed:
    with pytest.raises(FetchFailed) as caught:
        fetched(url, into, policy, **more)
    assert "{detail}" not in caught.value.sentence
    return caught.value
