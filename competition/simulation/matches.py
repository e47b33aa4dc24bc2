"""Where do simulated matches end, and what do they say?  `decisions` stopping, screening and bankroll for many matches.

Floats stand in for the exact fractions: a comparison is given a billionth, far less than what two outcomes can differ
by.  Nothing here decides anything real.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from competition.rulesets import Rules, TitleRules
from competition.simulation.population import Mask, Numbers, Places, SimulatedDuels

HAIR = 1e-9


@dataclass(frozen=True)
class MatchResults:
    """What matches said: `margin`, whether it clears the bar, how many duels the judge answered, and draws of those."""

    margin: Numbers
    clears: Mask
    judged: Numbers
    drawn: Numbers


@dataclass(frozen=True)
class RunningCounts:
    """After each number of duels from 0 on: (..., prompts + 1)."""

    net: Numbers
    counted: Numbers
    left: Numbers


def counts(duels: SimulatedDuels) -> RunningCounts:
    total = duels.net.shape[-1]
    return RunningCounts(_running(duels.net), _running(duels.counted), np.arange(total, -1.0, -1.0))


def _running(values: object) -> Numbers:
    array = np.asarray(values)
    summed = np.zeros((*array.shape[:-1], array.shape[-1] + 1), dtype=np.float32)
    np.cumsum(array, axis=-1, dtype=np.float32, out=summed[..., 1:])
    return summed


def first(where: Mask) -> Places:
    """The first true place on the last axis, or its length."""
    places: Places = np.where(where.any(axis=-1), where.argmax(axis=-1), where.shape[-1])
    return places


def results_after(
    duels: SimulatedDuels, after: Places, *, rules: Rules, settled_forfeits: bool = False
) -> MatchResults:
    """The first `after` duels of each match; with `settled_forfeits` those beyond count too."""
    inside = np.arange(duels.net.shape[-1]) < after[..., None]
    within = (inside | duels.forfeited) if settled_forfeits else inside
    net, counted = (duels.net * within).sum(-1, dtype=float), (duels.counted & within).sum(-1, dtype=float)
    judged = duels.judged & inside
    margin = net / np.maximum(counted, 1)
    clears = (margin >= float(rules.win_margin) - HAIR) & (counted >= rules.least_counted)
    drawn = (judged & (duels.net == 0)).sum(-1, dtype=float)
    return MatchResults(margin, clears, judged.sum(-1, dtype=float), drawn)


def margin_match(duels: SimulatedDuels, *, rules: Rules) -> MatchResults:
    """A match of margin-1 or margin-2: it ends when its outcome is certain (`rulesets.stopping`)."""
    bar, at = float(rules.win_margin), counts(duels)
    surplus = at.net - bar * at.counted
    qualified = (at.counted >= rules.least_counted) & (surplus >= at.left * (1 + bar) - 1e-4)
    below = (at.counted + at.left < rules.least_counted) | (surplus + at.left * (1 - bar) < -1e-4)
    return results_after(duels, np.minimum(first(qualified | below), duels.net.shape[-1]), rules=rules)


def screen(duels: SimulatedDuels, *, rules: Rules, title: TitleRules) -> MatchResults:
    """A screen of title-1 (`rulesets.screening`)."""
    total, bar = duels.net.shape[-1], float(rules.win_margin)
    forfeited = duels.forfeited.sum(-1, keepdims=True, dtype=float)
    judged_net, judged = _running(duels.net * duels.judged), _running(duels.judged)
    decisive = _running((duels.net != 0) & duels.judged)
    left = _running(~duels.forfeited)[..., -1:] - _running(~duels.forfeited)
    need = bar * (judged + left + forfeited) + forfeited  # only challengers are simulated to forfeit
    n = np.maximum(judged + left, 1)
    gap = need * judged / n - judged_net
    variance = judged * left / n * (decisive + 2) / (judged + 4)
    hopeless = (gap > 0) & (judged > 0) & (gap**2 >= float(title.futility_z) ** 2 * variance - HAIR)
    below = (judged_net + left - need < -1e-4) | (judged + forfeited + left < rules.least_counted)
    after = np.minimum(first((hopeless | below) & (left > 0)), total)
    results = results_after(duels, after, rules=rules, settled_forfeits=True)
    return MatchResults(results.margin, results.clears & (after == total), results.judged, results.drawn)


@dataclass(frozen=True)
class Start:
    """What earlier rounds left of each pair's bankroll."""

    won: Numbers
    drawn: Numbers
    lost: Numbers
    out: Mask

    @classmethod
    def nothing(cls, shape: tuple[int, ...]) -> Start:
        return cls(np.zeros(shape), np.zeros(shape), np.zeros(shape), np.zeros(shape, dtype=bool))

    def of(self, places: Places) -> Start:
        """Those at these places of the last axis."""
        won, drawn, lost = (np.take_along_axis(x, places, axis=-1) for x in (self.won, self.drawn, self.lost))
        return Start(won, drawn, lost, np.take_along_axis(self.out, places, axis=-1))


@dataclass(frozen=True)
class Played:
    """Title matches: which earned the title, after how many prompts, what this round's duels say, what is left, and the
    margin of that."""

    title: Mask
    after: Places
    results: MatchResults
    left: Start
    margin: Numbers


def title_match(duels: SimulatedDuels, *, rules: Rules, title: TitleRules, start: Start | None = None) -> Played:
    """`rulesets.bankroll.fold`; who starts out is asked no more."""
    start = start or Start.nothing(duels.net.shape[:-1])
    won, lost = _running(duels.net > 0) + start.won[..., None], _running(duels.net < 0) + start.lost[..., None]
    held = sum(np.exp(won * np.log1p(float(s)) + lost * np.log1p(-float(s))) for s in title.stakes) / len(title.stakes)
    counted = _running(duels.counted) + (start.won + start.drawn + start.lost)[..., None]
    margin = (won - lost) / np.maximum(counted, 1)
    rich = (held >= float(title.bar) * (1 - 1e-6)) & (margin >= float(rules.win_margin) - 1e-6)
    rich &= counted >= max(1, rules.least_counted)
    rich[..., 0] = False  # nobody earns a title without a duel
    earned, out = first(rich), first((held < float(title.out) * (1 - 1e-6)) | start.out[..., None])
    after = np.minimum(np.minimum(earned, out), duels.net.shape[-1])

    def at(running: Numbers) -> Numbers:
        return np.take_along_axis(running, after[..., None], axis=-1)[..., 0].astype(float)

    left = Start(at(won), at(counted - won - lost), at(lost), out < earned)
    titled = (earned < out) & (earned <= duels.net.shape[-1])
    return Played(titled, after, results_after(duels, after, rules=rules), left, at(margin))
