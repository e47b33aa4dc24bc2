"""When is the image of a commit built, and which digest does it have?

Built once per submission, from the archive that the source audit read, before its first pod is started.  A build that
was disturbed is our failure and is repeated.  After three of these, or one that took too long, a small recipe of ours
is built as a control; what failed builds left on the builder's disk is removed before.  Where the control fails too,
the round is paused, with the build's log at hand.  Where it succeeds, and this recipe is disturbed once more after it,
the failure is the miner's.  So no recipe can stop a round by printing messages of an outage or by filling a disk, and
no round waits for a leader whose image cannot be built.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from audits.models import Build, PodRun
from audits.pods import logs
from audits.pods.base import INFRASTRUCTURE, MINER, UNCLEAR, Image, PodFault, PodProvider
from audits.pods.builders.base import ABSENT, BUILT, FAILED, UNKNOWN, Builder, Status
from audits.pods.builders.engine import EngineBuilder
from audits.pods.builders.registry import PushingBuilder
from audits.source import source_audits
from audits.source.origins.base import NotFetched
from core import store
from core.machine import engine
from core.machine.outcomes import Move, Outcome, Retry, StepFailure
from core.queue.advisory_lock import Taken, hold_lock

LOOK_AGAIN = timedelta(seconds=10)
MOST_DISTURBED = 3


def builder() -> Builder:
    """The builder of this deployment.  Raises LookupError where none is configured."""
    url = settings.DOCKER_URL
    if not url:
        raise LookupError("GAUNTLET_DOCKER_URL is not set: images are built by a Docker Engine")
    engine_builder = EngineBuilder(url)
    if not settings.REGISTRY:
        return engine_builder
    return PushingBuilder(engine_builder, repository=settings.REGISTRY, key=settings.REGISTRY_KEY)


def ready(run: PodRun, provider: PodProvider, *, now: datetime) -> bool:
    """May a pod of this run be started?

    Requests the build where there is none, and again where one that we failed is over and the run was made after it: an
    operator has mended the cause meanwhile.
    """
    if not provider.needs_image:
        return True
    build, made = Build.objects.get_or_create(
        submission=run.submission, defaults={"builder": "engine", **Build.born(now=now)}
    )
    if made:
        engine.announce(Build, now=now)
    if build.state == "failed" and build.failure_class == INFRASTRUCTURE and build.since < run.since:
        engine.move(build, Move("building", because="the round goes on", sets={"disturbed": 0}), now=now)
    return build.state in ("built", "failed")


def outage(run: PodRun, provider: PodProvider) -> PodFault | None:
    """Why there is no image, where that is ours: a control build has shown it, and no control pod needs to."""
    if not provider.needs_image:
        return None
    build = Build.objects.filter(submission=run.submission, state="failed", failure_class=INFRASTRUCTURE).first()
    return PodFault(INFRASTRUCTURE, build.failure_code.lower(), build.failure_reason) if build else None


def digest_of(image: Image) -> str:
    """What the commit was built into.  Raises PodFault: the recipe's fault, or ours where nothing was built."""
    rows = Build.objects.filter(submission__repo=image.repo, submission__commit=image.commit)
    build = rows.filter(state="built").order_by("-pk").first() or rows.order_by("-pk").first()
    if build is not None and build.state == "built":
        return build.digest
    if build is not None and build.state == "failed":
        raise PodFault(build.failure_class, build.failure_code.lower(), build.failure_reason)
    raise PodFault(INFRASTRUCTURE, "not_built", "The image is not built yet. We try again.")


def tend(build: Build, now: datetime) -> Outcome:
    """Asks the builder for the status, and builds where there is nothing; believes only the builder itself."""
    image = Image(repo=build.submission.repo, commit=build.submission.commit)
    try:
        copy = source_audits.copy_of(build.submission, now=now)
        by = builder()
    except NotFetched as error:
        # code that is not there, or that alone cannot be had from a host that answers, is its owner's to mend
        theirs, code = error.failure_class == MINER, error.code[:40].upper()
        looks = error.looks if theirs else build.declared.looks
        if build.attempts >= looks and (theirs or source_audits.host_answers(build.submission)):
            return _failed(build, StepFailure(MINER, code, error.sentence))
        return Retry(engine.backoff(build.attempts), StepFailure(INFRASTRUCTURE, code, error.sentence))
    except LookupError as error:
        return Retry(engine.backoff(build.attempts), StepFailure(INFRASTRUCTURE, "NO_BUILDER", str(error)))
    try:
        with hold_lock(f"build images at {settings.DOCKER_URL}"):
            return _look(build, by, image, archive=copy.archive)
    except Taken:
        busy = StepFailure(INFRASTRUCTURE, "BUILDER_BUSY", "Another image is being built; this one is next.")
        return Retry(LOOK_AGAIN, busy, counts=False)


def _look(build: Build, by: Builder, image: Image, *, archive: str) -> Outcome:
    """One image at a time: what a recipe does to the builder's disk while it is built, it does to nobody else's."""
    if build.disturbed >= MOST_DISTURBED:
        return _judged_by_control(build, by, image, archive=archive)
    status = by.status(image, archive=archive)
    tried = status.state == ABSENT
    if tried:
        status = by.build(image, archive=archive, context=store.default().path(archive))
    return _after(build, status, archive=archive, tried=tried)


def _after(build: Build, status: Status, *, archive: str, tried: bool) -> Outcome:
    """`tried`: it was built just now; a build that broke off counts like one that was disturbed."""
    sets = {"archive": archive, "log": logs.readable(status.log) or build.log}  # an answer without words unsays none
    if status.state == BUILT:
        facts = {"digest": status.digest, "archive": archive}
        return Move("built", because="the image was built", sets={**sets, "digest": status.digest}, facts=facts)
    fault = status.fault or PodFault(INFRASTRUCTURE, "build_unknown", "We do not know how the build is.")
    failure = StepFailure(fault.failure_class, fault.code[:40].upper(), fault.sentence)
    if status.state != FAILED and not tried:
        _note(build, sets)
        if status.state == UNKNOWN:  # neither failed nor not found: a builder that stays away pauses the round
            return Retry(engine.backoff(build.attempts), failure)
        return Retry(LOOK_AGAIN, failure, counts=False)
    if fault.failure_class == MINER:
        return Move("failed", because=fault.sentence, sets=sets, failure=failure)
    too_long = fault.failure_class == UNCLEAR
    _note(build, {**sets, "disturbed": MOST_DISTURBED if too_long else build.disturbed + 1})
    ours = StepFailure(INFRASTRUCTURE, failure.code, failure.sentence)
    return Retry(engine.backoff(build.attempts), ours)


def _judged_by_control(build: Build, by: Builder, image: Image, *, archive: str) -> Outcome:
    """After repeated disturbances: a control build shows whether the builder or this recipe is at fault."""
    control = by.build_control()
    if control.state != BUILT:
        why = control.fault.sentence if control.fault else "It failed."
        sentence = f"{build.failure_reason or OURS} A recipe of ours failed right afterwards, too: {why}"
        return _failed(build, StepFailure(INFRASTRUCTURE, build.failure_code or "BUILD_DISTURBED", sentence))
    if build.failure_code == TOO_LONG:
        return _failed(build, StepFailure(MINER, TOO_LONG, f"{build.failure_reason} {WELL}"))
    status = by.build(image, archive=archive, context=store.default().path(archive))  # the outage may be just over
    if status.state == BUILT or (status.fault is not None and status.fault.failure_class == MINER):
        return _after(build, status, archive=archive, tried=True)
    return _failed(build, StepFailure(MINER, "BUILD_DISTURBED_ALONE", f"{BUILD_AT_FAULT} {WELL}"))


TOO_LONG = "BUILD_TOO_LONG"
WELL = "A recipe of ours was built from nothing by the same builder right afterwards."
BUILD_AT_FAULT = (
    f"The build was disturbed {MOST_DISTURBED + 1} times, as if the network or the host failed it: the recipe asks for "
    "something that is not there, or only says so."
)
OURS = f"The build was disturbed {MOST_DISTURBED} times. The operator must look at the builder."


def _failed(build: Build, failure: StepFailure) -> Move:
    return Move("failed", because=failure.sentence, failure=failure)


def _note(build: Build, sets: Mapping[str, Any]) -> None:
    """Write down what a try came to, as long as the build is ours."""
    Build.objects.filter(pk=build.pk, lease=build.lease).update(**sets)
