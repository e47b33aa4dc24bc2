"""What came of a round: its ladder and statistics; and who is paid, with the proof of it?"""

from __future__ import annotations

from typing import Any

from core import clock
from dashboard.api import payouts, statistics
from dashboard.api.errors import bad
from dashboard.api.filters import NUMBER, ROUND, SLUG, Parameter
from dashboard.api.resources.game import competition_of, round_of
from dashboard.api.rows import outcomes as rows
from dashboard.api.views import DetailView
from dashboard.facts import page_queries

AS_OF = {
    "as_of_round": Parameter(ROUND, "As it followed from this round's decision."),
    "as_of_block": Parameter(NUMBER, "As it is, was or will be at this block."),
}


class RoundLadder(DetailView):
    """Who met whom on the ladder, in order, and what followed from each rung."""

    group, dataclass = "matches", rows.LadderRow

    def get_object(self) -> Any:
        page = page_queries.round_page(round_of(self.kwargs["competition"], self.kwargs["number"]), now=clock.now())
        return rows.ladder(page)


class RoundStatistics(DetailView):
    """A round in numbers: entries, duels by result, calls saved, files."""

    group, dataclass = "statistics", rows.RoundStatisticsRow

    def get_object(self) -> Any:
        return statistics.of_round(round_of(self.kwargs["competition"], self.kwargs["number"]))


class CompetitionStatistics(DetailView):
    """A competition in numbers: which judge and rules were in force when, how its prompts fared, how the judge repeats
    itself."""

    group, dataclass = "statistics", rows.CompetitionStatisticsRow

    def get_object(self) -> Any:
        return statistics.of_competition(competition_of(self.kwargs["competition"]))


class CompetitionLeader(DetailView):
    """Who leads: now, at a block, or after a round."""

    group, dataclass = "weights", rows.LeaderRow
    in_query = AS_OF

    def get_object(self) -> Any:
        at = payouts.moment(competition_of(self.kwargs["competition"]), self.params, now=clock.now())
        return payouts.leader(at)


class Weights(DetailView):
    """Who is paid which share of the emission, with all it follows from: the reign, the formula's inputs, and the last
    signed head of the ledger that tells of it.

    Without `competition`: of the one on the front page.  Without a block: of the chain's current one.
    """

    group, dataclass = "weights", rows.WeightsRow
    in_query = {"competition": Parameter(SLUG, "Of this competition."), **AS_OF}

    def get_object(self) -> Any:
        slug = self.params.get("competition") or payouts.usual()
        if slug is None:
            raise bad("competition", "There is no competition yet.", fix="Ask again once there is one.")
        return payouts.weights(payouts.moment(competition_of(slug), self.params, now=clock.now()))
