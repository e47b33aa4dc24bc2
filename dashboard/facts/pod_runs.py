"""What is a run of a miner's code on a pod, as anybody may know it?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from audits.decisions import speed
from audits.decisions.lifecycle import PodProgress
from audits.decisions.speed import Speed
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
    warmed_s: Annotated[tuple[float, ...], "Seconds that each pod took to be ready, the first one first."]
    speed: Annotated[Speed | None, "Seconds an output took; null before the first batch is collected."]
    seed: int
    failure_class: str
    failure_code: str
    failure_reason: str
    waiting_for: str
    since: datetime


def pod_run_facts(run: PodRun) -> PodRunFacts:
    """Of a run that was read with its attempt."""
    progress = PodProgress.from_json(run.progress)
    return PodRunFacts(
        purpose=run.purpose,
        repeat=repeat_of(run.attempt),
        state=run.state,
        provider=run.provider,
        isolation=tuple(str(word) for word in run.isolation),
        progress=run.progress,
        generated_s=run.generated_s,
        warmed_s=progress.warmed_s,
        speed=speed.summary(progress.output_s, generated_s=progress.generation_s),
        seed=run.seed,
        failure_class=run.failure_class,
        failure_code=run.failure_code,
        failure_reason=run.failure_reason,
        waiting_for=run.waiting_for,
        since=run.since,
    )
