"""Are workers busy, and do more of them judge more?  `python -m benchmarks.judge_scale`: the real client on loopback.

A simulated server answers after 200 ms.  Workers are processes of their own, each with its threads and its event loop,
each hearing its share of the duels of a round on paper, like `manage.py judge` without the database.  Busy: the mean
share of a worker's slots that are waiting for the server, from the first to the last of its full load.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from benchmarks.judge_cost import OnPaper
from benchmarks.judge_cost_world import Shape, World
from judging.answers import Remembered
from judging.questions.version import version_named

LATENCY_MS = 200
START_S = 8.0  # for imports and the round on paper


class Gauge:
    """How many of the slots are in use, over time."""

    def __init__(self) -> None:
        self.began = self.changed = time.monotonic()
        self.using = 0
        self.area = 0.0
        self.lock = threading.Lock()

    def by(self, more: int) -> None:
        with self.lock:
            now = time.monotonic()
            self.area += self.using * (now - self.changed)
            self.changed, self.using = now, self.using + more

    def mean(self) -> float:
        with self.lock:
            return self.area / (self.changed - self.began)


def work(url: str, *, slots: int, duels: int, seconds: float, start_at: float) -> dict[str, float]:
    """One worker: as many duels at once as keep its slots in use, for so long."""
    import os

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "competition.settings")
    from judging.backends.openai import OpenAI
    from judging.backends.openai_client import Client, Door

    gauge, once = Gauge(), Client._once

    async def counted(self: Client, call: object, *, attempt: int) -> object:
        gauge.by(1)
        try:
            return await once(self, call, attempt=attempt)  # type: ignore[arg-type]
        finally:
            gauge.by(-1)

    Client._once = counted  # type: ignore[method-assign, assignment]
    version = version_named("vlm-1")
    judge = OpenAI(version, Door(url, slots=slots), address=lambda picture: f"sim/{picture.digest}")
    # A world of each worker's own: no worker lives on another's answers.
    world = World(version, replace(Shape(), challengers=40, copies=0, prompts=64, seed=os.getpid()))
    pairs = iter([(prompt, commit) for prompt in range(64) for commit in world.commits])
    time.sleep(max(0.0, start_at - time.time()))  # all workers are ready, so that none is measured beside a start
    book, stop, done = Remembered(), time.monotonic() + seconds, []

    def hear() -> None:
        while time.monotonic() < stop and (pair := next(pairs, None)):
            prompt, commit = pair
            sides = world.sides[0, prompt], world.sides[commit, prompt]
            OnPaper(version, judge, book, world.reference(prompt), *sides, pale=world.pale[prompt]).verdict()
            done.append(pair)

    gauge.began = gauge.changed = time.monotonic()
    with ThreadPoolExecutor(duels) as threads:
        for _ in range(duels):
            threads.submit(hear)
        time.sleep(max(0.0, stop - time.monotonic()))
        gauge.by(0)
        busy, calls = gauge.mean() / slots, len(book.replies)
    judge.close()
    return {"busy": busy, "calls": calls / seconds, "duels": len(done) / seconds}


def table_of(workers: int, *, slots: int, server_slots: int, seconds: float) -> dict[str, float]:
    model = version_named("vlm-1").served_as
    command = [sys.executable, "-m", "benchmarks.vlm_server", "--model", model, "--latency-ms", str(LATENCY_MS)]
    server = subprocess.Popen([*command, "--slots", str(server_slots)], stdout=subprocess.PIPE, text=True)
    try:
        url = str(server.stdout.readline()).split()[0] if server.stdout else ""
        each = [sys.executable, "-m", "benchmarks.judge_scale", "--work", url, "--slots", str(slots)]
        start_at = time.time() + START_S
        running = [
            subprocess.Popen(
                [*each, "--seconds", str(seconds), "--start-at", str(start_at)], stdout=subprocess.PIPE, text=True
            )
            for _ in range(workers)
        ]
        told = [json.loads(process.communicate(timeout=seconds + 120)[0]) for process in running]
    finally:
        server.terminate()
        server.wait()
    return {
        "busy": min(row["busy"] for row in told), "calls": sum(row["calls"] for row in told),
        "duels": sum(row["duels"] for row in told),
    }  # fmt: skip


def main() -> None:
    asks = argparse.ArgumentParser(prog="python -m benchmarks.judge_scale", description=__doc__)
    asks.add_argument("--seconds", type=float, default=15)
    asks.add_argument("--slots", type=int, default=8, help="of each of several workers (default: %(default)s)")
    asks.add_argument("--work", metavar="URL", help=argparse.SUPPRESS)
    asks.add_argument("--start-at", type=float, default=0.0, help=argparse.SUPPRESS)
    told = asks.parse_args()
    if told.work:
        print(json.dumps(work(told.work, slots=told.slots, duels=2 * told.slots, seconds=told.seconds,
                              start_at=told.start_at)))  # fmt: skip
        return
    print("| workers | slots each | calls/s | duels/s | busy (least) |\n|---|---|---|---|---|")
    rates = {}
    for workers, slots in ((1, 32), (1, told.slots), (2, told.slots), (4, told.slots)):
        row = table_of(workers, slots=slots, server_slots=max(32, 4 * told.slots), seconds=told.seconds)
        rates[workers] = row["calls"]
        print(f"| {workers} | {slots} | {row['calls']:.0f} | {row['duels']:.1f} | {row['busy']:.1%} |", flush=True)
    print(f"\n1 -> 4 workers: {rates[4] / rates[1]:.2f} times the calls")


if __name__ == "__main__":
    main()
