"""When is the image of a commit built, and which digest did it become?

Built once per submission, from the archive that the source audit read, before its first pod is started.  A build that
was disturbed is ours and is done again.  After three such ends what was built before is built once more as a canary:
where that fails too, or there is nothing to compare with, the round is paused, with the build's log at hand; where it
succeeds, only this recipe is disturbed, and it is the miner's.  So nobody stops a round by printing of outages.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from audits import logs, sources
from audits.builders.base import ABSENT, BUILT, FAILED, Builder, Status
from audits.builders.engine import EngineBuilder
from audits.builders.registry import PushingBuilder
from audits.models import Build, PodRun
from audits.pods.base import INFRASTRUCTURE, MINER, Image, PodFault, PodProvider
from audits.source.origins.base import NotFetched
from competition import store
from competition.machine import engine
from competition.machine.outcomes import Failure, Move, Outcome, Retry
from competition.models import Submission

LOOK_AGAIN = timedelta(seconds=10)
MOST_DISTURBED = 3
NEED_IMAGES = ("docker", "runpod")


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
    """May a pod of this run be started?  Asks for the build where it was not asked for."""
    if provider.name not in NEED_IMAGES:
        return True
    build, made = Build.objects.get_or_create(
        submission=run.submission, defaults={"builder": "engine", **Build.born(now=now)}
    )
    if made:
        engine.announce(Build, now=now)
    return build.settled


def digest_of(image: Image) -> str:
    """What the commit was built into.  Raises PodFault: the recipe's fault, or ours where nothing was built."""
    rows = Build.objects.filter(submission__repo=image.repo, submission__commit=image.commit)
    build = rows.filter(state="built").order_by("-pk").first() or rows.order_by("-pk").first()
    if build is not None and build.state == "built":
        return build.digest
    if build is not None and build.state == "failed":
        raise PodFault(build.failure_class, build.failure_code.lower(), build.failure_reason)
    raise PodFault(INFRASTRUCTURE, "not_built", "The image is not built yet. We try again.")


@engine.step(Build, "building")
def tend(build: Build, now: datetime) -> Outcome:
    """Ask how far it is; build where there is nothing; believe only what the builder says itself."""
    image = Image(repo=build.submission.repo, commit=build.submission.commit)
    try:
        copy = sources.copy_of(build.submission, now=now)
        by = builder()
    except NotFetched as error:
        failure = Failure(INFRASTRUCTURE, error.code[:40].upper(), error.sentence)
        return Retry(engine.backoff(build.attempts), failure)
    except LookupError as error:
        return Retry(engine.backoff(build.attempts), Failure(INFRASTRUCTURE, "NO_BUILDER", str(error)))
    if build.disturbed >= MOST_DISTURBED:
        return _judged_by_canary(build, by)
    status = by.status(image, archive=copy.archive)
    if status.state == ABSENT:
        status = by.build(image, archive=copy.archive, context=store.default().path(copy.archive))
    return _after(build, status, archive=copy.archive)


def _after(build: Build, status: Status, *, archive: str) -> Outcome:
    sets = {"archive": archive, "log": logs.readable(status.log) or build.log}  # an answer without words unsays none
    if status.state == BUILT:
        facts = {"digest": status.digest, "archive": archive}
        return Move("built", because="the image was built", sets={**sets, "digest": status.digest}, facts=facts)
    fault = status.fault or PodFault(INFRASTRUCTURE, "build_unknown", "We do not know how the build is.")
    failure = Failure(fault.failure_class, fault.code[:40].upper(), fault.sentence)
    if status.state != FAILED:
        _note(build, sets)
        return Retry(LOOK_AGAIN, failure, counts=False)  # unknown: neither failed nor not found
    if fault.failure_class == MINER:
        return Move("failed", because=fault.sentence, sets=sets, failure=failure)
    _note(build, {**sets, "disturbed": build.disturbed + 1})
    return Retry(engine.backoff(build.attempts), failure)


def _judged_by_canary(build: Build, by: Builder) -> Outcome:
    """Disturbed again and again: is it the builder, or this recipe alone?"""
    known = canary_for(build)
    if known is not None:
        image = Image(repo=known.submission.repo, commit=known.submission.commit)
        status = by.canary(image, archive=known.archive, context=store.default().path(known.archive))
        if status.state == BUILT:
            return _failed(build, Failure(MINER, "BUILD_DISTURBED_ALONE", ALONE))
    return _failed(
        build, Failure(INFRASTRUCTURE, build.failure_code or "BUILD_DISTURBED", build.failure_reason or OURS)
    )


ALONE = (
    f"The build says {MOST_DISTURBED} times that the network or the host failed it, and the leader's image was built "
    "from nothing in the same hour: the recipe asks for something that is not there, or only says so."
)
OURS = f"The build was disturbed {MOST_DISTURBED} times. The operator must look at the builder."


def canary_for(build: Build) -> Build | None:
    """What was built before by the same builder: the leader's, for the miner has no say in it; else the newest."""
    rows = Build.objects.filter(state="built", submission__round__competition=build.submission.round.competition_id)
    others = rows.exclude(submission__commit=build.submission.commit).exclude(archive="").select_related("submission")
    return (
        others.filter(submission__role=Submission.Role.LEADER).order_by("-pk").first() or others.order_by("-pk").first()
    )


def _failed(build: Build, failure: Failure) -> Move:
    return Move("failed", because=failure.sentence, failure=failure)


def _note(build: Build, sets: Mapping[str, Any]) -> None:
    """Write down what a try came to, as long as the build is ours."""
    Build.objects.filter(pk=build.pk, lease=build.lease).update(**sets)
