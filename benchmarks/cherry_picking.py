"""How often is a miner who submits the best of n found, and an honest one suspected?

`python -m benchmarks.cherry_picking` prints the table of docs/audits.md.  A simulated miner: the quality of each output
is normal, with a spread `luck` that its own code cannot control.  It makes n outputs for a prompt and submits the best;
the platform makes one.  The judge sees the difference through noise of its own and calls less than `zone` a draw.
`zone` is set so that two honest runs of one code differ on `decisive` of the prompts.  All figures are of this model.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence

import numpy as np

from audits.decisions import cherrypicking
from competition.rulesets import RULESETS, bankroll
from competition.rulesets.tally import DuelResult

NOISE = 0.5  # the judge's own, in units of `luck`


def results(dice: np.random.Generator, *, prompts: int, n: int, decisive: float, repeats: int = 1) -> np.ndarray:
    """repeats x prompts of +1 (the submitted output won), -1, 0."""
    zone = _zone(decisive)
    best = dice.normal(size=(n, prompts)).max(axis=0)
    again = dice.normal(size=(repeats, prompts))
    seen = best - again + dice.normal(scale=NOISE, size=(repeats, prompts))
    return np.sign(np.where(np.abs(seen) < zone, 0.0, seen)).astype(int)


def _zone(decisive: float) -> float:
    """Two honest outputs differ by a normal of variance 2 + NOISE²."""
    from statistics import NormalDist

    return float(NormalDist(sigma=(2 + NOISE**2) ** 0.5).inv_cdf(1 - decisive / 2))


def flagged(rows: np.ndarray) -> bool:
    repeats = [{f"{place:04}": int(result) for place, result in enumerate(row)} for row in rows]
    return cherrypicking.picked(cherrypicking.signs(repeats)).flagged


def rejected_by_bankroll(rows: np.ndarray) -> bool:
    """title-1: have the submitted outputs earned a title against the regenerated ones?"""
    told = {1: DuelResult.LOST, -1: DuelResult.WON, 0: DuelResult.DRAWN}
    return bankroll.worse_than([told[int(r)] for r in rows[0]], rules=RULESETS["title-1"].defaults).ending == "title"


def rejected_by_margin(rows: np.ndarray) -> bool:
    """margin-1: is the margin of the regenerated outputs below minus the bar?"""
    return float(-rows[0].sum()) / rows.shape[1] < -float(RULESETS["margin-1"].defaults.win_margin)


TESTS: tuple[tuple[str, Callable[[np.ndarray], bool], int], ...] = (
    ("flag", flagged, 1),
    ("flag, 3 repeats", flagged, 3),
    ("rejected, title-1", rejected_by_bankroll, 1),
    ("rejected, margin-1", rejected_by_margin, 1),
)


def share(test: Callable[[np.ndarray], bool], *, tries: int, seed: int, repeats: int = 1, **setting: float) -> float:
    dice = np.random.default_rng(seed)
    made = (results(dice, repeats=repeats, **setting) for _ in range(tries))  # type: ignore[arg-type]
    return sum(map(test, made)) / tries


def lines(tries: int, *, prompts: Sequence[int], of: Sequence[int], decisive: Sequence[float]) -> list[str]:
    names = [name for name, _, _ in TESTS]
    rows = [f"| prompts | decisive | best of | {' | '.join(names)} |", "|---|---|---|" + "---|" * len(names)]
    for number in prompts:
        for rate in decisive:
            for n in of:
                shares = [
                    share(test, tries=tries, seed=7, repeats=repeats, prompts=number, n=n, decisive=rate)
                    for _, test, repeats in TESTS
                ]
                told = " | ".join(f"{part:.1%}" for part in shares)
                rows.append(f"| {number} | {rate:.0%} | {n} | {told} |")
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tries", type=int, default=2000)
    asked = parser.parse_args()
    table = lines(asked.tries, prompts=(32, 64, 128), of=(1, 2, 4, 16), decisive=(0.21, 0.5))
    sys.stdout.write("\n".join(table) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
