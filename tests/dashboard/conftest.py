"""One made competition for the tests of pages."""

from __future__ import annotations

import pytest
from django.core.cache import cache

from tests.dashboard import made_round
from tests.dashboard.made_round import Made


@pytest.fixture(autouse=True)
def no_page_is_kept_from_another_test() -> None:
    cache.clear()


@pytest.fixture
def made(db: None) -> Made:
    return made_round.make()
