"""One made competition for the tests of pages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.cache import cache

from tests.dashboard import made_round
from tests.dashboard.made_round import Made


@pytest.fixture
def made(db: None) -> Iterator[Made]:
    cache.clear()
    yield made_round.make()
