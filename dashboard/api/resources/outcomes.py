"""What came of a round: its ladder and statistics; and who is paid, with the proof of it?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils import timezone

from dashboard.api import payouts, statistics
from dashboard.api.errors import bad
from dashboard.api.filters import NUMBER, ROUND, SLUG
from dashboard.api.reading import Item
from dashboard.api.resources.game import competition_of, round_of
from dashboard.api.rows import outcomes as rows
from dashboard.facts import page_queries

AS_OF = {
    "as_of_round": "As it followed from this round's decision.",
    "as_of_block": "As it is, was or will be at this block.",
}


class RoundLadder(Item):
    """Who met whom on the ladder, in order, and what followed from each rung."""

    group, shape = "matches", rows.Ladder

    def found(self, asked: Mapping[str, Any], **named: Any) -> Any:
        page = page_queries.round_page(round_of(named["competition"], named["number"]), now=timezone.now())
        return rows.ladder(page)


class RoundStatistics(Item):
    """A round in numbers: entries, duels by result, calls saved, files."""

    group, shape = "statistics", rows.RoundStatistics

    def found(self, asked: Mapping[str, Any], **named: Any) -> Any:
        return statistics.of_round(round_of(named["competition"], named["number"]))


class CompetitionStatistics(Item):
    """A competition in numbers: which judge and rules were in force when, how its prompts fared, how the judge repeats
    itself."""

    group, shape = "statistics", rows.CompetitionStatistics

    def found(self, asked: Mapping[str, Any], **named: Any) -> Any:
        return statistics.of_competition(competition_of(named["competition"]))


class CompetitionLeader(Item):
    """Who leads: now, at a block, or after a round."""

    group, shape = "weights", rows.Leader
    kinds = {"as_of_round": ROUND, "as_of_block": NUMBER}
    about = AS_OF

    def found(self, asked: Mapping[str, Any], **named: Any) -> Any:
        at = payouts.moment(competition_of(named["competition"]), asked, now=timezone.now())
        return payouts.leader(at)


class Weights(Item):
    """Who is paid which share of the emission, with all it follows from: the reign, the formula's inputs, and the last
    signed head of the ledger that tells of it.

    Without `competition`: of the one on the front page.  Without a block: of the chain's current one.
    """

    group, shape = "weights", rows.Weights
    kinds = {"competition": SLUG, "as_of_round": ROUND, "as_of_block": NUMBER}
    about = {**AS_OF, "competition": "Of this competition."}

    def found(self, asked: Mapping[str, Any], **named: Any) -> Any:
        slug = asked.get("competition") or payouts.usual()
        if slug is None:
            raise bad("competition", "There is no competition yet.", fix="Ask again once there is one.")
        return payouts.weights(payouts.moment(competition_of(slug), asked, now=timezone.now()))
