"""Where do the scenarios play?  On one stage a run, one play at a time."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scenarios.stage import Outcome, Stage


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A play waits for the other workers' plays, and a machine may be slow."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.timeout(1800))


@pytest.fixture
def stage() -> Iterator[Stage]:
    stage = Stage.set_in(Path(os.environ["GAUNTLET_TEST_VAR"]) / "scenarios")
    with stage.to_ourselves():
        yield stage
        stage.clear()


@pytest.fixture
def undisturbed(stage: Stage) -> Outcome:
    return stage.reference()
