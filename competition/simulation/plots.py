"""What do the simulated figures look like?  Bars with their intervals, one colour per ruleset."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from competition.decisions.rates import Rate
from competition.simulation.figures import SimulatedFigures

COLOURS = ("#6b7280", "#b45309", "#0f766e", "#7c3aed", "#be123c")


def draw(rows: Sequence[SimulatedFigures], *, path: Path) -> None:
    """Write the chart: `.json` holds plotly's data and layout, anything else is a page that needs no network."""
    import plotly.graph_objects as plotly  # slow to load, and needed here only

    chart = plotly.Figure(data=[plotly.Bar(**bar) for bar in bars(rows)], layout=layout())
    if path.suffix == ".json":
        path.write_text(chart.to_json())
    else:
        chart.write_html(path, include_plotlyjs=True)


def bars(rows: Sequence[SimulatedFigures]) -> list[dict[str, Any]]:
    """One bar chart per ruleset: false dethronings, and power where somebody is better."""
    parts = []
    for number, ruleset in enumerate(dict.fromkeys(row.ruleset for row in rows)):
        shown = list[tuple[str, Rate]]()
        for row in (row for row in rows if row.ruleset == ruleset):
            shown.append((f"{row.population.name}: false", row.false))
            if row.population.better:
                shown.append((f"{row.population.name}: power", row.power))
        parts.append(
            {
                "name": ruleset,
                "x": [name for name, _ in shown],
                "y": [rate.share for _, rate in shown],
                "marker": {"color": COLOURS[number % len(COLOURS)]},
                "error_y": {
                    "type": "data",
                    "symmetric": False,
                    "array": [rate.interval[1] - rate.share for _, rate in shown],
                    "arrayminus": [rate.share - rate.interval[0] for _, rate in shown],
                },
            }
        )
    return parts


def layout() -> dict[str, Any]:
    return {
        "barmode": "group",
        "title": {"text": "Simulated rounds: who is crowned"},
        "template": "plotly_white",
        "yaxis": {"tickformat": ".0%", "range": [0, 1], "title": {"text": "share of rounds"}},
    }
