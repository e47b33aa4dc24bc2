"""A pod provider in a temporary folder; whatever a test leaves running ends with it."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from audits.pods.limits import POD
from audits.pods.local import LocalPods


@pytest.fixture
def repos(tmp_path: Path) -> Path:
    return tmp_path / "repos"


@pytest.fixture
def provider(tmp_path: Path, repos: Path) -> Iterator[LocalPods]:
    made = LocalPods(repos=repos, pods=tmp_path / "pods", limits=replace(POD, wall_seconds=60))
    yield made
    made.sweep(lambda: set())
