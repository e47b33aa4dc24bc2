"""Are workers busy, and do more of them judge more?  `python -m benchmarks.judge_scale`: the real client on loopback.

A simulated server answers after 200 ms.  Workers are processes of their own, each with its threads and its event loop,
each hearing its share of the duels of a round on paper, like `manage.py judge` without the database.  Busy: the mean
share of a worker's slots that are waiting for the server, from the first to the last of its full load.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from benchmarks.judge_cost import OnPaper
from benchmarks.judge_cost_world import Shape, World
from judging.panel.answer_store import Remembered
from judging.panel.questions.version import version_named

LATENCY_MS = 200
WARM_S = 2.0
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

    def begin(self) -> None:
        with self.lock:
            self.began = self.changed = time.monotonic()
            self.area = 0.0

    def mean(self) -> float:
        self.by(0)
        with self.lock:
            return self.area / (self.changed - self.began)


class Counted:
    """A gauge on a client: how many of its requests are under way."""

    def __init__(self, gauge: Gauge) -> None:
        from judging.panel.openai_client import Client

        once = Client._once

        async def counted(client: Client, call: object, *, attempt: int) -> object:
            gauge.by(1)
            try:
                return await once(client, call, attempt=attempt)  # type: ignore[arg-type]
            finally:
                gauge.by(-1)

        Client._once = counted  # type: ignore[method-assign, assignment]


class Bench:
    """The duels of a world of this worker's own, so that no worker lives on another's answers."""

    def __init__(self, url: str, *, slots: int) -> None:
        from judging.panel.openai import OpenAI
        from judging.panel.openai_client import Door

        self.version = version_named("vlm-2")
        self.judge = OpenAI(self.version, Door(url, slots=slots), address=lambda picture: f"sim/{picture.digest}")
        shape = replace(Shape(), challengers=40, copies=0, prompts=64, seed=os.getpid())
        self.world, self.answers, self.done = World(self.version, shape), Remembered(), 0
        self.pairs = iter([(prompt, commit) for prompt in range(64) for commit in self.world.commits])

    def hear(self, *, until: float) -> None:
        while time.monotonic() < until and (pair := next(self.pairs, None)):
            prompt, commit = pair
            sides, pale = (self.world.sides[0, prompt], self.world.sides[commit, prompt]), self.world.pale[prompt]
            reference = self.world.reference(prompt)
            OnPaper(self.version, self.judge, self.answers, reference, *sides, low_contrast=pale).verdict()
            self.done += 1


def work(url: str, *, slots: int, duels: int, seconds: float, start_at: float) -> dict[str, float]:
    """One worker: as many duels at once as keep its slots in use, for so long.

    `cpu_ms`: the worker's processor time for one call; where it is the limit, no server can be kept busy.
    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "competition.settings")
    gauge = Gauge()
    Counted(gauge)
    bench = Bench(url, slots=slots)
    time.sleep(max(0.0, start_at - time.time()))  # all workers are ready, so that none is measured beside a start
    until = time.monotonic() + WARM_S + seconds
    with ThreadPoolExecutor(duels) as threads:
        for _ in range(duels):
            threads.submit(bench.hear, until=until)
        time.sleep(WARM_S)  # connections are made, all slots are in use
        gauge.begin()
        before, done, spent = len(bench.answers.replies), bench.done, time.process_time()
        time.sleep(max(0.0, until - time.monotonic()))
        busy, calls, spent = gauge.mean() / slots, len(bench.answers.replies) - before, time.process_time() - spent
        done = bench.done - done
    bench.judge.close()
    cpu_ms = 1000 * spent / max(1, calls)
    return {"busy": busy, "calls": calls / seconds, "duels": done / seconds, "cpu_ms": cpu_ms}


def table_of(workers: int, *, slots: int, server_slots: int, seconds: float) -> dict[str, float]:
    model = version_named("vlm-2").served_as
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
        "busy": min(row["busy"] for row in told),
        "calls": sum(row["calls"] for row in told),
        "duels": sum(row["duels"] for row in told),
        "cpu_ms": max(row["cpu_ms"] for row in told),
    }


def main() -> None:
    asks = argparse.ArgumentParser(prog="python -m benchmarks.judge_scale", description=__doc__)
    asks.add_argument("--seconds", type=float, default=15)
    asks.add_argument("--slots", type=int, default=8, help="of each of several workers (default: %(default)s)")
    asks.add_argument("--work", metavar="URL", help=argparse.SUPPRESS)
    asks.add_argument("--start-at", type=float, default=0.0, help=argparse.SUPPRESS)
    told = asks.parse_args()
    if told.work:
        print(
            json.dumps(
                work(told.work, slots=told.slots, duels=3 * told.slots, seconds=told.seconds, start_at=told.start_at)
            )
        )
        return
    print(
        "| workers | slots each | calls/s | duels/s | busy (least) | processor ms a call |\n|---|---|---|---|---|---|"
    )
    rates = {}
    for workers, slots in ((1, 32), (1, told.slots), (2, told.slots), (4, told.slots)):
        row = table_of(workers, slots=slots, server_slots=max(32, 4 * told.slots), seconds=told.seconds)
        rates[workers] = row["calls"]
        shown = f"{row['calls']:.0f} | {row['duels']:.1f} | {row['busy']:.1%} | {row['cpu_ms']:.1f}"
        print(f"| {workers} | {slots} | {shown} |", flush=True)
    print(f"\n1 -> 4 workers: {rates[4] / rates[1]:.2f} times the calls")


if __name__ == "__main__":
    main()
