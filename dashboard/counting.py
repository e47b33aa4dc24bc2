"""What do many duels say together: about a prompt, and about the judge?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.core.cache import cache
from django.db.models import BooleanField, Case, Count, F, Max, Min, Q, QuerySet, When

from competition.models import Asset, Competition, Prompt, Round, Submission
from judging.models import Duel, Match, auditing

KEPT_SECONDS = 60  # a count over all duels of a competition is made once a minute at most
MOST_DUELS = 200
NEWEST = 20  # rounds that a competition's prompts are counted over

WON, LOST = Q(outcome="challenger"), Q(outcome="defender")
BETTER, WORSE = Q(match__margin_micro__gt=0), Q(match__margin_micro__lt=0)
JUDGED = Q(state="judged")


def counted_duels(competition: Competition) -> QuerySet[Duel]:
    """Duels of decided matches as far as these counted; copies repeat their original, so are left out."""
    rows = Duel.objects.filter(match__round__competition=competition, match__state="decided")
    rows = rows.filter(match__challenger__copy_of=None).exclude(auditing("match__"))
    return rows.filter(Q(match__stopped_after=None) | Q(position__lt=F("match__stopped_after"))).order_by()


def prompt_counts(competition: Competition, *, round_: Round | None = None) -> dict[int, Mapping[str, int]]:
    """prompt -> how its duels ended; `along` and `against` say how often a decisive one went the way of its match.

    Without a round: over the newest ones, so that the cost has a bound.
    """
    key = f"prompt-counts:{competition.pk}:{round_.pk if round_ else 0}"
    found: dict[int, Mapping[str, int]] | None = cache.get(key)
    if found is None:
        rows = counted_duels(competition)
        rows = rows.filter(match__round__in=[round_.pk] if round_ else newest(competition))
        found = {row.pop("prompt_id"): row for row in rows.values("prompt_id").annotate(**_counts())}
        cache.set(key, found, KEPT_SECONDS)
    return found


def counts_of(prompt: Prompt) -> Mapping[str, int]:
    """The same of one prompt, over all rounds."""
    return counted_duels(prompt.competition).filter(prompt=prompt).aggregate(**_counts())


def newest(competition: Competition) -> list[int]:
    return list(competition.rounds.order_by("-number").values_list("pk", flat=True)[:NEWEST])


def _counts() -> dict[str, Count]:
    return {
        "judged": Count("pk", filter=JUDGED),
        "won": Count("pk", filter=JUDGED & WON),
        "lost": Count("pk", filter=JUDGED & LOST),
        "along": Count("pk", filter=JUDGED & ((WON & BETTER) | (LOST & WORSE))),
        "against": Count("pk", filter=JUDGED & ((WON & WORSE) | (LOST & BETTER))),
        "forfeited": Count("pk", filter=Q(state="forfeited")),
        "void": Count("pk", filter=Q(state="void")),
        "rounds": Count("match__round", distinct=True),
    }


def prompts_of(competition: Competition, *, round_: Round | None = None) -> list[Prompt]:
    """Those that the round, or one of the newest, has shown."""
    rounds = [round_.pk] if round_ else newest(competition)
    rows = _shown(competition).filter(Q(draws__round__in=rounds) | Q(fresh_draws__round__in=rounds))
    return list(rows.distinct().order_by("stem"))


def prompt_shown(competition: Competition, stem: str) -> Prompt | None:
    return _shown(competition).filter(stem=stem).first()


def _shown(competition: Competition) -> QuerySet[Prompt]:
    """The pool is known by its hashes only, and fresh prompts when their round is over."""
    over = Q(fresh_draws__round__state="finished")
    return Prompt.objects.filter(Q(draws__isnull=False) | over, competition=competition)


def duels_on(prompt: Prompt) -> list[Duel]:
    """Newest round first; all kinds of matches but audits."""
    rows = Duel.objects.filter(prompt=prompt).exclude(auditing("match__"))
    sides = ("match__defender__miner", "match__challenger__miner", "match__round__competition", "prompt")
    return list(rows.select_related(*sides).order_by("-match__round__number", "match__kind", "pk")[:MOST_DUELS])


def last_decided(competition: Competition) -> Round | None:
    rows = competition.rounds.select_related("competition").filter(state="finished")
    return rows.order_by("-number").first()


def files_of(entries: Iterable[Submission]) -> list[Asset]:
    """What was judged of each: the platform's own outputs of a leader, a challenger's submitted ones."""
    pks = [entry.pk for entry in entries]
    judged = Q(submission__role="leader", origin="generated") | Q(submission__role="challenger", origin="submitted")
    return list(Asset.objects.filter(judged, submission__in=pks, state="stored"))


def screen_duels(entries: Iterable[Submission]) -> list[Duel]:
    rows = Duel.objects.filter(match__kind=Match.Kind.SCREEN, match__challenger__in=[entry.pk for entry in entries])
    sides = ("match__defender__miner", "match__challenger__miner", "prompt")
    return list(rows.select_related(*sides))


def match_of(round_: Round, a: Submission, b: Submission) -> Match | None:
    """The match the two played, whoever defended."""
    rows = round_.matches.select_related("defender__miner", "challenger__miner").exclude(auditing())
    either = Q(defender=a, challenger=b) | Q(defender=b, challenger=a)
    return rows.filter(either).order_by("kind", "pk").first()


def judges_of(competition: Competition) -> list[dict[str, Any]]:
    """Which judge, by name and version, decided in which rounds?"""
    rows = Match.objects.filter(round__competition=competition, state="decided").exclude(judge_name="").order_by()
    counted = rows.values("judge_name", "judge").annotate(
        first=Min("round__number"), last=Max("round__number"), matches=Count("pk")
    )
    return sorted(counted, key=lambda row: (row["first"], row["judge"]))


def rulesets_of(competition: Competition) -> list[dict[str, Any]]:
    rows = competition.rounds.order_by().values("ruleset", "rules")
    counted = rows.annotate(first=Min("number"), last=Max("number"), rounds=Count("pk"))
    return sorted(counted, key=lambda row: row["first"])


def repeats(competition: Competition) -> dict[str, int]:
    """How often did the judge say the same of the same code?  Pairs of duels in matches of different hotkeys of a round
    that revealed one commit, against the same defender, on the same prompt, both judged.

    Here one pair of files is asked about once, whoever delivered it: such duels say nothing of the judge.  Elsewhere
    every match was judged by itself.
    """
    key = f"repeats:{competition.pk}"
    found: dict[str, int] | None = cache.get(key)
    if found is None:
        found = {"pairs": 0, "same": 0, "opposite": 0}
        for left, right in _twice_judged(competition):
            found["pairs"] += 1
            found["same"] += left == right
            found["opposite"] += {left, right} == {"challenger", "defender"}
        cache.set(key, found, KEPT_SECONDS)
    return found


def _twice_judged(competition: Competition) -> list[tuple[str, str]]:
    """The first and each further verdict of one question."""
    rows = Duel.objects.filter(JUDGED, match__round__competition=competition, match__state="decided")
    rows = rows.exclude(auditing("match__")).filter(match__challenger__commit__in=_shared(competition))
    question = ("match__round_id", "match__kind", "match__defender_id", "match__challenger__commit", "prompt_id")
    elsewhere = Case(When(match__round__source={}, then=False), default=True, output_field=BooleanField())
    asked = rows.order_by("match_id").values_list(*question, elsewhere, "right_sha256", "outcome")
    first: dict[tuple[Any, ...], tuple[str, str]] = {}
    pairs = []
    for *about, foreign, file, outcome in asked.iterator():
        before = first.get(tuple(about))
        if before is None:
            first[tuple(about)] = (file, outcome)
        elif foreign or file != before[0]:
            pairs.append((before[1], outcome))
    return pairs


def _shared(competition: Competition) -> QuerySet[Any, Any]:
    """Commits that several entries of one round share."""
    rows = Submission.objects.filter(round__competition=competition, role="challenger").exclude(commit="").order_by()
    grouped = rows.values("round", "commit").annotate(n=Count("pk"))
    return grouped.filter(n__gt=1).values("commit")
