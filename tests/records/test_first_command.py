"""`import_records` may be the first command of a fresh checkout: it makes the database it needs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.postgres.server import Cluster
from tests.records import june

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = ("DATABASE_URL", "BROKER_URL", "DJANGO_SETTINGS_MODULE")


@pytest.mark.long
def test_an_import_makes_the_database_of_a_fresh_checkout(tmp_path: Path) -> None:
    kept = {name: value for name, value in os.environ.items() if name not in SETTINGS}
    environment = {**kept, "GAUNTLET_VAR": str(tmp_path / "var")}
    command = [sys.executable, "manage.py", "import_records", str(june.FOLDER)]
    try:
        ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
        again = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
    finally:
        Cluster(tmp_path / "var" / "postgres").stop()
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "database ready" in ran.stdout
    assert "proc: " in ran.stdout
    assert again.returncode == 0
    assert "0 rounds written, 2 unchanged" in again.stdout
