"""What do many simulated rounds amount to?  Rates with their intervals, and costs, per ruleset."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from competition.decisions.rates import Rate
from competition.rulesets import Rules
from competition.simulation.matches import Start
from competition.simulation.population import Lots, Population
from competition.simulation.rounds import LEADER, play

CHUNK = 250  # rounds at a time: what fits into a processor's cache and little memory


@dataclass(frozen=True)
class SimulatedFigures:
    """One ruleset against one population.

    Of so many rounds, or series of rounds where a population returns: false: somebody who is not better took the lead ·
    power: somebody better took it · owner: one given miner, with all its clones, took it.  prompts, duels and calls are
    means of a round.
    """

    ruleset: str
    population: Population
    false: Rate
    power: Rate
    owner: Rate
    prompts: float
    duels: float
    calls: float

    def as_json(self) -> dict[str, Any]:
        rates = {name: getattr(self, name).as_json() for name in ("false", "power", "owner")}
        costs = {name: round(getattr(self, name), 1) for name in ("prompts", "duels", "calls")}
        return {"ruleset": self.ruleset, "population": dataclasses.asdict(self.population), **rates, **costs}


def simulate(rules: Rules, population: Population, *, rounds: int, seed: int) -> SimulatedFigures:
    """Play so many rounds.  Every ruleset meets the same screens under one seed."""
    hits, costs = np.zeros(3, dtype=int), np.zeros(4)  # costs: prompts, duels, calls, rounds
    for number, start in enumerate(range(0, rounds, CHUNK)):
        size = min(CHUNK, rounds - start)
        lots = Lots(population, seed=seed * 1_000_003 + number, integrity=rules.integrity.mode)
        field = lots.field(size)
        winner, carried = np.full(size, LEADER), Start.nothing(field.ahead.shape)
        for _ in range(population.returning):  # the same commits come back until one of them leads
            outcome, on = play(rules)(field, lots, rules=rules, carried=carried), winner == LEADER
            costs += [(outcome.prompts * on).sum(), (outcome.duels * on).sum(), (outcome.calls * on).sum(), on.sum()]
            winner = np.where(on, outcome.winner, winner)
            field = lots.on_new_prompts(field) if population.returning > 1 else field
        new = winner != LEADER
        at = (np.arange(size), np.maximum(winner, 0))
        better = field.ahead[at] > 0
        hits += [(new & ~better).sum(), (new & better).sum(), (new & field.owner[at]).sum()]
    false, power, owner = (Rate(int(n), rounds) for n in hits)
    prompts, duels, calls = (float(total) / max(1.0, costs[3]) for total in costs[:3])
    return SimulatedFigures(rules.name, population, false, power, owner, prompts, duels, calls)


def table(rows: Sequence[SimulatedFigures]) -> str:
    """Text, one line per population and ruleset."""
    head = f"{'population':<18} {'ruleset':<10} {'false dethronings':<24} {'power':<24} {'owner':<8}"
    lines = [f"{head} {'prompts':>8} {'duels':>8} {'calls':>8}"]
    for row in rows:
        power = _shown(row.power) if row.population.better else "-"
        lines.append(
            f"{row.population.name:<18} {row.ruleset:<10} {_shown(row.false):<24} {power:<24} "
            f"{row.owner.share:<8.2%} {row.prompts:>8.0f} {row.duels:>8.0f} {row.calls:>8.0f}"
        )
    return "\n".join(lines)


def _shown(rate: Rate) -> str:
    low, high = rate.interval
    return f"{rate.share:.2%} ({low:.2%} - {high:.2%})"
