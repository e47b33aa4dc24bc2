"""The page of rules shows every ruleset with its values, and figures for each."""

from __future__ import annotations

from django.test import RequestFactory

from competition.decisions.rulesets import RULESETS
from dashboard.rules import rules_facts, simulated


def test_every_ruleset_is_shown_with_its_values() -> None:
    page = rules_facts(RequestFactory().get("/rules/"))
    assert [ruleset.name for ruleset in page.rulesets] == sorted(RULESETS)
    values = dict(next(ruleset.values for ruleset in page.rulesets if ruleset.name == "title-1"))
    assert (values["title.bar"], values["title.stakes"], values["title.prompts"]) == ("40", "1/4", "320")


def test_the_simulated_figures_are_of_every_ruleset() -> None:
    assert {row["ruleset"] for row in simulated()} == set(RULESETS)


def test_the_worked_example_is_the_one_of_the_page_for_miners() -> None:
    worked = {match.hotkey[:8]: (match.credits, match.title) for match in rules_facts(RequestFactory().get("/")).worked}
    assert worked["5GgpGaDx"] == ("411.3", True) and worked["5FLiyT19"] == ("2.5", False)
