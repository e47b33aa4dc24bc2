"""Which rulesets are there, with which values, and how does a real round end under the newest?"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

from django.urls import reverse

from competition.rulesets import RULESETS
from competition.rulesets.bankroll import BankrollTally
from dashboard.facts import rules_plots
from dashboard.facts.plots import Plot
from dashboard.facts.wording import each_rule

# Title matches of competition-1's round 0, had they been some: (challenger, won, drawn, lost).  docs/rules.md has more.
REAL = (
    ("5GgpGaDxzTyBAME1Ju9ZhUstWj2VTm1n4tAUkRHLi4birQZg", 36, 85, 7),
    ("5E5A9q65xzJm8VToNSA898tG4AhjL7H6Ssenmrv3SDn3EtJ8", 34, 88, 6),
    ("5DScQA9A1u6WjdxbHhgyqDQWe46Jd6RGB97XontiqB2KnBRs", 25, 92, 11),
    ("5FLiyT19Vc2QEiuGkygZ7VZw9Y9i8WkT53k3Kda9FrKUUxuq", 17, 101, 10),
)
SIMULATED = Path(__file__).resolve().parent / "simulated_rules.json"


@dataclass(frozen=True, kw_only=True)
class RulesetRow:
    name: str
    says: str
    values: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class Worked:
    """A real match's duels as a title match: (5/4)^won (3/4)^lost."""

    hotkey: str
    won: int
    drawn: int
    lost: int
    margin: str
    credits: str
    title: bool


@dataclass(frozen=True, kw_only=True)
class SimulatedRow:
    """Simulated rounds of one population: a rate for each ruleset, in their order; "" where it was not simulated."""

    population: str
    false: tuple[str, ...]
    power: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class RulesPage:
    rulesets: tuple[RulesetRow, ...]
    worked: tuple[Worked, ...]
    simulated: tuple[SimulatedRow, ...]
    rounds: int
    url: str

    @property
    def plots(self) -> tuple[Plot, ...]:
        return rules_plots.plots(simulated(), address=lambda name: reverse("rules-chart", args=[name]))


def rules_facts() -> RulesPage:
    simulated_rows, worked = simulated(), list[Worked]()
    for ruleset, (hotkey, won, drawn, lost) in product(RULESETS.values(), REAL):
        held = BankrollTally(won=won, drawn=drawn, lost=lost)
        stake = ruleset(ruleset.defaults).worked_credits(held)
        if stake is None:
            continue
        worked.append(
            Worked(
                hotkey=hotkey,
                won=won,
                drawn=drawn,
                lost=lost,
                margin=f"{float(held.margin):.1%}",
                credits=f"{float(stake.credits):,.1f}",
                title=stake.reaches,
            )
        )
    rows = []
    for population in dict.fromkeys(row["population"]["name"] for row in simulated_rows):
        by_ruleset = {row["ruleset"]: row for row in simulated_rows if row["population"]["name"] == population}
        better = any(row["population"]["better"] for row in by_ruleset.values())
        false = tuple(_rate(by_ruleset, name, "false") for name in sorted(RULESETS))
        power = tuple(_rate(by_ruleset, name, "power") for name in sorted(RULESETS)) if better else ()
        rows.append(SimulatedRow(population=population, false=false, power=power))
    return RulesPage(
        rulesets=tuple(
            RulesetRow(name=name, says=ruleset.about, values=each_rule(ruleset.defaults.to_json()))
            for name, ruleset in sorted(RULESETS.items())
        ),
        worked=tuple(worked),
        simulated=tuple(rows),
        rounds=simulated_rows[0]["false"]["rounds"] if simulated_rows else 0,
        url=reverse("rules"),
    )


def simulated() -> list[dict[str, Any]]:
    """What `manage.py simulate_rules --json` printed, of the rulesets that there are."""
    return [row for row in _printed(SIMULATED) if row["ruleset"] in RULESETS]


@cache
def _printed(path: Path) -> list[dict[str, Any]]:
    return json.loads(path.read_text()) if path.is_file() else []


def _rate(by_ruleset: Mapping[str, dict[str, Any]], name: str, what: str) -> str:
    if name not in by_ruleset:
        return ""
    rate = by_ruleset[name][what]
    return f"{rate['share']:.1%} ({rate['low']:.1%}–{rate['high']:.1%})"
