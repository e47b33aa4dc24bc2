"""Whom does each ruleset crown in simulated rounds, and what does it cost?  As charts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dashboard.facts.plots import Axis, Group, Limit, Plot, Point

GROUPS = (
    Group(key="margin-1", words="margin-1", colour="orange", symbol="diamond"),
    Group(key="margin-2", words="margin-2", colour="gray", symbol="ring"),
    Group(key="title-1", words="title-1", colour="blue"),
)
APART = 0.18  # the rulesets stand side by side
GUARANTEED = Limit(at=0.05, words="title-1's guarantee, 5 %")

Row = Mapping[str, Any]


def plots(rows: Sequence[Row], *, address: Callable[[str], str]) -> tuple[Plot, ...]:
    """`rows`: what `simulate_rules --json` printed; `address`: of a chart's data, by its name."""
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
            told="How often somebody took the lead who is not better, in each kind of field, with 95 % intervals.",
        ),
        _rates(
            better,
            "power",
            title="The better one crowned",
            address=address,
            told="How often somebody better took the lead, where one of twenty is better, with 95 % intervals.",
        ),
        _costs(
            rows,
            "prompts",
            title="Prompts of a round",
            address=address,
            told="How many prompts a round takes on average: the screens', and the fresh ones that were generated.",
        ),
        _costs(
            rows,
            "calls",
            title="Calls of the judge",
            address=address,
            told="How often the judge is asked in a round of twenty challengers, on average.",
        ),
    )


def _rates(
    rows: Sequence[Row],
    what: str,
    *,
    title: str,
    told: str,
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
        told=told,
        x=axis,
        y=share,
        groups=GROUPS,
        points=points,
        limits=limits,
        data_url=address(what),
    )


def _costs(rows: Sequence[Row], what: str, *, title: str, told: str, address: Callable[[str], str]) -> Plot:
    axis = _populations(rows)
    points = tuple(_point(row, axis, y=row[what]) for row in rows)
    words = Axis(words="a round, on average")
    return Plot(
        name=what, title=title, told=told, x=axis, y=words, groups=GROUPS, points=points, data_url=address(what)
    )


def _populations(rows: Sequence[Row]) -> Axis:
    return Axis(words="challengers", names=tuple(dict.fromkeys(row["population"]["name"] for row in rows)))


def _point(row: Row, axis: Axis, *, y: float, between: tuple[float, float] | None = None) -> Point:
    population, ruleset = row["population"]["name"], row["ruleset"]
    place = next(n for n, group in enumerate(GROUPS) if group.key == ruleset)
    return Point(
        x=axis.names.index(population) + 1 + (place - 1) * APART,
        y=y,
        group=ruleset,
        words=f"{population}, {ruleset}",
        between=between,
    )
