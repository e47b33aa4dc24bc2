"""How does the judge of a round do: what waits for it, what it was asked, what failed, what it cost, is it well?"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Avg, BigIntegerField, Count, Max, Min, Q, Sum
from django.db.models.fields.json import KeyTextTransform, KeyTransform
from django.db.models.functions import Cast

from competition.models import Round
from dashboard.facts import judge_pages
from dashboard.facts.judge_pages import JudgePage, RoundHealth, UnwellJudge
from dashboard.models import Publication
from dashboard.operations import round_costs
from judging.backends import is_model
from judging.health import controls
from judging.models import Control, DescribedJudge, Duel
from judging.panel.answer_rows import answers_paid_by

LATELY = timedelta(minutes=5)
UNWELL = "JUDGE_HEALTH"  # the code of a pause by a failing gate


def page(round_: Round, *, now: datetime) -> JudgePage:
    costs = round_costs.of_round(round_)
    estimate = round_costs.next_round(round_.competition) if round_.state != "finished" else None
    if not is_model(round_.competition.judge):
        return judge_pages.computed(round_, costs=costs, estimate=estimate)
    version = round_.matches.exclude(judge="").values_list("judge", flat=True).first()
    described = DescribedJudge.objects.filter(version=version).first()
    lately = Count("pk", filter=Q(made_at__gte=now - LATELY))
    arrivals = answers_paid_by(round_).aggregate(recent=lately, first=Min("made_at"), last=Max("made_at"))
    return judge_pages.page(
        round_,
        described=described.described if described else {},
        server=described.server if described else {},
        version=version or "",
        queue=(
            waiting("duels", Duel.objects.filter(match__round=round_), now=now),
            waiting("controls", Control.objects.filter(round=round_), now=now),
        ),
        calls=calls(round_),
        lately={**arrivals, "seconds": LATELY.total_seconds()},
        duels=Duel.objects.filter(match__round=round_, match__counts=True, state="judged").count(),
        failures=failures(round_),
        findings=controls.measured(round_).findings,
        failing=controls.failing(round_),
        controls=list(controls.current(round_).order_by("kind", "prompt__stem", "variant")),
        published=Publication.objects.filter(round=round_, state="published").exists(),
        costs=costs,
        estimate=estimate,
    )


def waiting(kind: str, rows: Any, *, now: datetime) -> dict[str, Any]:
    """`silent`: asked about as often as their state allows, and still without an answer."""
    held = Q(lease__isnull=False, leased_until__gt=now)
    counts: dict[str, Any] = rows.aggregate(
        open=Count("pk", filter=Q(state="judging")),
        in_work=Count("pk", filter=Q(state="judging") & held),
        judged=Count("pk", filter=Q(state="judged")),
        void=Count("pk", filter=Q(state="void")),
        silent=Count("pk", filter=rows.model.out_of_tries()),
    )
    return {"kind": kind, **counts}


def calls(round_: Round) -> list[dict[str, Any]]:
    """By question: what this round paid for.  Latency runs from sending to the whole answer."""
    rows = answers_paid_by(round_).order_by("kind").values("kind")
    counted = rows.annotate(
        answers=Count("pk"),
        attempts=Sum("attempt"),
        mean_ms=Avg("latency_ms"),
        longest_ms=Max("latency_ms"),
        total_ms=Sum("latency_ms"),
        prompt_tokens=_tokens("prompt_tokens"),
        completion_tokens=_tokens("completion_tokens"),
    )
    return [{**row} for row in counted]


def _tokens(name: str) -> Sum:
    return Sum(Cast(KeyTextTransform(name, KeyTransform("usage", "raw")), BigIntegerField()))


def failures(round_: Round) -> list[dict[str, Any]]:
    """Rows without an answer, by what was said last."""
    listed = []
    for kind, rows in (("duel", Duel.objects.filter(match__round=round_)), ("control", round_.controls.all())):
        failed = rows.filter(failure_class="judge", state__in=("judging", "void")).order_by()
        grouped = failed.values("state", "failure_code").annotate(rows=Count("pk"), tries=Sum("attempts"))
        reasons = dict(failed.values_list("failure_code").annotate(Max("failure_reason")))
        listed += [{"kind": kind, **row, "reason": reasons[row["failure_code"]]} for row in grouped.order_by("-rows")]
    return listed


def unwell(round_: Round) -> UnwellJudge | None:
    """The evidence of failing gates, for the round's own page; None where it is not paused for them."""
    if round_.state != "paused" or round_.failure_code != UNWELL:
        return None
    failing = controls.failing(round_)
    rows = controls.current(round_).filter(state="judged", kind__in=[f.gate for f in failing])
    return UnwellJudge(
        gates=tuple(judge_pages.gate(f) for f in failing),
        controls=tuple(judge_pages.control_line(row, published=False) for row in rows),
    )


def last_health() -> RoundHealth | None:
    """The newest round that a model judged and whose controls are made, with its gates."""
    control = Control.objects.order_by("-round_id").select_related("round__competition").first()
    return judge_pages.health(control.round, controls.measured(control.round).findings) if control else None
