"""How is a chart shown that a visitor may explore?  One value, three forms: a sketch, a table, and what plotly draws.

The sketch is there at once and without scripts; plotly, which weighs 400 KB, comes when somebody asks for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from html import escape
from math import ceil, floor, log10
from typing import Any

from dashboard.facts.wording import percent

DIGITS = 2
EDGE = 3.0  # per cent of the width and height that stay free around the marks
FORMATS: Mapping[str, str] = {"share": ".1%", "seconds": ",.4~g", "number": ",.4~g", "round": "d"}
SYMBOLS: Mapping[str, str] = {"dot": "circle", "diamond": "diamond", "ring": "circle-open", "cross": "x-thin-open"}


@dataclass(frozen=True, kw_only=True)
class Axis:
    """`shape` is one of FORMATS."""

    words: str
    shape: str = "number"
    names: tuple[str, ...] = ()  # of the whole numbers from 1 on, where these stand for something

    def words_of(self, value: float) -> str:
        if self.names:
            return self.names[min(max(round(value), 1), len(self.names)) - 1]
        if self.shape == "share":
            return percent(value, digits=1)
        plain = f"{value:,.4g}" if self.shape != "round" else f"{value:g}"
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
    """`words` name it, in a table and under the pointer; `url` is where its evidence is; `between` is on the y axis."""

    x: float
    y: float
    group: str
    words: str
    url: str = ""
    between: tuple[float, float] | None = None  # its interval


@dataclass(frozen=True, kw_only=True)
class Limit:
    """A line that a value is held against: level with `at` on the y axis, or upright (on the x axis)."""

    at: float
    words: str
    upright: bool = False


@dataclass(frozen=True, kw_only=True)
class Mark:
    """Of the sketch: a place in per cent of width and height; `height` is that of a bar."""

    x: float
    y: float
    group: Group
    words: str
    width: float = 0.0
    height: float = 0.0
    ends: tuple[float, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Line:
    x1: float
    x2: float
    y1: float
    y2: float
    words: str


@dataclass(frozen=True, kw_only=True)
class Plot:
    """`data_url` answers with `figure`; `bar_width` makes bars of the points, in units of x."""

    name: str
    title: str
    caption: str
    x: Axis
    y: Axis
    groups: tuple[Group, ...]
    points: tuple[Point, ...]
    limits: tuple[Limit, ...] = ()
    bar_width: float = 0.0
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
        return self.x.words_of(left), self.x.words_of(right), self.y.words_of(low), self.y.words_of(high)

    @property
    def marks(self) -> Iterator[Mark]:
        grouped = {group.key: group for group in self.groups}
        ground = self._at(0.0, 1)
        for point in self.sketched:
            x, y = self._at(point.x, 0), self._at(point.y, 1)
            wide = self._at(point.x + self.bar_width, 0) - x if self.bar_width else 0.0
            yield Mark(
                x=round(x - wide / 2, DIGITS),
                y=y,
                group=grouped[point.group],
                words=f"{point.words}: {self.x.words_of(point.x)}, {self._value_words(point)}",
                width=round(wide * 0.9, DIGITS),
                height=round(ground - y, DIGITS),
                ends=tuple(self._at(end, 1) for end in point.between or ()),
            )

    @property
    def lines(self) -> Iterator[Line]:
        for limit in self.limits:
            at = self._at(limit.at, 0 if limit.upright else 1)
            across, down = ((at, at), (0.0, 100.0)) if limit.upright else ((0.0, 100.0), (at, at))
            yield Line(x1=across[0], x2=across[1], y1=down[0], y2=down[1], words=limit.words)

    @property
    def zero(self) -> float | None:
        """Where nought is on the y axis, where it is inside."""
        low, high = self._ranges[1]
        return self._at(0.0, 1) if low < 0 < high else None

    @cached_property
    def _ranges(self) -> tuple[tuple[float, float], tuple[float, float]]:
        return self._range(0), self._range(1)

    def _range(self, axis: int) -> tuple[float, float]:
        values = [(point.x, point.y)[axis] for point in self.sketched]
        values += [end for point in self.sketched for end in point.between or () if axis]
        values += [limit.at for limit in self.limits if limit.upright == (axis == 0)]
        if self.bar_width:
            values += [0.0] if axis else [v + sign * self.bar_width / 2 for v in list(values) for sign in (-1, 1)]
        return _rounded(
            min(values, default=0.0), max(values, default=1.0), whole=(self.x, self.y)[axis].shape == "round"
        )

    def _at(self, value: float, axis: int) -> float:
        low, high = self._ranges[axis]
        share = (value - low) / (high - low)
        return round(EDGE + (100 - 2 * EDGE) * (1 - share if axis else share), DIGITS)

    @property
    def figure(self) -> dict[str, Any]:
        """What plotly draws.  Texts are escaped: plotly reads a few tags in them."""
        traces = [self._trace(group) for group in self.used]
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
        return {
            "data": traces,
            "layout": {
                "xaxis": {"title": {"text": self.x.words}, "tickformat": FORMATS[self.x.shape], **self._ticks},
                "yaxis": {"title": {"text": self.y.words}, "tickformat": FORMATS[self.y.shape]},
                "shapes": lines,
                "annotations": words,
                "barmode": "stack",
                "hovermode": "closest",
                "showlegend": len(traces) > 1,
            },
        }

    @property
    def _ticks(self) -> dict[str, Any]:
        """There is no round 1½."""
        if self.x.names:
            return {"tickvals": list(range(1, len(self.x.names) + 1)), "ticktext": [escape(n) for n in self.x.names]}
        low, high = self._ranges[0]
        return {"dtick": max(1, ceil((high - low) / 10))} if self.x.shape == "round" else {}

    def _trace(self, group: Group) -> dict[str, Any]:
        mine = [point for point in self.points if point.group == group.key]
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
                "size": 9,
                "line": {"color": paint, "width": 1.6},
            }
            drawn = {"type": "scatter", "mode": "markers", "marker": marker, **_errors(mine, paint=paint)}
        return {
            **drawn,
            "name": escape(group.words),
            "x": [round(point.x, 6) for point in mine],
            "y": [round(point.y, 6) for point in mine],
            "text": [self._hover(point) for point in mine],
            "customdata": [point.url for point in mine],
            "hovertemplate": "%{text}<extra></extra>",
            "visible": "legendonly" if group.apart else True,
        }

    def _hover(self, point: Point) -> str:
        lines = (
            point.words,
            f"{self.x.words}: {self.x.words_of(point.x)}",
            f"{self.y.words}: {self._value_words(point)}",
        )
        return "<br>".join(escape(line) for line in lines)


def _errors(points: list[Point], *, paint: str) -> dict[str, Any]:
    """Plotly's bars of the intervals, where the points have some."""
    ends = [point.between or (point.y, point.y) for point in points]
    if all(low == high for low, high in ends):
        return {}
    up = [round(high - point.y, 6) for point, (_, high) in zip(points, ends, strict=True)]
    down = [round(point.y - low, 6) for point, (low, _) in zip(points, ends, strict=True)]
    return {"error_y": {"type": "data", "symmetric": False, "array": up, "arrayminus": down, "color": paint}}


def _rounded(low: float, high: float, *, whole: bool) -> tuple[float, float]:
    """The ends of an axis at a tenth of its size; never of no length."""
    if high - low < 1e-9:
        low, high = low - 0.5, high + 0.5
    if whole:
        return float(floor(low)), float(ceil(high))
    step = 10.0 ** floor(log10(high - low)) / 2
    return floor(low / step + 1e-9) * step, ceil(high / step - 1e-9) * step
