"""Can this machine wall a service in?  `python -m core.sandbox.service_probe FOLDER` tries it, and exits 0 if it can.

The answer is tried, not read from a version number: containers, kernels and security modules refuse in many ways.
"""

from __future__ import annotations

import os
import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from core.sandbox import namespaces, processes, system_calls
from core.sandbox.processes import NOBODY

PROJECT = Path(__file__).resolve().parents[2]
PATIENCE_S = 20


@cache
def walls_work() -> bool:
    with TemporaryDirectory(prefix="gauntlet-probe-") as folder:
        command = [sys.executable, "-m", "core.sandbox.service_probe", folder]
        return processes.output_of(command, seconds=PATIENCE_S, folder=PROJECT) is not None


def attempt(folder: Path) -> int:
    """Everything a service's start does, with Python doing nothing as the service."""
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
