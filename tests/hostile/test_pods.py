"""Whatever a pod answers, and however it ends: its outcome is files, or the miner's, as long as a control pod works."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from audits.decisions import lifecycle
from audits.decisions.lifecycle import BatchLimits, Event, PodAction, PodFailure, PodProgress
from audits.pods import batch, results
from audits.pods.base import Pod, PodFault
from tests.hostile.pods import KINDS, STEMS, Behaviour, serve

LIMITS = BatchLimits(
    replacements=1, warm_up_s=120, generation_s=240, handover_s=60, silence_s=60, odd_answers=1, our_faults=2
)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
PATIENCE_S = 0.4
KILLED = ("local_signal_9", "docker_exit_137", "docker_exit_125", "rented_without_a_word")
SAMPLE = tuple(dict.fromkeys(("honest", *KILLED, *list(KINDS)[3::24])))


def test_there_are_enough_kinds():
    assert len(KINDS) >= 200


class Play:
    """A run as `audits.pods.runs` plays it, through the same readers, on a clock of its own; its control pod works."""

    def __init__(self, behaviour: Behaviour, *, port: int, folder: Path) -> None:
        self.behaviour, self.folder, self.now, self.progress = behaviour, folder, NOW, PodProgress()
        self.pod = Pod(provider="loopback", name="pod", address={"host": "127.0.0.1", "port": port})
        self.got: list[results.Results] = []

    def to_the_end(self) -> PodAction:
        for _ in range(200):
            if self.progress.phase in lifecycle.POD_STATES:
                self.take(self.look)
            action = lifecycle.next_action(self.progress, batches=1, limits=LIMITS, now=self.now)
            if action.kind in ("done", "fail"):
                return action
            if action.kind not in ("pause", "look"):
                self.take(self.steps[action.kind])
            self.now += timedelta(seconds=max(20, action.delay_s))
        raise AssertionError(f"no end: {self.progress}")

    @property
    def steps(self) -> dict[str, Callable[[], Event]]:
        return {
            "start_pod": lambda: self.event("started"),
            "replace": lambda: self.event("stopped"),
            "control": lambda: self.event("control_passed"),
            "submit": self.submit,
            "collect": self.collect,
        }

    def take(self, step: Callable[[], Event]) -> None:
        try:
            event = step()
        except PodFault as fault:
            event = self.event("lost", failure=_failure(fault))
        self.progress = lifecycle.after(self.progress, event, limits=LIMITS)

    def event(self, kind: str, *, state: str = "", failure: PodFailure | None = None) -> Event:
        return Event(kind=kind, at=self.now, state=state, failure=failure)

    def look(self) -> Event:
        if self.behaviour.dies and self.progress.submitted:
            raise self.behaviour.dies
        return self.event("seen", state=batch.poll(self.pod, replacements_remaining=1, patience_s=PATIENCE_S).state)

    def submit(self) -> Event:
        urls = {stem: f"http://127.0.0.1/{stem}.png" for stem in STEMS}
        state = batch.submit(self.pod, image_urls=urls, seed=7, patience_s=PATIENCE_S).state
        return self.event("submitted") if state == "accepted" else self.event("seen", state=state)

    def collect(self) -> Event:
        answer = batch.collect(self.pod, into=self.folder / "results.zip", patience_s=4 * PATIENCE_S)
        if answer.archive is None:
            return self.event("seen", state=answer.state)
        try:
            got = results.unpack(answer.archive, stems=STEMS, extension="glb", into=self.folder / "files")
        except results.BadResults as bad:
            return self.event(
                "unusable", failure=PodFailure(failure_class="miner", code=bad.code, sentence=bad.sentence)
            )
        self.got.append(got)
        return self.event("collected")


def _failure(fault: PodFault) -> PodFailure:
    return PodFailure(failure_class=fault.failure_class, code=fault.code, sentence=fault.sentence)


def ends_for(name: str, folder: Path) -> None:
    with serve(KINDS[name]) as port:
        play = Play(KINDS[name], port=port, folder=folder)
        end = play.to_the_end()
    if end.kind == "done":
        (got,) = play.got
        assert set(got.files) | set(got.failed) == set(STEMS) and not set(got.files) & set(got.failed)
        assert all(reason.isprintable() for reason in got.failed.values())
    else:
        assert end.failure.failure_class == "miner", (name, end)
        assert play.progress.our_faults == 0


@pytest.mark.parametrize("name", SAMPLE)
def test_a_hostile_pod_ends_in_files_or_by_the_miners_doing(name, tmp_path):
    ends_for(name, tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("name", [name for name in KINDS if name not in SAMPLE])
def test_every_hostile_pod_ends_in_files_or_by_the_miners_doing(name, tmp_path):
    ends_for(name, tmp_path)
