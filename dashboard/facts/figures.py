"""What do the numbers of a match say, and how sure are they?"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from competition.decisions.attempts import plain
from competition.models import Round
from competition.rulesets import BadRules, Rules, read, ruleset
from competition.rulesets import tally as tallying
from competition.rulesets.tally import Tally

DEFAULT_BAR = Fraction(1, 20)


@dataclass(frozen=True, kw_only=True)
class MatchFigures:
    """`gap` is how many more net duels the challenger would have needed; `flip_distance` how many duels would have to
    end otherwise to change whether the bar is reached (null: no change of results could).  `limit` is the margin that
    this match is held against: the bar, or in an audit against what was submitted the bar below 0, which `holds` says.
    `interval_shown`: false where every duel ended alike or none counted, so that the interval says nothing."""

    won: int
    drawn: int
    lost: int
    void: int
    forfeits_challenger: int
    forfeits_defender: int
    counted: int
    net: int
    margin: Fraction
    interval_95: tuple[float, float]
    interval_shown: bool
    win_margin: Fraction
    limit: Fraction
    holds: bool
    reaches: bool
    gap: int
    flip_distance: int | None
    sign_p: float

    @property
    def straddles_zero(self) -> bool:
        return self.interval_95[0] <= 0 <= self.interval_95[1]

    @property
    def decisive(self) -> int:
        return self.won + self.lost + self.forfeits_challenger + self.forfeits_defender

    @property
    def all_forfeit(self) -> bool:
        return self.counted > 0 and self.forfeits_challenger == self.counted

    @property
    def mostly_forfeit(self) -> bool:
        """Did the challenger fail to deliver more than half?  Such a margin says nothing of how well it generates."""
        return 2 * self.forfeits_challenger > self.counted


def rules_of(round_: Round) -> Rules | None:
    """None for a round that was played under rules this version cannot read."""
    return _rules(json.dumps(round_.rules))


@lru_cache(maxsize=256)  # the same for every match of a round, and for most rounds
def _rules(stored: str) -> Rules | None:
    try:
        return read(json.loads(stored))
    except BadRules:
        return None


@lru_cache(maxsize=4096)  # exact fractions are slow, and a decided match keeps its tally
def figures(tally: Tally, *, rules: Rules | None, kind: str = "") -> MatchFigures:
    """In a title match (`kind`) it is the bankroll that must flip, as far as this round's duels made it."""
    bar = rules.win_margin if rules else DEFAULT_BAR
    least = rules.least_counted if rules else 1
    limit = -bar if plain(kind) == "audit" else bar
    if rules is not None:
        flips = ruleset(rules).flip_distance(plain(kind), tally)
    else:  # the bar, or an audit's finding that outputs are worse
        flips = tallying.flip_distance(tally, win_margin=limit, least_counted=least)
    return MatchFigures(
        won=tally.won,
        drawn=tally.drawn,
        lost=tally.lost,
        void=tally.void,
        forfeits_challenger=tally.forfeits_challenger,
        forfeits_defender=tally.forfeits_defender,
        counted=tally.counted,
        net=tally.net,
        margin=tally.margin,
        interval_95=tally.interval95(),
        interval_shown=tally.counted > 0 and tally.interval95()[0] != tally.interval95()[1],
        win_margin=bar,
        limit=limit,
        holds=tallying.reaches(tally, win_margin=limit, least_counted=least),
        reaches=tallying.reaches(tally, win_margin=bar, least_counted=least),
        gap=max(0, math.ceil(bar * tally.counted) - tally.net),
        flip_distance=flips,
        sign_p=tally.sign_p(),
    )
