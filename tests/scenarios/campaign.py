"""How many fault schedules does a round survive?  `python -m tests.scenarios.campaign --seed 1 --count 20`, or
`make faults`: plays the same small round under one schedule after another, drawn from the seed, and prints a table.
Exits with 1 if any of them ended otherwise than the undisturbed round."""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections.abc import Callable, Container, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from core.postgres.ports import free_port
from tests.scenarios import hosts
from tests.scenarios.killing import (
    OTHERS,
    STATES,
    WAITING,
    WORKING,
    Freezer,
    Killer,
    PodKiller,
    PostmasterKiller,
    PowerCut,
    StateKiller,
    together,
)
from tests.scenarios.stage import COMPETITION, NotSo, Outcome, Play, Stage
from tests.scenarios.troubling import ClockSetter, DiskFiller, Outages, Rot, SilentWebhooks, silent_receiver

LONGEST = 600.0
# Where something is put into the store.
KEEPING = (
    ("competition_asset", "downloading"),
    ("judging_rendering", "rendering"),
    ("audits_podrun", "generating"),
    ("dashboard_publication", "publishing"),
)
BESIDE = ("manifest.json", "checkpoint.sig.json")  # one follows from the others, one signs the times, too
Around = Callable[[Play], AbstractContextManager[Any]]


def differences(one: Outcome, other: Outcome) -> list[str]:
    """Where two bundles of the same round say different things, to begin the search with."""
    if one.hash() == other.hash():
        return []
    names = sorted({path.name for played in (one, other) for path in played.bundle().glob("*.json")})
    found = [list(differing(one.document(name), other.document(name), at=name)) for name in names if name not in BESIDE]
    return [line for lines in found for line in lines[:3]] or ["the manifest"]


def differing(one: Any, other: Any, *, at: str) -> Iterator[str]:
    if isinstance(one, dict) and isinstance(other, dict) and set(one) == set(other):
        for key in one:
            yield from differing(one[key], other[key], at=f"{at} {key}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for place, (a, b) in enumerate(zip(one, other, strict=True)):
            yield from differing(a, b, at=f"{at} {place}")
    elif one != other:
        yield f"{at}: {str(one)[:200]} instead of {str(other)[:200]}"


def beyond_the_leaders_files(one: Outcome, other: Outcome) -> list[str]:
    """Where a play with a hostile leader says more than that: what its code did not give is its forfeit, and all else
    is as it was."""
    rows = [row for row in one.document("assets.json") if row["entry"] == leading(one)]
    failed = {row["prompt"]: failure for row in rows if (failure := failure_of(row))}
    lines = [] if failed else ["the leader gave everything"]
    lines += [f"{prompt}: {failure}" for prompt, failure in failed.items() if failure["class"] != "miner"]
    lines += differing(files_given(one, failed), files_given(other, failed), at="assets.json")
    duels = [duels_with_the_leader(played, failed) for played in (one, other)]
    for key in sorted(set(duels[0]) & set(duels[1])):
        lines += differing(duels[0][key], duels[1][key], at=f"matches.json {key}")
    return [*lines, *differing(*(played.document("decision.json")["leader"] for played in (one, other)), at="leader")]


def leading(played: Outcome) -> str:
    """The entry that led when the round began."""
    return next(str(row["entry"]) for row in played.document("submissions.json") if row["role"] == "leader")


def failure_of(row: dict[str, Any]) -> dict[str, Any] | None:
    """Why there is nothing to judge."""
    rendering: dict[str, Any] = row["rendering"] or {}
    return row["failure"] or rendering.get("failure")


def files_given(played: Outcome, failed: Container[str]) -> list[Any]:
    """What was submitted, and what the leader's code gave, but for where it failed."""
    rows, leader = played.document("assets.json"), leading(played)
    code = [row for row in rows if row["entry"] == leader and row["prompt"] not in failed]
    given = [row for row in rows if row["origin"] == "submitted"] + code
    return [[row[name] for name in ("entry", "prompt", "state", "sha256", "failure")] for row in given]


def duels_with_the_leader(played: Outcome, failed: Container[str]) -> dict[tuple[str, str], Any]:
    """As far as they were needed, but for where it failed; by challenger and prompt."""
    return {
        (match["challenger"], duel["prompt"]): duel
        for match in played.document("matches.json")
        for duel in match["duels"]
        if match["defender"] == leading(played) and duel["state"] != "unneeded" and duel["prompt"] not in failed
    }


@dataclass
class Schedule:
    """What happens during one play."""

    killers: list[Any] = field(default_factory=list)
    options: dict[str, Any] = field(default_factory=dict)
    around: Around = lambda play: nullcontext()
    built_in: tuple[str, ...] = ()
    differs: Callable[[Outcome, Outcome], list[str]] = differences
    resumes: Outages | None = None

    def played(self, play: Play) -> Outcome:
        """To the end; each pause that an outage brings is resumed when the outage is over."""
        seconds, outcome = 0.0, play.to_the_end(together(*self.killers), checked=False)
        while self.resumes and self.resumes.end(play, outcome):
            seconds, outcome = seconds + outcome.seconds, play.to_the_end(together(*self.killers), checked=False)
        play.check(outcome)
        return replace(outcome, seconds=seconds + outcome.seconds)

    def count(self, play: Play, host: Any) -> int:
        """How many faults came to pass."""
        seen = sum(len(killer.done) for killer in self.killers) + sum(play.happened(what) for what in self.built_in)
        return seen + (sum(host.misbehaved.values()) if host else 0)


def workers(seed: int) -> Schedule:
    return Schedule([Killer(seed, words=(WORKING, WAITING), every=(0.5, 2), most=20)])


def states(seed: int) -> Schedule:
    return Schedule([StateKiller(random.Random(seed).sample(STATES, 6))])


def postgres(seed: int) -> Schedule:
    return Schedule([PostmasterKiller(seed, words=(), every=(2, 7), most=5)])


def parts(seed: int) -> Schedule:
    return Schedule(
        [Killer(seed, words=OTHERS, every=(1, 4), most=8), PodKiller(seed, words=(), every=(0.5, 2), most=2)]
    )


def power(seed: int) -> Schedule:
    return Schedule([PowerCut(seed, words=(), every=(5, 20), most=2)])


def frozen(seed: int) -> Schedule:
    return Schedule([Freezer(seed, words=(WORKING, WAITING), every=(1, 3), most=8)], {"workers": 3})


def lost(seed: int) -> Schedule:
    return Schedule(options={"faults": {"FAULT_BROKER": "lost"}}, built_in=("lost",))


def mostly_lost(seed: int) -> Schedule:
    return Schedule(options={"faults": {"FAULT_BROKER": "lost:30"}}, built_in=("lost",))


def doubled(seed: int) -> Schedule:
    options = {"faults": {"FAULT_BROKER": "doubled"}, "workers": 4, "env": {"GAUNTLET_LEASE_SECONDS": "1"}}
    return Schedule(options=options, built_in=("doubled",))


def judge(seed: int) -> Schedule:
    return Schedule(options={"faults": {"FAULT_JUDGE": "every:3"}}, built_in=("unanswered",))


def stumbling(seed: int) -> Schedule:
    @contextmanager
    def around(play: Play) -> Iterator[hosts.Host]:
        port, manners = play.hosting, dict.fromkeys(("cheat", "chooser", "gaps", "copy"), hosts.stumbling)
        with hosts.hosting(port=port, behind=play.hosting_behind(free_port()), manners=manners) as host:
            yield host

    return Schedule(around=around)


def clock(seed: int) -> Schedule:
    """By turns a worker, the reconciler or the worker that waits has its clock an hour fast or slow."""
    setter = ClockSetter(seed, words=(WORKING, WAITING, OTHERS[0]), every=(2, 5), lasts=(8, 16), most=6)
    return Schedule([setter], {"faults": {"FAULT_CLOCK": "wrong-clocks"}, "workers": 2})


def disk_full(seed: int) -> Schedule:
    filler = DiskFiller(seed, states=KEEPING, lasts=(4, 8))
    return Schedule([filler], {"faults": {"FAULT_DISK": "full"}}, built_in=("no_room",))


def rotten(seed: int) -> Schedule:
    return Schedule([Rot(seed, most=6)])


def silent_webhooks(seed: int) -> Schedule:
    webhooks = SilentWebhooks()

    @contextmanager
    def around(play: Play) -> Iterator[None]:
        with silent_receiver() as webhooks.port:
            yield None

    return Schedule([webhooks], around=around)


def hostile_leader(seed: int) -> Schedule:
    """Its pods kill themselves one after the other; the last fails by what it gives for half of the prompts."""
    options = {"faults": {"FAULT_LEADER": "dies"}}
    return Schedule(options=options, built_in=("hostile_leader",), differs=beyond_the_leaders_files)


def hanging_leader(seed: int) -> Schedule:
    options = {"faults": {"FAULT_LEADER": "hangs"}}
    return Schedule(options=options, built_in=("hostile_leader",), differs=beyond_the_leaders_files)


def resumed_pauses(seed: int) -> Schedule:
    """Each outage lasts until the round has paused; it is mended, and the round resumed.

    The disk comes first: a full one pauses downloads; whatever comes later waits for room without a pause.
    """
    outages = Outages(("FAULT_DISK", "FAULT_JUDGE"))
    options = {"faults": {"FAULT_DISK": "full", "FAULT_JUDGE": "while:outage"}}
    return Schedule([outages], options, resumes=outages)


def everything(seed: int) -> Schedule:
    killers = [
        Killer(seed, words=(WORKING, WAITING, *OTHERS), every=(1, 4), most=8),
        PostmasterKiller(seed, words=(), every=(4, 9), most=2),
        PodKiller(seed, words=(), every=(1, 3), most=1),
        PowerCut(seed, words=(), every=(15, 25), most=1),
    ]
    options = {"faults": {"FAULT_BROKER": "mixed", "FAULT_JUDGE": "every:3"}, "workers": 3}
    return Schedule(killers, options, built_in=("lost", "doubled", "unanswered"))


SCHEDULES = (
    workers,
    states,
    postgres,
    parts,
    power,
    frozen,
    everything,
    lost,
    doubled,
    judge,
    stumbling,
    mostly_lost,
    clock,
    disk_full,
    rotten,
    silent_webhooks,
    resumed_pauses,
    hostile_leader,
    hanging_leader,
)


def play(stage: Stage, schedule: Schedule, *, expected: Outcome) -> tuple[str, int, float]:
    """What became of it, how many faults there were, and how long it took."""
    on = stage.play("campaign", longest=LONGEST, **schedule.options)
    with schedule.around(on) as host:
        try:
            outcome = schedule.played(on)
        except NotSo as reason:
            return f"NO: {reason}", schedule.count(on, host), 0.0
    differs = schedule.differs(outcome, expected)
    return f"NO: {'; '.join(differs)}" if differs else "yes", schedule.count(on, host), outcome.seconds


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.scenarios.campaign", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=24, help="schedules to play (24)")
    parser.add_argument("--competition", type=Path, default=COMPETITION, help="another small round, such as title.json")
    names = [schedule.__name__ for schedule in SCHEDULES]
    parser.add_argument("--only", action="append", choices=names, help="these schedules; may be given again")
    told = parser.parse_args()
    chosen = [schedule for schedule in SCHEDULES if not told.only or schedule.__name__ in told.only]
    with tempfile.TemporaryDirectory(prefix="gauntlet-faults-") as folder:
        stage = Stage.set_in(Path(folder), competition=told.competition)
        reference = stage.reference()
        print(f"undisturbed: {reference.seconds:.0f} s, bundle {reference.hash()}\n", flush=True)
        print(f"{'schedule':<12} {'seed':>6} {'faults':>7} {'seconds':>8}  same bundle", flush=True)
        survived = 0
        for number in range(told.count):
            make, seed = chosen[number % len(chosen)], told.seed * 1000 + number
            same, faults, seconds = play(stage, make(seed), expected=reference)
            survived += same == "yes" and faults > 0
            print(f"{make.__name__:<12} {seed:>6} {faults:>7} {seconds:>8.0f}  {same}", flush=True)
        print(f"\n{survived} of {told.count} schedules survived")
    return 0 if survived == told.count else 1


if __name__ == "__main__":
    sys.exit(main())
