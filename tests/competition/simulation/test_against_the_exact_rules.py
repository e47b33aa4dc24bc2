"""The vectorised rules give what the exact ones give, duel for duel."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from competition.rulesets import MARGIN_1, TITLE_1, bankroll, screening, stopping
from competition.rulesets.tally import DuelResult, Tally, clears
from competition.simulation.matches import margin_match, screen, title_match
from competition.simulation.population import Lots, Population, SimulatedDuels

assert TITLE_1.title is not None
TWO_PURSES = replace(TITLE_1, title=replace(TITLE_1.title, stakes=(TITLE_1.title.out * 2, TITLE_1.title.out * 5)))
POPULATIONS = (
    Population(name="sparse", better=6, by=0.06, void=0.05, missing=0.05),
    Population(name="dense", better=10, by=0.2, decisive=0.6, void=0.02),
    Population(name="small", better=5, by=0.3, decisive=0.5, prompts=16, missing=0.1),
    Population(name="one", decisive=1.0, prompts=1, void=0.3),
)


def results(duels: SimulatedDuels) -> list[DuelResult]:
    """One match as the exact rules see it."""
    words = {1: DuelResult.WON, 0: DuelResult.DRAWN, -1: DuelResult.LOST}
    return [
        DuelResult.FORFEIT_CHALLENGER if forfeited else words[int(net)] if counted else DuelResult.VOID
        for net, counted, forfeited in zip(duels.net, duels.counted, duels.forfeited, strict=True)
    ]


def drawn(population: Population, *, rounds: int = 4) -> SimulatedDuels:
    return Lots(population, seed=5).field(rounds).screens


@pytest.mark.parametrize("population", POPULATIONS, ids=lambda p: p.name)
def test_margin_matches(population: Population) -> None:
    duels = drawn(population)
    said = margin_match(duels, rules=MARGIN_1)
    for at in np.ndindex(duels.net.shape[:-1]):
        exact = results(duels.of(at))
        length = stopping.stop_index(exact, rules=MARGIN_1)
        tally = Tally.of(exact[:length])
        assert said.judged[at] == tally.won + tally.drawn + tally.lost
        assert said.clears[at] == clears(tally, rules=MARGIN_1)
        assert said.margin[at] == pytest.approx(float(tally.margin))


@pytest.mark.parametrize("population", POPULATIONS, ids=lambda p: p.name)
def test_screens(population: Population) -> None:
    duels = drawn(population)
    assert TITLE_1.title is not None
    said = screen(duels, rules=TITLE_1, title=TITLE_1.title)
    for at in np.ndindex(duels.net.shape[:-1]):
        exact = results(duels.of(at))
        stopped = screening.stop(exact, rules=TITLE_1)
        assert stopped is not None
        judged = sum(r.counts and r not in screening.FORFEITS for r in exact[: stopped.after])
        assert said.judged[at] == judged and said.drawn[at] == stopped.tally.drawn
        assert said.clears[at] == clears(stopped.tally, rules=TITLE_1)
        assert said.margin[at] == pytest.approx(float(stopped.tally.margin))


@pytest.mark.parametrize("rules", [TITLE_1, TWO_PURSES], ids=["one purse", "two purses"])
@pytest.mark.parametrize("population", POPULATIONS, ids=lambda p: p.name)
def test_title_matches(population: Population, rules: object) -> None:
    assert isinstance(rules, type(TITLE_1)) and rules.title is not None
    duels = drawn(replace(population, prompts=population.prompts * 2), rounds=2)
    played = title_match(duels, rules=rules, title=rules.title)
    further = title_match(duels, rules=rules, title=rules.title, start=played.left)
    for at in np.ndindex(duels.net.shape[:-1]):
        exact = results(duels.of(at))
        standing = bankroll.fold(exact, total=len(exact), rules=rules)
        assert (played.title[at], played.after[at]) == (standing.ending == "title", standing.duels)
        assert played.margin[at] == pytest.approx(float(standing.bankroll.margin))
        if standing.ending != "title":  # whoever earned it leads, and does not come back
            again = bankroll.fold(exact, total=len(exact), rules=rules, start=standing.bankroll)
            assert (further.title[at], further.after[at]) == (again.ending == "title", again.duels)
            left = (further.left.won[at], further.left.drawn[at], further.left.lost[at], further.left.out[at])
            assert left == (again.bankroll.won, again.bankroll.drawn, again.bankroll.lost, again.bankroll.out)
