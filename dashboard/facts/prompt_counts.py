"""How often does each prompt tell two sides apart?  Counted once when a round is settled, and from its duels before.

A round's publication writes its counts, an import those of a round that was played elsewhere.  A round without any is
one that still runs: its duels are counted when they are asked about, once a minute at most.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from django.core.cache import cache
from django.db.models import Count, F, Q, QuerySet

from competition.models import Competition, Prompt, Round
from dashboard.models import PromptCount
from judging.models import Duel, auditing

CACHE_SECONDS = 60  # a count over the duels of a round that runs is made once a minute at most
NEWEST = 20  # rounds that a competition's prompts are counted over

WON, LOST = Q(outcome="challenger"), Q(outcome="defender")
BETTER, WORSE = Q(match__margin_micro__gt=0), Q(match__margin_micro__lt=0)
JUDGED = Q(state="judged")
COUNTS = {
    "judged": Count("pk", filter=JUDGED),
    "won": Count("pk", filter=JUDGED & WON),
    "lost": Count("pk", filter=JUDGED & LOST),
    "along": Count("pk", filter=JUDGED & ((WON & BETTER) | (LOST & WORSE))),
    "against": Count("pk", filter=JUDGED & ((WON & WORSE) | (LOST & BETTER))),
    "forfeited": Count("pk", filter=Q(state="forfeited")),
    "void": Count("pk", filter=Q(state="void")),
}


def keep(round_: Round) -> None:
    """Write the counts of a settled round, or write them anew after a correction.  Doing it twice is doing it once."""
    counts = counted([round_.pk])[round_.pk]
    rows = (PromptCount(round=round_, prompt_id=prompt, **columns) for prompt, columns in counts.items())
    PromptCount.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["round", "prompt"], update_fields=list(COUNTS)
    )


def counted(rounds: Iterable[int]) -> dict[int, dict[int, dict[str, int]]]:
    """round -> prompt -> how the round's duels on it ended, from the duels themselves."""
    by_round: dict[int, dict[int, dict[str, int]]] = {pk: {} for pk in rounds}
    rows = counting_duels().filter(match__round__in=list(by_round))
    for row in rows.values("match__round", "prompt").annotate(**COUNTS):
        counts: dict[str, int] = {name: int(str(count)) for name, count in row.items()}
        by_round[counts.pop("match__round")][counts.pop("prompt")] = counts
    return by_round


def counting_duels() -> QuerySet[Duel]:
    """Duels of decided matches as far as these counted; copies repeat their original, so are left out."""
    rows = Duel.objects.filter(match__state="decided", match__counts=True, match__challenger__copy_of=None)
    rows = rows.exclude(auditing("match__"))
    return rows.filter(Q(match__stopped_after=None) | Q(position__lt=F("match__stopped_after"))).order_by()


def over(rounds: Collection[Round]) -> dict[int, dict[str, int]]:
    """prompt -> how its duels ended in these rounds, and in how many `rounds` of them it was played."""
    stored = list(PromptCount.objects.filter(round__in=rounds).values("round_id", "prompt_id", *COUNTS))
    pairs = [(row["prompt_id"], row) for row in stored]
    settled = {row["round_id"] for row in stored}
    running = [each.pk for each in rounds if each.pk not in settled]
    cached: dict[int, dict[int, dict[str, int]]] = {pk: cache.get(f"prompt-counts:{pk}") for pk in running}
    missing = [pk for pk, counts in cached.items() if counts is None]
    for pk, counts in (counted(missing) if missing else {}).items():
        cached[pk] = counts
        cache.set(f"prompt-counts:{pk}", counts, CACHE_SECONDS)
    for counts in cached.values():
        pairs += counts.items()
    sums: dict[int, dict[str, int]] = {}
    for pk, row in pairs:
        mine = sums.setdefault(pk, dict.fromkeys((*COUNTS, "rounds"), 0))
        mine["rounds"] += 1
        for name in COUNTS:
            mine[name] += row[name]
    return sums


def of(prompt: Prompt) -> dict[str, int]:
    """How the duels on one prompt ended, over all rounds."""
    rows = counting_duels().filter(prompt=prompt)
    return rows.aggregate(**COUNTS, rounds=Count("match__round", distinct=True))


def newest(competition: Competition) -> list[Round]:
    """Those that a competition's prompts are counted over, so that the cost has a bound."""
    return list(competition.rounds.order_by("-number")[:NEWEST])
