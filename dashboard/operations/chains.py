"""What is shown of a real chain: is it watched, do its nodes agree, what of weights, what is anchored?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import DurationField, ExpressionWrapper, F
from django.db.models.functions import Now

from competition.chain.observations import Anchor, ObservedChain
from competition.models import Competition

SILENT_LOOKS = 5  # pauses between two looks, and then the watcher does not run


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    shown: str
    finalised: int | None
    behind: int | None
    fault: str


@dataclass(frozen=True, kw_only=True)
class ChainState:
    """`sentence` says whether rounds on this chain go on; `code` is empty while they do."""

    name: str
    sentence: str
    code: str
    since: datetime | None
    block: int
    block_hash: str
    block_at: datetime | None
    looked_at: datetime | None
    remark: str
    weights: str
    anchored_to: int | None
    anchored_at_block: int | None
    endpoints: tuple[Endpoint, ...]


def chains() -> tuple[ChainState, ...]:
    """Of every active competition on a real chain, watched or not."""
    rows = Competition.objects.filter(active=True, chain__startswith="bittensor:")
    names = sorted(set(rows.values_list("chain", flat=True)))
    if not names:
        return ()
    quiet = ExpressionWrapper(Now() - F("looked_at"), output_field=DurationField())
    old = ExpressionWrapper(Now() - F("read_at"), output_field=DurationField())
    observed = ObservedChain.objects.filter(name__in=names).annotate(quiet=quiet, old=old).prefetch_related("endpoints")
    watched = {row.name: row for row in observed}
    return tuple(_state(watched[name]) if name in watched else _unwatched(name) for name in names)


def _unwatched(name: str) -> ChainState:
    return ChainState(
        name=name,
        sentence="Nobody watches this chain: start manage.py runchain. Its rounds wait.",
        code="UNWATCHED",
        since=None,
        block=0,
        block_hash="",
        block_at=None,
        looked_at=None,
        remark="",
        weights="",
        anchored_to=None,
        anchored_at_block=None,
        endpoints=(),
    )


def _state(row: ObservedChain) -> ChainState:
    code, sentence = _verdict(row)
    anchor = Anchor.objects.filter(chain=row).exclude(block=None).select_related("checkpoint").last()
    best = max((each.finalised or 0 for each in row.endpoints.all()), default=0)
    return ChainState(
        name=row.name,
        sentence=sentence,
        code=code,
        since=row.fault_since if row.fault else None,
        block=row.block,
        block_hash=row.block_hash,
        block_at=row.block_at,
        looked_at=row.looked_at,
        remark=row.remark,
        weights=row.weights_said,
        anchored_to=anchor.checkpoint.seq if anchor else None,
        anchored_at_block=anchor.block if anchor else None,
        endpoints=tuple(
            Endpoint(
                shown=each.shown,
                finalised=each.finalised,
                fault=each.fault,
                behind=None if each.finalised is None else best - each.finalised,
            )
            for each in row.endpoints.all()
        ),
    )


def _verdict(row: Any) -> tuple[str, str]:
    """(code, sentence): the worst that is known of the chain just now; `row` with the ages that its query works out."""
    silent = timedelta(seconds=SILENT_LOOKS * (settings.CHAIN_POLL_SECONDS + settings.CHAIN_TIMEOUT_SECONDS))
    if row.quiet is None or row.quiet > silent:
        return "UNWATCHED", "Nobody has looked at this chain for long: runchain does not run. Its rounds wait."
    if row.fault_code and row.fault_code != "TOO_FEW":
        return row.fault_code, f"Its rounds wait: {row.fault}."
    if row.old is None or row.old > timedelta(seconds=settings.CHAIN_STALE_SECONDS):
        return "STALE", f"Its rounds wait: no new finalised block could be used. {row.fault}".strip()
    if row.fault:
        return row.fault_code, f"Its rounds go on with the last block agreed on: {row.fault}"
    return "", "Enough endpoints agree."
