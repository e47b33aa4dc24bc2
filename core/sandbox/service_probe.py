"""Can this machine wall a pod in?  `python -m audits.pods.probe FOLDER` tries it, and exits 0 if it can.

The answer is tried, not read from a version number: containers, kernels and security modules refuse in many ways.
"""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from core.sandbox import namespaces, system_calls

PROJECT = Path(__file__).resolve().parents[2]
PATIENCE_S = 20
NOBODY = 65534


@cache
def walls_work() -> bool:
    with TemporaryDirectory(prefix="gauntlet-probe-") as folder:
        try:
            tried = subprocess.run(
                [sys.executable, "-m", "audits.pods.probe", folder],
                cwd=PROJECT,
                env={"PATH": "/usr/bin:/bin"},
                capture_output=True,
                timeout=PATIENCE_S,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return False
        return tried.returncode == 0


def attempt(folder: Path) -> int:
    """Everything a pod's start does, with Python doing nothing as the service."""
    (folder / "code").mkdir()
    (folder / "root").mkdir()
    uid = os.getuid() or NOBODY
    namespaces.detach()
    if os.fork() == 0:
        try:
            namespaces.enclose(folder / "code", empty=folder / "root", scratch_bytes=1 << 20, uid=uid)
            if system_calls.available():
                system_calls.restrict()
            os.execve(sys.executable, [sys.executable, "-c", "import json"], {})  # noqa: S606
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.wait()[1])


if __name__ == "__main__":
    sys.exit(attempt(Path(sys.argv[1])))
