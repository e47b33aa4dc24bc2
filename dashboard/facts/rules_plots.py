"""Whom does each ruleset crown in simulated rounds, and what does it cost?  As charts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from competition.rulesets import RULESETS
from dashboard.facts.plots import Axis, Group, Limit, Plot, Point

COLOURS = ("orange", "gray", "blue", "ink")
SYMBOLS = ("diamond", "ring", "dot", "cross")
APART = 0.18  # the rulesets stand side by side,
WIDEST = 0.8  # and not in their neighbours' place: populations are 1 apart
GUARANTEED = Limit(at=0.05, words="title-1's guarantee, 5 %")

Row = Mapping[str, Any]


def groups() -> tuple[Group, ...]:
    """Every ruleset, in the order of their names; the first sixteen look different."""
    return tuple(
        Group(
            key=name,
            words=name,
            colour=COLOURS[place % len(COLOURS)],
            symbol=SYMBOLS[(place + place // len(COLOURS)) % len(SYMBOLS)],
        )
        for place, name in enumerate(sorted(RULESETS))
    )


def plots(rows: Sequence[Row], *, address: Callable[[str], str]) -> tuple[Plot, ...]:
    """`rows`: what `simulate_rules --json` printed, of rulesets that there are; `address`: of a chart's data."""
    if not rows:
        return ()
    better = [row for row in rows if row["population"]["better"]]
    return (
        _rates(
            rows,
            "false",
            title="Wrongly crowned",
            address=address,
            limits=(GUARANTEED,),
            caption="How often somebody took the lead who is not better, in each kind of field, with 95 % intervals.",
        ),
        _rates(
            better,
            "power",
            title="The better one crowned",
            address=address,
            caption="How often somebody better took the lead, where one of twenty is better, with 95 % intervals.",
        ),
        _costs(
            rows,
            "prompts",
            title="Prompts of a round",
            address=address,
            caption="How many prompts a round takes on average: the screens', and the fresh ones that were generated.",
        ),
        _costs(
            rows,
            "calls",
            title="Calls of the judge",
            address=address,
            caption="How often the judge is asked in a round of twenty challengers, on average.",
        ),
    )


def _rates(
    rows: Sequence[Row],
    what: str,
    *,
    title: str,
    caption: str,
    address: Callable[[str], str],
    limits: tuple[Limit, ...] = (),
) -> Plot:
    axis = _populations(rows)
    points = tuple(
        _point(row, axis, y=row[what]["share"], between=(row[what]["low"], row[what]["high"])) for row in rows
    )
    share = Axis(words="share of rounds", shape="share")
    return Plot(
        name=what,
        title=title,
        caption=caption,
        x=axis,
        y=share,
        groups=groups(),
        points=points,
        limits=limits,
        data_url=address(what),
    )


def _costs(rows: Sequence[Row], what: str, *, title: str, caption: str, address: Callable[[str], str]) -> Plot:
    axis = _populations(rows)
    points = tuple(_point(row, axis, y=row[what]) for row in rows)
    words = Axis(words="a round, on average")
    return Plot(
        name=what, title=title, caption=caption, x=axis, y=words, groups=groups(), points=points, data_url=address(what)
    )


def _populations(rows: Sequence[Row]) -> Axis:
    return Axis(words="challengers", names=tuple(dict.fromkeys(row["population"]["name"] for row in rows)))


def _point(row: Row, axis: Axis, *, y: float, between: tuple[float, float] | None = None) -> Point:
    population, ruleset = row["population"]["name"], row["ruleset"]
    names = sorted(RULESETS)
    apart = min(APART, WIDEST / len(names))
    return Point(
        x=axis.names.index(population) + 1 + (names.index(ruleset) - (len(names) - 1) / 2) * apart,
        y=y,
        group=ruleset,
        words=f"{population}, {ruleset}",
        between=between,
    )
