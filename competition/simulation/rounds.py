"""Who leads after simulated rounds, and what did finding out cost?  One function per kind of ruleset."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from competition.rulesets import BadRules, Rules
from competition.rulesets.bankroll import titled
from competition.simulation.matches import MatchResults, Start, margin_match, screen, title_match
from competition.simulation.population import Lots, Mask, Numbers, Places, SimulatedDuels, SimulatedField

LEADER = -1
SPARE = 2  # entries beyond the finalists and the cheats that may take the place of a rejected one
CALLS_DECISIVE, CALLS_DRAWN = 4, 6  # front and sides in both orders; the gray views too where the front is drawn


@dataclass(frozen=True)
class RoundOutcomes:
    """Per round: the place of the new leader in the queue (-1: the leader defends), prompts, duels and calls used."""

    winner: Places
    prompts: Numbers
    duels: Numbers
    calls: Numbers


class Bill:
    """What the rounds have cost so far."""

    def __init__(self, rounds: int) -> None:
        self.duels, self.calls = np.zeros(rounds), np.zeros(rounds)

    def add(self, results: MatchResults, *, rows: Any = slice(None)) -> None:
        judged, drawn = (x.reshape(len(x), -1).sum(-1) for x in (results.judged, results.drawn))
        self.duels[rows] += judged
        self.calls[rows] += CALLS_DECISIVE * (judged - drawn) + CALLS_DRAWN * drawn


def ladder_rounds(field: SimulatedField, lots: Lots, *, rules: Rules, carried: Start) -> RoundOutcomes:
    """margin-1 and margin-2: the qualified meet the defender of the moment in reveal order.

    margin-1 asks regenerated outputs to be not worse than the submitted ones; margin-2 asks for that, and for another
    win, `audit_repeats` times.  Where speed breaks ties, a narrow winner with slow code does not lead.  Every round
    begins anew: nothing is carried.
    """
    rounds = len(field.ahead)
    screened, bill = margin_match(field.screens, rules=rules), Bill(rounds)
    bill.add(screened)
    winner = np.full(rounds, LEADER)
    for place in range(field.ahead.shape[1]):
        rows = np.flatnonzero(screened.clears[:, place])
        if len(rows):
            won = _rung(field, lots, place=place, rows=rows, winner=winner, bill=bill, rules=rules)
            if rules.speed.clear is not None:
                narrow = screened.margin[rows, place] < float(rules.speed.clear) - 1e-9
                won &= ~(narrow & field.slow[rows, place])
            winner[rows[won]] = place
    return RoundOutcomes(winner, np.full(rounds, float(field.screens.net.shape[-1])), bill.duels, bill.calls)


def _rung(
    field: SimulatedField, lots: Lots, *, place: int, rows: Places, winner: Places, bill: Bill, rules: Rules
) -> Mask:
    """Which of these rounds' challengers at `place` beat their defender and pass the audit."""
    p = lots.population
    defender = winner[rows]
    theirs = np.where(defender == LEADER, 0.0, field.ahead[rows, np.maximum(defender, 0)])
    ahead = field.ahead[rows, place] - theirs
    met = lots.duels(field.shown[rows, place] - theirs, prompts=p.prompts)
    against_leader = (defender == LEADER)[:, None]
    ours = field.screens.of((rows, place))
    met = SimulatedDuels(*(np.where(against_leader, a, b) for a, b in zip(_parts(ours), _parts(met), strict=True)))
    results = margin_match(met, rules=rules)
    held = results.clears
    bill.add(_only(results, defender != LEADER), rows=rows)
    for _ in range(rules.audit_repeats):
        submitted = margin_match(lots.duels(np.zeros(len(rows)), prompts=p.prompts, twins=True), rules=rules)
        bill.add(_only(submitted, results.clears), rows=rows)
        held = held & (submitted.margin >= -float(rules.win_margin) - 1e-9)
        if rules.audit_repeats > 1:
            rerun = margin_match(lots.mixed(lots.duels(ahead, prompts=p.prompts), met, share=p.repeated), rules=rules)
            bill.add(_only(rerun, results.clears), rows=rows)
            held = held & rerun.clears
    return np.asarray(held & ~field.cheat[rows, place], np.bool_)


def _parts(duels: SimulatedDuels) -> tuple[Any, Any, Any]:
    return duels.net, duels.counted, duels.forfeited


def _only(results: MatchResults, rows: Mask) -> MatchResults:
    return MatchResults(results.margin, results.clears, results.judged * rows, results.drawn * rows)


def title_rounds(field: SimulatedField, lots: Lots, *, rules: Rules, carried: Start) -> RoundOutcomes:
    """title-1: one entry per solution, the best of the screen whose audits pass play the leader on fresh prompts.

    `carried` is brought up to date with what their bankrolls left.
    """
    rounds, title = len(field.ahead), titled(rules)
    bill = Bill(rounds)
    entered = ~field.owner | (np.cumsum(field.owner, axis=1) == 1)  # the first of the clones is the entry
    every = screen(field.screens, rules=rules, title=title)
    results = MatchResults(every.margin, every.clears & entered, every.judged * entered, every.drawn * entered)
    bill.add(results)
    places, finalists = _finalists(field, lots, results, carried=carried, bill=bill, rules=rules)
    duels = lots.duels(np.take_along_axis(field.ahead, places, axis=1), prompts=title.prompts)
    if lots.population.correlation:
        common = lots.duels(np.zeros((rounds, 1)), prompts=title.prompts)
        duels = lots.mixed(duels, common, share=lots.population.correlation)
    played = title_match(duels, rules=rules, title=title, start=carried.of(places))
    bill.add(_only(played.results, finalists))
    _keep(carried, played.left, places=places, where=finalists)
    best = np.where(played.title & finalists, played.margin, -np.inf)
    choice = best.argmax(axis=1)
    place = np.take_along_axis(places, choice[:, None], axis=1)[:, 0]
    winner = np.where(np.isfinite(best.max(axis=1)), place, LEADER)
    longest = np.where(finalists, played.after, 0).max(axis=1)
    generated = np.ceil(longest / title.batch) * title.batch
    return RoundOutcomes(winner, lots.population.prompts + generated, bill.duels, bill.calls)


def _finalists(
    field: SimulatedField, lots: Lots, results: MatchResults, *, carried: Start, bill: Bill, rules: Rules
) -> tuple[Places, Mask]:
    """The places of the best whose audits pass, and which of these places are taken: a rejected one is replaced."""
    number, may = titled(rules).finalists, results.clears & ~carried.out
    deep = min(field.ahead.shape[1], number + lots.population.cheats + SPARE)
    ranked = np.argsort(np.where(may, -results.margin, np.inf), axis=1, kind="stable")[:, :deep]
    stands = np.take_along_axis(may, ranked, axis=1)
    passes = stands & ~np.take_along_axis(field.cheat, ranked, axis=1)
    # honest code, generated again, against what was submitted: rejected where the reversed bankroll earns a title
    twins = lots.duels(np.zeros(stands.shape), prompts=lots.population.prompts, twins=True)
    reversed_ = SimulatedDuels((-twins.net).astype(np.int8), twins.counted, twins.forfeited)
    rerun = title_match(reversed_, rules=rules, title=titled(rules))
    passes &= ~rerun.title
    before: NDArray[np.int_] = np.cumsum(passes, axis=1) - passes
    bill.add(_only(rerun.results, stands & (before < number)))
    takes = passes & (before < number)
    first = np.argsort(~takes, axis=1, kind="stable")[:, :number]
    return np.take_along_axis(ranked, first, axis=1), np.take_along_axis(takes, first, axis=1)


def _keep(carried: Start, left: Start, *, places: Places, where: Mask) -> None:
    for old, new in ((carried.won, left.won), (carried.drawn, left.drawn), (carried.lost, left.lost)):
        np.put_along_axis(old, places, np.where(where, new, np.take_along_axis(old, places, axis=1)), axis=1)
    out = np.where(where, left.out, np.take_along_axis(carried.out, places, axis=1))
    np.put_along_axis(carried.out, places, out, axis=1)


PLAYED: dict[str, Callable[..., RoundOutcomes]] = {
    "margin-1": ladder_rounds,
    "margin-2": ladder_rounds,
    "title-1": title_rounds,
}


def play(rules: Rules) -> Callable[..., RoundOutcomes]:
    """Raises BadRules where nobody has written how rounds of this ruleset are simulated."""
    if rules.name not in PLAYED:
        raise BadRules("name", f"rounds of {rules.name} are not simulated", fix=f"Use one of: {', '.join(PLAYED)}")
    return PLAYED[rules.name]
