"""What is to be done next for one generation audit?  Its events in, one action out; no pod, no clock, no database.

Two clocks run, and only while we watch: a gap between two looks counts as `unwatched_s` at most, because an outage of
ours must never become a verdict.  Warm-up is counted for each pod; generation is counted over all pods and does not
restart, except for an attempt that was lost through our own fault.

Whose doing a loss was is not always to be seen: a killed process may have killed itself.  Such a loss is `unclear`, and
a control pod tells: a small service of ours, run through the same provider right afterwards.  Where that works, the
loss was the service's own doing; only where the control fails too is it an outage.  The same is asked before a row of
lost pods of ours ends a run, so that nothing a service does can.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Self

from competition.decisions import numbers

MINER, INFRASTRUCTURE, UNCLEAR = "miner", "infrastructure", "unclear"
POD_STATES = ("warming_up", "ready", "generating", "complete")
POLL_S, BACKOFF_S = 5, 15
_TIMES = ("looked_at", "troubled_at")


@dataclass(frozen=True, kw_only=True)
class BatchLimits:
    """The batch API's limits (1 pod and 3 replacements, 4 h, 2 h), and our patience with what it leaves open."""

    replacements: int = field(default=3, metadata={"unit": "pods", "means": "may follow the first one of a run"})
    warm_up_s: int = field(default=4 * 3600, metadata={"unit": "seconds", "means": "a pod may take to be `ready`"})
    generation_s: int = field(
        default=2 * 3600,
        metadata={"unit": "seconds", "means": "a run may generate in all; a replacement does not restart it"},
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
class Failure:
    """`failure_class`: miner, infrastructure, or unclear until a control pod has shown which."""

    failure_class: str
    code: str
    sentence: str


@dataclass(frozen=True, kw_only=True)
class Event:
    """`kind` is one of:

    started; refused (failure: why no pod); seen (state: one of POD_STATES, `replace`, `silent`, `nonsense` or
    `conflict`, from whichever step the pod answered so); blind (failure: its provider does not say how the pod is, so
    no clock of the miner's runs); submitted; collected; unusable (failure: why the archive was
    refused); lost (failure: why the pod ended); stopped (we ended it); control_passed; control_failed (failure: what
    the control pod failed with).
    """

    kind: str
    at: datetime
    state: str = ""
    failure: Failure | None = None


@dataclass(frozen=True, kw_only=True)
class Action:
    """start_pod, look (ask the pod for its status), submit, collect, replace (stop the pod), control (run the control
    pod), pause, fail or done.

    `batch` is the place of the batch to submit or collect; `delay_s` how long to leave the audit alone afterwards.
    A pause is nothing but that: it makes no event.
    """

    kind: str
    because: str
    batch: int = 0
    delay_s: int = 0
    failure: Failure | None = None


@dataclass(frozen=True, kw_only=True)
class Progress:
    """All that the events so far amount to; small enough to store, so that they need not be replayed.

    phase: none, warming_up, ready, generating, complete, lost or failed.
    """

    phase: str = "none"
    pods: int = 0
    replacements: int = 0
    submitted: bool = False
    collected: int = 0
    warm_s: float = 0
    generation_s: float = 0
    attempt_s: float = 0
    batch_s: tuple[float, ...] = ()  # how long each collected batch took
    silent_s: float = 0
    blind_s: float = 0
    odd_answers: int = 0
    our_faults: int = 0
    controlled: bool = False  # is it known that the failure at hand is ours?
    control: Mapping[str, Any] | None = None  # the control pod at work, as whoever runs it keeps it
    looked_at: datetime | None = None
    troubled_at: datetime | None = None
    failure: Failure | None = None

    def replacements_remaining(self, *, limits: BatchLimits) -> int:
        return max(0, limits.replacements - self.replacements)

    def to_json(self) -> dict[str, Any]:
        times = {name: at.isoformat() for name in _TIMES if (at := getattr(self, name))}
        return {**dataclasses.asdict(self), **times}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        times = {name: datetime.fromisoformat(at) for name in _TIMES if (at := value.get(name))}
        failure = value.get("failure")
        told = {**value, **times, "batch_s": tuple(value.get("batch_s", ()))}
        return cls(**{**told, "failure": Failure(**failure) if failure else None})


def replay(events: Iterable[Event], *, limits: BatchLimits) -> Progress:
    progress = Progress()
    for event in events:
        progress = after(progress, event, limits=limits)
    return progress


def after(progress: Progress, event: Event, *, limits: BatchLimits) -> Progress:
    """Raises KeyError for an unknown kind: a bug, not something a pod can cause."""
    changed = _AFTER[event.kind](progress, event, limits)
    if changed is progress:
        return progress
    troubled = event.kind in ("refused", "lost", "blind") or (event.kind == "seen" and event.state not in POD_STATES)
    return dataclasses.replace(changed, looked_at=event.at, troubled_at=event.at if troubled else progress.troubled_at)


def next_action(progress: Progress, *, batches: int, limits: BatchLimits, now: datetime) -> Action:
    """`batches` may grow between calls: a title match asks for more as long as it is open."""
    if progress.phase == "failed":
        return _fail(progress.failure)
    if progress.collected >= batches:
        return Action(kind="done", because="every batch is collected")
    if progress.phase == "lost":
        return _after_loss(progress, limits=limits)
    if progress.our_faults >= limits.our_faults:
        return _fail(progress.failure) if progress.controlled else _control(progress.failure)
    if (early := _too_early(progress, now=now)) is not None:
        return early
    batch = progress.collected
    if progress.phase == "none":
        return Action(kind="start_pod", because="no pod runs")
    if progress.phase == "warming_up":
        return Action(kind="look", because="the pod is warming up", delay_s=POLL_S)
    if not progress.submitted or progress.phase == "ready":
        return Action(kind="submit", because="the pod is ready", batch=batch)
    if progress.phase == "complete":
        return Action(kind="collect", because="the batch is complete", batch=batch)
    return Action(kind="look", because="the pod is generating", batch=batch, delay_s=POLL_S)


def _too_early(progress: Progress, *, now: datetime) -> Action | None:
    """After a fault of ours, silence or an odd answer, do not ask again at once."""
    if progress.troubled_at is None:
        return None
    pause = BACKOFF_S * progress.our_faults if progress.phase == "none" else POLL_S * (1 + progress.odd_answers)
    left = math.ceil((progress.troubled_at + timedelta(seconds=pause) - now).total_seconds())
    return Action(kind="pause", because="trying again after a pause", delay_s=left) if left > 0 else None


def _after_loss(progress: Progress, *, limits: BatchLimits) -> Action:
    lost = progress.failure or _UNKNOWN
    if lost.failure_class == UNCLEAR:
        return _control(lost)
    if lost.failure_class == INFRASTRUCTURE:
        if progress.our_faults >= limits.our_faults:
            return _fail(lost) if progress.controlled else _control(lost)
        return Action(
            kind="replace", because=f"lost through our fault ({lost.code}); costs no replacement", failure=lost
        )
    if progress.replacements < limits.replacements:
        return Action(kind="replace", because=lost.sentence, failure=lost)
    spent = f"{lost.sentence} All {limits.replacements} replacements were used before."
    return _fail(dataclasses.replace(lost, sentence=spent))


def _control(failure: Failure | None) -> Action:
    return Action(kind="control", because="a control pod shows whose doing the failure was", failure=failure)


def _fail(failure: Failure | None) -> Action:
    failure = failure or _UNKNOWN
    return Action(kind="fail", because=failure.sentence, failure=failure)


ALONE = "A control service of ours ran on the same provider right afterwards, so it is the service's own doing."
_UNKNOWN = Failure(
    failure_class=INFRASTRUCTURE, code="unknown", sentence="The pod was lost and nobody recorded why. We must act."
)


def _started(progress: Progress, event: Event, limits: BatchLimits) -> Progress:
    return dataclasses.replace(
        progress,
        phase="warming_up",
        pods=progress.pods + 1,
        submitted=False,
        warm_s=0,
        attempt_s=0,
        silent_s=0,
        odd_answers=0,
        controlled=False,
        failure=None,
    )


def _refused(progress: Progress, event: Event, limits: BatchLimits) -> Progress:
    failure = event.failure or _UNKNOWN
    if failure.failure_class == MINER:
        return dataclasses.replace(progress, phase="failed", failure=failure)
    faults, ours = progress.our_faults + 1, failure.failure_class == INFRASTRUCTURE
    return dataclasses.replace(progress, phase="none", our_faults=faults, failure=failure, controlled=ours)


def _seen(progress: Progress, event: Event, limits: BatchLimits) -> Progress:
    if progress.phase in ("none", "lost", "failed"):  # an answer that arrives after the pod was given up
        return progress
    gap = _gap(progress, event, limits)
    progress = dataclasses.replace(_charge(progress, gap=gap), blind_s=0)
    if event.state == "replace":
        return _lose(progress, code="replacement_asked", sentence="The service asked for another pod.")
    if event.state in POD_STATES:
        progress = dataclasses.replace(progress, phase=event.state, silent_s=0)
    elif event.state == "silent":
        # before it is ready a service may be silent: the warm-up limit is all it has to keep
        if progress.phase != "warming_up" or progress.submitted:
            progress = dataclasses.replace(progress, silent_s=progress.silent_s + gap)
    else:
        progress = dataclasses.replace(progress, odd_answers=progress.odd_answers + 1)
    return _within_limits(progress, limits=limits)


def _blind(progress: Progress, event: Event, limits: BatchLimits) -> Progress:
    """What cannot be asked is neither running nor lost; only when it stays so is the pod given up, by our fault."""
    if progress.phase in ("none", "lost", "failed"):
        return progress
    blind = progress.blind_s + _gap(progress, event, limits)
    if blind <= limits.blind_s:
        return dataclasses.replace(progress, blind_s=blind)
    return _lost(dataclasses.replace(progress, blind_s=0), event, limits)


def _gap(progress: Progress, event: Event, limits: BatchLimits) -> float:
    if progress.looked_at is None:
        return 0
    return min(max(0, (event.at - progress.looked_at).total_seconds()), limits.unwatched_s)


def _charge(progress: Progress, *, gap: float) -> Progress:
    """Whose clock ran since the last look?  Nobody's once a batch is complete: collecting it is our work."""
    if progress.submitted and progress.phase != "complete":
        return dataclasses.replace(progress, attempt_s=progress.attempt_s + gap)
    if progress.phase == "warming_up":
        return dataclasses.replace(progress, warm_s=progress.warm_s + gap)
    return progress


def _within_limits(progress: Progress, *, limits: BatchLimits) -> Progress:
    generated = progress.generation_s + progress.attempt_s
    if generated > limits.generation_s and progress.phase != "complete":
        sentence = f"Generation took more than {limits.generation_s // 60} minutes in total."
        return dataclasses.replace(progress, phase="failed", failure=_theirs("generation_too_long", sentence))
    if progress.warm_s > limits.warm_up_s:
        return _lose(
            progress,
            code="warm_up_too_long",
            sentence=f"The service was not ready after {limits.warm_up_s // 60} minutes.",
        )
    if progress.silent_s > limits.silence_s:
        sentence = f"The service runs but did not answer for {limits.silence_s} seconds."
        return _lose(progress, code="silent", sentence=sentence)
    if progress.odd_answers > limits.odd_answers:
        sentence = f"The service gave more than {limits.odd_answers} answers that the batch API does not allow."
        return _lose(progress, code="nonsense", sentence=sentence)
    return progress


def _submitted(progress: Progress, event: Event, limits: BatchLimits) -> Progress:
    return dataclasses.replace(progress, phase="generating", submitted=True, silent_s=0)


def _collected(progress: Progress, event: Event, limits: BatchLimits) -> Progress:
    return dataclasses.replace(
        progress,
        phase="ready",
        submitted=False,
        collected=progress.collected + 1,
        generation_s=progress.generation_s + progress.attempt_s,
        batch_s=(*progress.batch_s, progress.attempt_s),
        attempt_s=0,
        silent_s=0,
        odd_answers=0,
        our_faults=0,
    )


def _unusable(progress: Progress, event: Event, limits: BatchLimits) -> Progress:
    """The same archive comes on every call: asking again would not mend it."""
    return dataclasses.replace(progress, phase="failed", failure=event.failure or _UNKNOWN)


def _lost(progress: Progress, event: Event, limits: BatchLimits) -> Progress:
    failure = event.failure or _UNKNOWN
    if progress.phase in ("none", "lost", "failed"):
        return progress
    if failure.failure_class == MINER:
        return _lose(progress, code=failure.code, sentence=failure.sentence)
    if (
        failure.failure_class == UNCLEAR
    ):  # the time of the attempt is charged, or not, when it is known whose loss it is
        return dataclasses.replace(progress, phase="lost", failure=failure, controlled=False)
    return _lost_by_us(progress, failure, controlled=False)


def _lost_by_us(progress: Progress, failure: Failure, *, controlled: bool) -> Progress:
    faults = progress.our_faults + 1
    return dataclasses.replace(
        progress, phase="lost", failure=failure, attempt_s=0, our_faults=faults, controlled=controlled
    )


def _control_passed(progress: Progress, event: Event, limits: BatchLimits) -> Progress:
    """The provider works, so it was the service: one loss costs a replacement, a row of them ends the run."""
    failure = progress.failure or _UNKNOWN
    sentence = f"{failure.sentence.removesuffix(' We try again.')} {ALONE}"
    if progress.our_faults >= limits.our_faults:
        return dataclasses.replace(progress, phase="failed", failure=_theirs(failure.code, sentence))
    return _lose(progress, code=failure.code, sentence=sentence)


def _control_failed(progress: Progress, event: Event, limits: BatchLimits) -> Progress:
    failure, control = progress.failure or _UNKNOWN, event.failure or _UNKNOWN
    sentence = f"{failure.sentence} A control service of ours failed right afterwards, too: {control.sentence}"
    ours = Failure(failure_class=INFRASTRUCTURE, code=failure.code, sentence=sentence)
    if failure.failure_class == UNCLEAR:
        return _lost_by_us(progress, ours, controlled=True)
    return dataclasses.replace(progress, failure=ours, controlled=True)


def _lose(progress: Progress, *, code: str, sentence: str) -> Progress:
    """Lost by the miner's doing: the batch is discarded, its time is not."""
    generated = progress.generation_s + progress.attempt_s
    failure = _theirs(code, sentence)
    return dataclasses.replace(progress, phase="lost", failure=failure, generation_s=generated, attempt_s=0)


def _stopped(progress: Progress, event: Event, limits: BatchLimits) -> Progress:
    """A pod given up by the miner's doing costs a replacement; one that we lost, or ended for no fault, does not."""
    if progress.phase == "failed":
        return progress
    costs = progress.phase == "lost" and progress.failure is not None and progress.failure.failure_class == MINER
    used = progress.replacements + int(costs)
    return dataclasses.replace(progress, phase="none", submitted=False, attempt_s=0, replacements=used)


def _theirs(code: str, sentence: str) -> Failure:
    return Failure(failure_class=MINER, code=code, sentence=sentence)


_AFTER = {
    "started": _started,
    "refused": _refused,
    "seen": _seen,
    "blind": _blind,
    "submitted": _submitted,
    "collected": _collected,
    "unusable": _unusable,
    "lost": _lost,
    "stopped": _stopped,
    "control_passed": _control_passed,
    "control_failed": _control_failed,
}
