"""Who kills what, and when?  Each of these is called again and again while a play runs, and counts what it did."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import psycopg

from core.ledger import LOCK_SPACE
from tests.scenarios.stage import LEASE_SECONDS, Play

WORKING, WAITING = "worker --queue cpu", "worker --queue io"
OTHERS = ("manage.py reconcile", "gunicorn", "examples.hosting")

# Where a worker may be when it dies: table, state, and who works there.
STATES = (
    ("competition_round", "open", WAITING),
    ("competition_round", "miner_generation", WAITING),
    ("competition_asset", "downloading", WAITING),
    ("audits_podrun", "warming", WAITING),
    ("audits_podrun", "generating", WAITING),
    ("competition_round", "downloading", WAITING),
    ("judging_rendering", "rendering", WORKING),
    ("judging_match", "waiting", WAITING),
    ("judging_duel", "judging", WORKING),
    ("judging_match", "judging", WAITING),
    ("competition_round", "duels", WAITING),
    ("audits_audit", "gathering", WAITING),
    ("competition_round", "finalizing", WAITING),
    ("dashboard_publication", "publishing", WAITING),
    ("dashboard_publication", "signing", WAITING),
)


@dataclass
class Killer:
    """kill -9 of one of the processes that `words` name, chosen by lot, at intervals chosen by lot."""

    seed: int
    words: Sequence[str]
    every: tuple[float, float]
    most: int = 1000
    done: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.lot = random.Random(self.seed)
        self.due = time.monotonic() + self.lot.uniform(*self.every)

    def __call__(self, play: Play) -> None:
        if time.monotonic() < self.due or len(self.done) >= self.most:
            return
        self.due = time.monotonic() + self.lot.uniform(*self.every)
        self.strike(play)

    def strike(self, play: Play) -> None:
        pids = play.pids(*self.words)
        if pids:
            killed(self.lot.choice(sorted(pids)), self.done)


class PostmasterKiller(Killer):
    """kill -9 of PostgreSQL's first process; its children notice and end."""

    def strike(self, play: Play) -> None:
        pid = play.cluster.recorded_pid()
        if pid and play.cluster.running():
            killed(pid, self.done)


class PodKiller(Killer):
    """kill -9 of the process that keeps a pod, and with it of the miner's service."""

    def strike(self, play: Play) -> None:
        pods = play.pods()
        if pods:
            killed(self.lot.choice(sorted(pods)), self.done)


class PowerCut(Killer):
    """kill -9 of the whole platform, and a new start of it."""

    def strike(self, play: Play) -> None:
        assert play.process is not None
        play.process.kill()
        play.process.wait()
        self.done.append("platform")
        play.start()


class Freezer(Killer):
    """A worker is stopped (SIGSTOP) in the middle of its work for longer than its lease, and then goes on."""

    frozen: int = 0
    thaw: float = 0.0

    def __call__(self, play: Play) -> None:
        if self.frozen and time.monotonic() > self.thaw:
            with suppress(ProcessLookupError):
                os.kill(self.frozen, signal.SIGCONT)
            self.frozen = 0
        if not self.frozen:
            super().__call__(play)

    def strike(self, play: Play) -> None:
        pids = sorted(play.pids(*self.words))
        if pids:
            self.frozen, self.thaw = self.lot.choice(pids), time.monotonic() + 1.5 * LEASE_SECONDS
            os.kill(self.frozen, signal.SIGSTOP)
            self.done.append(f"stopped {self.frozen}")


@dataclass
class StateKiller:
    """kill -9 of whoever holds a row in each of `states`, once: when its step is done and its move is not written.

    The moment is caught by holding the ledger, as one of its writers would: whoever wants to move a row waits for us.
    It is held only while there are rows in such a state: everything else would wait for us, too.
    """

    states: Sequence[tuple[str, str, str]]
    done: list[str] = field(default_factory=list)
    due: float = 0.0

    def __call__(self, play: Play) -> None:
        left = [state for state in self.states if f"{state[0]}.{state[1]}" not in self.done]
        if left and time.monotonic() > self.due:
            self.due = time.monotonic() + 0.1
            with suppress(psycopg.Error), play.database() as database:
                if near := [state for state in left if self.there(database, state)]:
                    self.catch(play, database, near)

    def catch(self, play: Play, database: psycopg.Connection, left: Sequence[tuple[str, str, str]]) -> None:
        database.execute("SET lock_timeout = 2000")
        database.execute(
            "SELECT pg_advisory_lock(%s, (SELECT min(id)::int FROM competition_competition))", [LOCK_SPACE]
        )
        deadline = time.monotonic() + 0.6
        while time.monotonic() < deadline:
            held = [state for state in left if self.held(database, state)]
            if held:
                time.sleep(0.05)
                self.strike(play, held[0])
                return
            time.sleep(0.01)

    def there(self, database: psycopg.Connection, state: tuple[str, str, str]) -> bool:
        query = f"SELECT 1 FROM {state[0]} WHERE state = %s LIMIT 1"
        return database.execute(query, [state[1]]).fetchone() is not None

    def held(self, database: psycopg.Connection, state: tuple[str, str, str]) -> bool:
        query = f"SELECT 1 FROM {state[0]} WHERE state = %s AND lease IS NOT NULL AND leased_until > now() LIMIT 1"
        return database.execute(query, [state[1]]).fetchone() is not None

    def strike(self, play: Play, state: tuple[str, str, str]) -> None:
        pids: list[str] = []
        for pid in play.pids(state[2]):
            killed(pid, pids)
        if pids:
            self.done.append(f"{state[0]}.{state[1]}")


def together(*killers: Callable[[Play], None]) -> Callable[[Play], None]:
    def all_of_them(play: Play) -> None:
        for killer in killers:
            killer(play)

    return all_of_them


def killed(pid: int, done: list[str]) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
        done.append(str(pid))
