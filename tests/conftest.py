"""What does every test run share?  One throw-away PostgreSQL, removed with its folder when the run ends."""

import os
import shutil
from pathlib import Path

import pytest

from competition import embedded_postgres

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if CHROMIUM is None:
        for item in items:
            if item.get_closest_marker("browser"):
                item.add_marker(pytest.mark.skip(reason="no chromium on this machine: apt-get install chromium"))


def pytest_unconfigure(config: pytest.Config) -> None:
    """Only the process that made the folder removes it, once the parallel workers are gone."""
    if hasattr(config, "workerinput") or "GAUNTLET_TEST_VAR" not in os.environ:
        return
    folder = Path(os.environ["GAUNTLET_TEST_VAR"])
    if folder.name.startswith("gauntlet-test-"):
        embedded_postgres.Cluster(folder / "postgres").stop()
        shutil.rmtree(folder, ignore_errors=True)
