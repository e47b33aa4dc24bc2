"""What are the data of the charts over the rounds, and of those of an audit?"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

from django.urls import reverse

from audits.models import Audit, PodRun
from competition import queries
from competition.decisions.attempts import plain
from competition.models import Competition, Prompt, Round
from competition.records.audited import HARD_LIMIT_SECONDS, MISMATCH_DISTANCE
from dashboard.facts import audit_plots, chart_pages, prompt_counts
from dashboard.facts.audit_plots import Allowed, RegeneratedPrompt
from dashboard.facts.chart_pages import ChartsPage, TimeRow
from dashboard.facts.match_pages import MatchPage
from dashboard.facts.people import entrant
from dashboard.facts.plots import Plot
from dashboard.facts.prompt_pages import NOTHING, prompt_row
from dashboard.models import RecordFile
from judging.models import Match, auditing

MOST_MATCHES = 300
MOST_PROMPTS = 300
LARGEST = 1e9


def charts_facts(competition: Competition, *, before: int | None) -> ChartsPage:
    """`before`: only rounds with a lower number."""
    decided = Match.in_force.filter(round__competition=competition, state="decided").exclude(auditing())
    decided = decided.filter(margin_micro__isnull=False)
    decided = decided.filter(round__number__lt=before) if before is not None else decided
    sides = ("round__competition", "defender__miner", "challenger__miner")
    matches = list(decided.select_related(*sides).order_by("-round__number", "pk")[: MOST_MATCHES + 1])
    older = None  # the oldest round that is shown where not all are: whole rounds only, unless one alone is too much
    if len(matches) > MOST_MATCHES:
        older = min(matches[0].round.number, matches[MOST_MATCHES].round.number + 1)
    shown = [match for match in matches[:MOST_MATCHES] if older is None or match.round.number >= older]
    window = {match.round_id for match in shown}
    reigns = queries.reigns_of(competition)
    times = list(_times(competition, window))
    counts = prompt_counts.over(prompt_counts.newest(competition))
    most = sorted(counts, key=lambda pk: (-counts[pk]["judged"], pk))[:MOST_PROMPTS]
    rows = Prompt.objects.in_bulk(most)
    gallery = reverse("prompt-gallery", args=[competition.slug])
    known = [rows[pk] for pk in most if pk in rows]
    prompts = [prompt_row(competition, row, counts.get(row.pk, NOTHING), gallery=gallery) for row in known]
    return chart_pages.page(
        competition,
        shown,
        reigns=reigns,
        times=times,
        prompts=prompts,
        before=before,
        older=older,
    )


def _times(competition: Competition, rounds: set[int]) -> Iterator[TimeRow]:
    """Of pods that ran to their end here, and of audits that were made elsewhere."""
    mine = ("submission__round__competition", "submission__miner")
    runs = PodRun.objects.filter(submission__round__in=rounds, state="done").select_related(*mine)
    limits: dict[int, Any] = {}
    for audit in Audit.objects.filter(round__in=rounds, kind="generation").select_related(*mine).order_by("pk"):
        limits[audit.submission_id] = audit.limits.get("generation_s")
        seconds = _plain(audit.numbers.get("generation_time_s"))
        if seconds is not None:
            yield _time(audit, "audit, median of a prompt", seconds, audit.limits.get("generation_time_s"))
    for run in runs.order_by("pk"):
        limit = limits.get(run.submission_id) if plain(run.purpose) == PodRun.Purpose.AUDIT else None
        yield _time(run, f"{run.purpose.replace('_', ' again, ')}, all prompts", run.generated_s, limit)


def _time(row: Audit | PodRun, what: str, seconds: float, limit: Any) -> TimeRow:
    entry = row.submission
    round_, audited = entry.round, isinstance(row, Audit) or plain(row.purpose) == PodRun.Purpose.AUDIT
    name, at = ("audit", [entry.miner.hotkey]) if audited else ("round", [])
    return TimeRow(
        round=round_.number,
        miner=entrant(entry),
        what=what,
        seconds=float(seconds),
        limit_s=_plain(limit),
        url=reverse(name, args=[round_.competition.slug, round_.number, *at]),
    )


def plots_of_audit(round_: Round, *, hotkey: str, match: MatchPage | None) -> tuple[Plot, ...]:
    """The charts that the audit of an entry has data for."""
    at = [round_.competition.slug, round_.number, hotkey]
    urls = {name: reverse("audit-chart", args=[*at, name]) for name in ("distances", "times")}
    if not round_.source:
        plot = audit_plots.scores(match, data_url=urls["distances"]) if match else None
        return (plot,) if plot else ()
    prompts, allowed = _regenerated(round_, hotkey)
    plots = (
        audit_plots.distances(prompts, allowed=allowed, data_url=urls["distances"]),
        audit_plots.times(prompts, allowed=allowed, data_url=urls["times"]),
    )
    return tuple(plot for plot in plots if plot)


def _regenerated(round_: Round, hotkey: str) -> tuple[list[RegeneratedPrompt], Allowed]:
    """What the file of an audit elsewhere says of each prompt; what is no number in it is left out, and a finding."""
    path = f"rounds/{round_.number}/{hotkey}/generated.json"
    row = RecordFile.objects.filter(competition=round_.competition, path=path, current=True).first()
    audit = Audit.objects.filter(round=round_, submission__miner__hotkey=hotkey, kind="generation").first()
    numbers, limits = (audit.numbers, audit.limits) if audit else ({}, {})
    listed = numbers.get("critical_prompts")
    critical = set(map(str, listed)) if isinstance(listed, list) else set()
    try:
        content = json.loads(zlib.decompress(bytes(row.content))) if row else {}
    except (ValueError, RecursionError):
        content = {}
    prompts = [
        RegeneratedPrompt(
            prompt=stem[:80],
            distance=_plain(item.get("distance")),
            seconds=_plain(item.get("generation_time")),
            critical=stem in critical,
        )
        for stem, item in (content.items() if isinstance(content, Mapping) else ())
        if isinstance(item, Mapping)
    ]
    median = _plain(limits.get("generation_time_s"))
    return prompts, Allowed(distance=MISMATCH_DISTANCE, seconds=HARD_LIMIT_SECONDS, median_seconds=median)


def _plain(value: Any) -> float | None:
    """A number that can be drawn."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    return float(value) if 0 <= value < LARGEST else None
