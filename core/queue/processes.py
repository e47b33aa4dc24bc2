"""Are all parts of the platform running?  Starts them, starts them again when they die, and leaves none behind.

A child gets SIGKILL from the kernel when this process dies, however it dies; what it was doing is leased and is redone.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from core.postgres.server import tool

TICK_SECONDS = 0.5
GRACE_SECONDS = 8.0
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 15.0
STEADY_SECONDS = 5.0
LOG_BYTES = 20_000_000


@dataclass(frozen=True)
class Program:
    """One part of the platform: its name is also its log's."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)


class Child:
    """A program, and the process that runs it just now."""

    def __init__(self, program: Program, *, log: Path) -> None:
        self.program = program
        self.log = log
        self.pause = FIRST_PAUSE_SECONDS
        self.started_at = 0.0
        self.start_at = 0.0
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *, now: float) -> None:
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [tool("setpriv"), "--pdeathsig", "KILL", "--", *self.program.argv],
                env=os.environ | dict(self.program.env),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,
            )
        self.started_at = now

    def died(self, *, now: float) -> str | None:
        """How it ended, once: and when it may start again."""
        if self.process is None or self.process.poll() is None:
            return None
        code = self.process.returncode
        self.signal(signal.SIGKILL)  # what it had started itself
        self.process = None
        self.pause = next_pause(self.pause, lived=now - self.started_at)
        self.start_at = now + self.pause
        return f"signal {-code}" if code < 0 else f"exit code {code}"

    def signal(self, number: int) -> None:
        """To its whole process group; a group outlives its leader."""
        if self.process is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, number)

    def ended(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def last_words(self, *, lines: int = 4) -> list[str]:
        with open(self.log, "rb") as log:
            log.seek(max(0, self.log.stat().st_size - 4000))
            return log.read().decode(errors="replace").splitlines()[-lines:]

    def trim_log(self) -> None:
        """Keep one older part. The child appends, so it goes on writing at the new end."""
        if self.log.stat().st_size > LOG_BYTES:
            shutil.copyfile(self.log, self.log.with_suffix(".log.1"))
            os.truncate(self.log, 0)


def next_pause(pause: float, *, lived: float) -> float:
    """Seconds before the next start: doubled for what dies young, short again for what had run well."""
    return FIRST_PAUSE_SECONDS if lived >= STEADY_SECONDS else min(pause * 2, LONGEST_PAUSE_SECONDS)


class Supervisor:
    def __init__(
        self,
        programs: Iterable[Program],
        *,
        logs: Path,
        print_line: Callable[[str], None],
        chores: Sequence[Callable[[], None]] = (),
    ) -> None:
        logs.mkdir(parents=True, exist_ok=True)
        self.children = [Child(program, log=logs / f"{program.name}.log") for program in programs]
        self.print_line = print_line
        self.chores = chores
        self.complaints: dict[Callable[[], None], str] = {}
        self.stopping = False

    def run(self) -> None:
        """Until SIGINT, SIGTERM or SIGHUP. Call it from the main thread: a child dies with the thread that made it."""
        previous = {number: signal.signal(number, self.ask_to_stop) for number in STOP_SIGNALS}
        try:
            while not self.stopping:
                self.tick(now=time.monotonic())
                if not self.stopping:
                    time.sleep(TICK_SECONDS)
        finally:
            self.stop()
            for number, handler in previous.items():
                signal.signal(number, handler)

    def ask_to_stop(self, *_: object) -> None:
        self.stopping = True

    def tick(self, *, now: float) -> None:
        for child in self.children:
            if ending := child.died(now=now):
                self.print_line(f"{child.program.name} ended ({ending}); it starts again in {child.pause:g} s")
                for line in child.last_words():
                    self.print_line(f"    {line}")
            if child.process is None and now >= child.start_at:
                child.start(now=now)
            child.trim_log()
        for chore in self.chores:
            if not self.stopping:
                self.attend(chore)

    def attend(self, chore: Callable[[], None]) -> None:
        """A chore that fails is tried again at the next tick; the same complaint is made once."""
        try:
            chore()
            self.complaints.pop(chore, None)
        except Exception as error:
            complaint = f"{type(error).__name__}: {error}".strip()
            if self.complaints.get(chore) != complaint:
                self.complaints[chore] = complaint
                self.print_line(complaint)

    def stop(self) -> None:
        """Ask all, wait, then insist."""
        for child in self.children:
            child.signal(signal.SIGTERM)
        deadline = time.monotonic() + GRACE_SECONDS
        while time.monotonic() < deadline and not all(child.ended() for child in self.children):
            time.sleep(0.05)
        for child in self.children:
            child.signal(signal.SIGKILL)
            if child.process is not None:
                child.process.wait()


STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
