"""What do many duels say together: about a prompt, and about the judge?"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from django.core.cache import cache
from django.db.models import BooleanField, Case, Count, Max, Min, Q, QuerySet, When

from competition.models import Asset, Competition, FreshPrompt, Prompt, Round, RoundPrompt, Submission
from dashboard.facts import prompt_counts
from judging.models import Duel, Match, auditing

CACHE_SECONDS = 60  # a count over all duels of a competition is made once a minute at most
MOST_DUELS = 200
MOST_RESULTS = 50
# The pool is known by its hashes only, and fresh prompts when their round is over.
SHOWN = Q(draws__isnull=False) | Q(fresh_draws__round__state="finished")


def prompts_of(rounds: Collection[Round]) -> list[Prompt]:
    """Those that these rounds have shown."""
    over = [each for each in rounds if each.state == "finished"]
    drawn = RoundPrompt.objects.filter(round__in=rounds).values("prompt")
    fresh = FreshPrompt.objects.filter(round__in=over).values("prompt")
    return list(Prompt.objects.filter(Q(pk__in=drawn) | Q(pk__in=fresh)).order_by("stem"))


def prompt_shown(competition: Competition, stem: str) -> Prompt | None:
    return _shown(competition).filter(stem=stem).first()


def prompts_starting_with(competition: Competition, prefix: str) -> list[str]:
    """Names of shown prompts."""
    rows = _shown(competition).filter(stem__startswith=prefix)
    return list(rows.order_by("stem").values_list("stem", flat=True).distinct()[:MOST_RESULTS])


def prompts_named_like(prefix: str) -> list[Prompt]:
    """Shown prompts of all competitions whose name begins so, newest first."""
    rows = Prompt.objects.filter(SHOWN, stem__startswith=prefix).select_related("competition")
    return list(rows.distinct().order_by("-pk")[:MOST_RESULTS])


def _shown(competition: Competition) -> QuerySet[Prompt]:
    return Prompt.objects.filter(SHOWN, competition=competition)


def duels_on(prompt: Prompt) -> list[Duel]:
    """Newest round first; all kinds of matches but audits."""
    rows = Duel.objects.filter(prompt=prompt, match__counts=True).exclude(auditing("match__"))
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
    rows = Duel.objects.filter(
        match__kind=Match.Kind.SCREEN, match__counts=True, match__challenger__in=[entry.pk for entry in entries]
    )
    sides = ("match__defender__miner", "match__challenger__miner", "prompt")
    return list(rows.select_related(*sides))


def match_of(round_: Round, a: Submission, b: Submission) -> Match | None:
    """The match the two played, whoever defended."""
    rows = round_.matches.select_related("defender__miner", "challenger__miner").exclude(auditing())
    either = Q(defender=a, challenger=b) | Q(defender=b, challenger=a)
    return rows.filter(either).order_by("kind", "pk").first()


def judges_of(competition: Competition) -> list[dict[str, Any]]:
    """Which judge, by name and version, decided in which rounds?"""
    rows = Match.in_force.filter(round__competition=competition, state="decided").exclude(judge_name="").order_by()
    counted = rows.values("judge_name", "judge").annotate(
        first=Min("round__number"), last=Max("round__number"), matches=Count("pk")
    )
    judges: list[dict[str, Any]] = [{**row} for row in counted]
    return sorted(judges, key=lambda row: (row["first"], row["judge"]))


def rulesets_of(competition: Competition) -> list[dict[str, Any]]:
    rows = competition.rounds.order_by().values("ruleset", "rules")
    counted = rows.annotate(first=Min("number"), last=Max("number"), rounds=Count("pk"))
    versions: list[dict[str, Any]] = [{**row} for row in counted]
    return sorted(versions, key=lambda row: row["first"])


def repeats(competition: Competition) -> dict[str, int]:
    """How often did the judge say the same of the same code?  Pairs of duels in matches of different hotkeys of a round
    that revealed one commit, against the same defender, on the same prompt, both judged.

    Here one pair of files is asked about once, whoever delivered it: such duels say nothing of the judge.  Elsewhere
    every match was judged by itself.
    """
    key = f"repeats:{competition.pk}"
    counts: dict[str, int] | None = cache.get(key)
    if counts is None:
        counts = {"pairs": 0, "same": 0, "opposite": 0}
        for left, right in _twice_judged(competition):
            counts["pairs"] += 1
            counts["same"] += left == right
            counts["opposite"] += {left, right} == {"challenger", "defender"}
        cache.set(key, counts, CACHE_SECONDS)
    return counts


def _twice_judged(competition: Competition) -> list[tuple[str, str]]:
    """The first and each further verdict of one question."""
    # Commits that several entries of one round share.
    entries = Submission.objects.filter(round__competition=competition, role="challenger").exclude(commit="").order_by()
    shared = entries.values("round", "commit").annotate(n=Count("pk")).filter(n__gt=1)
    rows = Duel.objects.filter(
        prompt_counts.JUDGED, match__round__competition=competition, match__state="decided", match__counts=True
    )
    rows = rows.exclude(auditing("match__")).filter(match__challenger__commit__in=shared.values("commit"))
    question = ("match__round_id", "match__kind", "match__defender_id", "match__challenger__commit", "prompt_id")
    elsewhere = Case(When(match__round__source={}, then=False), default=True, output_field=BooleanField())
    duels = rows.order_by("match_id").values_list(*question, elsewhere, "right_sha256", "outcome")
    first: dict[tuple[Any, ...], tuple[str, str]] = {}
    pairs = []
    for *about, foreign, file, outcome in duels.iterator():
        before = first.get(tuple(about))
        if before is None:
            first[tuple(about)] = (file, outcome)
        elif foreign or file != before[0]:
            pairs.append((before[1], outcome))
    return pairs
