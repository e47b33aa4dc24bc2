"""How does a damaged file become whole again, and what do the rounds that need it do meanwhile?

Whatever may still have the same bytes is asked: the miner's host, a bundle, the code host, our own renderer.  Only
bytes with the same hash are kept.  Where nobody has them, the rounds pause with that reason; the row goes on looking,
so that a file put back from a backup is noticed, and the rounds go on.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from django.conf import settings

from competition import downloads
from competition.chain.base import ChainFault
from competition.models import Asset, Prompt, Round
from competition.steps import pause, resume
from competition.stored_files.damage import (
    BUNDLE,
    MENDERS,
    PAUSED_BY,
    SOURCES,
    Damage,
    Mender,
    referenced,
)
from core import store
from core.machine import engine
from core.machine.outcomes import Move, Outcome, Retry, StepFailure
from core.machine.stateful import FailureClass
from core.net import fetch, host_slots, partial_files
from core.net.failures import FetchFailed

log = logging.getLogger(__name__)


def prompts_and_assets() -> Iterable[str]:
    yield from Prompt.objects.exclude(sha256="").values_list("sha256", flat=True).iterator()
    yield from Asset.objects.filter(state="stored").values_list("sha256", flat=True).distinct().iterator()


def host_of_the_miner(sha256: str) -> Path | None:
    """A submitted file, from the address it was first fetched from."""
    rows = Asset.objects.filter(sha256=sha256, state="stored", origin=Asset.Origin.SUBMITTED)
    for asset in rows.select_related("submission__round__competition", "prompt").order_by("-pk")[:4]:
        into = downloads.partial_path(asset).with_name(f"mending-{asset.pk}")
        partial_files.forget(into)
        slots = host_slots.AdvisoryLocks(downloads.PER_HOST)
        try:
            got = fetch.fetch(downloads.url_of(asset), policy=downloads.policy_for(asset), into=into, slots=slots)
        except FetchFailed as failed:
            log.info("%s could not be fetched again: %s", sha256, failed.sentence)
            continue
        if got.sha256 == sha256:
            return into
        partial_files.forget(into)
    return None


def file_problem(sha256: str) -> str:
    try:
        store.default().path(sha256)
    except store.StoreFault as fault:
        return fault.problem
    return ""


def restore_file(sha256: str) -> bool:
    """Ask every source, and keep what has the same hash."""
    for function in SOURCES:
        try:
            content = function(sha256)
        except Exception:  # a source is somebody else's code or host: the next one may have the file
            log.exception("%s did not give back %s", function.__module__, sha256)
            continue
        if content is not None and _keep(content, sha256):
            return True
    return False


def _keep(content: bytes | Path, sha256: str) -> bool:
    try:
        same = hashlib.sha256(content).hexdigest() if isinstance(content, bytes) else store.sha256_of(content)
        return same == sha256 and store.default().put(content) == sha256
    finally:
        if isinstance(content, Path) and content.is_relative_to(settings.VAR_DIR / "partial"):
            partial_files.forget(content)


STORED_FILES = Mender(expected=lambda: set(referenced()), problem=file_problem, restore=restore_file)


def mend(damage: Damage, now: datetime) -> Outcome:
    """Whole already, or mended from a source; else its rounds pause and it is looked at again.

    Hosts are asked `looks` times; after that only whether somebody has put the file back.
    """
    mender, why = MENDERS[damage.what], ""
    if not mender.problem(damage.sha256):
        return Move("mended", because="it is whole again")
    if damage.attempts <= damage.declared.looks:
        try:
            if mender.restore(damage.sha256) and not mender.problem(damage.sha256):
                return Move("mended", because="the same bytes were put back")
        except ValueError as impossible:
            why = f" {impossible}"
    failure = failure_of(damage, why=why)
    if damage.on_last_try:
        pause_rounds(damage, failure, now=now)
    return Retry(engine.backoff(damage.attempts), failure)


def failure_of(damage: Damage, *, why: str = "") -> StepFailure:
    kind = "published bundle" if damage.what == BUNDLE else "stored file"
    sentence = f"The {kind} {damage.sha256} is {damage.problem}, and nobody gives the same bytes.{why} "
    return StepFailure(
        FailureClass.INFRASTRUCTURE, f"{PAUSED_BY}_{damage.problem.upper()}", sentence + store.OPERATOR_MUST
    )


def pause_rounds(damage: Damage, failure: StepFailure, *, now: datetime) -> None:
    for round_ in damage.rounds.filter(state__in=Round.graph.active()).select_related("competition"):
        engine.move(round_, pause(round_, failure.sentence, code=PAUSED_BY, now=now), now=now)


def resume_rounds(now: datetime) -> None:
    """A round that paused for damaged files goes on by itself once all of them are whole."""
    for round_ in Round.objects.filter(state="paused", failure_code=PAUSED_BY, source={}).select_related("competition"):
        if round_.damages.filter(state="damaged").exists():
            continue
        try:
            resume(round_, why="the stored files that it needs are whole again", now=now)
        except ChainFault as error:
            log.warning("%s waits to be resumed: the chain did not answer: %s", round_, error)
