"""What do pages read of the audits?  One function per need of a page, each with a constant number of queries."""

from __future__ import annotations

from collections.abc import Iterable

from audits.models import Audit, PodRun
from competition.models import Round


def audits_of(round_: Round) -> list[Audit]:
    rows = round_.audits.select_related("submission__miner", "submission__copy_of__miner").prefetch_related("findings")
    return list(rows.order_by("submission__reveal_block", "submission_id", "kind"))


def audits_on(submissions: Iterable[int]) -> list[Audit]:
    rows = Audit.objects.filter(submission__in=set(submissions)).select_related(
        "submission__miner", "round__competition"
    )
    return list(rows.prefetch_related("findings").order_by("-round__number", "kind"))


def pod_runs_on(submissions: Iterable[int]) -> list[PodRun]:
    rows = PodRun.objects.filter(submission__in=set(submissions)).select_related("submission__miner")
    return list(rows.order_by("submission_id", "purpose", "repeat"))
