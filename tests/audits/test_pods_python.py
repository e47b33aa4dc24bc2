"""Can a pod run wherever this project is checked out?  Its own /tmp must not hide a Python that lives below /tmp."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from core.sandbox.service_probe import PROJECT, walls_work


@pytest.mark.parametrize("linked", [False, True], ids=["folder", "link"])
def test_a_python_below_tmp_is_seen_in_the_pod(tmp_path: Path, linked: bool) -> None:
    if not walls_work():
        pytest.skip("this machine offers no namespaces")
    if not str(tmp_path).startswith("/tmp/"):
        pytest.skip("temporary folders are not below /tmp here")
    made = tmp_path / "made"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(made)], check=True, timeout=120)
    venv = made
    if linked:
        venv = tmp_path / "link"
        venv.symlink_to(made)
    work = tmp_path / "work"
    work.mkdir()
    probe = [str(venv / "bin" / "python"), "-m", "core.sandbox.service_probe", str(work)]
    ran = subprocess.run(probe, cwd=PROJECT, env={"PATH": "/usr/bin:/bin"}, capture_output=True, timeout=120)
    assert ran.returncode == 0, ran.stderr.decode()
