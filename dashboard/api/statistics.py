"""What do a round and a competition add up to?  A constant number of queries each."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum

from competition.models import Asset, Competition, Prompt, Round
from dashboard.api.rows import outcomes as rows
from dashboard.facts import duel_statistics, prompt_counts
from judging.models import Duel


def of_round(round_: Round) -> rows.RoundStatisticsRow:
    challengers = round_.submissions.filter(role="challenger")
    entered = challengers.aggregate(
        n=Count("pk"), eligible=Count("pk", filter=Q(objection="")), copies=Count("pk", filter=~Q(copy_of=None))
    )
    duels = by(Duel.objects.filter(match__round=round_, match__counts=True), "state")
    results = by(Duel.objects.filter(match__round=round_, match__counts=True, state="judged"), "outcome")
    decisive = results.get("challenger", 0) + results.get("defender", 0)
    assets = Asset.objects.filter(submission__round=round_)
    stored = assets.filter(state="stored").order_by().values("sha256", "bytes").distinct()
    return rows.RoundStatisticsRow(
        competition=round_.competition.slug,
        round=round_.number,
        entries=entered["n"],
        eligible=entered["eligible"],
        copies=entered["copies"],
        prompts=round_.drawn.count(),
        matches=by(round_.matches.all(), "kind"),
        duels=duels,
        results=results,
        decisive_share=Fraction(decisive, duels["judged"]) if duels.get("judged") else Fraction(0),
        unneeded=duels.get("unneeded", 0),
        files=by(assets, "state"),
        file_bytes=stored.aggregate(bytes=Sum("bytes"))["bytes"] or 0,
    )


def by(queryset: QuerySet[Any], field: str) -> dict[str, int]:
    counted = queryset.order_by().values(field).annotate(n=Count("pk"))
    return {row[field]: row["n"] for row in sorted(counted, key=lambda row: str(row[field]))}


def of_competition(competition: Competition) -> rows.CompetitionStatisticsRow:
    repeats, counts = duel_statistics.repeats(competition), prompt_counts.over(prompt_counts.newest(competition))
    stems = dict(Prompt.objects.filter(pk__in=counts).order_by("stem").values_list("pk", "stem"))
    names = ("judged", "won", "lost", "forfeited", "void", "rounds")
    return rows.CompetitionStatisticsRow(
        competition=competition.slug,
        judges=tuple(
            rows.InForceRow(name=j["judge_name"], version=j["judge"], first_round=j["first"], last_round=j["last"])
            for j in duel_statistics.judges_of(competition)
        ),
        rulesets=tuple(
            rows.InForceRow(name=r["ruleset"], version="", first_round=r["first"], last_round=r["last"])
            for r in duel_statistics.rulesets_of(competition)
        ),
        repeated_pairs=repeats["pairs"],
        repeated_same=repeats["same"],
        repeated_opposite=repeats["opposite"],
        prompts=tuple(
            rows.PromptCountRow(stem=stem, **{name: counts[pk][name] for name in names}) for pk, stem in stems.items()
        ),
    )
