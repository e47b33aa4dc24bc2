"""What the tests of the fetch are given: a host that misbehaves, and a place for the file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.competition.hostile_host import HostileHost, hostile_host


@pytest.fixture
def host() -> Iterator[HostileHost]:
    with hostile_host() as running:
        yield running


@pytest.fixture
def into(tmp_path: Path) -> Path:
    return tmp_path / "partial" / "asset-1"
