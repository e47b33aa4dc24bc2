"""Who sets clocks wrong, fills the disk, lets files rot and listens in silence, while a play runs?

Each is called again and again meanwhile, as those of `killing` are, and counts what it did.
"""

from __future__ import annotations

import random
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from tests.scenarios.stage import NotSo, Outcome, Play

HOUR_S = 3600


@dataclass
class ClockSetter:
    """A process by lot has its clock an hour fast or slow for a while; then it is right again."""

    seed: int
    words: Sequence[str]
    every: tuple[float, float]
    lasts: tuple[float, float]
    most: int
    done: list[str] = field(default_factory=list)
    wrong: Path | None = None
    due: float = 0.0

    def __post_init__(self) -> None:
        self.lot = random.Random(self.seed)
        self.due = time.monotonic() + self.lot.uniform(*self.every)

    def __call__(self, play: Play) -> None:
        if time.monotonic() < self.due:
            return
        if self.wrong is not None:
            self.wrong.unlink(missing_ok=True)
            self.wrong, self.due = None, time.monotonic() + self.lot.uniform(*self.every)
            return
        pids = play.pids(*self.words)
        if pids and len(self.done) < self.most:
            ahead_s = self.lot.choice((HOUR_S, -HOUR_S))
            self.wrong = play.fault_path("FAULT_CLOCK") / str(self.lot.choice(sorted(pids)))
            self.wrong.parent.mkdir(parents=True, exist_ok=True)
            self.wrong.write_text(str(ahead_s))
            self.done.append(f"{self.wrong.name}: {ahead_s} s")
            self.due = time.monotonic() + self.lot.uniform(*self.lasts)


@dataclass
class DiskFiller:
    """The disk is full for a while as soon as a row is in each of these states: when there is something to be kept."""

    seed: int
    states: Sequence[tuple[str, str]]
    lasts: tuple[float, float]
    done: list[str] = field(default_factory=list)
    until: float = 0.0

    def __post_init__(self) -> None:
        self.lot, self.left = random.Random(self.seed), list(self.states)

    def __call__(self, play: Play) -> None:
        mark = play.fault_path("FAULT_DISK")
        if mark.exists():
            if time.monotonic() > self.until:
                mark.unlink()
        elif self.left and time.monotonic() > self.until + 0.1:
            self.until = time.monotonic()
            self._fill(play, mark)

    def _fill(self, play: Play, mark: Path) -> None:
        with suppress(psycopg.Error), play.database() as database:
            for table, state in self.left:
                if database.execute(f"SELECT 1 FROM {table} WHERE state = %s LIMIT 1", [state]).fetchone():
                    mark.touch()
                    self.until = time.monotonic() + self.lot.uniform(*self.lasts)
                    self.left.remove((table, state))
                    self.done.append(f"{table}.{state}")
                    return


@dataclass
class Rot:
    """A byte of a submitted file turns, or the file is lost, between its download and its rendering."""

    seed: int
    most: int
    done: list[str] = field(default_factory=list)
    due: float = 0.0

    def __post_init__(self) -> None:
        self.lot = random.Random(self.seed)

    def __call__(self, play: Play) -> None:
        if len(self.done) >= self.most or time.monotonic() < self.due:
            return
        self.due = time.monotonic() + 0.1
        for sha256 in self._unrendered(play):
            path = play.var / "store" / sha256[:2] / sha256[2:4] / sha256
            if sha256 not in self.done and path.is_file() and len(self.done) < self.most:
                self.done.append(sha256)
                self._damage(path)

    def _damage(self, path: Path) -> None:
        if self.lot.random() < 0.5:
            path.unlink()
            return
        path.chmod(0o644)
        with path.open("r+b") as file:
            file.seek(40)
            byte = file.read(1)
            file.seek(40)
            file.write(bytes([byte[0] ^ 0xFF]))

    def _unrendered(self, play: Play) -> list[str]:
        wanted = """SELECT a.sha256 FROM competition_asset a LEFT JOIN judging_rendering r ON r.sha256 = a.sha256
            WHERE a.state = 'stored' AND a.origin = 'submitted' AND coalesce(r.state, 'rendering') = 'rendering'"""
        with suppress(psycopg.Error), play.database() as database:
            return [row[0] for row in database.execute(wanted).fetchall()]
        return []


@dataclass
class Outages:
    """Something of ours is out of order, one after the other, each until the round has paused for it."""

    faults: Sequence[str]
    done: list[str] = field(default_factory=list)

    def __call__(self, play: Play) -> None:
        if len(self.done) < len(self.faults):
            self._mark(play).touch()

    def end(self, play: Play, outcome: Outcome) -> bool:
        """Mend it and resume the round; False if it did not pause, and none is to come."""
        if not outcome.code or len(self.done) == len(self.faults):
            return False
        if "round 1 is paused" not in outcome.said:
            raise NotSo(f"ended with {outcome.code}, but not by a pause:\n{outcome.said}")
        self._mark(play).unlink()
        self.done.append(self.faults[len(self.done)])
        resumed = play.command("resume", "demo", "1")
        if resumed.returncode:
            raise NotSo(f"not resumed:\n{resumed.stdout}{resumed.stderr}")
        return True

    def _mark(self, play: Play) -> Path:
        return play.var / play.faults[self.faults[len(self.done)]].rpartition(":")[2]


@contextmanager
def silent_receiver() -> Iterator[int]:
    """A port that takes each connection and never says a word."""
    kept: list[socket.socket] = []
    with closing(socket.create_server(("127.0.0.1", 0), backlog=200)) as server:
        threading.Thread(target=_take, args=[server, kept], daemon=True).start()
        yield server.getsockname()[1]
    for one in kept:
        one.close()


def _take(server: socket.socket, kept: list[socket.socket]) -> None:
    with suppress(OSError):
        while True:
            kept.append(server.accept()[0])


@dataclass
class SilentWebhooks:
    """Owners subscribe ten webhooks each, to everything, as soon as the database is there."""

    port: int = 0
    owners: int = 3
    each: int = 10
    done: list[str] = field(default_factory=list)

    def __call__(self, play: Play) -> None:
        if self.done:
            return
        made = """INSERT INTO competition_subscription (public_id, miner, kinds, channel, address, owner, active,
            ended_because, created_at, failures, suspended_because)
            VALUES (gen_random_uuid(), '', '["*.*", "*"]', 'webhook', %s, %s, true, '', now(), 0, '')"""
        with suppress(psycopg.Error), play.database() as database:
            for owner in range(self.owners):
                for number in range(self.each):
                    database.execute(made, [f"http://127.0.0.1:{self.port}/{number}", f"silent-{owner}"])
                    self.done.append(f"{owner}/{number}")
