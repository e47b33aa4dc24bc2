"""How is a chart shown that a visitor may explore?  One value, three forms: a sketch, a table, and what plotly draws.

The sketch is there at once and without scripts; plotly, which weighs 400 KB, comes when somebody asks for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from html import escape
from itertools import pairwise
from math import ceil, floor, log10, sqrt
from typing import Any

from dashboard.facts.wording import percent

DIGITS = 2
EDGE = 3.0  # per cent of the width and height that stay free around the marks
BAND = 16.0  # per cent of the width for marks without a place on the x axis
LARGEST = 2.5  # times as wide as a plain mark is one of size 1, by area in between
FORMATS: Mapping[str, str] = {"share": ".1%", "seconds": ",.4~r", "number": ",.4~r", "round": "d"}
SYMBOLS: Mapping[str, str] = {"dot": "circle", "diamond": "diamond", "ring": "circle-open", "cross": "x-thin-open"}


@dataclass(frozen=True, kw_only=True)
class Axis:
    """`shape` is one of FORMATS; `unknown` names the band, left of the x axis, of points without a value on it."""

    words: str
    shape: str = "number"
    names: tuple[str, ...] = ()  # of the whole numbers from 1 on, where these stand for something
    unknown: str = ""

    def words_of(self, value: float | None) -> str:
        if value is None:
            return "not measured"
        if self.names:
            return self.names[min(max(round(value), 1), len(self.names)) - 1]
        if self.shape == "share":
            return percent(value, digits=1)
        if self.shape == "round":
            return f"{value:g}"
        plain = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
        return f"{plain} s" if self.shape == "seconds" else plain


@dataclass(frozen=True, kw_only=True)
class Group:
    """What a mark stands for, by shape and by colour (`blue`, `orange`, `gray`, `ink`).  `apart`: left out of the
    sketch, and hidden in plotly until it is asked for."""

    key: str
    words: str
    colour: str
    symbol: str = "dot"
    apart: bool = False


@dataclass(frozen=True, kw_only=True)
class Point:
    """`words` name it, in a table and under the pointer; `url` is where its evidence is; `between` is on the y axis.
    `x` is null where it is not known; `size`, from 0 to 1, is by how much its mark is larger than a plain one."""

    x: float | None
    y: float
    group: str
    words: str
    url: str = ""
    between: tuple[float, float] | None = None  # its interval
    size: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Limit:
    """A line that a value is held against: level with `at` on the y axis, or upright (on the x axis)."""

    at: float
    words: str
    upright: bool = False


@dataclass(frozen=True, kw_only=True)
class Mark:
    """Of the sketch: a place in per cent of width and height; `height` is that of a bar, `scale` how many times as wide
    as a plain one it is."""

    x: float
    y: float
    group: Group
    words: str
    width: float = 0.0
    height: float = 0.0
    ends: tuple[float, ...] = ()
    scale: float = 1.0

    @property
    def radius(self) -> float:
        return round(4 * self.scale, DIGITS)


@dataclass(frozen=True, kw_only=True)
class Line:
    x1: float
    x2: float
    y1: float
    y2: float
    words: str


@dataclass(frozen=True, kw_only=True)
class Plot:
    """`data_url` answers with `figure`; `bar_width` makes bars of the points, in units of x; `joined`: a line leads
    through the points, in their order."""

    name: str
    title: str
    caption: str
    x: Axis
    y: Axis
    groups: tuple[Group, ...]
    points: tuple[Point, ...]
    limits: tuple[Limit, ...] = ()
    bar_width: float = 0.0
    joined: bool = False
    data_url: str = ""

    @property
    def used(self) -> tuple[Group, ...]:
        present = {point.group for point in self.points}
        return tuple(group for group in self.groups if group.key in present)

    @property
    def sketched(self) -> tuple[Point, ...]:
        apart = {group.key for group in self.groups if group.apart}
        return tuple(point for point in self.points if point.group not in apart)

    @property
    def rows(self) -> Iterator[tuple[str, str, str, str, str]]:
        """Of the table: name, group, x, y, address."""
        named = {group.key: group.words for group in self.groups}
        for point in self.points:
            yield point.words, named[point.group], self.x.words_of(point.x), self._value_words(point), point.url

    def _value_words(self, point: Point) -> str:
        if point.between is None:
            return self.y.words_of(point.y)
        low, high = point.between
        return f"{self.y.words_of(point.y)} ({self.y.words_of(low)} to {self.y.words_of(high)})"

    @property
    def ends(self) -> tuple[str, str, str, str]:
        """What stands at the ends of the axes: left, right, bottom, top."""
        (left, right), (low, high) = self._ranges
        across = ("", "") if self.band == 100 else (self.x.words_of(left), self.x.words_of(right))
        return *across, self.y.words_of(low), self.y.words_of(high)

    @property
    def band(self) -> float:
        """Per cent of the width, at its left, for marks without a place on the x axis; all of it where none has one."""
        known = {point.x is not None for point in self.sketched}
        return 0.0 if False not in known else BAND if True in known else 100.0

    @property
    def marks(self) -> Iterator[Mark]:
        grouped = {group.key: group for group in self.groups}
        ground = self._at(0.0, 1)
        for point in self.sketched:
            x, y = self._at(point.x, 0), self._at(point.y, 1)
            wide = self._at(point.x + self.bar_width, 0) - x if self.bar_width and point.x is not None else 0.0
            yield Mark(
                x=round(x - wide / 2, DIGITS),
                y=y,
                group=grouped[point.group],
                words=f"{point.words}: {self.x.words_of(point.x)}, {self._value_words(point)}",
                width=round(wide * 0.9, DIGITS),
                height=round(ground - y, DIGITS),
                ends=tuple(self._at(end, 1) for end in point.between or ()),
                scale=_scale(point),
            )

    @property
    def lines(self) -> Iterator[Line]:
        for limit in self.limits:
            at = self._at(limit.at, 0 if limit.upright else 1)
            across, down = ((at, at), (0.0, 100.0)) if limit.upright else ((0.0, 100.0), (at, at))
            yield Line(x1=across[0], x2=across[1], y1=down[0], y2=down[1], words=limit.words)

    @property
    def joints(self) -> Iterator[Line]:
        """The line through the points, piece by piece."""
        for one, other in pairwise(self._joined):
            (x1, y1), (x2, y2) = ((self._at(point.x, 0), self._at(point.y, 1)) for point in (one, other))
            yield Line(x1=x1, x2=x2, y1=y1, y2=y2, words="")

    @property
    def _joined(self) -> list[Point]:
        return [point for point in self.sketched if point.x is not None] if self.joined else []

    @property
    def zero(self) -> float | None:
        """Where nought is on the y axis, where it is inside."""
        low, high = self._ranges[1]
        return self._at(0.0, 1) if low < 0 < high else None

    @cached_property
    def _ranges(self) -> tuple[tuple[float, float], tuple[float, float]]:
        return self._range(0), self._range(1)

    def _range(self, axis: int) -> tuple[float, float]:
        if names := (self.x, self.y)[axis].names:
            return 0.5, len(names) + 0.5
        places = [(point.x, point.y)[axis] for point in self.sketched]
        values = [place for place in places if place is not None]
        values += [end for point in self.sketched for end in point.between or () if axis]
        values += [limit.at for limit in self.limits if limit.upright == (axis == 0)]
        if self.bar_width:
            values += [0.0] if axis else [v + sign * self.bar_width / 2 for v in list(values) for sign in (-1, 1)]
        return _rounded(
            min(values, default=0.0), max(values, default=1.0), whole=(self.x, self.y)[axis].shape == "round"
        )

    def _at(self, value: float | None, axis: int) -> float:
        if value is None:
            return self.band / 2
        low, high = self._ranges[axis]
        share, free = (value - low) / (high - low), 0.0 if axis else self.band
        place = EDGE + (100 - 2 * EDGE) * (1 - share if axis else share)
        return round(free + (100 - free) * place / 100, DIGITS)

    @property
    def figure(self) -> dict[str, Any]:
        """What plotly draws.  Texts are escaped: plotly reads a few tags in them."""
        traces = [self._trace(group, points=points) for group in self.used for points in self._on_one_axis(group)]
        lines: list[dict[str, Any]] = []
        words: list[dict[str, Any]] = []
        for limit in self.limits:
            ends: dict[str, Any] = {"y0": limit.at, "y1": limit.at, "x0": 0, "x1": 1, "xref": "paper"}
            place: dict[str, Any] = {"x": 1, "xref": "paper", "y": limit.at, "xanchor": "right", "yanchor": "bottom"}
            if limit.upright:
                ends = {"x0": limit.at, "x1": limit.at, "y0": 0, "y1": 1, "yref": "paper"}
                place = {"x": limit.at, "y": 1, "yref": "paper", "xanchor": "left", "yanchor": "top"}
            lines.append({"type": "line", **ends, "line": {"color": "var(--ink)", "width": 1, "dash": "dash"}})
            words.append({"text": escape(limit.words), "showarrow": False, **place})
        if 0 < self._unplaced < len(self.points):
            place = {"x": BAND / 100, "xref": "paper", "xanchor": "right", "y": 0, "yref": "paper", "yanchor": "bottom"}
            words.append({"text": escape(self.x.unknown), "textangle": -90, "showarrow": False, **place})
        if len(self._joined) > 1:
            line = {"type": "scatter", "mode": "lines", "line": {"color": "var(--gray)", "width": 1}}
            places = {"x": [point.x for point in self._joined], "y": [point.y for point in self._joined]}
            traces.insert(0, {**line, **places, "hoverinfo": "skip", "showlegend": False})
        return {
            "data": traces,
            "layout": {
                **self._axes,
                "shapes": lines,
                "annotations": words,
                "barmode": "stack",
                "hovermode": "closest",
                "showlegend": len(self.used) > 1,
            },
        }

    def _on_one_axis(self, group: Group) -> list[list[Point]]:
        """The group's points with a place on the x axis, and those without, as far as there are any."""
        mine = [point for point in self.points if point.group == group.key]
        apart = ([point for point in mine if (point.x is None) == unknown] for unknown in (False, True))
        return [points for points in apart if points]

    @property
    def _axes(self) -> dict[str, Any]:
        """Points without a place on the x axis have one of their own, with one place on it; alone, they have the only
        one, and its name."""
        across, upwards = (
            {"title": {"text": axis.words}, "tickformat": FORMATS[axis.shape]}
            | ({"rangemode": "nonnegative"} if axis.shape == "seconds" else {})
            for axis in (self.x, self.y)
        )
        across |= self._ticks
        if not self._unplaced:
            return {"xaxis": across, "yaxis": upwards}
        band = {"tickvals": [], "range": [-1, 1], "fixedrange": True, "showgrid": False, "zeroline": False}
        if self._unplaced == len(self.points):
            return {"xaxis": {**band, "title": {"text": escape(self.x.unknown)}}, "yaxis": upwards}
        return {
            "xaxis": {**across, "domain": [BAND / 100, 1]},
            "xaxis2": {**band, "domain": [0, 0.8 * BAND / 100]},
            "yaxis": {**upwards, "anchor": "x2"},
        }

    @property
    def _unplaced(self) -> int:
        return sum(point.x is None for point in self.points)

    @property
    def _ticks(self) -> dict[str, Any]:
        """There is no round 1½."""
        if self.x.names:
            return {"tickvals": list(range(1, len(self.x.names) + 1)), "ticktext": [escape(n) for n in self.x.names]}
        low, high = self._ranges[0]
        return {"dtick": max(1, ceil((high - low) / 10))} if self.x.shape == "round" else {}

    def _trace(self, group: Group, *, points: list[Point]) -> dict[str, Any]:
        paint = f"var(--{group.colour})"
        drawn: dict[str, Any] = {
            "type": "bar",
            "width": self.bar_width,
            "marker": {"color": paint},
            "textposition": "none",
        }
        if not self.bar_width:
            marker = {
                "color": paint,
                "symbol": SYMBOLS[group.symbol],
                "size": [round(9 * _scale(point), 1) for point in points] if any(p.size for p in points) else 9,
                "opacity": 0.85 if any(point.size for point in self.points) else 1,
                "line": {"color": paint, "width": 1.6},
            }
            drawn = {"type": "scatter", "mode": "markers", "marker": marker, **_errors(points, paint=paint)}
        return {
            **drawn,
            "name": escape(group.words),
            "x": [0 if point.x is None else round(point.x, 6) for point in points],
            "y": [round(point.y, 6) for point in points],
            "text": [self._hover(point) for point in points],
            "customdata": [point.url for point in points],
            "hovertemplate": "%{text}<extra></extra>",
            "visible": "legendonly" if group.apart else True,
            **self._beside(group, points=points),
        }

    def _beside(self, group: Group, *, points: list[Point]) -> dict[str, Any]:
        """Which axis a trace stands on, where there are two; of two parts of a group the legend names one."""
        if self._unplaced in (0, len(self.points)):
            return {}
        legend = {"legendgroup": group.key}
        if points[0].x is not None:
            return legend
        return {"xaxis": "x2", "showlegend": len(self._on_one_axis(group)) == 1, **legend}

    def _hover(self, point: Point) -> str:
        lines = (
            point.words,
            f"{self.x.words}: {self.x.words_of(point.x)}",
            f"{self.y.words}: {self._value_words(point)}",
        )
        return "<br>".join(escape(line) for line in lines)


def _scale(point: Point) -> float:
    """By area: a mark of size ½ is half way between a plain one and the largest."""
    return round(sqrt(1 + (LARGEST**2 - 1) * min(max(point.size, 0.0), 1.0)), DIGITS)


def _errors(points: list[Point], *, paint: str) -> dict[str, Any]:
    """Plotly's bars of the intervals, where the points have some."""
    ends = [point.between or (point.y, point.y) for point in points]
    if all(low == high for low, high in ends):
        return {}
    up = [round(high - point.y, 6) for point, (_, high) in zip(points, ends, strict=True)]
    down = [round(point.y - low, 6) for point, (low, _) in zip(points, ends, strict=True)]
    return {"error_y": {"type": "data", "symmetric": False, "array": up, "arrayminus": down, "color": paint}}


def _rounded(low: float, high: float, *, whole: bool) -> tuple[float, float]:
    """The ends of an axis at a tenth of its size; never of no length, and below nought only where a value is."""
    if high - low < 1e-9:
        low, high = (max(low - 0.5, 0.0) if low >= 0 else low - 0.5), high + 0.5
    if whole:
        return float(floor(low)), float(ceil(high))
    step = 10.0 ** floor(log10(high - low)) / 2
    return floor(low / step + 1e-9) * step, ceil(high / step - 1e-9) * step
