"""What is a run of a miner's code on a pod, as anybody may know it?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from audits.models import PodRun
from competition.decisions.attempts import repeat_of


@dataclass(frozen=True, kw_only=True)
class PodRunFacts:
    """One run.  Pages and the API make their rows of this, each with as much of the log as its reader may see.

    `isolation`: what the pod was kept from; `progress`: what happened so far, as counted against the limits.
    """

    purpose: str
    repeat: int
    state: str
    provider: str
    isolation: tuple[str, ...]
    progress: Mapping[str, Any]
    generated_s: int
    seed: int
    failure_class: str
    failure_code: str
    failure_reason: str
    waiting_for: str
    since: datetime


def pod_run_facts(run: PodRun) -> PodRunFacts:
    """Of a run that was read with its attempt."""
    return PodRunFacts(
        purpose=run.purpose,
        repeat=repeat_of(run.attempt),
        state=run.state,
        provider=run.provider,
        isolation=tuple(str(word) for word in run.isolation),
        progress=run.progress,
        generated_s=run.generated_s,
        seed=run.seed,
        failure_class=run.failure_class,
        failure_code=run.failure_code,
        failure_reason=run.failure_reason,
        waiting_for=run.waiting_for,
        since=run.since,
    )
