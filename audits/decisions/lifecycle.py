"""What is to be done next for one run of a submission's code on pods?  Its events in, one action out.

Knows no pod, no clock and no database.  Three clocks are counted, and only while we watch: a gap between two looks
counts as `unwatched_s` at most, because an outage of ours must never become a verdict.  Warm-up is counted for each
pod; generation is counted over all pods and does not restart, except for an attempt that was lost through our own
fault; handing over is counted for each batch.

It is not always visible who caused a loss: a killed process may have killed itself, and what does not answer may be
cut off by our network.  Such a loss is `unclear`, and a control pod decides: a small service of ours, run through the
same provider right afterwards.  Where that works, the service caused the loss; only where the control fails too is it
an outage.  The same control runs before a row of lost pods of ours ends a run, so that no service can end it.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Self

from audits.decisions import speed
from audits.decisions.speed import OutputTime, Report
from competition.decisions import numbers

MINER, INFRASTRUCTURE, UNCLEAR = "miner", "infrastructure", "unclear"
POD_STATES = ("warming_up", "ready", "generating", "complete")
POLL_S, BACKOFF_S = 5, 15
_TIMES = ("looked_at", "troubled_at")
_LISTS: Mapping[str, Callable[[Any], Any]] = {
    "warmed_s": float,
    "batch_s": float,
    "reports": Report._make,
    "output_s": OutputTime._make,
}


@dataclass(frozen=True, kw_only=True)
class BatchLimits:
    """The batch API's limits (1 pod and 3 replacements, 4 h, 2 h), and our patience with what it leaves open."""

    replacements: int = field(default=3, metadata={"unit": "pods", "means": "may follow the first one of a run"})
    warm_up_s: int = field(default=4 * 3600, metadata={"unit": "seconds", "means": "a pod may take to be `ready`"})
    generation_s: int = field(
        default=2 * 3600,
        metadata={"unit": "seconds", "means": "a run may generate in all; a replacement does not restart it"},
    )
    handover_s: int = field(
        default=900, metadata={"unit": "seconds", "means": "a pod may take to accept a batch and to give its files"}
    )
    silence_s: int = field(default=300, metadata={"unit": "seconds", "means": "without an answer cost a pod its place"})
    odd_answers: int = field(
        default=5, metadata={"unit": "answers", "means": "in a row that nobody can use cost it, too"}
    )
    our_faults: int = field(default=5, metadata={"unit": "faults", "means": "of ours in a row before the round pauses"})
    unwatched_s: int = field(
        default=60, metadata={"unit": "seconds", "means": "without a look of ours stop the clocks of the miner"}
    )
    blind_s: int = field(
        default=1800,
        metadata={"unit": "seconds", "means": "the provider may not say how a pod is before the round pauses"},
    )
    control_s: int = field(
        default=900, metadata={"unit": "seconds", "means": "a control pod may take from its start to its last file"}
    )

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """`pods` of a competition's configuration.  Raises BadRules, which names the field and the fix."""
        return numbers.read(cls, value, part="pods")


@dataclass(frozen=True, kw_only=True)
class PodFailure:
    """`failure_class`: miner, infrastructure, or unclear until a control pod has shown which."""

    failure_class: str
    code: str
    sentence: str


@dataclass(frozen=True, kw_only=True)
class Event:
    """`kind` is one of:

    started; refused (failure: why no pod); seen (state: one of POD_STATES, `replace`, `silent`, `nonsense` or
    `conflict`, from whichever step the pod answered so; `done`: the outputs of the batch at hand, of `outputs`, that it
    reports as ready); blind (failure: its provider does not say how the pod is, so no clock of the miner's runs);
    submitted; collected; unusable (failure: why the archive was refused); lost (failure: why the pod ended); stopped
    (we ended it); control_passed; control_failed (failure: what the control pod failed with).
    """

    kind: str
    at: datetime
    state: str = ""
    failure: PodFailure | None = None
    done: int = 0
    outputs: int = 0


@dataclass(frozen=True, kw_only=True)
class PodAction:
    """start_pod, look (ask the pod for its status), submit, collect, replace (stop the pod), control (run the control
    pod), pause, fail or done.

    `batch` is the place of the batch to submit or collect; `delay_s` how long to leave the audit alone afterwards.
    A pause is nothing but that: it makes no event.
    """

    kind: str
    because: str
    batch: int = 0
    delay_s: int = 0
    failure: PodFailure | None = None


@dataclass(frozen=True, kw_only=True)
class PodProgress:
    """All that the events so far amount to; small enough to store, so that they need not be replayed.

    phase: none, warming_up, ready, generating, complete, lost or failed.
    """

    phase: str = "none"
    pods: int = 0
    replacements: int = 0
    submitted: bool = False
    collected: int = 0
    warm_s: float = 0
    warmed_s: tuple[float, ...] = ()  # how long each pod took that was ready at last
    generation_s: float = 0
    attempt_s: float = 0
    handover_s: float = 0  # ready without a batch, or complete and not collected
    batch_s: tuple[float, ...] = ()  # how long each collected batch took
    reports: tuple[Report, ...] = ()  # of the batch at hand
    output_s: tuple[OutputTime, ...] = ()  # of each output of the collected batches
    silent_s: float = 0
    blind_s: float = 0
    odd_answers: int = 0
    our_faults: int = 0
    controlled: bool = False  # is it known that the failure at hand is ours?
    control: Mapping[str, Any] | None = None  # the control pod at work, as whoever runs it keeps it
    looked_at: datetime | None = None
    troubled_at: datetime | None = None
    failure: PodFailure | None = None

    def replacements_remaining(self, *, limits: BatchLimits) -> int:
        return max(0, limits.replacements - self.replacements)

    def to_json(self) -> dict[str, Any]:
        times = {name: at.isoformat() for name in _TIMES if (at := getattr(self, name))}
        return {**dataclasses.asdict(self), **times}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        times = {name: datetime.fromisoformat(at) for name in _TIMES if (at := value.get(name))}
        failure = value.get("failure")
        lists = {name: tuple(map(of, value.get(name, ()))) for name, of in _LISTS.items()}
        return cls(**{**value, **times, **lists, "failure": PodFailure(**failure) if failure else None})


def replay(events: Iterable[Event], *, limits: BatchLimits) -> PodProgress:
    progress = PodProgress()
    for event in events:
        progress = after(progress, event, limits=limits)
    return progress


def after(progress: PodProgress, event: Event, *, limits: BatchLimits) -> PodProgress:
    """Raises KeyError for an unknown kind: a bug, not something a pod can cause."""
    changed = AFTER[event.kind](progress, event, limits)
    if changed is progress:
        return progress
    troubled = event.kind in ("refused", "lost", "blind") or (event.kind == "seen" and event.state not in POD_STATES)
    return dataclasses.replace(changed, looked_at=event.at, troubled_at=event.at if troubled else progress.troubled_at)


def next_action(progress: PodProgress, *, batches: int, limits: BatchLimits, now: datetime) -> PodAction:
    """`batches` may grow between calls: a title match asks for more as long as it is open."""
    if progress.phase == "failed":
        return _fail(progress.failure)
    if progress.collected >= batches:
        return PodAction(kind="done", because="every batch is collected")
    if progress.phase == "lost":
        return _after_loss(progress, limits=limits)
    if progress.our_faults >= limits.our_faults:
        return _fail(progress.failure) if progress.controlled else _run_control(progress.failure)
    if (early := _too_early(progress, now=now)) is not None:
        return early
    batch = progress.collected
    if progress.phase == "none":
        return PodAction(kind="start_pod", because="no pod runs")
    if progress.phase == "warming_up":
        return PodAction(kind="look", because="the pod is warming up", delay_s=POLL_S)
    if not progress.submitted or progress.phase == "ready":
        return PodAction(kind="submit", because="the pod is ready", batch=batch)
    if progress.phase == "complete":
        return PodAction(kind="collect", because="the batch is complete", batch=batch)
    return PodAction(kind="look", because="the pod is generating", batch=batch, delay_s=POLL_S)


def _too_early(progress: PodProgress, *, now: datetime) -> PodAction | None:
    """After a fault of ours, silence or an odd answer, do not ask again at once."""
    if progress.troubled_at is None:
        return None
    pause = BACKOFF_S * progress.our_faults if progress.phase == "none" else POLL_S * (1 + progress.odd_answers)
    left = math.ceil((progress.troubled_at + timedelta(seconds=pause) - now).total_seconds())
    return PodAction(kind="pause", because="trying again after a pause", delay_s=left) if left > 0 else None


def _after_loss(progress: PodProgress, *, limits: BatchLimits) -> PodAction:
    lost = progress.failure or UNKNOWN
    if lost.failure_class == UNCLEAR:
        return _run_control(lost)
    if lost.failure_class == INFRASTRUCTURE:
        if progress.our_faults >= limits.our_faults:
            return _fail(lost) if progress.controlled else _run_control(lost)
        return PodAction(
            kind="replace", because=f"lost through our fault ({lost.code}); costs no replacement", failure=lost
        )
    if progress.replacements < limits.replacements:
        return PodAction(kind="replace", because=lost.sentence, failure=lost)
    spent = f"{lost.sentence} All {limits.replacements} replacements were used before."
    return _fail(dataclasses.replace(lost, sentence=spent))


def _run_control(failure: PodFailure | None) -> PodAction:
    return PodAction(kind="control", because="a control pod shows whose doing the failure was", failure=failure)


def _fail(failure: PodFailure | None) -> PodAction:
    failure = failure or UNKNOWN
    return PodAction(kind="fail", because=failure.sentence, failure=failure)


SERVICE_AT_FAULT = (
    "A control service of ours ran on the same provider right afterwards, so it is the service's own doing."
)
UNKNOWN = PodFailure(
    failure_class=INFRASTRUCTURE, code="unknown", sentence="The pod was lost and nobody recorded why. We must act."
)


def after_started(progress: PodProgress, event: Event, limits: BatchLimits) -> PodProgress:
    return dataclasses.replace(
        progress,
        phase="warming_up",
        pods=progress.pods + 1,
        submitted=False,
        warm_s=0,
        attempt_s=0,
        handover_s=0,
        silent_s=0,
        odd_answers=0,
        reports=(),
        controlled=False,
        failure=None,
    )


def after_refused(progress: PodProgress, event: Event, limits: BatchLimits) -> PodProgress:
    failure = event.failure or UNKNOWN
    if failure.failure_class == MINER:
        return dataclasses.replace(progress, phase="failed", failure=failure)
    faults, ours = progress.our_faults + 1, failure.failure_class == INFRASTRUCTURE
    return dataclasses.replace(progress, phase="none", our_faults=faults, failure=failure, controlled=ours)


def after_seen(progress: PodProgress, event: Event, limits: BatchLimits) -> PodProgress:
    if progress.phase in ("none", "lost", "failed"):  # an answer that arrives after the pod was given up
        return progress
    gap = _gap(progress, event, limits)
    before = progress
    progress = _clocks_on(dataclasses.replace(progress, blind_s=0), gap)
    if event.state == "replace":
        return _lose(progress, code="replacement_asked", sentence="The service asked for another pod.")
    if event.state in POD_STATES:
        progress = dataclasses.replace(_timed(before, progress, event), phase=event.state, silent_s=0)
    elif event.state == "silent":
        progress = dataclasses.replace(progress, silent_s=progress.silent_s + gap)
    else:
        progress = dataclasses.replace(progress, odd_answers=progress.odd_answers + 1)
    return _within_limits(progress, limits=limits)


def _timed(before: PodProgress, progress: PodProgress, event: Event) -> PodProgress:
    """What this look says about how long the pod took to be ready, and the outputs of the batch at hand to be done."""
    if before.phase == "warming_up" and event.state != "warming_up":
        return dataclasses.replace(progress, warmed_s=(*progress.warmed_s, progress.warm_s))
    if not progress.submitted or before.phase == "complete" or not event.outputs:
        return progress
    outputs, reports = event.outputs, progress.reports
    look = {"since_s": before.attempt_s, "at_s": progress.attempt_s}
    if event.state == "complete":
        return dataclasses.replace(progress, reports=speed.completed(reports, outputs=outputs, **look))
    further = speed.with_report(reports, done=event.done, outputs=outputs, **look)
    return dataclasses.replace(progress, reports=further)


def _clocks_on(progress: PodProgress, gap: float) -> PodProgress:
    """Every second that we watch runs on one of three clocks, so that no service can be waited for without end."""
    if progress.submitted and progress.phase != "complete":
        return dataclasses.replace(progress, attempt_s=progress.attempt_s + gap)
    if progress.phase == "warming_up":
        return dataclasses.replace(progress, warm_s=progress.warm_s + gap)
    return dataclasses.replace(progress, handover_s=progress.handover_s + gap)


def after_blind(progress: PodProgress, event: Event, limits: BatchLimits) -> PodProgress:
    """What cannot be asked is neither running nor lost; only when it stays so is the pod given up, by our fault."""
    if progress.phase in ("none", "lost", "failed"):
        return progress
    blind = progress.blind_s + _gap(progress, event, limits)
    if blind <= limits.blind_s:
        return dataclasses.replace(progress, blind_s=blind)
    return after_lost(dataclasses.replace(progress, blind_s=0), event, limits)


def _gap(progress: PodProgress, event: Event, limits: BatchLimits) -> float:
    if progress.looked_at is None:
        return 0
    return min(max(0, (event.at - progress.looked_at).total_seconds()), limits.unwatched_s)


def _within_limits(progress: PodProgress, *, limits: BatchLimits) -> PodProgress:
    generated = progress.generation_s + progress.attempt_s
    if generated > limits.generation_s and progress.phase != "complete":
        sentence = f"Generation took more than {limits.generation_s // 60} minutes in total."
        return dataclasses.replace(progress, phase="failed", failure=_theirs("generation_too_long", sentence))
    if progress.warm_s > limits.warm_up_s:
        lose = _lose_unclear if progress.silent_s > limits.silence_s else _lose
        sentence = f"The service was not ready after {limits.warm_up_s // 60} minutes."
        return lose(progress, code="warm_up_too_long", sentence=sentence)
    # before it is ready a service may be silent: the warm-up limit is all it has to keep
    may_be_silent = progress.phase == "warming_up" and not progress.submitted
    if progress.silent_s > limits.silence_s and not may_be_silent:
        sentence = f"The service runs but did not answer for {limits.silence_s} seconds."
        return _lose_unclear(progress, code="silent", sentence=sentence)
    if progress.handover_s > limits.handover_s:
        done = "gave no files of a complete batch" if progress.submitted else "was ready, and took no batch"
        sentence = f"The service {done} within {limits.handover_s} seconds."
        return _lose_unclear(progress, code="handover", sentence=sentence)
    if progress.odd_answers > limits.odd_answers:
        sentence = f"The service gave more than {limits.odd_answers} answers that the batch API does not allow."
        return _lose(progress, code="nonsense", sentence=sentence)
    return progress


def after_submitted(progress: PodProgress, event: Event, limits: BatchLimits) -> PodProgress:
    return dataclasses.replace(progress, phase="generating", submitted=True, silent_s=0, reports=())


def after_collected(progress: PodProgress, event: Event, limits: BatchLimits) -> PodProgress:
    return dataclasses.replace(
        progress,
        phase="ready",
        submitted=False,
        collected=progress.collected + 1,
        generation_s=progress.generation_s + progress.attempt_s,
        batch_s=(*progress.batch_s, progress.attempt_s),
        output_s=(*progress.output_s, *speed.times(progress.reports)),
        reports=(),
        attempt_s=0,
        handover_s=0,
        silent_s=0,
        odd_answers=0,
        our_faults=0,
    )


def after_unusable(progress: PodProgress, event: Event, limits: BatchLimits) -> PodProgress:
    """The same archive comes on every call: asking again would not mend it."""
    return dataclasses.replace(progress, phase="failed", failure=event.failure or UNKNOWN)


def after_lost(progress: PodProgress, event: Event, limits: BatchLimits) -> PodProgress:
    failure = event.failure or UNKNOWN
    if progress.phase in ("none", "lost", "failed"):
        return progress
    if failure.failure_class == MINER:
        return _lose(progress, code=failure.code, sentence=failure.sentence)
    if failure.failure_class == UNCLEAR:
        return _lose_unclear(progress, code=failure.code, sentence=failure.sentence)
    return _lost_by_us(progress, failure, controlled=False)


def _lost_by_us(progress: PodProgress, failure: PodFailure, *, controlled: bool) -> PodProgress:
    faults = progress.our_faults + 1
    return dataclasses.replace(
        progress, phase="lost", failure=failure, attempt_s=0, our_faults=faults, controlled=controlled
    )


def after_control_passed(progress: PodProgress, event: Event, limits: BatchLimits) -> PodProgress:
    """The provider works, so it was the service: one loss costs a replacement, a row of them ends the run."""
    failure = progress.failure or UNKNOWN
    sentence = f"{failure.sentence.removesuffix(' We try again.')} {SERVICE_AT_FAULT}"
    if progress.our_faults >= limits.our_faults:
        return dataclasses.replace(progress, phase="failed", failure=_theirs(failure.code, sentence))
    return _lose(progress, code=failure.code, sentence=sentence)


def after_control_failed(progress: PodProgress, event: Event, limits: BatchLimits) -> PodProgress:
    failure, control = progress.failure or UNKNOWN, event.failure or UNKNOWN
    sentence = f"{failure.sentence} A control service of ours failed right afterwards, too: {control.sentence}"
    ours = PodFailure(failure_class=INFRASTRUCTURE, code=failure.code, sentence=sentence)
    if failure.failure_class == UNCLEAR:
        return _lost_by_us(progress, ours, controlled=True)
    return dataclasses.replace(progress, failure=ours, controlled=True)


def _lose(progress: PodProgress, *, code: str, sentence: str) -> PodProgress:
    """Lost by the miner's doing: the batch is discarded, its time is not."""
    generated = progress.generation_s + progress.attempt_s
    failure = _theirs(code, sentence)
    return dataclasses.replace(progress, phase="lost", failure=failure, generation_s=generated, attempt_s=0)


def _lose_unclear(progress: PodProgress, *, code: str, sentence: str) -> PodProgress:
    """Lost by the miner's doing or by ours: the attempt's time is charged when a control pod has shown which."""
    failure = PodFailure(failure_class=UNCLEAR, code=code, sentence=sentence)
    return dataclasses.replace(progress, phase="lost", failure=failure, controlled=False)


def after_stopped(progress: PodProgress, event: Event, limits: BatchLimits) -> PodProgress:
    """A pod given up by the miner's doing costs a replacement; one that we lost, or ended for no fault, does not."""
    if progress.phase == "failed":
        return progress
    costs = progress.phase == "lost" and progress.failure is not None and progress.failure.failure_class == MINER
    used = progress.replacements + int(costs)
    return dataclasses.replace(progress, phase="none", submitted=False, attempt_s=0, replacements=used)


def _theirs(code: str, sentence: str) -> PodFailure:
    return PodFailure(failure_class=MINER, code=code, sentence=sentence)


AFTER = {
    "started": after_started,
    "refused": after_refused,
    "seen": after_seen,
    "blind": after_blind,
    "submitted": after_submitted,
    "collected": after_collected,
    "unusable": after_unusable,
    "lost": after_lost,
    "stopped": after_stopped,
    "control_passed": after_control_passed,
    "control_failed": after_control_failed,
}
