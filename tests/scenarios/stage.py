"""How is one small round played, from the first reveal to the bundle, by the real processes, and what came of it?

`Stage` prepares a folder with a database in which the round is announced, and the hosts' address; each `Play` is a copy
of it, so that all plays have the same keys, addresses and seed, and must end with the same bundle to the last byte.

The simulated clock goes on from when the stage was set: the blocks of `competition.json` are so far apart that nothing
is due before the play skips to it, however late it begins.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from audits.pods.local import _holder as holder_of_pod
from core.postgres.ports import free_port
from core.postgres.server import Cluster, tool
from examples import cast

ROOT = Path(__file__).resolve().parents[2]
COMPETITION = Path(__file__).parent / "competition.json"
TITLE = Path(__file__).parent / "title.json"
LEASE_SECONDS = 3
LONGEST_PLAY = 400.0


class NotSo(AssertionError):
    """What must hold after every play does not."""


@dataclass(frozen=True)
class Stage:
    """A folder for plays.  `hosting` is the port of the miners' hosts in all of them."""

    folder: Path
    hosting: int

    @classmethod
    def set_in(cls, folder: Path, *, competition: Path = COMPETITION) -> Stage:
        """The stage in `folder`, prepared by whoever comes first."""
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder / "lock"):
            if not (folder / "ready").exists():
                shutil.rmtree(folder / "template", ignore_errors=True)
                port = free_port()
                prepare(folder / "template", hosting=port, competition=competition)
                (folder / "ready").write_text(str(port))
        return cls(folder, int((folder / "ready").read_text()))

    def play(self, name: str, **options: Any) -> Play:
        var = self.folder / name
        shutil.rmtree(var, ignore_errors=True)
        shutil.copytree(self.folder / "template", var)
        return Play(var, hosting=self.hosting, **options)

    def clear(self) -> None:
        """What plays left behind that need not be looked at any more."""
        for folder in self.folder.iterdir():
            if folder.is_dir() and folder.name not in ("template", "reference"):
                shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def to_ourselves(self) -> Iterator[None]:
        """One play at a time: they share the hosts' port."""
        with locked(self.folder / "playing"):
            yield

    def reference(self, *, rounds: int = 2) -> Outcome:
        """What an undisturbed play gives; played once."""
        kept = self.folder / "reference.json"
        if not kept.exists():
            outcome = self.play("reference", rounds=rounds).to_the_end()
            kept.write_text(json.dumps({"said": outcome.said, "seconds": outcome.seconds}))
        told = json.loads(kept.read_text())
        return Outcome(0, told["said"], told["seconds"], self.folder / "reference")


@dataclass(frozen=True)
class Outcome:
    """How a play ended."""

    code: int
    said: str
    seconds: float
    var: Path

    def bundle(self, number: int = 1) -> Path:
        return self.var / "bundles" / "demo" / str(number)

    def hash(self, number: int = 1) -> str:
        """The bundle's: of its manifest, which holds the hashes of all of its files."""
        return hashlib.sha256((self.bundle(number) / "manifest.json").read_bytes()).hexdigest()

    def document(self, name: str, *, number: int = 1) -> Any:
        return json.loads((self.bundle(number) / name).read_text())


@dataclass
class Play:
    """One platform, playing in `var`.  `faults`: FAULT_… variables for its processes."""

    var: Path
    hosting: int
    rounds: int = 1
    workers: int = 2
    faults: Mapping[str, str] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    longest: float = LONGEST_PLAY
    port: int = 0
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.cluster = Cluster(self.var / "postgres")
        self.said = self.var / "said.txt"

    def start(self, *, live: bool = False) -> None:
        """`live`: until it is stopped, leaving reveal windows to the clock; else until its rounds are published."""
        command = [tool("setpriv"), "--pdeathsig", "KILL", "--"]  # nothing outlives the tests, however they end
        command += [sys.executable, "manage.py", "run", "--workers", str(self.workers)]
        command += ["--port", str(self.port or free_port()), "--hosting-port", str(self.hosting)]
        command += ["--demo"] if live else ["--demo", "--rounds", str(self.rounds)]
        with open(self.said, "ab") as said:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=self.environment(), stdin=subprocess.DEVNULL, stdout=said, stderr=said
            )

    def hosting_behind(self, port: int) -> int:
        """Let the demo's hosting serve there instead: somebody else answers at the address that the miners revealed."""
        self.hosting = port
        return port

    def environment(self) -> dict[str, str]:
        named = {
            "GAUNTLET_VAR": str(self.var),
            "GAUNTLET_DEMO": "1",
            "GAUNTLET_LEASE_SECONDS": str(LEASE_SECONDS),
            "GAUNTLET_REKICK_SECONDS": "1",
            "DJANGO_SETTINGS_MODULE": "tests.scenarios.settings",
            "PYTHONUNBUFFERED": "1",
        }
        return clean_environment() | named | dict(self.faults) | dict(self.env)

    def fault_path(self, name: str) -> Path:
        """What a built-in fault is told to look at; a name without a folder lies in the play's own."""
        return self.var / self.faults[name]

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A command of the platform's, while the play stands still."""
        return subprocess.run(
            [sys.executable, "manage.py", *words], cwd=ROOT, env=self.environment(), capture_output=True, text=True
        )

    def to_the_end(self, disturb: Callable[[Play], object] | None = None, *, checked: bool = True) -> Outcome:
        """Play until it ends by itself; `disturb` is called again and again meanwhile."""
        began = time.monotonic()
        self.start()
        try:
            while self.process and self.process.poll() is None:
                if time.monotonic() - began > self.longest:
                    raise NotSo(f"not over after {self.longest} s:\n{self.story()}")
                if disturb:
                    disturb(self)
                time.sleep(0.02)
            outcome = Outcome(self.process.returncode, self.story(), time.monotonic() - began, self.var)
            if checked:
                self.check(outcome)
            return outcome
        finally:
            self.end()

    def story(self) -> str:
        return self.said.read_text(errors="replace")[-6000:] if self.said.exists() else ""

    def end(self) -> None:
        """Whatever happened, nothing of the play lives on.  Only processes of this play's folder are touched."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for pid in self.processes():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for pid in self.pods():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    # what is there just now

    def processes(self) -> dict[int, str]:
        """This play's processes that are alive, by their environment, and its database's, by their folder."""
        mark = f"GAUNTLET_VAR={self.var}\0".encode()
        found = dict.fromkeys(self.cluster.inhabitants(), "postgres")
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and mark in read(entry / "environ"):
                found[int(entry.name)] = read(entry / "cmdline").replace(b"\0", b" ").decode(errors="replace")
        return found

    def pids(self, *words: str) -> list[int]:
        """Of the processes whose command line has one of `words`; the supervisor's own only if it is asked for."""
        own = self.process.pid if self.process else 0
        return [
            pid for pid, command in self.processes().items() if pid != own and any(word in command for word in words)
        ]

    def pods(self) -> list[int]:
        folders = (self.var / "pods").glob("*") if (self.var / "pods").exists() else ()
        return [pid for folder in folders if (pid := holder_of_pod(folder))]

    @contextmanager
    def database(self) -> Iterator[psycopg.Connection[Any]]:
        port = self.cluster.running()
        if port is None:
            raise psycopg.OperationalError("it does not run just now")
        address = {"host": "127.0.0.1", "port": port, "user": "gauntlet", "dbname": "gauntlet"}
        password = (self.var / "postgres" / "password").read_text().strip()
        with psycopg.connect(**address, password=password, autocommit=True, connect_timeout=5) as connection:
            yield connection

    def happened(self, what: str) -> int:
        """How often a fault that is built into the play's processes came to pass."""
        path = self.var / "faults" / what
        return path.stat().st_size if path.exists() else 0

    # what must hold afterwards

    def check(self, outcome: Outcome) -> None:
        if outcome.code:
            raise NotSo(f"ended with {outcome.code}:\n{outcome.said}")
        for number in range(1, self.rounds + 1):
            check_bundle(outcome.bundle(number))
            check_duels(outcome.bundle(number))
        left = until_none(self.processes)
        if left or self.pods():
            raise NotSo(f"left behind: {left or self.pods()}")


def check_bundle(bundle: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "verify", "--errors", str(bundle)], cwd=ROOT, capture_output=True, text=True
    )
    if done.returncode:
        raise NotSo(f"verify finds fault with {bundle}:\n{done.stdout}{done.stderr}")


def check_duels(bundle: Path) -> None:
    """Each match has each of its duels once, and each duel was settled by one event of the ledger."""
    events = [json.loads(line) for line in (bundle / "ledger.jsonl").read_text().splitlines()]
    number = json.loads((bundle / "round.json").read_text())["number"]
    prompts = len(json.loads((bundle / "round.json").read_text())["prompts"])
    settled = [
        (body["match"], body["defender"], body["challenger"], body["position"])
        for event in events
        if event["kind"].startswith("duel.") and (body := event["body"])["round"] == number
    ]
    if len(set(settled)) != len(settled):
        raise NotSo("a duel was settled twice")
    matches = json.loads((bundle / "matches.json").read_text())
    for match in matches:
        length = match["stopped_after"] if match["kind"] == "title" else prompts
        if [duel["position"] for duel in match["duels"]] != list(range(length)):
            raise NotSo(f"duels are missing: {match}")
    played = [match for match in matches if match["kind"] != "title"]
    counted = [kind for kind, *_ in settled if kind != "title"]  # of title matches as many as files came in time
    if len(counted) != prompts * len(played):
        raise NotSo(f"{len(counted)} duels were settled in {len(played)} matches of {prompts}")
    if [event["seq"] for event in events] != list(range(events[0]["seq"], events[0]["seq"] + len(events))):
        raise NotSo("the ledger has a gap")


def prepare(var: Path, *, hosting: int, competition: Path, env: Mapping[str, str] | None = None) -> None:
    """A migrated database in which the competition is seeded, and the operator's key."""
    play = Play(var, hosting=hosting, env=env or {})
    var.mkdir(parents=True)
    seeding = ("seed_demo", "--competition", str(competition), "--hosting", f"http://127.0.0.1:{hosting}")
    both = f"from django.core.management import call_command as c; c('migrate', verbosity=0); c(*{seeding!r})"
    done = play.command("shell", "-c", both)
    if done.returncode:
        raise NotSo(f"{done.stdout}{done.stderr}")
    if left := until_none(play.processes):
        raise NotSo(f"the database does not stop: {left}")


def until_none(left: Callable[[], object], *, seconds: float = 20) -> object:
    """What is left when the time is over; nothing, as a rule."""
    deadline = time.monotonic() + seconds
    while (found := left()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def clean_environment() -> dict[str, str]:
    ours = ("GAUNTLET_", "DATABASE", "BROKER", "FAULT_", "DJANGO_", "PYTEST_", "COV_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


@contextmanager
def locked(path: Path) -> Iterator[None]:
    with open(path, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def duels_of_others(name: str, played: Outcome) -> dict[str, object]:
    """By challenger: what the duels of the screens of all others came to."""
    return {match["challenger"]: match["duels"] for match in screens(played) if match["challenger"] != hotkey(name)}


def forfeits_of(name: str, played: Outcome) -> int:
    (match,) = [match for match in screens(played) if match["challenger"] == hotkey(name)]
    return int(match["tally"]["forfeits_challenger"])


def submitted(name: str, played: Outcome) -> list[dict[str, Any]]:
    """The files that a miner was to host."""
    rows = played.document("assets.json")
    return [row for row in rows if row["entry"] == hotkey(name) and row["origin"] == "submitted"]


def screens(played: Outcome) -> list[dict[str, Any]]:
    return [match for match in played.document("matches.json") if match["kind"] == "screen"]


def hotkey(name: str) -> str:
    return cast.member(name).hotkey
