"""What was measured of a round that costs: the judge's seconds and tokens, pods, processors, bytes?

A round pays for what was done for it first: a file that an earlier round had drawn costs it nothing, and neither does
an answer that an earlier round was given.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.db.models import Count, Max, Q, QuerySet, Sum

from audits.decisions.rentals import PodRental
from audits.models import PodRun
from competition import queries
from competition.models import Asset, Competition, Round
from core import clock
from dashboard.facts import costs
from dashboard.facts.costs import (
    HOUR_S,
    CompetitionCosts,
    CostEstimate,
    MeasuredAmount,
    MeasuredRound,
    Prices,
    RoundCosts,
)
from dashboard.facts.wording import count
from dashboard.models import Publication, Reissue
from judging.backends import is_model
from judging.models import Measurement, Rendering

MOST_OF_BASIS = 5  # rounds: more would be of older prices, code and cards
MOST_COMPETITIONS = 12
REMEMBERED_S = {True: 600, False: 10}
"""By whether the round is finished, of which hardly anything changes any more."""
MS_AN_HOUR = 1000 * HOUR_S

BUSY = """
    WITH asked AS (
        SELECT a.made_at - a.latency_ms * interval '1 millisecond' AS began, a.made_at AS ended
        FROM judging_answer a JOIN judging_duel d ON d.id = a.asked_for_id JOIN judging_match m ON m.id = d.match_id
        WHERE m.round_id = %(round)s
    ), beside AS (
        SELECT began, ended, max(ended) OVER (
            ORDER BY began, ended ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS before FROM asked
    )
    SELECT count(*), extract(epoch FROM sum(ended - began)), extract(epoch FROM sum(ended - greatest(began, before))
        FILTER (WHERE before IS NULL OR ended > before)) FROM beside
"""
"""How long all questions took together, and how long at least one was open.  greatest() takes no notice of NULL."""

TOKENS = """
    WITH answers AS (
        SELECT a.raw->'usage' AS usage, 0 AS ms
        FROM judging_answer a JOIN judging_duel d ON d.id = a.asked_for_id JOIN judging_match m ON m.id = d.match_id
        WHERE m.round_id = %(round)s
        UNION ALL
        SELECT reply.value->'raw'->'usage', (reply.value->>'latency_ms')::numeric
        FROM judging_control c, jsonb_each(c.answers) AS reply WHERE c.round_id = %(round)s
    )
    SELECT count(*),
        count(*) FILTER (WHERE jsonb_typeof(usage->'prompt_tokens') = 'number'),
        sum(CASE WHEN jsonb_typeof(usage->'prompt_tokens') = 'number' THEN (usage->>'prompt_tokens')::numeric END),
        count(*) FILTER (WHERE jsonb_typeof(usage->'completion_tokens') = 'number'),
        sum(CASE WHEN jsonb_typeof(usage->'completion_tokens') = 'number'
            THEN (usage->>'completion_tokens')::numeric END),
        sum(ms) FROM answers
"""
"""A server counts tokens as it likes: what is no number is not counted."""


def prices() -> Prices:
    return Prices(
        gpu_hour=settings.PRICE_GPU_HOUR,
        tokens_read_million=settings.PRICE_TOKENS_READ,
        tokens_written_million=settings.PRICE_TOKENS_WRITTEN,
        cpu_hour=settings.PRICE_CPU_HOUR,
        gigabyte_month=settings.PRICE_GIGABYTE_MONTH,
    )


def of_round(round_: Round) -> RoundCosts:
    return costs.round_costs(round_, measured(round_), prices=prices())


def remembered(round_: Round) -> RoundCosts:
    """The same for whoever asks often: it reads every answer of a round, and anybody may ask."""
    over = round_.state == "finished"
    key = f"costs:{round_.pk}:{over}:{hash((prices(), settings.JUDGE_GPUS))}"
    known: RoundCosts | None = cache.get(key)
    if known is None:
        known = of_round(round_)
        cache.set(key, known, REMEMBERED_S[over])
    return known


def measured(round_: Round) -> MeasuredRound:
    files = paid_files(round_)
    drawn = Rendering.objects.filter(competition=round_.competition_id, sha256__in=files)
    sound = Measurement.objects.filter(sha256__in=files)
    amounts = {
        **judged(round_),
        "pods": rented(round_),
        "rendering": processors(drawn, settled=("rendered", "refused")),
        "measuring": processors(sound, settled=("measured", "unmeasured")),
        "stored": stored(round_),
        "served": MeasuredAmount(
            amount=None, basis="Not counted here: whatever serves the files (a proxy, a CDN, a store) knows it."
        ),
    }
    return MeasuredRound(amounts=amounts)


def judged(round_: Round) -> dict[str, MeasuredAmount]:
    """A model that was asked nothing cost nothing; one that was asked before the round was imported is unknown."""
    names = ("judge", "tokens_read", "tokens_written")
    if round_.source:
        elsewhere = MeasuredAmount(amount=None, basis="It was played elsewhere; its records hold no such number.")
        return dict.fromkeys(names, elsewhere)
    with connection.cursor() as cursor:
        cursor.execute(BUSY, {"round": round_.pk})
        answers, together, busy = cursor.fetchone()
        cursor.execute(TOKENS, {"round": round_.pk})
        every, read_known, read, written_known, written, controls_ms = cursor.fetchone()
    if not every:
        model = is_model(round_.competition.judge)
        why = (
            "No model was asked anything yet." if model else f"{round_.competition.judge} computes: no model is asked."
        )
        return dict.fromkeys(names, MeasuredAmount(amount=0.0, basis=why))
    controls_s, cards = float(controls_ms or 0) / 1000, settings.JUDGE_GPUS
    seconds = float(busy or 0) + controls_s * (float(busy / together) if together else 1)
    of_controls = f", and for {every - answers} about controls, as many at once" if every > answers else ""
    return {
        "judge": MeasuredAmount(
            amount=seconds * cards,
            basis=f"While at least one of {answers} questions was open{of_controls}, by {count(cards, 'card')}.",
        ),
        "tokens_read": tokens(read, known=read_known, of=every),
        "tokens_written": tokens(written, known=written_known, of=every),
    }


def tokens(total: int | None, *, known: int, of: int) -> MeasuredAmount:
    """A part of the sum is no sum: unknown where the server told them of some answers only."""
    if known < of:
        return MeasuredAmount(amount=None, basis=f"The server counted them for {known} of {of} answers.")
    return MeasuredAmount(amount=float(total or 0), basis=f"As the server counted them for {of} answers.")


def rented(round_: Round) -> MeasuredAmount:
    """Hours of every pod, those that still run up to now; the money is what the runs say."""
    runs = list(PodRun.objects.filter(submission__round=round_).only("rentals", "usd"))
    if not runs:
        return MeasuredAmount(amount=0.0, usd=0.0, basis="No code was run.")
    rentals = [PodRental.from_json(row) for run in runs for row in run.rentals]
    if not rentals:
        return MeasuredAmount(amount=None, basis=f"{count(len(runs), 'run')}, of which no pod is written down.")
    now = clock.now()
    hours = sum(max(0.0, ((row.until or now) - row.since).total_seconds()) for row in rentals) / HOUR_S
    paid = [run.usd for run in runs if run.usd is not None]
    whole = len(paid) == len(runs)
    basis = f"{count(len(rentals), 'pod')} of {count(len(runs), 'run')}, from start to end."
    if not whole:
        basis += f" Without a price, or not over: {count(len(runs) - len(paid), 'run')}."
    return MeasuredAmount(amount=hours, usd=sum(paid) if whole else None, basis=basis)


def paid_files(round_: Round) -> QuerySet[Asset, Any]:
    """By hash, the stored files that no earlier round of the competition had."""
    of = Asset.objects.filter(submission__round__competition=round_.competition_id, state="stored").order_by()
    before = of.filter(submission__round__number__lt=round_.number)
    own = of.filter(submission__round=round_).exclude(sha256__in=before.values("sha256"))
    return own.values_list("sha256", flat=True).distinct()


def processors(rows: QuerySet[Any], *, settled: Iterable[str]) -> MeasuredAmount:
    done = rows.filter(state__in=list(settled)).order_by()
    sums = done.aggregate(rows=Count("pk"), known=Count("processor_ms"), ms=Sum("processor_ms"))
    if sums["known"] < sums["rows"]:
        return MeasuredAmount(amount=None, basis=f"Measured of {sums['known']} of {sums['rows']} files.")
    basis = f"Of {sums['rows']} files that no earlier round had; tries that failed are not counted."
    return MeasuredAmount(amount=(sums["ms"] or 0) / MS_AN_HOUR, basis=basis)


def stored(round_: Round) -> MeasuredAmount:
    """What its editions of the bundle weigh; before, the files that came."""
    editions = [
        *Publication.objects.filter(round=round_, state="published").values_list("bytes", flat=True),
        *Reissue.objects.filter(correction__round=round_, state="published").values_list("bytes", flat=True),
    ]
    if editions:
        return MeasuredAmount(amount=float(sum(editions)), basis="Its published bundles, pictures and files included.")
    files = Asset.objects.filter(submission__round=round_, state="stored").order_by()
    sizes = files.values("sha256").annotate(size=Max("bytes")).aggregate(total=Sum("size"))
    return MeasuredAmount(amount=float(sizes["total"] or 0), basis="The files that came so far; its bundle is not out.")


def next_round(competition: Competition) -> CostEstimate:
    """From the last finished rounds that this judge judged under the rules of the newest round."""
    basis = [remembered(each) for each in like_the_next(competition)]
    return costs.estimate(competition.slug, judge=competition.judge, rounds=basis)


def like_the_next(competition: Competition) -> list[Round]:
    newest = competition.rounds.order_by("-number").first()
    if newest is None:
        return []
    finished = competition.rounds.filter(state="finished", source={}, rules=newest.rules).order_by("-number")
    other = Q(matches__counts=True) & ~Q(matches__judge_name__in=("", competition.judge))
    of_others = competition.rounds.filter(other).values("pk")
    return list(finished.exclude(pk__in=of_others).select_related("competition")[:MOST_OF_BASIS])


def of_competitions() -> tuple[CompetitionCosts, ...]:
    """Those that are played, as the front page orders them."""
    played = [each for each in queries.competitions() if each.active][:MOST_COMPETITIONS]
    return tuple(map(of_competition, played))


def of_competition(competition: Competition) -> CompetitionCosts:
    last = competition.rounds.filter(state="finished").select_related("competition").order_by("-number").first()
    return CompetitionCosts(
        competition=competition.slug,
        name=competition.name,
        last=remembered(last) if last else None,
        estimate=next_round(competition),
    )


def as_metrics() -> str:
    """In the text format of Prometheus: of each competition that is played, its last finished round and the next.

    What is unknown is left out, as the format has it: a sample that says 0 would be a claim.
    """
    samples: dict[str, list[str]] = {name: [] for name in METRICS}
    for each in of_competitions():
        named = f'competition="{each.competition}"'
        for line in each.last.lines if each.last else ():
            labels = f'{named},item="{line.item}",unit="{line.unit}"'
            add(samples["gauntlet_round_cost_amount"], labels, line.amount)
            add(samples["gauntlet_round_cost_usd"], labels, line.usd)
        if each.last:
            add(samples["gauntlet_round_cost_unknown_items"], named, float(len(each.last.unknown)))
            add(samples["gauntlet_round_cost_round"], named, float(each.last.round))
        add(samples["gauntlet_estimate_usd"], named, each.estimate.usd)
        add(samples["gauntlet_estimate_rounds"], named, float(len(each.estimate.basis)))
    texts = []
    for name, about in METRICS.items():
        texts += [f"# HELP {name} {about}", f"# TYPE {name} gauge", *(f"{name}{sample}" for sample in samples[name])]
    return "\n".join(texts) + "\n"


METRICS = {
    "gauntlet_round_cost_amount": "What the last finished round used, in the unit named.",
    "gauntlet_round_cost_usd": "What that cost, by the prices set; absent where it is unknown.",
    "gauntlet_round_cost_unknown_items": "How many items of that round have no known money.",
    "gauntlet_round_cost_round": "The number of that round.",
    "gauntlet_estimate_usd": "What the next round may cost; absent where it is unknown.",
    "gauntlet_estimate_rounds": "From how many rounds that is taken.",
}


def add(samples: list[str], labels: str, value: float | None) -> None:
    if value is not None:
        samples.append(f"{{{labels}}} {value:.10g}")
