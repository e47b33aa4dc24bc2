"""What the pods' tests share: waiting with a deadline, and a loop that plays the state machine."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from audits.decisions import lifecycle
from audits.decisions.lifecycle import Event, PodAction, PodFailure, PodProgress
from audits.pods import batch, control_pod, results
from audits.pods.base import Image, Pod, PodFault
from audits.pods.local import LocalPods

PATIENCE_S = 120.0


def until(true: Callable[[], object], *, within: float = PATIENCE_S) -> object:
    """The first true answer; a test never sleeps for a fixed time."""
    deadline = time.monotonic() + within
    while not (answer := true()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
    return answer


def ready(pod: Pod) -> object:
    return until(lambda: batch.poll(pod, replacements_remaining=3).state == "ready")


class Play:
    """The state machine in one loop, with a clock of its own: each look is `step_s` after the last."""

    def __init__(self, provider: LocalPods, image: Image, *, pictures: dict[str, Path], into: Path) -> None:
        self.provider, self.image, self.pictures, self.into = provider, image, pictures, into
        self.limits = lifecycle.BatchLimits(silence_s=3600, odd_answers=2, our_faults=2)  # silence: a busy machine
        self.progress, self.pod = PodProgress(), None
        self.now = time.time()
        self.files: dict[str, results.Delivered] = {}
        self.failed: dict[str, str] = {}
        self.actions: list[str] = []
        self.batches = batch.split(sorted(pictures))

    def to_the_end(self) -> PodAction:
        deadline = time.monotonic() + PATIENCE_S
        while (action := self.next()).kind not in ("done", "fail"):
            assert time.monotonic() < deadline, (action, self.progress)
            if not self.actions or self.actions[-1] != action.kind:
                self.actions.append(action.kind)
            if action.kind != "pause":
                self.progress = lifecycle.after(self.progress, self.step(action), limits=self.limits)
            self.now += action.delay_s
        if self.pod:
            self.provider.stop(self.pod)
        return action

    def next(self) -> PodAction:
        at = datetime.fromtimestamp(self.now, UTC)
        return lifecycle.next_action(self.progress, batches=len(self.batches), limits=self.limits, now=at)

    def step(self, action: PodAction) -> Event:
        try:
            return getattr(self, action.kind)(action)
        except PodFault as fault:
            return self.event("refused", failure=_failure(fault))

    def event(self, kind: str, *, state: str = "", failure: PodFailure | None = None) -> Event:
        return Event(kind=kind, at=datetime.fromtimestamp(self.now, UTC), state=state, failure=failure)

    def start_pod(self, action: PodAction) -> Event:
        self.pod = self.provider.start(self.image, name=f"play-{self.progress.pods}")
        return self.event("started")

    def replace(self, action: PodAction) -> Event:
        self.provider.stop(self.pod)
        return self.event("stopped")

    def control(self, action: PodAction) -> Event:
        """The control pod from its start to its end, as `audits.pods.runs` looks at it."""
        if self.pod:
            self.provider.stop(self.pod)
        pictures = {stem: self.pictures[stem] for stem in self.batches[self.progress.collected]}
        now = datetime.now(UTC)
        try:
            at_work = control_pod.begin(self.provider, name="play-control", now=now)
            while at_work is not None:
                time.sleep(0.05)
                at_work = control_pod.look(
                    self.provider, at_work, pictures=pictures, within_s=60, now=datetime.now(UTC)
                )
        except PodFault as fault:
            return self.event("control_failed", failure=_failure(fault))
        return self.event("control_passed")

    def look(self, action: PodAction) -> Event:
        time.sleep(0.02)
        remaining = self.progress.replacements_remaining(limits=self.limits)
        return self.answered(batch.poll(self.pod, replacements_remaining=remaining, patience_s=30).state)

    def answered(self, state: str) -> Event:
        """Silence has a reason where the pod is gone: ask its provider first."""
        if state == "silent" and (fault := self.provider.fault(self.pod)):
            return self.event("lost", failure=_failure(fault))
        return self.event("seen", state=state)

    def submit(self, action: PodAction) -> Event:
        pictures = {stem: self.pictures[stem] for stem in self.batches[action.batch]}
        urls = self.provider.offer(self.pod, pictures=pictures)
        said = batch.submit(self.pod, image_urls=urls, seed=7).state
        return self.event("submitted") if said == "accepted" else self.answered(said)

    def collect(self, action: PodAction) -> Event:
        got = batch.collect(self.pod, into=self.into / "results.zip")
        if got.archive is None:
            return self.answered(got.state)
        stems = self.batches[action.batch]
        try:
            made = results.unpack(got.archive, stems=stems, extension="glb", into=self.into / str(action.batch))
        except results.BadResults as bad:
            return self.event(
                "unusable", failure=lifecycle.PodFailure(failure_class="miner", code=bad.code, sentence="")
            )
        self.files |= made.files
        self.failed |= made.failed
        return self.event("collected")


def _failure(fault: PodFault) -> PodFailure:
    return PodFailure(failure_class=fault.failure_class, code=fault.code, sentence=fault.sentence)
