"""What does every test run share?  One throw-away PostgreSQL, removed with its folder when the run ends."""

import os
import shutil
from pathlib import Path

import pytest

from competition import embedded_postgres


def pytest_unconfigure(config: pytest.Config) -> None:
    """Only the process that made the folder removes it, once the parallel workers are gone."""
    if hasattr(config, "workerinput") or "GAUNTLET_TEST_VAR" not in os.environ:
        return
    folder = Path(os.environ["GAUNTLET_TEST_VAR"])
    if folder.name.startswith("gauntlet-test-"):
        embedded_postgres.Cluster(folder / "postgres").stop()
        shutil.rmtree(folder, ignore_errors=True)
