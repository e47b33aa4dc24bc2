"""What can be read of matches, duels, pictures, the ladder and the judge's health?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import Exists, OuterRef, Q

from competition.models import Asset
from core import store
from dashboard.api import judge_health
from dashboard.api.errors import missing
from dashboard.api.filters import ENTRY, MATCH_KINDS, ORIGINS, ROUND, SHA256, STEM, Filter, FilterSet, one_of
from dashboard.api.resources.game import HAPPENED, competition_of, of_competition, of_hotkey, of_round, round_of
from dashboard.api.rows import judging as rows
from dashboard.api.views import DetailView, ListView
from dashboard.facts.costs import CostEstimate, RoundCosts
from dashboard.operations import round_costs
from judging.models import Duel, Match, Measurement, Rendering
from judging.queries import measurements_of

SIDES = ("defender__miner", "challenger__miner", "attempt")
OF_MATCH = ("match__defender__miner", "match__challenger__miner", "attempt")
RESULTS = one_of("defender", "challenger", "draw")
DUEL_STATES = one_of("judging", "judged", "forfeited", "unneeded", "void")


def entry_is(side: str) -> Filter:
    def condition(entry: str) -> Q:
        if entry == "leader":
            return Q(**{f"{side}__role": "leader"})
        return Q(**{f"{side}__role": "challenger", f"{side}__miner__hotkey": entry})

    return Filter(ENTRY, condition, f"With this {side.rpartition('__')[2]}: `leader`, or a whole hotkey.")


class MatchFilters(FilterSet):
    competition = of_competition("round__competition__slug")
    round = of_round()
    kind = Filter(MATCH_KINDS, "kind", "Of this kind.")
    state = Filter(one_of("waiting", "judging", "decided"), "state", "In this state.")
    defender = entry_is("defender")
    challenger = entry_is("challenger")
    hotkey = Filter(
        of_hotkey("").kind,
        lambda key: Q(defender__miner__hotkey__startswith=key) | Q(challenger__miner__hotkey__startswith=key),
        "In which this hotkey, or one that begins so, takes part.",
    )
    as_of_round = Filter(ROUND, "round__number__lte", HAPPENED)


class Matches(ListView):
    """Matches with their tally, margin, interval and flip distance."""

    group, dataclass = "matches", rows.MatchRow
    filterset_class = MatchFilters
    queryset = Match.in_force.select_related("round__competition", *SIDES)
    to_row = staticmethod(rows.match)


class MatchDetail(DetailView):
    """One match."""

    group, dataclass = "matches", rows.MatchRow

    def get_object(self) -> Any:
        return rows.match(match_of(**self.kwargs))


def match_of(*, competition: str, number: int, kind: str, defender: str, challenger: str) -> Match:
    wanted = Match.in_force.select_related("round__competition", *SIDES)
    wanted = wanted.filter(round__competition__slug=competition, round__number=number, kind=kind)
    sides = entry_is("defender").condition(defender) & entry_is("challenger").condition(challenger)
    match = wanted.filter(sides).first()
    if match is None:
        raise missing("These two have no such match in this round.")
    return match


class DuelFilters(FilterSet):
    competition = of_competition("match__round__competition__slug")
    round = of_round("match__round__number")
    kind = Filter(MATCH_KINDS, "match__kind", "Of matches of this kind.")
    defender = entry_is("match__defender")
    challenger = entry_is("match__challenger")
    prompt = Filter(STEM, "prompt__stem", "On this prompt.")
    state = Filter(DUEL_STATES, "state", "In this state.")
    outcome = Filter(RESULTS, "outcome", "That ended so.")
    sha256 = Filter(SHA256, lambda sha: Q(left_sha256=sha) | Q(right_sha256=sha), "In which this file is judged.")


class DuelsList(ListView):
    """Duels, with what the judge was asked and what it said."""

    group, dataclass = "duels", rows.DuelRow
    filterset_class = DuelFilters
    queryset = Duel.objects.filter(match__counts=True).select_related("prompt", "match__round__competition", *OF_MATCH)
    to_row = staticmethod(rows.duel)


class MatchDuelFilters(FilterSet):
    prompt = Filter(STEM, "prompt__stem", "On this prompt.")
    state = Filter(DUEL_STATES, "state", "In this state.")
    outcome = Filter(RESULTS, "outcome", "That ended so.")


class MatchDuels(DuelsList):
    """The duels of one match, in seed order."""

    filterset_class = MatchDuelFilters

    def get_queryset(self) -> Any:
        return super().get_queryset().filter(match=match_of(**self.kwargs))


class DuelDetail(DetailView):
    """One duel."""

    group, dataclass = "duels", rows.DuelRow

    def get_object(self) -> Any:
        named = {**self.kwargs}
        stem = named.pop("stem")
        match = match_of(**named)
        duel = match.duels.select_related("prompt").filter(prompt__stem=stem).first()
        if duel is None:
            raise missing("This prompt is not among the duels of the match.")
        duel.match = match
        return rows.duel(duel)


class ViewFilters(FilterSet):
    competition = of_competition()
    sha256 = Filter(SHA256, "sha256", "Of the file with these bytes.")
    state = Filter(one_of("rendering", "rendered", "refused"), "state", "In this state.")


class Views(ListView):
    """The pictures of each 3D file: hash, size and address; or why it could not be drawn."""

    group, dataclass = "assets", rows.RenderingRow
    filterset_class = ViewFilters
    queryset = Rendering.objects.select_related("competition")

    def to_rows(self, page: Sequence[Any]) -> Sequence[Any]:
        pictures = {sha256 for row in page for sha256 in row.views.values()}
        sizes: dict[str, int | None] = {}
        for sha256 in pictures:
            try:
                sizes[sha256] = store.default().size(sha256)
            except (store.NotInStore, ValueError):
                sizes[sha256] = None
        measured = measurements_of(row.sha256 for row in page)
        return [rows.rendering(row, bytes_of=sizes, measurements=measured) for row in page]


class MeasurementFilters(FilterSet):
    competition = of_competition("submission__round__competition__slug")
    round = of_round("submission__round__number")
    hotkey = of_hotkey("submission__miner__hotkey")
    role = Filter(one_of("leader", "challenger"), "submission__role", "Of entries of this role.")
    prompt = Filter(STEM, "prompt__stem", "For this prompt.")
    origin = Filter(ORIGINS, "origin", "Of this origin.")
    sha256 = Filter(SHA256, "sha256", "With these bytes.")


class Measurements(ListView):
    """How sound the files of entries are, number by number; or why one could not be measured."""

    group, dataclass = "assets", rows.MeasurementRow
    filterset_class = MeasurementFilters
    queryset = Asset.objects.filter(
        Exists(Measurement.objects.filter(sha256=OuterRef("sha256"))), state="stored"
    ).select_related("submission__round__competition", "submission__miner", "prompt")

    def to_rows(self, page: Sequence[Any]) -> Sequence[Any]:
        measured = measurements_of(row.sha256 for row in page)
        return [rows.measurement(row, measurements=measured) for row in page]


class RoundJudgeHealth(DetailView):
    """How well a round's judge was: its controls, and the gates they had to pass."""

    group, dataclass = "judge", rows.JudgeHealth

    def get_object(self) -> Any:
        return judge_health.of(round_of(self.kwargs["competition"], self.kwargs["number"]))


class RoundCostsDetail(DetailView):
    """What a round cost: the judge's seconds and tokens, pods, processors and bytes, with their money.

    Money is by the operator's prices, that of pods by their providers'.  What is unknown is null, and never 0.
    """

    group, dataclass = "judge", RoundCosts

    def get_object(self) -> Any:
        return round_costs.remembered(round_of(self.kwargs["competition"], self.kwargs["number"]))


class CompetitionEstimate(DetailView):
    """What the next round may cost: from the last finished rounds of the same judge and rules."""

    group, dataclass = "judge", CostEstimate

    def get_object(self) -> Any:
        return round_costs.next_round(competition_of(self.kwargs["competition"]))
