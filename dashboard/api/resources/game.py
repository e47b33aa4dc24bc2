"""What can be read of competitions, rounds, submissions, prompts, files, reveals and reigns?"""

from __future__ import annotations

from typing import Any

from django.core.cache import cache
from django.db.models import Exists, Max, OuterRef, Q, QuerySet
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
from competition.queries import entry_rows
from core import clock
from dashboard.api import progress
from dashboard.api.errors import missing
from dashboard.api.filters import (
    COMMIT,
    FLAG,
    HOTKEY,
    NUMBER,
    ORIGINS,
    ROUND,
    SHA256,
    SLUG,
    STEM,
    Filter,
    FilterSet,
    one_of,
)
from dashboard.api.rows import game as rows
from dashboard.api.views import DetailView, ListView, patient
from dashboard.facts.stages import Tracker
from dashboard.facts.twins import twin

STAGES = one_of("open", "miner_generation", "downloading", "duels", "finalizing", "finished", "paused")
CACHE_SECONDS = 1
HAPPENED = "As of this round: what came later is left out."
BY_BLOCK = "As of this block: what came later is left out."


def competition_of(slug: str) -> Competition:
    competition = Competition.objects.filter(slug=slug).first()
    if competition is None:
        raise missing("There is no competition of this name.")
    return competition


def round_of(slug: str, number: int) -> Round:
    wanted = Round.objects.select_related("competition", "defending__miner", "defending__won_in")
    round_ = wanted.filter(competition__slug=slug, number=number).first()
    if round_ is None:
        raise missing("There is no such round in this competition.")
    return round_


def of_competition(lookup: str = "competition__slug") -> Filter:
    return Filter(SLUG, lookup, "Of this competition.")


def of_round(lookup: str = "round__number") -> Filter:
    return Filter(ROUND, lookup, "Of the round of this number.")


def of_hotkey(lookup: str) -> Filter:
    return Filter(HOTKEY, f"{lookup}__startswith", "Of this hotkey, or of all that begin so.")


class CompetitionFilters(FilterSet):
    active = Filter(FLAG, "active", "Those that are played here, or those that are not.")


class Competitions(ListView):
    """All competitions."""

    group, dataclass = "competitions", rows.CompetitionRow
    filterset_class = CompetitionFilters
    queryset = Competition.objects.annotate(last_round=Max("rounds__number"))
    to_row = staticmethod(rows.competition)


class CompetitionDetail(DetailView):
    """One competition, with its configuration and what stands behind each of its edges."""

    group, dataclass = "competitions", rows.CompetitionRow

    def get_object(self) -> Any:
        wanted = Competition.objects.annotate(last_round=Max("rounds__number"))
        row = wanted.filter(slug=self.kwargs["competition"]).first()
        if row is None:
            raise missing("There is no competition of this name.")
        return rows.competition(row)


class RoundFilters(FilterSet):
    competition = of_competition()
    stage = Filter(STAGES, "state", "In this stage.")
    as_of_round = Filter(ROUND, "number__lte", HAPPENED)
    as_of_block = Filter(NUMBER, "earliest_reveal_block__lte", BY_BLOCK)


class Rounds(ListView):
    """Rounds, newest first."""

    group, dataclass, newest_first = "rounds", rows.RoundRow, True
    filterset_class = RoundFilters
    queryset = Round.objects.select_related("competition", "defending__miner")
    to_row = staticmethod(rows.round_)


class RoundDetail(DetailView):
    """One round."""

    group, dataclass = "rounds", rows.RoundRow

    def get_object(self) -> Any:
        return rows.round_(round_of(self.kwargs["competition"], self.kwargs["number"]))


class RoundProgress(DetailView):
    """Which stage a round is in, which block ends it and when, and how far the work is.

    Poll this while a round runs, with If-None-Match: a 304 without a body until something has moved.  The clock alone
    is no movement.
    """

    group, dataclass = "rounds", Tracker

    def retrieve(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        """Looked up once a second at most, however many watch."""
        self.read_query(request)
        slug, number = self.kwargs["competition"], self.kwargs["number"]
        key = f"progress:{slug}:{number}"
        cached = cache.get(key)
        if cached is None:
            with patient():
                current = progress.tracker(round_of(slug, number), now=clock.now())
            cached = (twin(current), progress.tag(current))
            cache.set(key, cached, CACHE_SECONDS)
        fields = {name: value for name, value in cached[0].items() if self.names is None or name in self.names}
        return Response(fields, headers={"ETag": cached[1]})


class SubmissionFilters(FilterSet):
    competition = of_competition("round__competition__slug")
    round = of_round()
    hotkey = of_hotkey("miner__hotkey")
    role = Filter(one_of("leader", "challenger"), "role", "Of this role.")
    commit = Filter(COMMIT, "commit__startswith", "Of a commit that begins so.")
    eligible = Filter(FLAG, lambda yes: Q(objection="") if yes else ~Q(objection=""), "With or without an objection.")
    as_of_round = Filter(ROUND, "round__number__lte", HAPPENED)
    as_of_block = Filter(NUMBER, "reveal_block__lte", BY_BLOCK)


class Submissions(ListView):
    """Who entered which round with what, the objections included."""

    group, dataclass = "submissions", rows.SubmissionRow
    filterset_class = SubmissionFilters
    queryset = entry_rows(Submission.objects.select_related("round__competition"))
    to_row = staticmethod(rows.submission)


class SubmissionDetail(DetailView):
    """One entry of one round: `leader`, or a challenger's hotkey."""

    group, dataclass = "submissions", rows.SubmissionRow

    def get_object(self) -> Any:
        return rows.submission(entry_of(self.kwargs["competition"], self.kwargs["number"], self.kwargs["entry"]))


def entry_of(slug: str, number: int, entry: str) -> Submission:
    wanted = entry_rows(Submission.objects.select_related("round__competition"))
    who = {"role": "leader"} if entry == "leader" else {"role": "challenger", "miner__hotkey": entry}
    submission = wanted.filter(round__competition__slug=slug, round__number=number, **who).first()
    if submission is None:
        raise missing("There is no such entry in this round.")
    return submission


def shown_prompts() -> QuerySet[Prompt]:
    """The rest of the pool is known by its hashes only; fresh prompts show when their round is over."""
    drawn = RoundPrompt.objects.filter(prompt=OuterRef("pk"))
    fresh = FreshPrompt.objects.filter(prompt=OuterRef("pk"), round__state="finished")
    return Prompt.objects.filter(Exists(drawn) | Exists(fresh)).select_related("competition")


def _drawn_in(number: int) -> Q:
    drawn = RoundPrompt.objects.filter(prompt=OuterRef("pk"), round__number=number)
    fresh = FreshPrompt.objects.filter(prompt=OuterRef("pk"), round__number=number, round__state="finished")
    return Q(Exists(drawn)) | Q(Exists(fresh))


class PromptFilters(FilterSet):
    competition = of_competition()
    round = Filter(ROUND, _drawn_in, "Drawn in the round of this number.")
    stem = Filter(STEM, "stem", "Of this name.")
    sha256 = Filter(SHA256, "sha256", "With this picture.")


class Prompts(ListView):
    """The pictures that rounds have shown."""

    group, dataclass = "prompts", rows.PromptRow
    filterset_class = PromptFilters
    queryset = shown_prompts()
    to_row = staticmethod(rows.prompt)


class AssetFilters(FilterSet):
    competition = of_competition("submission__round__competition__slug")
    round = of_round("submission__round__number")
    hotkey = of_hotkey("submission__miner__hotkey")
    role = Filter(one_of("leader", "challenger"), "submission__role", "Of entries of this role.")
    prompt = Filter(STEM, "prompt__stem", "For this prompt.")
    origin = Filter(ORIGINS, "origin", "Of this origin.")
    state = Filter(one_of("downloading", "stored", "failed"), "state", "In this state.")
    sha256 = Filter(SHA256, "sha256", "With these bytes.")


class Assets(ListView):
    """3D files: their hash, size, address, and why one is missing."""

    group, dataclass = "assets", rows.AssetRow
    filterset_class = AssetFilters
    queryset = Asset.objects.select_related("submission__round__competition", "submission__miner", "prompt")
    to_row = staticmethod(rows.asset)


class RevealFilters(FilterSet):
    competition = of_competition()
    hotkey = of_hotkey("miner__hotkey")
    as_of_block = Filter(NUMBER, "block__lte", BY_BLOCK)


class Reveals(ListView):
    """Every message of a miner, whatever it holds."""

    group, dataclass, newest_first = "submissions", rows.RevealRow, True
    filterset_class = RevealFilters
    queryset = Reveal.objects.select_related("competition", "miner")
    to_row = staticmethod(rows.reveal)


class ReignFilters(FilterSet):
    competition = of_competition()
    hotkey = of_hotkey("miner__hotkey")
    defence = Filter(FLAG, "defence", "Only defences, or only new leaders.")
    as_of_round = Filter(ROUND, lambda n: Q(won_in=None) | Q(won_in__number__lte=n), HAPPENED)
    as_of_block = Filter(NUMBER, "effective_block__lte", "In effect at this block, or before.")


class Reigns(ListView):
    """Who led from which block, with which weight."""

    group, dataclass, newest_first = "weights", rows.ReignRow, True
    filterset_class = ReignFilters
    queryset = Reign.objects.select_related("competition", "miner", "won_in")
    to_row = staticmethod(rows.reign)
