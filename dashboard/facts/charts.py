"""Where does each mark of a chart stand?  Positions in per cent of the width, so that a chart fits any screen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from dashboard.facts.figures import MatchFigures
from dashboard.facts.integrity_summary import IntegrityDistribution
from dashboard.facts.wording import count, interval, percent

LIMITS = (0.1, 0.2, 0.3, 0.5, 1.0)  # half-widths of an axis, as margins
DIGITS = 2
SPREAD_HEIGHT = 20  # of one side's bars, in pixels


@dataclass(frozen=True, kw_only=True)
class MarginAxis:
    """From -limit to +limit; 0 is in the middle."""

    limit: float

    def at(self, margin: float) -> float:
        clipped = max(-self.limit, min(self.limit, margin))
        return round(50 + 50 * clipped / self.limit, DIGITS)

    @property
    def ends(self) -> tuple[str, str]:
        return percent(-self.limit, digits=0), percent(self.limit, digits=0)


@dataclass(frozen=True, kw_only=True)
class Forest:
    """One row: the interval from `low` to `high`, the margin's dot, zero and the bar."""

    low: float
    high: float
    dot: float
    zero: float
    bar: float
    side: str
    words: str

    @property
    def length(self) -> float:
        return round(self.high - self.low, DIGITS)


@dataclass(frozen=True, kw_only=True)
class Segment:
    name: str
    start: float
    width: float
    count: int


@dataclass(frozen=True, kw_only=True)
class Split:
    segments: tuple[Segment, ...]
    words: str


def axis(rows: Iterable[MatchFigures]) -> MarginAxis:
    """The narrowest axis that holds every interval; matches that were forfeited for the most part would squeeze the
    others, so are left out, and stand at its end."""
    ends = [abs(end) for row in rows if not row.mostly_forfeit for end in row.interval_95]
    widest = max(ends, default=LIMITS[0])
    return MarginAxis(limit=next((limit for limit in LIMITS if limit >= widest), LIMITS[-1]))


def forest(figures: MatchFigures, *, on: MarginAxis, limit: Fraction | None = None) -> Forest:
    """`limit`: where the dashed line stands, if not where the match is held against."""
    held_against = figures.limit if limit is None else limit
    low, high = figures.interval_95 if figures.interval_shown else (float(figures.margin),) * 2
    between = interval(figures)
    words = (
        f"margin {percent(figures.margin)}, {f'95 % interval {between}' if between else 'no 95 % interval'}, "
        f"{'bar' if held_against > 0 else 'limit'} {percent(held_against, signed=held_against < 0)}"
    )
    return Forest(
        low=on.at(low),
        high=on.at(high),
        dot=on.at(float(figures.margin)),
        zero=on.at(0),
        bar=on.at(float(held_against)),
        side="won" if figures.net > 0 else "lost" if figures.net < 0 else "drawn",
        words=words,
    )


def split(figures: MatchFigures) -> Split:
    """Won, forfeited by the defender, drawn, lost, forfeited by the challenger: as shares of what counted."""
    counts = (
        ("won", figures.won),
        ("forfeit_defender", figures.forfeits_defender),
        ("drawn", figures.drawn),
        ("lost", figures.lost),
        ("forfeit_challenger", figures.forfeits_challenger),
    )
    segments: list[Segment] = []
    start = 0.0
    for name, duels in counts:
        width = 100 * duels / figures.counted if figures.counted else 0.0
        segments.append(Segment(name=name, start=round(start, DIGITS), width=round(width, DIGITS), count=duels))
        start += width
    words = f"{figures.won} won, {figures.drawn} drawn, {figures.lost} lost"
    forfeits = figures.forfeits_challenger + figures.forfeits_defender
    return Split(
        segments=tuple(s for s in segments if s.count),
        words=f"{words}, {forfeits} by forfeit" if forfeits else words,
    )


@dataclass(frozen=True, kw_only=True)
class SpreadBar:
    """`x` and `width` in per cent, `y` and `height` in pixels; `place` of its side, from 0."""

    place: int
    x: float
    width: float
    y: float
    height: float


@dataclass(frozen=True, kw_only=True)
class SpreadChart:
    """How many files lie at each step: the first side's bars stand on the line, the second side's hang from it."""

    bars: tuple[SpreadBar, ...]
    height: int
    words: str


def spread(row: IntegrityDistribution) -> SpreadChart:
    """Bars are shares of their side's files, so that sides with more and with fewer files compare."""
    bars = []
    for place, side in enumerate(row.sides):
        wide = 100 / len(side.steps)
        for step, files in enumerate(side.steps):
            tall = max(1.0, SPREAD_HEIGHT * files / side.files) if files else 0.0
            top = SPREAD_HEIGHT - tall if place == 0 else SPREAD_HEIGHT
            if files:
                bars.append(
                    SpreadBar(
                        place=place,
                        x=round(step * wide, DIGITS),
                        width=round(0.9 * wide, DIGITS),
                        y=round(top, DIGITS),
                        height=round(tall, DIGITS),
                    )
                )
    each = [f"{side.role}: {side.shown} in {count(side.files, 'file')}" for side in row.sides]
    words = f"{row.label}, median · largest: {'; '.join(each)}"
    return SpreadChart(bars=tuple(bars), height=SPREAD_HEIGHT * len(row.sides), words=words)
