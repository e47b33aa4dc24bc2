"""Did a pod fail through an outage of ours, or through its service?  Runs a small service of ours in its place.

The control goes the whole way: started by the same provider, shown the same pictures, asked, collected from, ended.
Each call is one look, as with a miner's pod, so that no worker waits for it; its state between two looks is JSON.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from audits.pods import batch, results
from audits.pods.base import INFRASTRUCTURE, Pod, PodFault, PodProvider

MODULE = "audits.pods.control_service"
FILE = Path(__file__).with_name("control_service.py")
COMMAND = ("python", "-m", MODULE)
EXTENSION = "txt"


@dataclass(frozen=True, kw_only=True)
class ControlPod:
    """A control pod at work."""

    pod: Pod
    begun: datetime
    submitted: bool = False

    def to_json(self) -> dict[str, Any]:
        return {"pod": self.pod.to_json(), "begun": self.begun.isoformat(), "submitted": self.submitted}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        begun = datetime.fromisoformat(value["begun"])
        return cls(pod=Pod.from_json(value["pod"]), begun=begun, submitted=value["submitted"])


def begin(provider: PodProvider, *, name: str, now: datetime, beside: Pod | None = None) -> ControlPod:
    """Where `beside` ran, the pod that was lost.  Raises PodFault: a control that cannot be started has failed."""
    return ControlPod(pod=provider.start_control(name=name, beside=beside), begun=now)


def look(
    provider: PodProvider, control: ControlPod, *, pictures: Mapping[str, Path], within_s: float, now: datetime
) -> ControlPod | None:
    """The control, one look further; None when it has passed.  Raises PodFault when it has failed."""
    if (fault := provider.fault(control.pod)) is not None:
        raise fault
    state = batch.poll(control.pod, replacements_remaining=0).state
    if control.submitted and state == "complete":
        _collect(control.pod, pictures=pictures)
        return None
    if not control.submitted and state in ("ready", "complete"):
        urls = provider.offer(control.pod, pictures=pictures)
        accepted = batch.submit(control.pod, image_urls=urls, seed=0).state == "accepted"
        control = ControlPod(pod=control.pod, begun=control.begun, submitted=accepted)
    if (now - control.begun).total_seconds() > within_s:
        raise _failed(f"it was {state} after {within_s:g} seconds")
    return control


def _collect(pod: Pod, *, pictures: Mapping[str, Path]) -> None:
    expected = {stem: hashlib.sha256(path.read_bytes()).hexdigest() for stem, path in pictures.items()}
    with tempfile.TemporaryDirectory(prefix="gauntlet-control-") as folder:
        answer = batch.collect(pod, into=Path(folder) / "results.zip")
        if answer.archive is None:
            raise _failed(f"its results were {answer.state}")
        try:
            got = results.unpack(answer.archive, stems=expected, extension=EXTENSION, into=Path(folder) / "files")
        except results.BadResults as bad:
            raise _failed(f"its results could not be read ({bad.code})") from bad
        files = {stem: file.path.read_text() for stem, file in got.files.items()}
    if files != expected:
        raise _failed(f"{len(expected) - len(files)} of its {len(expected)} files are missing")


def _failed(why: str) -> PodFault:
    return PodFault(INFRASTRUCTURE, "control_failed", f"Our control service did not work: {why}.")
