"""How far was each regenerated output from the submitted one, and how long did each take?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import floor

from dashboard.facts.match_pages import MatchPage
from dashboard.facts.plots import Axis, Group, Limit, Plot, Point

MICRO = 1_000_000
BINS = 24
DISTANCES = (
    Group(key="within", words="within the limit", colour="blue"),
    Group(key="over", words="over the limit", colour="orange", symbol="diamond"),
    Group(key="critical", words="critical, over the limit", colour="ink", symbol="cross"),
)
SCORES = (
    Group(key="won", words="better than submitted", colour="blue"),
    Group(key="drawn", words="alike", colour="gray", symbol="ring"),
    Group(key="lost", words="worse than submitted", colour="orange", symbol="diamond"),
)
TIMES = (
    Group(key="within", words="within the limit", colour="blue"),
    Group(key="over", words="over the limit", colour="orange"),
)


@dataclass(frozen=True, kw_only=True)
class RegeneratedPrompt:
    """What imported records say of one prompt of an audit; a measure that they leave out is null."""

    prompt: str
    distance: float | None
    seconds: float | None
    critical: bool
    url: str = ""


@dataclass(frozen=True, kw_only=True)
class Allowed:
    distance: float
    seconds: float
    median_seconds: float | None = None


def distances(prompts: Sequence[RegeneratedPrompt], *, allowed: Allowed, data_url: str) -> Plot | None:
    """Of records: the distance between two renderings, the smallest first."""
    known = sorted((one for one in prompts if one.distance is not None), key=lambda one: (one.distance, one.prompt))
    if not known:
        return None
    points = []
    for place, one in enumerate(known, 1):
        distance = one.distance or 0.0
        group = "within" if distance <= allowed.distance else "critical" if one.critical else "over"
        points.append(Point(x=place, y=distance, group=group, words=one.prompt, url=one.url))
    return Plot(
        name="distances",
        title="Distances",
        caption="How far each output, generated again, was from what was submitted, the nearest first.",
        x=Axis(words="prompts, nearest first", shape="round"),
        y=Axis(words="distance"),
        groups=DISTANCES,
        points=tuple(points),
        limits=(Limit(at=allowed.distance, words="limit of one prompt"),),
        data_url=data_url,
    )


def scores(match: MatchPage, *, data_url: str) -> Plot | None:
    """Of our own rounds: what the judge said of each pair, the furthest behind first."""
    judged = [duel for duel in match.duels if duel.score_micro is not None and duel.result in ("won", "drawn", "lost")]
    if not judged:
        return None
    ordered = sorted(judged, key=lambda duel: (duel.score_micro or 0, duel.position))
    return Plot(
        name="distances",
        title="Distances",
        caption="What the judge said of each output, generated again, against what was submitted: the worst first.",
        x=Axis(words="prompts, worst first", shape="round"),
        y=Axis(words="score"),
        groups=SCORES,
        points=tuple(
            Point(x=place, y=(duel.score_micro or 0) / MICRO, group=duel.result, words=duel.prompt, url=duel.url)
            for place, duel in enumerate(ordered, 1)
        ),
        limits=(Limit(at=0.0, words="alike"),),
        data_url=data_url,
    )


def times(prompts: Sequence[RegeneratedPrompt], *, allowed: Allowed, data_url: str) -> Plot | None:
    """How many prompts took how long, in bins."""
    seconds = [one.seconds for one in prompts if one.seconds is not None]
    if not seconds:
        return None
    spread = max(seconds) - min(seconds)
    width = next((width for width in (0.5, 1.0, 2.0, 5.0, 10.0, 20.0) if spread / width <= BINS), 60.0)
    counted = Counter(floor(value / width) for value in seconds)
    bars = []
    for place in sorted(counted):
        side = "over" if place * width >= allowed.seconds else "within"
        words = f"{place * width:g} to {(place + 1) * width:g} s"
        bars.append(Point(x=(place + 0.5) * width, y=counted[place], group=side, words=words))
    limits = [Limit(at=allowed.seconds, words="limit of one prompt", upright=True)]
    if allowed.median_seconds is not None:
        limits.append(Limit(at=allowed.median_seconds, words="limit of the median", upright=True))
    return Plot(
        name="times",
        title="Generation times",
        caption="How many outputs took how long to generate again.",
        x=Axis(words="time", shape="seconds"),
        y=Axis(words="prompts"),
        groups=TIMES,
        points=tuple(bars),
        limits=tuple(limits),
        bar_width=width,
        data_url=data_url,
    )
