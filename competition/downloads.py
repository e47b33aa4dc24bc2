"""How does a submitted file become ours?  One guarded fetch; its hash is frozen with the move."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from django.conf import settings

from competition.decisions import numbers
from competition.models import Asset
from core import store
from core.machine.outcomes import Move, Outcome, Retry, StepFailure
from core.net import fetch, host_slots, partial_files
from core.net.failures import FetchFailed, GiveUp, retry_policy
from core.net.limits import Patience
from formats import registry

PER_HOST = 4  # downloads at once from one host, over all workers


@dataclass(frozen=True, kw_only=True)
class FetchLimits:
    """`fetch` of a competition's configuration: what the download of one submitted file may cost."""

    max_bytes: int = field(default=200 * 2**20, metadata={"unit": "bytes", "means": "largest file"})
    total_s: float = field(default=150.0, metadata={"unit": "seconds", "means": "longest try, answered or not"})
    idle_s: float = field(default=15.0, metadata={"unit": "seconds", "means": "longest pause within one"})
    retry_scale: float = field(
        default=1.0, metadata={"unit": "times", "means": "the pauses between tries, by this factor"}
    )

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Raises BadRules, which names the field and the fix."""
        return numbers.read(cls, value, part="fetch")


def download(asset: Asset, now: datetime) -> Outcome:
    """Fetch one submitted file; whatever the host does later, only this copy is judged, audited and shown."""
    into = partial_path(asset)
    try:
        fetched = fetch.fetch(
            url_of(asset), policy=policy_for(asset), into=into, slots=host_slots.AdvisoryLocks(PER_HOST)
        )
    except FetchFailed as failed:
        return _failed(asset, failed)
    sha256 = store.default().put(into)
    partial_files.forget(into)
    return Move(
        "stored",
        because="downloaded; only this copy is judged",
        sets={"sha256": sha256, "bytes": fetched.bytes, "content_type": fetched.content_type[:80]},
        facts={"sha256": sha256, "bytes": fetched.bytes},
    )


def _failed(asset: Asset, failed: FetchFailed) -> Outcome:
    """Only tries that failed for a reason of the miner's bring a forfeit nearer."""
    failure = StepFailure(failed.failure_class, failed.code, failed.sentence)
    tries = partial_files.count_try(partial_path(asset), ours=failed.failure_class == "infrastructure")
    verdict = retry_policy(failed, attempt=tries)
    if isinstance(verdict, GiveUp):
        partial_files.forget(partial_path(asset))
        return Move("failed", because=failed.sentence, failure=failure)
    scale = limits_of(asset).retry_scale
    return Retry(timedelta(seconds=verdict.delay_s * scale), failure, counts=failed.code != "no_slot")


def limits_of(asset: Asset) -> FetchLimits:
    return FetchLimits.from_json(asset.submission.round.competition.config.get("fetch", {}))


def url_of(asset: Asset) -> str:
    extension = registry.of(asset.submission.round.competition.config).extension
    return f"{asset.submission.cdn_url.rstrip('/')}/{asset.prompt.stem}.{extension}"


def policy_for(asset: Asset) -> fetch.FetchPolicy:
    """The competition's limits; plain http to this machine only where this deployment is a demo."""
    limits = limits_of(asset)
    port = urlsplit(asset.submission.cdn_url).port
    return fetch.FetchPolicy(
        max_bytes=int(limits.max_bytes),
        patience=Patience(total_s=limits.total_s, idle_s=limits.idle_s),
        loopback_ports=(port,) if settings.DEMO and port else (),
        spare_bytes=(64 if settings.DEMO else 1024) * 2**20,
        witness=fetch.witness_of(settings.FETCH_WITNESS),
    )


def partial_path(asset: Asset) -> Path:
    folder = Path(settings.VAR_DIR) / "partial"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"asset-{asset.pk}"
