"""In which order does a worker judge duels behind a server, and how many at once?

Prompt by prompt over all matches of a round, so that a server that caches prefixes reads the prompt's picture and the
defender's once.  Each duel goes through the engine like any other row: claimed under a lease, which is renewed while
its thread waits.  Waiting threads are cheap; all of them share the process's one event loop.
"""

from __future__ import annotations

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from core import clock
from core.machine import engine
from core.queue import actors
from judging.models import Control, Duel
from judging.panel.answer_rows import let_go

IDLE_S = 0.2
Look = tuple[str, int]  # a model's label and an id
AHEAD = 4  # times as many duels are looked at as can be taken: others are taking them, too


def next_rows(*, now: datetime, most: int) -> list[Look]:
    """What a judge is due to be asked about: its controls, then duels, prompt by prompt."""
    controls = Control.objects.filter(engine.due(Control, now=now)).order_by("round_id", "pk")
    duels = Duel.objects.filter(engine.due(Duel, now=now))
    ordered = duels.order_by("match__round_id", "position", "match__defender_id", "pk")
    chosen = [
        (rows.model._meta.label, pk) for rows in (controls, ordered) for pk in rows.values_list("pk", flat=True)[:most]
    ]
    let_go()
    return chosen


class JudgeWorker:
    """Judges so many duels of this process at once, until it is stopped."""

    def __init__(self, *, duels: int) -> None:
        self.duels = duels
        self.taken: set[Look] = set()
        self.changed = threading.Condition()

    def run(self, stop: threading.Event) -> None:
        with ThreadPoolExecutor(self.duels, thread_name_prefix="duel") as threads:
            while not stop.is_set():
                if not self._fill(threads):
                    stop.wait(IDLE_S)
                with self.changed:
                    self.changed.wait_for(lambda: len(self.taken) < self.duels or stop.is_set(), timeout=IDLE_S)

    def _fill(self, threads: ThreadPoolExecutor) -> int:
        """Take up what there is room for.  Workers that start together do not all reach for the same duel."""
        room = self.duels - len(self.taken)
        if room <= 0:
            return self.duels
        if not clock.may_act():
            return 0
        due = [row for row in next_rows(now=clock.now(), most=AHEAD * self.duels) if row not in self.taken]
        window = due[: 2 * room]
        chosen = sorted(random.sample(range(len(window)), min(room, len(window))))
        for at in chosen:
            self.taken.add(window[at])
            threads.submit(self._look, window[at])
        return len(chosen)

    def _look(self, row: Look) -> None:
        try:
            actors.look(*row)
        finally:
            with self.changed:
                self.taken.discard(row)
                self.changed.notify()


def until_quiet(*, duels: int, deadline_s: float) -> bool:
    """Judge all that is due now, then come back.  False when the deadline came first."""
    stop, worker = threading.Event(), JudgeWorker(duels=duels)
    thread = threading.Thread(target=worker.run, args=[stop])
    thread.start()
    give_up = time.monotonic() + deadline_s
    while time.monotonic() < give_up and (worker.taken or next_rows(now=clock.now(), most=1)):
        time.sleep(0.02)
    stop.set()
    thread.join()
    return time.monotonic() < give_up
