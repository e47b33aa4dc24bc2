"""What can be read of competitions, rounds, submissions, prompts, files, reveals and reigns?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.core.cache import cache
from django.db.models import Exists, Max, OuterRef, Q, QuerySet
from django.utils import timezone
from rest_framework.response import Response

from competition.models import (
    Asset,
    Competition,
    FreshPrompt,
    Prompt,
    Reign,
    Reveal,
    Round,
    RoundPrompt,
    Submission,
)
from dashboard.api import progress
from dashboard.api.errors import missing
from dashboard.api.filters import COMMIT, FLAG, HOTKEY, NUMBER, ROUND, SHA256, SLUG, STEM, Filter, one_of
from dashboard.api.reading import Collection, Item, chosen, patient, trimmed
from dashboard.api.rows import game as rows
from dashboard.facts.stages import Tracker
from dashboard.facts.twins import twin

STAGES = one_of("open", "miner_generation", "downloading", "duels", "finalizing", "finished", "paused")
KEPT_SECONDS = 1
HAPPENED = "As of this round: what came later is left out."
BY_BLOCK = "As of this block: what came later is left out."


def competition_of(slug: str) -> Competition:
    found = Competition.objects.filter(slug=slug).first()
    if found is None:
        raise missing("There is no competition of this name.")
    return found


def round_of(slug: str, number: int) -> Round:
    wanted = Round.objects.select_related("competition", "defending__miner", "defending__won_in")
    found = wanted.filter(competition__slug=slug, number=number).first()
    if found is None:
        raise missing("There is no such round in this competition.")
    return found


def of_competition(lookup: str = "competition__slug") -> Filter:
    return Filter(SLUG, lookup, "Of this competition.")


def of_round(lookup: str = "round__number") -> Filter:
    return Filter(ROUND, lookup, "Of the round of this number.")


def of_hotkey(lookup: str) -> Filter:
    return Filter(HOTKEY, f"{lookup}__startswith", "Of this hotkey, or of all that begin so.")


class Competitions(Collection):
    """All competitions."""

    group, shape = "competitions", rows.CompetitionRow
    filters = {"active": Filter(FLAG, "active", "Those that are played here, or those that are not.")}

    def rows(self, asked: Mapping[str, Any], **named: Any) -> QuerySet[Any]:
        return Competition.objects.annotate(last_round=Max("rounds__number"))

    def told(self, found: list[Any]) -> Iterable[Any]:
        return (rows.competition(row) for row in found)


class CompetitionDetail(Item):
    """One competition, with its configuration and what stands behind each of its edges."""

    group, shape = "competitions", rows.CompetitionRow

    def found(self, asked: Mapping[str, Any], **named: Any) -> Any:
        wanted = Competition.objects.annotate(last_round=Max("rounds__number"))
        row = wanted.filter(slug=named["competition"]).first()
        if row is None:
            raise missing("There is no competition of this name.")
        return rows.competition(row)


class Rounds(Collection):
    """Rounds, newest first."""

    group, shape, newest_first = "rounds", rows.RoundRow, True
    filters = {
        "competition": of_competition(),
        "stage": Filter(STAGES, "state", "In this stage."),
        "as_of_round": Filter(ROUND, "number__lte", HAPPENED),
        "as_of_block": Filter(NUMBER, "earliest_reveal_block__lte", BY_BLOCK),
    }

    def rows(self, asked: Mapping[str, Any], **named: Any) -> QuerySet[Any]:
        return Round.objects.select_related("competition", "defending__miner")

    def told(self, found: list[Any]) -> Iterable[Any]:
        return (rows.round_(row) for row in found)


class RoundDetail(Item):
    """One round."""

    group, shape = "rounds", rows.RoundRow

    def found(self, asked: Mapping[str, Any], **named: Any) -> Any:
        return rows.round_(round_of(named["competition"], named["number"]))


class RoundProgress(Item):
    """Which stage a round is in, which block ends it and when, and how far the work is.

    Poll this while a round runs, with If-None-Match: a 304 without a body until something has moved.  The clock alone
    is no movement.
    """

    group, shape = "rounds", Tracker

    def get(self, request: Any, **named: Any) -> Response:
        """Looked up once a second at most, however many watch."""
        self.asked(request)
        names, key = chosen(request, self.shape), f"progress:{named['competition']}:{named['number']}"
        kept = cache.get(key)
        if kept is None:
            with patient():
                found = progress.tracker(round_of(named["competition"], named["number"]), now=timezone.now())
            kept = (twin(found), progress.tag(found))
            cache.set(key, kept, KEPT_SECONDS)
        return Response(trimmed(kept[0], names), headers={"ETag": kept[1]})


class Submissions(Collection):
    """Who entered which round with what, the objections included."""

    group, shape = "submissions", rows.SubmissionRow
    filters = {
        "competition": of_competition("round__competition__slug"),
        "round": of_round(),
        "hotkey": of_hotkey("miner__hotkey"),
        "role": Filter(one_of("leader", "challenger"), "role", "Of this role."),
        "commit": Filter(COMMIT, "commit__startswith", "Of a commit that begins so."),
        "eligible": Filter(
            FLAG, lambda yes: Q(objection="") if yes else ~Q(objection=""), "With or without an objection."
        ),
        "as_of_round": Filter(ROUND, "round__number__lte", HAPPENED),
        "as_of_block": Filter(NUMBER, "reveal_block__lte", BY_BLOCK),
    }

    def rows(self, asked: Mapping[str, Any], **named: Any) -> QuerySet[Any]:
        return Submission.objects.select_related("round__competition", "miner", "copy_of__miner")

    def told(self, found: list[Any]) -> Iterable[Any]:
        return (rows.submission(row) for row in found)


class SubmissionDetail(Item):
    """One entry of one round: `leader`, or a challenger's hotkey."""

    group, shape = "submissions", rows.SubmissionRow

    def found(self, asked: Mapping[str, Any], **named: Any) -> Any:
        return rows.submission(entry_of(named["competition"], named["number"], named["entry"]))


def entry_of(slug: str, number: int, entry: str) -> Submission:
    wanted = Submission.objects.select_related("round__competition", "miner", "copy_of__miner")
    who = {"role": "leader"} if entry == "leader" else {"role": "challenger", "miner__hotkey": entry}
    found = wanted.filter(round__competition__slug=slug, round__number=number, **who).first()
    if found is None:
        raise missing("There is no such entry in this round.")
    return found


def shown_prompts() -> QuerySet[Prompt]:
    """The rest of the pool is known by its hashes only; fresh prompts show when their round is over."""
    drawn = RoundPrompt.objects.filter(prompt=OuterRef("pk"))
    fresh = FreshPrompt.objects.filter(prompt=OuterRef("pk"), round__state="finished")
    return Prompt.objects.filter(Exists(drawn) | Exists(fresh)).select_related("competition")


def _drawn_in(number: int) -> Q:
    drawn = RoundPrompt.objects.filter(prompt=OuterRef("pk"), round__number=number)
    fresh = FreshPrompt.objects.filter(prompt=OuterRef("pk"), round__number=number, round__state="finished")
    return Q(Exists(drawn)) | Q(Exists(fresh))


class Prompts(Collection):
    """The pictures that rounds have shown."""

    group, shape = "prompts", rows.PromptRow
    filters = {
        "competition": of_competition(),
        "round": Filter(ROUND, _drawn_in, "Drawn in the round of this number."),
        "stem": Filter(STEM, "stem", "Of this name."),
        "sha256": Filter(SHA256, "sha256", "With this picture."),
    }

    def rows(self, asked: Mapping[str, Any], **named: Any) -> QuerySet[Any]:
        return shown_prompts()

    def told(self, found: list[Any]) -> Iterable[Any]:
        return (rows.prompt(row) for row in found)


class Assets(Collection):
    """3D files: their hash, size, address, and why one is missing."""

    group, shape = "assets", rows.AssetRow
    filters = {
        "competition": of_competition("submission__round__competition__slug"),
        "round": of_round("submission__round__number"),
        "hotkey": of_hotkey("submission__miner__hotkey"),
        "role": Filter(one_of("leader", "challenger"), "submission__role", "Of entries of this role."),
        "prompt": Filter(STEM, "prompt__stem", "For this prompt."),
        "origin": Filter(one_of("submitted", "generated"), "origin", "Of this origin."),
        "state": Filter(one_of("downloading", "stored", "failed"), "state", "In this state."),
        "sha256": Filter(SHA256, "sha256", "With these bytes."),
    }

    def rows(self, asked: Mapping[str, Any], **named: Any) -> QuerySet[Any]:
        return Asset.objects.select_related("submission__round__competition", "submission__miner", "prompt")

    def told(self, found: list[Any]) -> Iterable[Any]:
        return (rows.asset(row) for row in found)


class Reveals(Collection):
    """Every message of a miner, whatever it holds."""

    group, shape, newest_first = "submissions", rows.RevealRow, True
    filters = {
        "competition": of_competition(),
        "hotkey": of_hotkey("miner__hotkey"),
        "as_of_block": Filter(NUMBER, "block__lte", BY_BLOCK),
    }

    def rows(self, asked: Mapping[str, Any], **named: Any) -> QuerySet[Any]:
        return Reveal.objects.select_related("competition", "miner")

    def told(self, found: list[Any]) -> Iterable[Any]:
        return (rows.reveal(row) for row in found)


class Reigns(Collection):
    """Who led from which block, with which weight."""

    group, shape, newest_first = "weights", rows.ReignRow, True
    filters = {
        "competition": of_competition(),
        "hotkey": of_hotkey("miner__hotkey"),
        "defence": Filter(FLAG, "defence", "Only defences, or only new leaders."),
        "as_of_round": Filter(ROUND, lambda n: Q(won_in=None) | Q(won_in__number__lte=n), HAPPENED),
        "as_of_block": Filter(NUMBER, "effective_block__lte", "In effect at this block, or before."),
    }

    def rows(self, asked: Mapping[str, Any], **named: Any) -> QuerySet[Any]:
        return Reign.objects.select_related("competition", "miner", "won_in")

    def told(self, found: list[Any]) -> Iterable[Any]:
        return (rows.reign(row) for row in found)
