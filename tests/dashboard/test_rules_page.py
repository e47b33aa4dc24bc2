"""The page of rules shows every ruleset with its values, and figures for each."""

from __future__ import annotations

from django.test import Client

from competition.rulesets import RULESETS
from dashboard.facts.plots import Axis
from dashboard.facts.rules import rules_facts, simulated


def test_every_ruleset_is_shown_with_its_values() -> None:
    page = rules_facts()
    assert [ruleset.name for ruleset in page.rulesets] == sorted(RULESETS)
    values = dict(next(ruleset.values for ruleset in page.rulesets if ruleset.name == "title-1"))
    assert (values["title.bar"], values["title.stakes"], values["title.prompts"]) == ("40", "1/4", "320")


def test_the_simulated_figures_are_of_every_ruleset() -> None:
    assert {row["ruleset"] for row in simulated()} == set(RULESETS)


def test_the_worked_example_is_the_one_of_the_page_for_miners() -> None:
    worked = {match.hotkey[:8]: (match.credits, match.title) for match in rules_facts().worked}
    assert worked["5GgpGaDx"] == ("411.3", True) and worked["5FLiyT19"] == ("2.5", False)


def test_the_simulation_is_drawn_with_its_intervals_and_what_it_costs() -> None:
    plots = {plot.name: plot for plot in rules_facts().plots}
    assert set(plots) == {"false", "power", "prompts", "calls"}
    wrongly = {point.words: point for point in plots["false"].points}
    low, high = wrongly["equal, title-1"].between or (1.0, 0.0)
    assert low < wrongly["equal, title-1"].y < high < 0.05 < wrongly["equal, margin-1"].y
    drawn = next(trace for trace in plots["false"].figure["data"] if trace["name"] == "title-1")
    assert len(drawn["error_y"]["array"]) == len(drawn["y"]) == len(plots["false"].x.names)


def test_kinds_of_fields_fill_the_width_of_a_chart() -> None:
    """Each has as much of it; the first and the last stand at its ends, which are named after them."""
    for plot in rules_facts().plots:
        names, places = plot.x.names, [mark.x for mark in plot.marks]
        share = 100 / len(names)
        assert plot.ends[:2] == (names[0], names[-1])
        assert min(places) < share and max(places) > 100 - share


def test_large_numbers_of_a_chart_are_written_out() -> None:
    across = Axis(words="calls")
    assert [across.words_of(value) for value in (40_000, 12_345, 999.5, 0.25)] == ["40,000", "12,345", "999.5", "0.25"]
    plots = {plot.name: plot for plot in rules_facts().plots}
    assert "e+" not in "".join(plots["calls"].ends)


def test_each_rate_is_named_on_a_phone(client: Client) -> None:
    page = client.get("/rules/").content.decode()
    rates = sum(len(row.false) + len(row.power) for row in rules_facts().simulated)
    assert sum(page.count(f'<td class="num" data-label="{name}">') for name in RULESETS) == rates


def test_the_page_holds_the_charts_as_sketches_and_tables_and_names_their_data(client: Client) -> None:
    page = client.get("/rules/").content.decode()
    assert page.count('class="sketch"') == page.count("The same numbers as a table") == 4
    assert client.get("/rules/charts/power.json").json()["layout"]["xaxis"]["ticktext"]
    assert client.get("/rules/charts/nothing.json").status_code == 404
