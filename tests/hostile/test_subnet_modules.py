"""Does every module of the corpus end as at the subnet, when it is run and baked, too?"""

from __future__ import annotations

import pytest

from tests.judging.subnet_modules import MODULES
from tests.judging.test_subnet_modules import KINDS, agree, needs_browser


@needs_browser
@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("kind", KINDS)
def test_what_the_subnet_takes_is_taken_and_baked(kind: str) -> None:
    agree(name for name in MODULES if name.partition("-")[0] == kind)
