"""Which of this play's edges fail?  FAULT_BROKER, FAULT_JUDGE, FAULT_CLOCK, FAULT_DISK and FAULT_LEADER say so; the
platform knows nothing of this."""

import os
from pathlib import Path

from django.apps import AppConfig
from django.conf import settings


class FaultsConfig(AppConfig):
    name = "tests.scenarios.faults"

    def ready(self) -> None:
        from tests.scenarios.faults import clock, disk, judge, leader, queue

        if os.environ.get("FAULT_BROKER"):
            queue.install(os.environ["FAULT_BROKER"])
        if os.environ.get("FAULT_JUDGE"):
            judge.install(os.environ["FAULT_JUDGE"])
        if os.environ.get("FAULT_CLOCK"):
            clock.install(os.environ["FAULT_CLOCK"])
        if os.environ.get("FAULT_DISK"):
            disk.install(os.environ["FAULT_DISK"])
        if os.environ.get("FAULT_LEADER"):
            leader.install(os.environ["FAULT_LEADER"])


def happened(what: str) -> None:
    """One more of these: a byte, appended whole even by many processes."""
    folder = Path(settings.VAR_DIR) / "faults"
    folder.mkdir(exist_ok=True)
    with open(folder / what, "ab", buffering=0) as file:
        file.write(b".")
