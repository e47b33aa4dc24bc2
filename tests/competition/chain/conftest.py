"""What the tests of the real chain are given: a rig of two or three nodes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.competition.chain.rig import Rig, running


@pytest.fixture
def rig(db: Any, settings: Any) -> Iterator[Rig]:
    with running(settings) as made:
        yield made


@pytest.fixture
def three(db: Any, settings: Any) -> Iterator[Rig]:
    with running(settings, nodes=3) as made:
        yield made
