"""How is a submission's code run, and how do its outputs get to us?  One look at a pod per step.

Each step looks at the pod, lets `decisions.lifecycle` decide what follows, does that one thing, and writes down what
happened.  Killed between any two lines it does the same again: a pod is found by its name, a batch by its stems.
"""

from __future__ import annotations

import dataclasses
import logging
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import DatabaseError
from django.db.models import Q, QuerySet

from audits.decisions import lifecycle, rentals, speed
from audits.decisions.lifecycle import Event, PodAction, PodProgress
from audits.decisions.rentals import PodRental
from audits.models import PodRun
from audits.pods import batch, beside, builds, control_pod, hosts, logs, results
from audits.pods.base import UNCLEAR, Image, Pod, PodFault, PodProvider
from audits.pods.control_pod import ControlPod
from audits.pods.docker import DockerPods
from audits.pods.local import LocalPods
from audits.pods.rented import Cloud, RentedPods
from competition import attempts
from competition.decisions.attempts import number_of, outputs_of
from competition.models import Asset, Attempt, Competition, Round, Submission
from competition.rounds import ruleset_of
from competition.rulesets.speed import TimedRun
from competition.steps import pause
from core import store
from core.machine import engine
from core.machine.outcomes import Move, Outcome, StepFailure, Wait
from core.machine.stateful import FailureClass
from formats import registry
from judging import matches
from judging.models import Match

log = logging.getLogger(__name__)

SOON, IDLE = timedelta(seconds=0.3), timedelta(seconds=1)
SWEEP_S = 60.0
MOST_LOST = 3  # runs that a correction loses through a fault of ours before people are asked; not one run's tries
_SWEPT: dict[str, float] = {}  # when this process last asked each provider, by the monotonic clock


@dataclass(frozen=True, kw_only=True)
class ProviderKind:
    """All that others need to know of a pod provider.  `beyond_network`: it is asked only once a minute for
    what it still runs.
    """

    about: str
    made: Callable[[], PodProvider]
    beyond_network: bool


PROVIDERS: dict[str, ProviderKind] = {
    "local": ProviderKind(
        about="a limited process on this machine",
        made=lambda: LocalPods(repos=Path(settings.LOCAL_REPOSITORIES), pods=Path(settings.PODS_DIR)),
        beyond_network=False,
    ),
    "docker": ProviderKind(
        about="a container of a Docker engine",
        made=lambda: DockerPods(hosts.docker(), built=builds.digest_of),
        beyond_network=True,
    ),
    "runpod": ProviderKind(
        about="a rented machine at RunPod",
        made=lambda: rented_pods("runpod", [hosts.runpod_cloud()]),
        beyond_network=True,
    ),
    "verda": ProviderKind(
        about="a rented machine at Verda",
        made=lambda: rented_pods("verda", [hosts.verda_cloud()]),
        beyond_network=True,
    ),
    "targon": ProviderKind(
        about="a rented machine at Targon",
        made=lambda: rented_pods("targon", [hosts.targon_cloud()]),
        beyond_network=True,
    ),
    "rented": ProviderKind(
        about="a rented machine at the cheapest of several clouds that has one",
        made=lambda: rented_pods("rented", hosts.clouds()),
        beyond_network=True,
    ),
}
"""All pod providers there are: a row is all that one needs."""


def rented_pods(name: str, clouds: list[Cloud]) -> RentedPods:
    return RentedPods(
        clouds, name=name, **hosts.site(), built=builds.digest_of, hash_of=store.sha256_of, owners=places_of_pods
    )


@cache
def provider_named(name: str) -> PodProvider:
    """Raises LookupError with the known names, or a setting that is missing."""
    if name not in PROVIDERS:
        raise LookupError(f"unknown pod provider {name!r}; known: {', '.join(PROVIDERS)}")
    return PROVIDERS[name].made()


def limits_of(run: PodRun) -> lifecycle.BatchLimits:
    """A run on fresh prompts has the time of a round's prompts for each such number of fresh ones."""
    round_ = run.submission.round
    limits = lifecycle.BatchLimits.from_json(round_.competition.config.get("pods", {}))
    if run.on_fresh_prompts:
        times = -(-round_.fresh.count() // max(1, round_.drawn.count()))
        return replace(limits, generation_s=limits.generation_s * max(1, times))
    return limits


def wanted(run: PodRun) -> list[Asset]:
    """The outputs this run is to bring so far, in seed order: on fresh prompts for a run on them, else the round's."""
    rows = Asset.objects.filter(submission=run.submission, origin=outputs_of(run.purpose)).select_related("prompt")
    round_ = run.submission.round
    drawn = round_.fresh if run.on_fresh_prompts else round_.drawn
    order = dict(drawn.values_list("prompt_id", "position"))
    return sorted((row for row in rows if row.prompt_id in order), key=lambda asset: order[asset.prompt_id])


def batches_of(run: PodRun) -> list[tuple[str, ...]]:
    fresh = ruleset_of(run.submission.round).fresh_prompts if run.on_fresh_prompts else None
    size = fresh.batch if fresh else batch.SIZE
    return batch.split([asset.prompt.stem for asset in wanted(run)], size=min(size, batch.SIZE))


def idle(run: PodRun) -> bool:
    """Has the run brought all it was asked for, while an open match on fresh prompts may ask it for more?

    The leader's run stays while the round is being decided: another finalist may still pass its audits.
    """
    if run.on_fresh_prompts and run.submission.role == Submission.Role.LEADER:
        return bool(run.submission.round.state in ("finalizing", "paused"))
    side = Q(defender=run.submission) | Q(challenger=run.submission)
    return run.on_fresh_prompts and open_fresh_matches(run.submission.round).filter(side).exists()


def open_fresh_matches(round_: Round) -> QuerySet[Match]:
    """The matches on fresh prompts that are not decided yet."""
    kinds = [kind for kind in Match.Kind.values if matches.kind_of(round_, kind).fresh]
    return Match.objects.filter(round=round_, kind__in=kinds, state__in=Match.graph.active())


def tend(run: PodRun, now: datetime) -> Outcome:
    """Look at the pod once, then do the one thing that follows."""
    look = _Look(run, provider_named(run.provider), batches_of(run), now=now)
    if run.beside is not None and run.beside.state == "failed":
        return look.failed(beside.UNPAIRED)
    printed = run.log
    if look.pod is not None and look.progress.phase in ("warming_up", "ready", "generating", "complete"):
        look.after(look.status())
        printed = logs.heard(run, look.provider, look.pod)
    action = lifecycle.next_action(look.progress, batches=len(look.batches), limits=look.limits, now=now)
    log = logs.changed(run, printed)
    if action.kind == "done" and idle(run):
        return Wait(IDLE, "the next fresh prompts are asked for if the title match is still open", sets=log)
    if action.kind == "done":
        sets = look.end()
        facts = {"generated_s": sets["generated_s"], "pods": look.progress.pods, **look.timed()}
        return Move("done", because="every batch is collected", sets=sets, facts=facts)
    if action.kind == "fail":
        return look.failed(action.failure or lifecycle.UNKNOWN)
    if action.kind == "start_pod" and run.beside is not None and run.beside.handle is None:
        return Wait(IDLE, "the code beside which it is timed has no pod yet")
    if action.kind == "start_pod" and not builds.ready(run, look.provider, now=now):
        return Wait(IDLE, "the image of the revealed commit is being built")
    if action.kind == "start_pod" and (outage := builds.outage(run, look.provider)) is not None:
        return look.failed(_failure(outage))
    return look.act(action, log=log)


class _Look:
    """One look at a run: its pod, if there is one, and what has become of it so far."""

    def __init__(self, run: PodRun, provider: PodProvider, batches: list[tuple[str, ...]], *, now: datetime) -> None:
        self.run, self.provider, self.batches, self.now = run, provider, batches, now
        self.limits = limits_of(run)
        self.progress = PodProgress.from_json(run.progress) if run.progress else PodProgress()
        self.pod = Pod.from_json(run.handle) if run.handle else None
        self.rentals = tuple(PodRental.from_json(row) for row in run.rentals)

    def event(self, kind: str, *, state: str = "", failure: lifecycle.PodFailure | None = None) -> Event:
        return Event(kind=kind, at=self.now, state=state, failure=failure)

    def after(self, event: Event) -> None:
        self.progress = lifecycle.after(self.progress, event, limits=self.limits)

    def pictures(self, batch: int) -> dict[str, Path]:
        """stem -> file of the prompts of one batch."""
        hashes = {asset.prompt.stem: asset.prompt.sha256 for asset in wanted(self.run)}
        return {stem: store.default().path(hashes[stem]) for stem in self.batches[batch]}

    def ask(self, question: Callable[[], Event]) -> Event:
        """Puts a question to the pod, and turns every failure into an event.

        Whatever breaks over a pod's answer may have been broken by the pod: the pod is lost, and whose fault that is
        unclear.
        """
        try:
            return question()
        except PodFault as fault:
            return self.event("lost", failure=_failure(fault))
        except DatabaseError:
            raise
        except Exception as reason:
            log.exception("%s: an answer of its pod could not be dealt with", self.run)
            sentence = f"What the service answered broke our reader of it ({type(reason).__name__}). We try again."
            failure = lifecycle.PodFailure(failure_class=UNCLEAR, code="reader_broke", sentence=sentence)
            return self.event("lost", failure=failure)

    def running(self) -> Pod:
        """The pod of an action that needs one: `decisions.lifecycle` names no such action without it."""
        if self.pod is None:
            raise ValueError(f"{self.run} has no pod to act on")
        return self.pod

    def stop(self, pod: Pod) -> None:
        """Ends a pod.  One that cannot be ended now is ended by a sweep."""
        try:
            self.provider.stop(pod)
        except PodFault as fault:
            log.warning("%s: %s", self.run, fault.sentence)

    def status(self) -> Event:
        """The pod's status as the pod, or its provider, reports it now."""
        pod = self.running()

        def question() -> Event:
            try:
                fault = self.provider.fault(pod)
            except PodFault as unknown:  # its provider does not answer: that says nothing about the pod
                return self.event("blind", failure=_failure(unknown))
            if fault is not None:
                return self.event("lost", failure=_failure(fault))
            status = batch.poll(pod, replacements_remaining=self.progress.replacements_remaining(limits=self.limits))
            size = len(self.batches[self.progress.collected]) if self.progress.collected < len(self.batches) else 0
            return replace(self.event("seen", state=status.state), done=status.progress, outputs=size)

        return self.ask(question)

    def start_pod(self, action: PodAction) -> Event:
        image = Image(repo=self.run.submission.repo, commit=self.run.submission.commit)
        try:
            audited = Pod.from_json(self.run.beside.handle) if self.run.beside and self.run.beside.handle else None
            self.pod = self.provider.start(image, name=name_of(self.run.pk, self.progress.pods), beside=audited)
        except PodFault as fault:
            return self.event("refused", failure=_failure(fault))
        rental = PodRental(card=self.pod.card, usd_per_hour=self.pod.usd_per_hour, since=self.now)
        self.rentals = (*rentals.ended(self.rentals, at=self.now), rental)
        return self.event("started")

    def replace_pod(self, action: PodAction) -> Event:
        self.give_up_pod()
        return self.event("stopped")

    def submit_batch(self, action: PodAction) -> Event:
        pod = self.running()

        def question() -> Event:
            urls = self.provider.offer(pod, pictures=self.pictures(action.batch))
            answer = batch.submit(pod, image_urls=urls, seed=self.run.seed)
            accepted = answer.state == "accepted"
            return self.event("submitted") if accepted else self.event("seen", state=answer.state)

        return self.ask(question)

    def collect_batch(self, action: PodAction) -> Event:
        """Fetch the archive and store its files; hostile archives are refused by `results`."""
        extension = registry.of(self.run.submission.round.competition.config).extension
        pod, stems, got = self.running(), self.batches[action.batch], list[results.Results]()
        with tempfile.TemporaryDirectory(prefix="gauntlet-results-") as folder:

            def question() -> Event:
                answer = batch.collect(pod, into=Path(folder) / "results.zip")
                if answer.archive is None:
                    return self.event("seen", state=answer.state)
                try:
                    into = Path(folder) / "files"
                    got.append(results.unpack(answer.archive, stems=stems, extension=extension, into=into))
                except results.BadResults as bad:
                    failure = lifecycle.PodFailure(failure_class="miner", code=bad.code, sentence=bad.sentence)
                    return self.event("unusable", failure=failure)
                return self.event("collected")

            event = self.ask(question)
            for files in got:
                _store_files(self.run, files, now=self.now)
        return event

    def look_at_control(self, action: PodAction) -> Event | None:
        """One look at the control pod, which is started once the lost pod has been ended; None while it is at work."""
        lost, state = self.pod, self.progress.control
        self.give_up_pod()
        try:
            if state is None:
                name = control_name(self.run.pk)
                begun = control_pod.begin(self.provider, name=name, now=self.now, beside=lost)
                self.progress = replace(self.progress, control=begun.to_json())
                return None
            further = control_pod.look(
                self.provider,
                ControlPod.from_json(state),
                pictures=self.pictures(self.progress.collected),
                within_s=self.limits.control_s,
                now=self.now,
            )
        except PodFault as fault:
            return self.end_control("control_failed", failure=_failure(fault))
        except OSError as reason:  # the prompts' pictures, or our disk
            sentence = f"We could not read or write our own files ({reason.strerror})."
            ours = lifecycle.PodFailure(failure_class=FailureClass.INFRASTRUCTURE, code="disk", sentence=sentence)
            return self.end_control("control_failed", failure=ours)
        if further is None:
            return self.end_control("control_passed")
        self.progress = replace(self.progress, control=further.to_json())
        return None

    def end_control(self, kind: str, *, failure: lifecycle.PodFailure | None = None) -> Event:
        """The event of a control pod that has passed or failed; the pod itself is ended."""
        if self.progress.control is not None:
            self.stop(ControlPod.from_json(self.progress.control).pod)
            self.progress = replace(self.progress, control=None)
        return self.event(kind, failure=failure)

    def give_up_pod(self) -> None:
        if self.pod is not None:
            self.stop(self.pod)
        self.pod = None
        self.rentals = rentals.ended(self.rentals, at=self.now)

    def act(self, action: PodAction, *, log: dict[str, str]) -> Outcome:
        """Carry out one action; what came of it is an event, and the pod is looked at again soon."""
        carry_out = ACTS.get(action.kind)
        event = carry_out(self, action) if carry_out else None
        if event is not None:
            self.after(event)
        run, progress, pod = self.run, self.progress, self.pod
        sets: dict[str, Any] = {
            "progress": progress.to_json(),
            "handle": pod.to_json() if pod else None,
            "rentals": [row.to_json() for row in self.rentals],
            **log,
        }
        if pod is not None:
            sets["isolation"] = list(pod.isolation)
        state = "generating" if progress.submitted or progress.collected else "warming"
        if state != run.state:
            return Move(state, because=action.because, sets=sets)
        pace = timedelta(seconds=min(action.delay_s, run.submission.round.competition.config.get("poll_s", 5)))
        return Wait(pace if event is None else SOON, action.because, sets=sets)

    def timed(self) -> dict[str, object]:
        """For the ledger, because others may have to decide by it again; whole numbers only."""
        row = rentals.timed_run(self.rentals, self.progress)
        return {"timed": dataclasses.asdict(row)} if row else {}

    def end(self) -> dict[str, object]:
        """End the pod; returns what the run's row is given, the last of the log included."""
        run, progress = self.run, self.progress
        if self.pod is not None:
            run.log = logs.heard(run, self.provider, self.pod)
            self.stop(self.pod)
        timed = speed.summary(progress.output_s, generated_s=progress.generation_s)
        pods = rentals.ended(self.rentals, at=self.now)
        return {
            "progress": progress.to_json(),
            "log": run.log,
            "generated_s": int(progress.generation_s),
            "mean_output_s": timed.mean_s if timed else None,
            "rentals": [row.to_json() for row in pods],
            "usd": rentals.total_usd(pods, pods=progress.pods),
        }

    def failed(self, cause: lifecycle.PodFailure) -> Move:
        """The miner's failure ends in missing files; ours pauses the round, and a resumed round runs again.  Of a run
        of the leader's code beside another neither: where it has no time, speed is no basis."""
        failure = StepFailure(cause.failure_class, cause.code, cause.sentence)
        if self.run.beside_id:
            return Move("failed", because=cause.sentence, sets=self.end(), failure=failure)
        theirs = cause.failure_class == FailureClass.MINER
        also = partial(_forfeit, self.run, failure) if theirs else partial(_pause, self.run, failure)
        return Move("failed", because=cause.sentence, sets=self.end(), failure=failure, also=also)


ACTS: Mapping[str, Callable[[_Look, PodAction], Event | None]] = {
    "start_pod": _Look.start_pod,
    "replace": _Look.replace_pod,
    "submit": _Look.submit_batch,
    "collect": _Look.collect_batch,
    "control": _Look.look_at_control,
}
"""What carries out each kind of action of `decisions.lifecycle`; a look and a pause need nothing more."""


def _failure(fault: PodFault) -> lifecycle.PodFailure:
    return lifecycle.PodFailure(failure_class=fault.failure_class, code=fault.code, sentence=fault.sentence)


def _store_files(run: PodRun, got: results.Results, *, now: datetime) -> None:
    """The files become assets, each once; a stem without a file has failed by the miner's doing.  Those of a run that
    is made for its time are not kept."""
    if run.beside_id:
        return
    for asset in wanted(run):
        if asset.settled:
            continue
        delivered = got.files.get(asset.prompt.stem)
        if delivered is not None:
            sha256 = store.default().put(delivered.path)
            facts = {"sha256": sha256, "bytes": delivered.size}
            engine.move(asset, Move("stored", because="generated by the platform", sets=facts, facts=facts), now=now)
        elif asset.prompt.stem in got.failed:
            _fail(asset, FailureClass.MINER, "NOT_GENERATED", got.failed[asset.prompt.stem], now=now)


def _fail(asset: Asset, failure_class: str, code: str, why: str, *, now: datetime) -> None:
    sentence = f"The service gave no file for this prompt: {why}"
    engine.move(asset, Move("failed", because=sentence, failure=StepFailure(failure_class, code, sentence)), now=now)


def forfeit(run: PodRun) -> None:
    """What a run that failed by its owner's doing is asked for after that is forfeited too."""
    _forfeit(run, StepFailure(run.failure_class, run.failure_code, run.failure_reason))


def _forfeit(run: PodRun, failure: StepFailure) -> None:
    for asset in wanted(run):
        if not asset.settled:
            _fail(asset, failure.failure_class, failure.code[:40], failure.sentence, now=run.since)


def _pause(run: PodRun, failure: StepFailure) -> None:
    if not pause_round(run.submission, failure.sentence, now=run.since):
        raise RuntimeError(f"{run.submission.round} moved while it was to be paused")  # undone as a whole, tried again


def pause_round(
    entry: Submission, reason: str, *, failure_class: str = FailureClass.INFRASTRUCTURE, now: datetime
) -> bool:
    """Pauses the round of an entry whose code cannot be run for a reason of ours, where the round runs.

    False: it moved meanwhile.
    """
    round_ = Round.objects.select_related("competition").get(pk=entry.round_id)
    if not round_.declared.queue:
        return True
    why = f"The code of {entry.key} cannot be run: {reason}"
    return engine.move(round_, pause(round_, why, code="PODS", failure_class=failure_class, now=now), now=now)


def want(submission: Submission, *, purpose: str, now: datetime) -> PodRun:
    """The run of this submission's code, made when it is first wanted, and again after one that we lost."""
    runs = PodRun.objects.filter(submission=submission, purpose=purpose)
    last = runs.select_related("attempt").order_by(attempts.LAST_TO_FIRST).first()
    if last and not (lost(last) and may_try_again(last)) and not short(last):
        return last
    number = number_of(last.attempt) + 1 if last else 1
    attempt = attempts.nth(submission.round, number, of=f"run {purpose}", entry=submission, cause=Attempt.Cause.POD)
    run, _ = PodRun.objects.get_or_create(
        submission=submission,
        purpose=purpose,
        attempt=attempt,
        defaults={
            "seed": int(submission.round.seed[:8], 16),
            "provider": submission.round.competition.pods,
            **PodRun.born(now=now),
        },
    )
    return run


def timed_run(run: PodRun) -> TimedRun | None:
    """How fast a run was that is done; None of any other, and where its pods are not written down."""
    if run.state != "done":
        return None
    return rentals.timed_run([PodRental.from_json(row) for row in run.rentals], PodProgress.from_json(run.progress))


def lost(run: PodRun) -> bool:
    """Through a fault of ours."""
    return bool(run.state == "failed" and run.failure_class == FailureClass.INFRASTRUCTURE)


def may_try_again(run: PodRun) -> bool:
    """May a run that we lost be made again?

    While its round goes on; in a round that is decided again, MOST_LOST times, because there is nothing left to pause.
    A paused round waits for the operator, who mends the cause.
    """
    round_: Round = run.submission.round
    correction = round_.corrections.filter(state="staged").first()
    if round_.state != "finished" or correction is None:
        return bool(round_.declared.queue)
    tried = PodRun.objects.filter(submission=run.submission, purpose=run.purpose, since__gte=correction.since)
    return sum(map(lost, tried)) < MOST_LOST


def short(run: PodRun) -> bool:
    """Is a run on fresh prompts over without an output that it was asked for later?"""
    over = run.on_fresh_prompts and run.state == "done"
    return over and any(not asset.settled for asset in wanted(run))


def sweep() -> list[str]:
    """End the pods of runs that are over, at every provider that a competition uses.

    A provider that does not answer is looked at again later: its pods are neither known to be over nor forgotten.  One
    beyond the network is asked once a minute by each process, so that its silence does not hold up all other sweeps.
    """
    used = {"local", *Competition.objects.filter(active=True).values_list("pods", flat=True)} & set(PROVIDERS)
    ended = []
    for name in sorted(used):
        if PROVIDERS[name].beyond_network and time.monotonic() - _SWEPT.get(name, -SWEEP_S) < SWEEP_S:
            continue
        _SWEPT[name] = time.monotonic()
        try:
            ended += provider_named(name).sweep(known_pods)
        except (PodFault, LookupError) as reason:
            log.warning("the pods of %s could not be swept: %s", name, reason)
    return ended


def known_pods() -> set[str]:
    """Each open run's pod, whether its start is written down already or not, and its control pod."""
    rows = PodRun.objects.filter(state__in=PodRun.graph.active()).values_list("pk", "progress")
    started = [(pk, progress.get("pods", 0)) for pk, progress in rows]
    pods = {name_of(pk, number) for pk, pods in started for number in (pods, pods - 1)}
    return pods | {control_name(pk) for pk, _ in started}


def places_of_pods() -> dict[str, Mapping[str, Any]]:
    """Where each pod of an open run is by its row, its control pod's as well: a second one of that name is a double."""
    rows = PodRun.objects.filter(state__in=PodRun.graph.active()).values_list("handle", "progress")
    controls = [(progress.get("control") or {}).get("pod") for _, progress in rows]
    pods = [Pod.from_json(value) for value in (*(handle for handle, _ in rows), *controls) if value]
    return {pod.name: pod.place for pod in pods}


def control_name(run_pk: int) -> str:
    return f"run-{run_pk}-control"


def name_of(run_pk: int, number: int) -> str:
    return f"run-{run_pk}-{number}"
