"""What do pages read of the audits?  One function per need of a page, each with a constant number of queries."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import Case, Count, Exists, Func, OuterRef, Q, QuerySet, Subquery, When
from django.db.models.functions import Coalesce

from audits.models import Appeal, Audit, Build, Finding, PodRun
from competition import attempts
from competition.decisions.attempts import FIRST, number_of
from competition.models import Competition, Round, Submission

MOST_APPEALS = 100
NEWEST_ROUND = ("-round__number", "submission__reveal_block", "submission_id", "kind")
RUN_SIDES = ("attempt", "submission__miner", "submission__round")
APPEAL_SIDES = ("audit__attempt", "audit__round__competition", "audit__submission__miner", "appellant")


def entry_columns() -> dict[str, Any]:
    """Of an entry's pod runs: `output_s`, mean seconds of an output in those that came to their end, and `pods_usd`,
    dollars for those that are over (None where one that rented a pod has no price)."""
    runs = PodRun.objects.filter(submission=OuterRef("pk")).order_by()
    over = runs.filter(state__in=("done", "failed"))
    mean = runs.filter(state="done").values(mean=Func("mean_output_s", function="AVG"))
    unpriced = over.filter(usd=None, progress__pods__gt=0)
    total = over.values(total=Func("usd", function="SUM"))
    return {"output_s": Subquery(mean), "pods_usd": Case(When(~Exists(unpriced), then=Subquery(total)))}


def newest_in_force(audits: Iterable[Audit]) -> list[Audit]:
    """Of several attempts at a verdict the newest that counts; in their order."""
    rows = [a for a in audits if a.correction is None or a.correction.state == "applied"]
    newest = {(a.submission_id, a.kind): a.pk for a in sorted(rows, key=lambda audit: number_of(audit.attempt))}
    return [a for a in rows if newest[a.submission_id, a.kind] == a.pk]


def shown(rows: QuerySet[Audit], *beside: str) -> QuerySet[Audit]:
    """With all that a list shows of an audit: `finding_count`, and `appealed`, whether anybody ever
    objected to a verdict on its entry.  `beside`: what else is read with it."""
    findings = Finding.objects.filter(audit=OuterRef("pk")).order_by().values(n=Func("pk", function="COUNT"))
    objected = Appeal.objects.filter(audit__submission=OuterRef("submission"))
    columns = {"finding_count": Subquery(findings), "appealed": Exists(objected)}
    return rows.select_related("submission__miner", "attempt", *beside).annotate(**columns)


def audits_of(round_: Round) -> list[Audit]:
    """The verdicts that count, and those that are on their way."""
    return newest_in_force(_in_turn(shown(round_.audits.all(), "correction")))


def versions_of(round_: Round) -> list[Audit]:
    """Every verdict there ever was, superseded ones before those that replace them, with their findings."""
    return _in_turn(shown(round_.audits.all(), "correction").prefetch_related("findings"))


def _in_turn(audits: Iterable[Audit]) -> list[Audit]:
    """By entry as they revealed, then by kind and attempt."""

    def place(audit: Audit) -> tuple[bool, int, int, str, int]:
        block = audit.submission.reveal_block
        return block is None, block or 0, audit.submission_id, audit.kind, number_of(audit.attempt)

    return sorted(audits, key=place)


def in_force(competition: Competition) -> QuerySet[Audit]:
    """The verdicts that count, of all rounds of a competition; `listed` reads them."""
    binding = Q(correction=None) | Q(correction__state="applied")
    same = {name: OuterRef(name) for name in ("submission", "kind")}
    later = Audit.objects.filter(binding, **same, attempt__number__gt=Coalesce(OuterRef("attempt__number"), FIRST))
    return Audit.objects.filter(binding, ~Exists(later), round__competition=competition)


def outcomes(rows: QuerySet[Audit]) -> dict[str, int]:
    """state -> how many of these."""
    return dict(rows.values_list("state").annotate(n=Count("pk")))


def listed(
    rows: QuerySet[Audit], competition: Competition, *, most: int, skip: int = 0, order: Sequence[str] = NEWEST_ROUND
) -> list[Audit]:
    """Of these, all of one competition, `most` after the first `skip`, with all that a list shows."""
    audits = list(shown(rows, "round").order_by(*order)[skip : skip + most])
    for audit in audits:
        audit.round.competition = competition
    return audits


def audits_on(submissions: Iterable[int]) -> list[Audit]:
    rows = shown(Audit.objects.filter(submission__in=set(submissions)), "correction__attempt", "round__competition")
    return newest_in_force(rows.order_by("-round__number", "kind"))


def verdicts_on(submissions: Iterable[int]) -> list[Audit]:
    """The same in any order, for whoever shows nothing but how they ended."""
    rows = Audit.objects.filter(submission__in=set(submissions))
    return newest_in_force(rows.select_related("attempt", "correction"))


def appeals_on(submissions: Iterable[int]) -> list[Appeal]:
    """Against any verdict on these entries, oldest first."""
    rows = Appeal.objects.filter(audit__submission__in=set(submissions)).select_related(*APPEAL_SIDES)
    return list(rows.order_by("pk"))


def appeals_by(hotkey: str) -> list[Appeal]:
    """What a miner objected to, newest first."""
    rows = Appeal.objects.filter(appellant__hotkey=hotkey).select_related(*APPEAL_SIDES)
    return list(rows.order_by("-pk")[:MOST_APPEALS])


def pod_runs_on(submissions: Iterable[int]) -> list[PodRun]:
    rows = PodRun.objects.filter(submission__in=set(submissions))
    rows = rows.select_related(*RUN_SIDES)
    return list(rows.order_by("submission_id", "purpose", attempts.FIRST_TO_LAST))


def runs_beside_leaders(entry: Submission) -> tuple[list[PodRun], list[PodRun]]:
    """The runs of an entry's code, and those of the code that led its round; in one query."""
    leads = Q(submission__round=entry.round_id, submission__role=Submission.Role.LEADER)
    rows = PodRun.objects.filter(Q(submission=entry) | leads).select_related(*RUN_SIDES)
    runs = list(rows.order_by("purpose", attempts.FIRST_TO_LAST))
    own = [run for run in runs if run.submission_id == entry.pk]
    return own, [run for run in runs if run.submission_id != entry.pk]


def builds_of(round_: Round, *, hotkey: str) -> list[Build]:
    """The images of what a miner has in a round; none where its provider runs code without one."""
    rows = Build.objects.filter(submission__round=round_, submission__miner__hotkey=hotkey)
    return list(rows.select_related("submission__miner").order_by("pk"))
