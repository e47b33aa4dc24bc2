"""How did the credits of a title match move, duel by duel, and how near did they come to the bar?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from competition.rulesets import Rules, TitleRules, ruleset
from competition.rulesets.title_1 import two_decimals
from dashboard.facts.figures import rules_of
from dashboard.facts.wording import bar, count
from judging.matches import carried_into, kind_of, results_on_fresh_prompts
from judging.models import Duel, Match

DIGITS = 2


@dataclass(frozen=True, kw_only=True)
class ChartLine:
    """A piece of the line, in per cent of the chart's width and height from the top left."""

    x1: float
    x2: float
    y1: float
    y2: float
    side: str


@dataclass(frozen=True, kw_only=True)
class Credits:
    """`path`: the credits before the first duel and after each counted one, exact.  `carried`: duels of earlier rounds
    between the same two commits.  `prompts`: the most that the match could have used."""

    path: tuple[Fraction, ...]
    title: TitleRules
    prompts: int
    carried: int
    words: str

    @property
    def bar(self) -> str:
        return number(self.title.bar)

    @property
    def floor(self) -> str:
        return number(self.title.out)

    @property
    def last(self) -> str:
        return f"{float(self.path[-1]):,.2f}"

    @property
    def steps(self) -> tuple[ChartLine, ...]:
        """On a logarithmic scale, so that a won and a lost stake look alike wherever they happen."""
        whole = max(self.prompts, len(self.path) - 1, 1)
        ends = [(round(100 * n / whole, DIGITS), self._y(held)) for n, held in enumerate(self.path)]
        moved = zip(self.path, self.path[1:], strict=False)
        sides = ["won" if after > before else "lost" if after < before else "drawn" for before, after in moved]
        pairs = zip(ends, ends[1:], sides, strict=False)
        return tuple(ChartLine(x1=x1, x2=x2, y1=y1, y2=y2, side=side) for (x1, y1), (x2, y2), side in pairs)

    @property
    def heights(self) -> dict[str, float]:
        """Where the bar, one credit and the floor lie."""
        return {"bar": self._y(self.title.bar), "one": self._y(Fraction(1)), "out": self._y(self.title.out)}

    def _y(self, credits: Fraction) -> float:
        low, high = math.log(min(*self.path, self.title.out)), math.log(max(*self.path, self.title.bar))
        return round(4 + 92 * (1 - (math.log(credits) - low) / (high - low)), DIGITS)


def credits(match: Match, duels: Sequence[Duel]) -> Credits | None:
    """None for another kind of match, or under rules this version cannot read."""
    rules = rules_of(match.round)
    if rules is None or not kind_of(match.round, match.kind).fresh:
        return None
    prompts, carried = match.round.fresh.count(), carried_into(match)
    results = results_on_fresh_prompts(duels)
    moved = ruleset(rules).credit_path(match.kind, results, total=prompts, carried=carried)
    if moved is None:
        return None
    path, title = moved.path, moved.title
    begun = f"{two_decimals(path[0])} credits, from {count(moved.carried, 'duel')} of earlier rounds"
    first = begun if moved.carried else "1 credit"
    words = (
        f"From {first} to {float(path[-1]):,.2f} in {count(len(path) - 1, 'duel')}; the title takes "
        f"{number(title.bar)} and {bar(rules.win_margin)}, below {number(title.out)} it is out."
    )
    return Credits(path=path, title=title, prompts=prompts, carried=moved.carried, words=words)


def bar_words(rules: Rules | None, *, default: Fraction) -> str:
    """What it takes to lead: `5 %`, or `40 credits and 5 %`."""
    if rules is None:
        return bar(default)
    needed = ruleset(rules).credits_needed
    return bar(rules.win_margin) if needed is None else f"{number(needed)} credits and {bar(rules.win_margin)}"


def number(credits: Fraction) -> str:
    return f"{float(credits):g}"
