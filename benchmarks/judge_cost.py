"""What does judging a round cost?  `python -m benchmarks.judge_cost`: ours against the plain call pattern.

Both judge the same round on paper with the same simulated model: 23 challengers, 9 of them copies of others' commits,
128 prompts.  Plain: every question of every duel, each view a call of its own, answers as generated JSON (30 tokens),
every match to its end: 9 calls where the front decides, else 24 to 26.  Ours: what `judging.panel.vlm_panel` asks, one
token each, prompt by prompt, answers kept, matches ended when they are certain.  Pictures cost both the same tokens.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from benchmarks.judge_cost_plain import Plain
from benchmarks.judge_cost_world import Shape, World
from benchmarks.vlm_server import Server, Settings
from benchmarks.vlm_server_mind import Mind
from competition.rulesets import RULESETS, Rules, stopping
from competition.rulesets.tally import DuelResult, Tally, clears
from judging.backends.base import NoAnswer
from judging.panel import openai_wire as wire
from judging.panel.answer_store import Remembered, Reply
from judging.panel.questions.calls import Call
from judging.panel.questions.version import JudgeVersion, version_named
from judging.panel.vlm_panel import Deliberation

RESULTS = {"challenger": DuelResult.WON, "defender": DuelResult.LOST, "draw": DuelResult.DRAWN}
SHAPES = {"many draws": Shape(spread=0.155, skill=0.04), "fewer draws": Shape(spread=0.38, skill=0.08)}
NOISE = 0.3


@dataclass
class Ours:
    """An answerer without a wire: the same bodies and the same replies."""

    version: JudgeVersion
    server: Server
    calls: int = 0

    def answer(self, calls: Iterable[Call]) -> list[Reply | NoAnswer]:
        return [self._one(call) for call in calls]

    def _one(self, call: Call) -> Reply:
        self.calls += 1
        body = wire.body(call, version=self.version, address=lambda picture: f"sim/{picture.digest}")
        said, _ = self.server.reply(body)
        return wire.reply(said, call, version=self.version, latency_ms=0, attempt=1)


@dataclass
class Bout:
    """A match on paper: commits by number, results in prompt order."""

    defender: int
    challenger: int
    results: list[DuelResult] = field(default_factory=list)


Judged = Callable[[World, int, int, int], DuelResult]


def play(world: World, judged: Judged, *, rules: Rules, early: bool) -> tuple[int, list[Bout]]:
    """(the winner's commit, all matches): screens, then the ladder in reveal order."""
    screens = [Bout(0, commit) for commit in world.commits]
    fill(world, screens, judged, rules=rules, early=early)
    bouts, leading = list(screens), 0
    for screen in screens:
        if not clears(Tally.of(screen.results), rules=rules):
            continue
        bout = screen if not leading else Bout(leading, screen.challenger)
        if leading:
            fill(world, [bout], judged, rules=rules, early=early)
            bouts.append(bout)
        if clears(Tally.of(bout.results), rules=rules):
            leading = screen.challenger
    return leading, bouts


def fill(world: World, bouts: list[Bout], judged: Judged, *, rules: Rules, early: bool) -> None:
    """Prompt by prompt over all matches in flight; match by match where nothing ends early."""
    total = world.shape.prompts
    for prompt, bout in (
        [(p, b) for p in range(total) for b in bouts] if early else [(p, b) for b in bouts for p in range(total)]
    ):
        if early and stopping.certain(bout.results, total, rules=rules):
            continue
        bout.results.append(judged(world, prompt, bout.defender, bout.challenger))


def ours(version: JudgeVersion, server: Server) -> tuple[Judged, Ours]:
    answerer, answers = Ours(version, server), Remembered()

    def judged(world: World, prompt: int, defender: int, challenger: int) -> DuelResult:
        sides = [world.sides[commit, prompt] for commit in (defender, challenger)]
        duel = OnPaper(version, answerer, answers, world.reference(prompt), *sides, low_contrast=world.pale[prompt])
        return RESULTS[duel.verdict().outcome]

    return judged, answerer


@dataclass(frozen=True)
class OnPaper(Deliberation):
    """There are no pictures to look at here: whether an object is pale is given."""

    low_contrast: bool = False

    def _low_contrast(self) -> bool:
        return self.low_contrast


def measured(shape: Shape, version: JudgeVersion, *, tokens: int) -> list[dict[str, Any]]:
    rows, world = [], World(version, shape)
    rules = replace(RULESETS["margin-1"].defaults, stop_early=True)
    for label in ("plain", "ours"):
        server = Server(Settings(version.served_as), Mind(world.table, noise=NOISE))
        server.card.tokens_per_picture = tokens
        judged = ours(version, server)[0] if label == "ours" else Plain(version, server).judged
        began = time.monotonic()
        winner, bouts = play(world, judged, rules=rules, early=label == "ours")
        results = [result for bout in bouts for result in bout.results]
        rows.append(
            {
                "label": label,
                "winner": winner,
                "matches": len(bouts),
                "duels": len(results),
                "draws": sum(r == DuelResult.DRAWN for r in results) / len(results),
                **server.card.stats(),
                "took": time.monotonic() - began,
            }
        )
    return rows


def main() -> None:
    asks = argparse.ArgumentParser(prog="python -m benchmarks.judge_cost", description=__doc__)
    asks.add_argument("--judge", default="vlm-2", help="judge version (default: %(default)s)")
    asks.add_argument("--tokens", type=int, default=1024, help="tokens of one picture (default: %(default)s)")
    asks.add_argument("--prompts", type=int, default=128)
    told = asks.parse_args()
    print(
        "| round | judged | duels | draws | calls | a duel | prompt tokens | of them cached | completion tokens "
        "| GPU seconds | winner |\n|---|---|---|---|---|---|---|---|---|---|---|"
    )
    for name, shape in SHAPES.items():
        rows = measured(replace(shape, prompts=told.prompts), version_named(told.judge), tokens=told.tokens)
        for row in rows:
            print(line(name, row))
        plain, own = rows
        calls, seconds = (plain[key] / own[key] for key in ("calls", "gpu_seconds"))
        same = "the same winner" if plain["winner"] == own["winner"] else "ANOTHER WINNER"
        print(f"\n{name}: 1/{calls:.1f} of the calls, 1/{seconds:.1f} of the GPU seconds, {same}\n")


def line(name: str, row: dict[str, Any]) -> str:
    cached = row["cached_tokens"] / row["prompt_tokens"]
    return (
        f"| {name} | {row['label']} | {row['duels']} | {row['draws']:.0%} | {row['calls']} "
        f"| {row['calls'] / row['duels']:.1f} | {row['prompt_tokens']:,} | {cached:.0%} "
        f"| {row['completion_tokens']:,} | {row['gpu_seconds']:.0f} | {row['winner'] or 'leader'} |"
    )


if __name__ == "__main__":
    main()
