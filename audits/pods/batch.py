"""How does a batch of prompts go through a miner's service?  Three small steps; each may be repeated at any time.

The batch API: GET /health and /status, POST /generate, GET /results.  A step takes seconds, never waits for the work to
be done, and never raises for what the pod does: whatever it answers is a value, and `decisions/lifecycle.py` decides.
PodFault is raised for our own disk only.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audits.pods import link
from audits.pods.base import Pod

SIZE = 32
LARGEST_ARCHIVE = 64 << 20
STATES = ("warming_up", "ready", "generating", "complete", "replace")
SILENT, NONSENSE = "silent", "nonsense"
LARGEST_PAYLOAD = 4096
POLL_S, SUBMIT_S, COLLECT_S = 5.0, 10.0, 60.0


@dataclass(frozen=True, kw_only=True)
class PodStatus:
    """One of STATES as the pod reports it, or `silent` (no answer) or `nonsense` (an answer that is not allowed)."""

    state: str
    progress: int = 0
    total: int = 0
    payload: Mapping[str, Any] | None = None
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Submitted:
    """`accepted`, `conflict` (409: busy with something else), `silent` or `nonsense`."""

    state: str
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Collected:
    """`collected` (the archive is at `archive`, unread), `conflict` (409), `silent` or `nonsense`."""

    state: str
    archive: Path | None = None
    detail: str = ""


def split(stems: Sequence[str], *, size: int = SIZE) -> list[tuple[str, ...]]:
    """Batches of 32, in order; a title match asks for as many at a time as its rules say."""
    return [tuple(stems[start : start + size]) for start in range(0, len(stems), size)]


def poll(pod: Pod, *, replacements_remaining: int, patience_s: float = POLL_S) -> PodStatus:
    """The pod's status.  The pod may ask for a replacement while `replacements_remaining` is above 0."""
    try:
        if link.ask(pod.address, "/health", patience_s=patience_s).status != 200:
            return PodStatus(state=SILENT, detail="/health does not answer 200")
        answer = link.ask(
            pod.address, f"/status?replacements_remaining={replacements_remaining}", patience_s=patience_s
        )
    except link.Silent as reason:
        return PodStatus(state=SILENT, detail=str(reason))
    except link.Rubbish as reason:
        return PodStatus(state=NONSENSE, detail=str(reason))
    if answer.status != 200:
        return PodStatus(state=NONSENSE, detail=f"/status answered {answer.status}")
    status = _object(answer.body)
    if status.get("status") not in STATES:
        return PodStatus(state=NONSENSE, detail="/status names no known status")
    return PodStatus(
        state=status["status"],
        progress=_count(status.get("progress")),
        total=_count(status.get("total")),
        payload=_payload(status.get("payload")),
    )


def submit(pod: Pod, *, image_urls: Mapping[str, str], seed: int, patience_s: float = SUBMIT_S) -> Submitted:
    """Ask for one file for each stem.  Asking again for the same stems changes nothing."""
    if not 1 <= len(image_urls) <= SIZE:
        raise ValueError(f"a batch has 1 to {SIZE} prompts, not {len(image_urls)}")
    prompts = [{"stem": stem, "image_url": url} for stem, url in image_urls.items()]
    body = json.dumps({"prompts": prompts, "seed": seed}).encode()
    try:
        answer = link.ask(pod.address, "/generate", body=body, patience_s=patience_s)
    except link.Silent as reason:
        return Submitted(state=SILENT, detail=str(reason))
    except link.Rubbish as reason:
        return Submitted(state=NONSENSE, detail=str(reason))
    if answer.status == 409:
        return Submitted(state="conflict", detail=_current_status(answer.body))
    if answer.status != 200:
        return Submitted(state=NONSENSE, detail=f"/generate answered {answer.status}")
    accepted = _object(answer.body).get("accepted")
    if not accepted or (not isinstance(accepted, bool) and accepted != len(prompts)):
        return Submitted(state=NONSENSE, detail=f"/generate did not accept all {len(prompts)} prompts")
    return Submitted(state="accepted")


def collect(pod: Pod, *, into: Path, patience_s: float = COLLECT_S) -> Collected:
    """Fetch the archive to the file `into`, whole or not at all.  It is hostile: read it with `results.unpack`."""
    incoming = into.with_name(f".{into.name}.incoming")
    try:
        with incoming.open("wb") as file:
            answer = link.save(pod.address, "/results", into=file, patience_s=patience_s, most=LARGEST_ARCHIVE)
        if answer.status == 200:
            os.replace(incoming, into)
            return Collected(state="collected", archive=into)
    except link.Silent as reason:
        return Collected(state=SILENT, detail=str(reason))
    except link.Rubbish as reason:
        return Collected(state=NONSENSE, detail=str(reason))
    finally:
        incoming.unlink(missing_ok=True)
    if answer.status == 409:
        return Collected(state="conflict", detail=_current_status(answer.body))
    return Collected(state=NONSENSE, detail=f"/results answered {answer.status}")


def _object(body: bytes) -> dict[str, Any]:
    """The JSON object in `body`; {} if there is none.  Python's parser recurses: depth is the body's length at most."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _count(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 10**6 else 0


def _payload(value: object) -> dict[str, Any] | None:
    """What the pod adds to its status, if it is small enough to keep.  NUL is left out: PostgreSQL refuses it."""
    if not isinstance(value, dict):
        return None
    text = json.dumps(value, allow_nan=True)
    small = len(text) <= LARGEST_PAYLOAD and "NaN" not in text and "Infinity" not in text and "\\u0000" not in text
    return value if small else None


def _current_status(body: bytes) -> str:
    """The status in a pod's refusal, if it is one of the known ones."""
    status = _object(body).get("current_status")
    return status if isinstance(status, str) and status in STATES else ""
