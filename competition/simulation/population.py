"""Who takes part in the simulated rounds, and how is it judged?  Numbers in, duels out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from competition.rulesets.integrity import GATE, REPORT, TIEBREAK

Net = NDArray[np.int8]
Mask = NDArray[np.bool_]
Numbers = NDArray[np.float64]
Places = NDArray[np.int64]

SHOWN = 0.3
DRAWN_ON_RECORD = 0.79  # of the judged duels in the public records of competitions 0 and 1
PROMPTS = 128


@dataclass(frozen=True, kw_only=True)
class Population:
    """`better` of the challengers are better than the leader by `by` (their expected margin); the others are equals.

    decisive: share of the duels between equals that are no draw · correlation: share of the duels whose result all
    challengers have in common (the leader's luck on that prompt) · clones: hotkeys of one miner with one commit, among
    the challengers · repeated: share of the duels that end the same when outputs are generated again · void, missing:
    shares of duels without an answer, and of the challengers' files · noise: share of answers that are a coin's ·
    bias: share of draws that the judge gives to the challenger · judge: `both` asks in both orders; `one_side` names
    the same place whatever is shown there · cheats: challengers who show outputs better by SHOWN than their code's,
    which are an equal's; their audits reject them · slow: share of the challengers whose code is slower than the
    leader's by more than a tiebreak by speed allows · returning: so many rounds in a row the same commits challenge,
    until one of them takes the lead.

    What measurements of files decide only where the rules go by them: beyond: share of the challengers' files that a
    gate makes forfeits · apart: share of the draws in which one file is sounder by more than a tiebreak's bound ·
    sounder, better_sounder: of these, which share goes to the challenger: to an equal, to one who is better.
    """

    name: str
    challengers: int = 20
    better: int = 0
    by: float = 0.0
    decisive: float = 1 - DRAWN_ON_RECORD
    correlation: float = 0.0
    clones: int = 1
    repeated: float = 0.5
    void: float = 0.0
    missing: float = 0.0
    noise: float = 0.0
    bias: float = 0.0
    judge: Literal["both", "one_side"] = "both"
    cheats: int = 0
    slow: float = 0.0
    returning: int = 1
    beyond: float = 0.0
    apart: float = 0.0
    sounder: float = 0.5
    better_sounder: float = 0.5
    prompts: int = PROMPTS


POPULATIONS: dict[str, Population] = {
    population.name: population
    for population in (
        Population(name="equal"),
        Population(name="better-10", better=1, by=0.10),
        Population(name="better-15", better=1, by=0.15),
        Population(name="half-decisive", decisive=0.5),
        Population(name="half-decisive-15", better=1, by=0.15, decisive=0.5),
        Population(name="half-decisive-20", better=1, by=0.20, decisive=0.5),
        Population(name="correlated", correlation=0.5),
        Population(name="clones", clones=10),
        Population(name="noisy", noise=0.2),
        Population(name="biased", bias=0.03),
        Population(name="one-side", judge="one_side"),
        Population(name="failures", void=0.04, missing=0.05),
        Population(name="cheats-10", better=1, by=0.10, cheats=4),
        Population(name="returning", returning=4),
        Population(name="returning-10", better=1, by=0.10, returning=4),
        Population(name="broken-files", beyond=0.05),
        Population(name="soundness-by-chance", apart=0.3),
        Population(name="sounder-equals", apart=0.3, sounder=0.7),
        Population(name="soundness-with-quality", better=1, by=0.10, apart=0.3, better_sounder=0.7),
        Population(name="soundness-against-quality", better=1, by=0.10, apart=0.3, better_sounder=0.3),
    )
}


@dataclass(frozen=True)
class SimulatedDuels:
    """(..., prompts): `net` is +1, 0 or -1 for the challenger; a void duel is not `counted`, a forfeit not `judged`."""

    net: Net
    counted: Mask
    forfeited: Mask

    def of(self, index: Any) -> SimulatedDuels:
        return SimulatedDuels(self.net[index], self.counted[index], self.forfeited[index])

    @property
    def judged(self) -> Mask:
        return self.counted & ~self.forfeited


@dataclass(frozen=True)
class SimulatedField:
    """Some rounds: (rounds, challengers) in reveal order.  `ahead`: their code, `shown`: what they submit.  `owner` is
    one miner with all its clones."""

    ahead: Numbers
    shown: Numbers
    owner: Mask
    cheat: Mask
    slow: Mask
    screens: SimulatedDuels


class Lots:
    """Draws duels for a population.  The same seed gives the same duels.  `integrity`: what measurements of files
    decide."""

    def __init__(self, population: Population, *, seed: int, integrity: str = REPORT) -> None:
        self.population, self.random, self.integrity = population, np.random.default_rng(seed), integrity

    def field(self, rounds: int) -> SimulatedField:
        """The better ones and the clones stand at random places of the queue."""
        p = self.population
        order = self.random.permuted(np.tile(np.arange(p.challengers), (rounds, 1)), axis=1)
        ahead, cheat = np.where(order < p.better, p.by, 0.0), order >= p.challengers - p.cheats
        shown = np.where(cheat, SHOWN, ahead)
        slow = self._share(p.slow, order) if p.slow else np.zeros(order.shape, dtype=bool)
        return SimulatedField(ahead, shown, order < p.clones, cheat, slow, self._screens(shown))

    def on_new_prompts(self, field: SimulatedField) -> SimulatedField:
        """The same commits on the prompts of another round."""
        return replace(field, screens=self._screens(field.shown))

    def _screens(self, shown: Numbers) -> SimulatedDuels:
        p, rounds = self.population, len(shown)
        common = self.duels(np.zeros((rounds, 1)), prompts=p.prompts) if p.correlation else None
        screens = self.duels(shown, prompts=p.prompts)
        return screens if common is None else self.mixed(screens, common, share=p.correlation)

    def duels(self, ahead: Numbers, *, prompts: int, twins: bool = False) -> SimulatedDuels:
        """Duels of challengers ahead by so much: won less lost is `ahead` on average, as the judge tells it.  `twins`:
        the same code on both sides, so that neither is the sounder one on average."""
        p, shape = self.population, (*ahead.shape, prompts)
        decisive = np.maximum(p.decisive, np.abs(ahead))[..., None]
        lot = self.random.random(shape, dtype=np.float32)
        won, lost = lot < (decisive + ahead[..., None]) / 2, lot >= 1 - (decisive - ahead[..., None]) / 2
        net = (won.astype(np.int8) - lost).astype(np.int8)
        if p.noise:
            coin = (2 * self.random.integers(0, 2, net.shape, dtype=np.int8) - 1).astype(np.int8)
            net = np.where(self._share(p.noise, net), coin, net).astype(np.int8)
        if p.bias:
            net = np.where((net == 0) & self._share(p.bias, net), 1, net).astype(np.int8)
        if p.judge == "one_side":  # the two orders contradict each other, and cancel
            net = np.zeros_like(net)
        if self.integrity == TIEBREAK and p.apart:
            net = self._with_ties_broken(net, np.full_like(ahead, 0.5) if twins else self._sounder(ahead))
        missing = p.missing + (p.beyond if self.integrity == GATE else 0.0)
        forfeited = self._share(missing, net) if missing else np.zeros(net.shape, dtype=bool)
        void = self._share(p.void, net) & ~forfeited if p.void else np.zeros(net.shape, dtype=bool)
        net = np.where(forfeited, -1, np.where(void, 0, net)).astype(np.int8)
        return SimulatedDuels(net, ~void, forfeited)

    def _sounder(self, ahead: Numbers) -> Numbers:
        return np.where(ahead > 0, self.population.better_sounder, self.population.sounder)

    def _with_ties_broken(self, net: Net, sounder: Numbers) -> Net:
        """Draws in which the files differ go to the challenger with this chance, and else to the defender."""
        lot = self.random.random(net.shape, dtype=np.float32)
        sign = np.where(lot < sounder[..., None], 1, -1).astype(np.int8)
        broken = np.where((net == 0) & self._share(self.population.apart, net), sign, net)
        return broken.astype(np.int8)

    def mixed(self, ours: SimulatedDuels, others: SimulatedDuels, *, share: float) -> SimulatedDuels:
        """A `share` of our duels ends as the others' do."""
        same = self.random.random(ours.net.shape, dtype=np.float32) < share
        return replace(ours, net=np.where(same & ~ours.forfeited, others.net, ours.net).astype(np.int8))

    def _share(self, share: float, like: NDArray[Any]) -> Mask:
        return self.random.random(like.shape, dtype=np.float32) < share
