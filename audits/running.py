"""How does a submission's code come to run, and its outputs to us?  One look at a pod per step.

Each step looks at the pod, lets `decisions.lifecycle` say what follows, does that one thing, and writes down what
happened.  Killed between any two lines it does the same again: a pod is found by its name, a batch by its stems.
"""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache, partial
from pathlib import Path

from django.conf import settings
from django.db.models import Q

from audits import builds, logs
from audits.decisions import lifecycle
from audits.decisions.lifecycle import Action, Event, Progress
from audits.models import PodRun
from audits.pods import batch, hosts, results
from audits.pods.base import Image, Pod, PodFault, PodProvider
from audits.pods.docker import DockerPods
from audits.pods.local import LocalPods
from audits.pods.runpod import RunPods
from competition import formats, store
from competition.decisions.repeats import plain
from competition.machine import engine
from competition.machine.outcomes import Failure, Move, Outcome, Wait
from competition.machine.stateful import FailureClass
from competition.models import Asset, Competition, Round, Submission
from competition.rounds import rules_of
from competition.steps import pause
from judging.models import Match

log = logging.getLogger(__name__)

AGAIN, IDLE = timedelta(seconds=0.3), timedelta(seconds=1)
PROVIDERS = ("local", "docker", "runpod")
SWEEP_S = 60.0
MOST_LOST = 3  # pods in a row that a correction loses through a fault of ours before people are asked
_SWEPT: dict[str, float] = {}  # when this process last asked each provider, by the monotonic clock


@cache
def provider_named(name: str) -> PodProvider:
    """The table of pod providers.  Raises LookupError with the known names, or a setting that is missing."""
    if name == "local":
        return LocalPods(repos=Path(settings.LOCAL_REPOSITORIES), pods=Path(settings.PODS_DIR))
    if name == "docker":
        return DockerPods(hosts.docker(), built=builds.digest_of)
    if name == "runpod":
        return RunPods(hosts.runpod(), built=builds.digest_of, hash_of=store.sha256_of)
    raise LookupError(f"unknown pod provider {name!r}; known: {', '.join(PROVIDERS)}")


def limits_of(run: PodRun) -> lifecycle.Limits:
    """A title run has the time of a round's prompts for each such number of fresh ones."""
    round_ = run.submission.round
    limits = lifecycle.Limits(**round_.competition.config.get("pods", {}))
    if run.purpose == PodRun.Purpose.TITLE:
        times = -(-round_.fresh.count() // max(1, round_.drawn.count()))
        return replace(limits, generation_s=limits.generation_s * max(1, times))
    return limits


def wanted(run: PodRun) -> list[Asset]:
    """The outputs this run is to bring so far, in seed order: on fresh prompts for a title match, else the round's."""
    audited = plain(run.purpose) == PodRun.Purpose.AUDIT
    origin = run.purpose.replace("audit", Asset.Origin.GENERATED) if audited else Asset.Origin.GENERATED
    rows = Asset.objects.filter(submission=run.submission, origin=origin).select_related("prompt")
    round_ = run.submission.round
    drawn = round_.fresh if run.purpose == PodRun.Purpose.TITLE else round_.drawn
    order = dict(drawn.values_list("prompt_id", "position"))
    return sorted((row for row in rows if row.prompt_id in order), key=lambda asset: order[asset.prompt_id])


def batches_of(run: PodRun) -> list[tuple[str, ...]]:
    title = rules_of(run.submission.round).title
    size = title.batch if title and run.purpose == PodRun.Purpose.TITLE else batch.SIZE
    return batch.split([asset.prompt.stem for asset in wanted(run)], size=min(size, batch.SIZE))


def idle(run: PodRun) -> bool:
    """Has the run brought all it was asked for, while a title match is open that may ask it for more?

    The leader's stays while the round is being decided: another finalist may still pass its audits.
    """
    if run.purpose == PodRun.Purpose.TITLE and run.submission.role == Submission.Role.LEADER:
        return bool(run.submission.round.state in ("finalizing", "paused"))
    side = Q(defender=run.submission) | Q(challenger=run.submission)
    return (
        run.purpose == PodRun.Purpose.TITLE
        and Match.objects.filter(side, kind=Match.Kind.TITLE, state__in=Match.graph.acting()).exists()
    )


@engine.step(PodRun, "warming")
@engine.step(PodRun, "generating")
def tend(run: PodRun, now: datetime) -> Outcome:
    """Look at the pod once, then do the one thing that follows."""
    limits, provider = limits_of(run), provider_named(run.provider)
    progress = Progress.from_json(run.progress) if run.progress else Progress()
    pod = Pod.from_json(run.handle) if run.handle else None
    batches, said = batches_of(run), run.log
    if pod is not None and progress.phase in ("warming_up", "ready", "generating", "complete"):
        progress = lifecycle.after(progress, _look(provider, pod, progress, limits=limits, now=now), limits=limits)
        said = logs.heard(run, provider, pod)
    action = lifecycle.next_action(progress, batches=len(batches), limits=limits, now=now)
    log = logs.changed(run, said)
    if action.kind == "done" and idle(run):
        return Wait(IDLE, "the next fresh prompts are asked for if the title match is still open", sets=log)
    if action.kind == "done":
        return _done(run, provider, pod, progress)
    if action.kind == "fail":
        return _failed(run, provider, pod, progress, action)
    return _act(run, provider, pod, progress, action, batches=batches, log=log, now=now)


def _look(provider: PodProvider, pod: Pod, progress: Progress, *, limits: lifecycle.Limits, now: datetime) -> Event:
    try:
        fault = provider.fault(pod)
    except PodFault as unknown:  # its provider does not answer: that says nothing about the pod
        return Event(kind="blind", at=now, failure=_failure(unknown))
    if fault is not None:
        return Event(kind="lost", at=now, failure=_failure(fault))
    status = batch.poll(pod, replacements_remaining=progress.replacements_remaining(limits=limits))
    return Event(kind="seen", at=now, state=status.state)


def _failure(fault: PodFault) -> lifecycle.Failure:
    return lifecycle.Failure(failure_class=fault.failure_class, code=fault.code, sentence=fault.sentence)


def _act(
    run: PodRun, provider: PodProvider, pod: Pod | None, progress: Progress, action: Action,
    *, batches: list[tuple[str, ...]], log: dict[str, str], now: datetime,
) -> Outcome:  # fmt: skip
    """Carry out one action; what came of it is an event, and the pod is looked at again soon."""
    event: Event | None = None
    if action.kind == "start_pod" and not builds.ready(run, provider, now=now):
        return Wait(IDLE, "the image of the revealed commit is being built")
    if action.kind == "start_pod":
        pod, event = _start(run, provider, progress, now=now)
    elif action.kind == "replace" and pod is not None:
        provider.stop(pod)
        pod, event = None, Event(kind="stopped", at=now)
    elif action.kind == "submit" and pod is not None:
        event = _submit(run, provider, pod, batches[action.batch], now=now)
    elif action.kind == "collect" and pod is not None:
        event = _collect(run, pod, batches[action.batch], now=now)
    if event is not None:
        progress = lifecycle.after(progress, event, limits=limits_of(run))
    sets = {"progress": progress.to_json(), "handle": pod.to_json() if pod else None, **log}
    if pod is not None:
        sets["isolation"] = list(pod.isolation)
    state = "generating" if progress.submitted or progress.collected else "warming"
    if state != run.state:
        return Move(state, because=action.because, sets=sets)
    pace = timedelta(seconds=min(action.delay_s, run.submission.round.competition.config.get("poll_s", 5)))
    return Wait(pace if event is None else AGAIN, action.because, sets=sets)


def _start(run: PodRun, provider: PodProvider, progress: Progress, *, now: datetime) -> tuple[Pod | None, Event]:
    image = Image(repo=run.submission.repo, commit=run.submission.commit)
    try:
        pod = provider.start(image, name=name_of(run.pk, progress.pods))
    except PodFault as fault:
        return None, Event(kind="refused", at=now, failure=_failure(fault))
    return pod, Event(kind="started", at=now)


def _submit(run: PodRun, provider: PodProvider, pod: Pod, stems: Iterable[str], *, now: datetime) -> Event:
    hashes = {asset.prompt.stem: asset.prompt.sha256 for asset in wanted(run)}
    try:
        urls = provider.offer(pod, pictures={stem: store.default().path(hashes[stem]) for stem in stems})
    except PodFault as fault:
        return Event(kind="lost", at=now, failure=_failure(fault))
    answer = batch.submit(pod, image_urls=urls, seed=run.seed)
    return (
        Event(kind="submitted", at=now)
        if answer.state == "accepted"
        else Event(kind="seen", at=now, state=answer.state)
    )


def _collect(run: PodRun, pod: Pod, stems: tuple[str, ...], *, now: datetime) -> Event:
    """Bring the archive here and take its files; hostile archives are refused by `results`."""
    with tempfile.TemporaryDirectory(prefix="gauntlet-results-") as folder:
        answer = batch.collect(pod, into=Path(folder) / "results.zip")
        if answer.archive is None:
            return Event(kind="seen", at=now, state=answer.state)
        extension = formats.of(run.submission.round.competition.config).extension
        try:
            got = results.unpack(answer.archive, stems=stems, extension=extension, into=Path(folder) / "files")
        except results.BadResults as bad:
            failure = lifecycle.Failure(failure_class="miner", code=bad.code, sentence=bad.sentence)
            return Event(kind="unusable", at=now, failure=failure)
        _take(run, got, now=now)
    return Event(kind="collected", at=now)


def _take(run: PodRun, got: results.Results, *, now: datetime) -> None:
    """The files become assets, each once; a stem without a file has failed by the miner's doing."""
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
    engine.move(asset, Move("failed", because=sentence, failure=Failure(failure_class, code, sentence)), now=now)


def _ending(run: PodRun, provider: PodProvider, pod: Pod | None, progress: Progress) -> dict[str, object]:
    """Keep the last of the log, and end the pod."""
    if pod is not None:
        run.log = logs.heard(run, provider, pod)
        provider.stop(pod)
    return {"progress": progress.to_json(), "log": run.log, "generated_s": int(progress.generation_s)}


def _done(run: PodRun, provider: PodProvider, pod: Pod | None, progress: Progress) -> Move:
    sets = _ending(run, provider, pod, progress)
    facts = {"generated_s": sets["generated_s"], "pods": progress.pods}
    return Move("done", because="every batch is collected", sets=sets, facts=facts)


def _failed(run: PodRun, provider: PodProvider, pod: Pod | None, progress: Progress, action: Action) -> Move:
    """The miner's failure ends in missing files; ours pauses the round, and a resumed round runs again."""
    cause = action.failure or lifecycle.Failure(failure_class="infrastructure", code="unknown", sentence=action.because)
    failure = Failure(cause.failure_class, cause.code, cause.sentence)
    blame_miner = cause.failure_class == FailureClass.MINER
    also = partial(_forfeit, run, failure) if blame_miner else partial(_pause, run, failure)
    sets = _ending(run, provider, pod, progress)
    return Move("failed", because=cause.sentence, sets=sets, failure=failure, also=also)


def forfeit(run: PodRun) -> None:
    """What a run that failed by its owner's doing is asked for after that is forfeited too."""
    _forfeit(run, Failure(run.failure_class, run.failure_code, run.failure_reason))


def _forfeit(run: PodRun, failure: Failure) -> None:
    for asset in wanted(run):
        if not asset.settled:
            _fail(asset, failure.failure_class, failure.code[:40], failure.sentence, now=run.since)


def _pause(run: PodRun, failure: Failure) -> None:
    round_ = Round.objects.get(pk=run.submission.round_id)
    why = f"A pod of {run.submission.key} failed for a reason that is ours: {failure.sentence}"
    if round_.declared.queue and not engine.move(round_, pause(round_, why, code="PODS"), now=run.since):
        raise RuntimeError(f"{round_} moved while it was to be paused")  # undone as a whole, and tried again


def want(submission: Submission, *, purpose: str, now: datetime) -> PodRun:
    """The run of this submission's code, made when it is first wanted, and again after one that we lost."""
    runs = PodRun.objects.filter(submission=submission, purpose=purpose)
    last = runs.order_by("-repeat").first()
    if last and not (lost(last) and may_try_again(last)) and not short(last):
        return last
    repeat = last.repeat + 1 if last else 0
    run, _ = PodRun.objects.get_or_create(
        submission=submission, purpose=purpose, repeat=repeat,
        defaults={
            "seed": int(submission.round.seed[:8], 16),
            "provider": submission.round.competition.pods,
            **PodRun.born(now=now),
        },
    )  # fmt: skip
    return run


def lost(run: PodRun) -> bool:
    """Through a fault of ours."""
    return bool(run.state == "failed" and run.failure_class == FailureClass.INFRASTRUCTURE)


def may_try_again(run: PodRun) -> bool:
    """While its round goes on; of a round that is decided anew so often, as there is nothing left to pause.

    A paused round waits for the operator, who mends the cause.
    """
    round_: Round = run.submission.round
    correction = round_.corrections.filter(state="staged").first()
    if round_.state != "finished" or correction is None:
        return bool(round_.declared.queue)
    tried = PodRun.objects.filter(submission=run.submission, purpose=run.purpose, since__gte=correction.since)
    return sum(map(lost, tried)) < MOST_LOST


def short(run: PodRun) -> bool:
    """Is a title run over, and something it was asked for later not there?"""
    over = run.purpose == PodRun.Purpose.TITLE and run.state == "done"
    return over and any(not asset.settled for asset in wanted(run))


def sweep() -> list[str]:
    """End the pods of runs that are over, at every provider that a competition uses.

    A provider that does not answer is looked at again later: its pods are neither known to be over nor forgotten.  One
    beyond the network is asked once a minute by each process, so that its silence does not hold up all other sweeps.
    """
    used = {"local", *Competition.objects.filter(active=True).values_list("pods", flat=True)} & set(PROVIDERS)
    ended = []
    for name in sorted(used):
        if name != "local" and time.monotonic() - _SWEPT.get(name, -SWEEP_S) < SWEEP_S:
            continue
        _SWEPT[name] = time.monotonic()
        try:
            ended += provider_named(name).sweep(known_pods)
        except (PodFault, LookupError) as reason:
            log.warning("the pods of %s could not be swept: %s", name, reason)
    return ended


def known_pods() -> set[str]:
    """Each open run's pod, whether its start is written down already or not."""
    told = PodRun.objects.filter(state__in=PodRun.graph.acting()).values_list("pk", "progress")
    started = [(pk, progress.get("pods", 0)) for pk, progress in told]
    return {name_of(pk, number) for pk, pods in started for number in (pods, pods - 1)}


def name_of(run_pk: int, number: int) -> str:
    return f"run-{run_pk}-{number}"
