"""What do the page and the command read of the runs of a second judge?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, IntegerField, Q, QuerySet, Sum
from django.db.models.fields.json import KT
from django.db.models.functions import Cast

from judging.shadow.models import ShadowAnswer, ShadowDuel, ShadowRun

MOST_RUNS = 200


@dataclass(frozen=True, kw_only=True)
class ShadowCost:
    """What was asked so far: `questions` with an answer, `attempts` that it took, the seconds that the answers took
    together, and the tokens where a server counts them."""

    questions: int
    attempts: int
    answering_s: int
    prompt_tokens: int | None
    completion_tokens: int | None


def runs() -> list[ShadowRun]:
    """The newest first; each with its `judged` and `silent` duels."""
    return list(_counted(ShadowRun.objects.all()).order_by("-begun_at", "-pk")[:MOST_RUNS])


def run_numbered(number: int) -> ShadowRun | None:
    return _counted(ShadowRun.objects.filter(pk=number)).first()


def _counted(rows: QuerySet[ShadowRun]) -> QuerySet[ShadowRun]:
    named = rows.select_related("round__competition", "round__defending__miner")
    return named.annotate(
        judged=Count("duels", filter=Q(duels__state="judged")), silent=Count("duels", filter=Q(duels__state="void"))
    )


def cost_of(run: ShadowRun) -> ShadowCost:
    def tokens(name: str) -> Sum:
        return Sum(Cast(KT(f"raw__usage__{name}"), IntegerField()))

    sums = ShadowAnswer.objects.filter(run=run).aggregate(
        questions=Count("pk"),
        attempts=Sum("attempt"),
        ms=Sum("latency_ms"),
        prompt_tokens=tokens("prompt_tokens"),
        completion_tokens=tokens("completion_tokens"),
    )
    return ShadowCost(
        questions=sums["questions"],
        attempts=sums["attempts"] or 0,
        answering_s=round((sums["ms"] or 0) / 1000),
        prompt_tokens=sums["prompt_tokens"],
        completion_tokens=sums["completion_tokens"],
    )


def silences(run: ShadowRun) -> Iterable[tuple[str, str, int, str]]:
    """(class, code, how many duels, the sentence of one of them), the most frequent first."""
    counted: dict[tuple[str, str], list[str]] = {}
    rows = ShadowDuel.objects.filter(run=run, state="void").order_by("pk")
    for failure_class, code, reason in rows.values_list("failure_class", "failure_code", "failure_reason"):
        counted.setdefault((failure_class, code), []).append(reason)
    ordered = sorted(counted.items(), key=lambda row: (-len(row[1]), row[0]))
    return [(*named, len(reasons), reasons[-1]) for named, reasons in ordered]
