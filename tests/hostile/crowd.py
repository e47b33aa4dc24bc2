"""One round by the platform's own engine, in which honest miners meet a crowd of hostile ones.

Real are the engine and its steps, PostgreSQL, downloads and letters over HTTP on loopback, the sandbox, the renderer,
the judge, the checks of code, the pods' protocol, the API and the publisher.  Pods are `hostile.pods` on ports of this
machine, code comes from the plan, and one process does all workers' work on a clock of its own.
"""

from __future__ import annotations

import hashlib
import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random
from typing import Any

import pytest
from bittensor_core import Keypair
from django.db import transaction

from audits.pods import batch, runs
from audits.pods.base import Image, Pod, PodFault
from audits.source import archive, scanning, source_audits
from audits.source.origins.base import MINER, FetchedCode, NotFetched
from competition import prompts, rounds
from competition.chain.simulated import Simulated
from competition.decisions import schedule
from competition.models import Competition, Miner, Round, SimulatedChain
from competition.notices import channels, subscribing
from competition.publication.bundle_folders import folder_of
from core.machine import engine
from core.net.http_client import Patience
from examples import kit
from examples import prompts as pictures
from formats.registry import FORMATS
from tests.audits.reviewing import both_sign, person
from tests.hostile import pods
from tests.hostile.pods import STEMS, Behaviour
from tests.hostile.sources import CLEAN
from tests.scenarios.stage import COMPETITION
from tests.verify.played_round import BLOCKS, START, Stage

RIG = json.loads(COMPETITION.read_text())["config"]["rig"] | {"pixels": 32, "grid_pixels": 32, "samples": 1}
DRAWN = ("balloon", "book", "mug")  # what the pictures of the prompts show
PODS = {"replacements": 1, "warm_up_s": 30, "generation_s": 40, "handover_s": 30, "silence_s": 15}
PODS |= {"odd_answers": 1, "our_faults": 2}
FETCH = {"max_bytes": 209715200, "total_s": 30, "idle_s": 10, "retry_scale": 0.01}
SOON_S, REST_S = 1.0, 2.0
LOOK = timedelta(seconds=10)
LOOKS_TO_A_RECONCILE = 3
MOST_TURNS = 1000
RESOLVE = socket.getaddrinfo
WHY = "We have read this code, and what the tool asks us to look at does no harm."


@dataclass(frozen=True)
class Player:
    """What one miner reveals, hosts and runs."""

    name: str
    files: Sequence[bytes] = ()
    tree: Callable[[], Mapping[str, bytes]] = lambda: CLEAN
    pod: Behaviour = field(default_factory=Behaviour)
    payload: bytes | None = None  # instead of a reveal that is right

    @property
    def key(self) -> Keypair:
        return Keypair.create_from_uri(f"//crowd/{self.name}")

    @property
    def hotkey(self) -> str:
        return str(self.key.ss58_address)

    @property
    def commit(self) -> str:
        return hashlib.sha1(self.name.encode()).hexdigest()

    @property
    def repo(self) -> str:
        return f"crowd/{self.commit[:12]}"


def gives(files: Sequence[bytes], *, extension: str) -> Behaviour:
    """An honest service whose code makes these files."""
    made = {f"{stem}.{extension}": data for stem, data in zip(STEMS, files, strict=True)}
    return Behaviour(answers={"/results": pods.http(pods.zipped(made))})


class Ports:
    """A provider of pods: each is a behaviour on a port of this machine."""

    name = "ports"
    needs_image = False

    def __init__(self, players: Sequence[Player]) -> None:
        self.behaviours = {player.commit: player.pod for player in players}
        self.stacks: dict[str, ExitStack] = {}
        self.submitted: set[str] = set()

    def start(self, image: Image, *, name: str, beside: Pod | None = None) -> Pod:
        return self._start(self.behaviours[image.commit], name=name, commit=image.commit)

    def start_control(self, *, name: str, beside: Pod | None = None) -> Pod:
        sums = {f"{stem}.txt": sum_of(stem).encode() for stem in STEMS}
        return self._start(Behaviour(answers={"/results": pods.http(pods.zipped(sums))}), name=name, commit="")

    def _start(self, behaviour: Behaviour, *, name: str, commit: str) -> Pod:
        self.close(name)
        self.stacks[name] = ExitStack()
        port = self.stacks[name].enter_context(pods.serve(behaviour))
        place = {"commit": commit}
        return Pod(provider=self.name, name=name, address={"host": "127.0.0.1", "port": port}, place=place)

    def offer(self, pod: Pod, *, pictures: Mapping[str, Path]) -> dict[str, str]:
        self.submitted.add(pod.name)
        return {stem: f"http://127.0.0.1/{stem}.png" for stem in pictures}

    def alive(self, pod: Pod) -> bool:
        return self.fault(pod) is None

    def fault(self, pod: Pod) -> PodFault | None:
        behaviour = self.behaviours.get(pod.place["commit"], Behaviour())
        return behaviour.dies if pod.name in self.submitted else None

    def stop(self, pod: Pod) -> None:
        self.close(pod.name)

    def close(self, name: str) -> None:
        self.submitted.discard(name)
        if name in self.stacks:
            self.stacks.pop(name).close()

    def log(self, pod: Pod) -> bytes:
        return b"\xff\x1b[31m\0 of this pod\r\n" * 9

    def sweep(self, known_names: Callable[[], set[str]]) -> list[str]:
        return []


def tree_of(miner: str) -> dict[str, bytes]:
    """The repository of one of the demo's miners."""
    own = {name: (kit.OWN / miner / name).read_bytes() for name in kit.OWN_FILES}
    return own | {name: (kit.KIT / name).read_bytes() for name in kit.FILES}


class Trees:
    """An origin of code: the trees of the players."""

    name, witness = "trees", ""

    def __init__(self, players: Sequence[Player]) -> None:
        self.trees = {player.commit: player.tree for player in players}

    def fetch(self, repo: str, commit: str) -> FetchedCode:
        if commit not in self.trees:
            raise NotFetched(MINER, "no_such_code", f"There is no {repo} at {commit} here.")
        files = (archive.File(path=path, content=content) for path, content in self.trees[commit]().items())
        kept = tuple(file for file in files if archive.objection(file.path) is None)
        return FetchedCode(files=kept, left_out=(), origin="crowd")


def picture_of(stem: str) -> bytes:
    return (Path(pictures.__file__).parent / f"{DRAWN[STEMS.index(stem)]}.png").read_bytes()


def sum_of(stem: str) -> str:
    return hashlib.sha256(picture_of(stem)).hexdigest()


@dataclass
class Crowd(Stage):
    """A stage whose miners are players; the first of them leads."""

    players: tuple[Player, ...] = ()
    hosting: str = ""
    meanwhile: Callable[[Crowd, Round], None] = lambda crowd, round_: None

    def enter(self) -> None:
        """All but the leader reveal, in their order, as many to a block as come."""
        round_, simulated = self.competition.rounds.get(number=1), Simulated("crowd")
        each = -(-len(self.players) // (BLOCKS["open_blocks"] - 2))
        for place, player in enumerate(self.players[1:]):
            reveal = {"repo": player.repo, "commit": player.commit, "cdn_url": f"{self.hosting}/{player.commit}"}
            payload = json.dumps(reveal).encode() if player.payload is None else player.payload
            simulated.reveal(player.key, payload, block=round_.earliest_reveal_block + place // each)

    def turn(self, number: int) -> Round:
        """Half a minute of the platform's work; the round as it is then."""
        engine.reconcile(now=self.at)
        for _ in range(LOOKS_TO_A_RECONCILE):
            self.at += LOOK
            self.look()
        round_ = Round.objects.get(competition=self.competition, number=number)
        if round_.state == "open":
            Simulated(self.competition.slug).skip_to(round_.seed_block + 1, now=self.at)
        return round_

    def to_the_end(self) -> Path:
        """The round's bundle.  AssertionError where an operator must act.

        People pass whatever waits for them, so that the code is run, too: they are as careless as people can be.
        """
        for _ in range(MOST_TURNS):
            round_ = self.turn(1)
            assert round_.state != "paused", f"{round_.failure_code}: {round_.failure_reason}"
            self.meanwhile(self, round_)
            people = {"first": person("ann"), "second": person("bob")}
            for audit in round_.audits.filter(state="reviewing"):
                both_sign(audit, "passed", "harmless", why=WHY, now=self.at, **people)
            if (folder_of(round_) / "manifest.json").exists():
                return folder_of(round_)
        raise AssertionError(f"{round_} is not over: {round_.state}, {round_.waiting_for}")


@contextmanager
def played(
    players: Sequence[Player],
    *,
    folder: Path,
    patch: pytest.MonkeyPatch,
    file_format: str = "glb",
    renderer: str = "raycast",
    receivers: Sequence[str] = (),
    audits: Sequence[str] = ("source", "generation"),
    meanwhile: Callable[[Crowd, Round], None] = lambda crowd, round_: None,
) -> Iterator[Path]:
    """The bundle of the round that these play; `receivers` are webhooks' addresses, of three to an owner."""
    extension = FORMATS[file_format].extension
    files = {
        f"/{player.commit}/{stem}.{extension}": data
        for player in players
        for stem, data in zip(STEMS, player.files, strict=False)
    }
    with hosting(files) as address:
        crowd = _stage(players, file_format=file_format, renderer=renderer, address=address, audits=audits)
        crowd.meanwhile = meanwhile
        ports = Ports(players)
        _stand_ins(crowd, ports, patch=patch, folder=folder)
        for place, receiver in enumerate(receivers):
            subscribing.subscribe(
                channel="webhook", address=receiver, kinds=["round.*"], owner=f"silent-{place // 3}", now=crowd.at
            )
        crowd.enter()
        try:
            yield crowd.to_the_end()
        finally:
            for name in list(ports.stacks):
                ports.close(name)


def _stage(players: Sequence[Player], *, file_format: str, renderer: str, address: str, audits: Sequence[str]) -> Crowd:
    SimulatedChain.objects.create(name="crowd", genesis_at=START, block_seconds=1.0)
    chain = SimulatedChain.objects.get(name="crowd")
    rules = {"win_margin": "1/20", "least_counted": 1, "audits": list(audits)}
    made = Competition.objects.create(
        slug="crowd",
        name="Crowd",
        ruleset="margin-1",
        judge="perceptual-v1",
        renderer=renderer,
        chain="simulated:crowd",
        pods="local",
        created_at=START,
        config={
            "prompts_per_round": 3,
            "blocks": BLOCKS,
            "format": file_format,
            "rules": rules,
            "rig": RIG,
            "fetch": FETCH,
            "pods": PODS,
            "poll_s": 0,
        },
    )
    for uid, player in enumerate(players, 1):
        chain.registrations.get_or_create(hotkey=player.hotkey, defaults={"uid": uid})
    with transaction.atomic():
        prompts.add(made, {stem: picture_of(stem) for stem in STEMS}, now=START)
        leader = players[0]
        miner = Miner.objects.create(hotkey=leader.hotkey)
        first = {"miner": miner, "repo": leader.repo, "commit": leader.commit, "weight": "1", "effective_block": 0}
        rounds.enthrone_first(made, reign=first, now=START)
        rounds.begin(made, blocks=schedule.first(rounds.cadence(made), earliest_reveal_block=5), now=START)
    return Crowd(1, Random(0), made, players=tuple(players), hosting=address)


def only_here(host: Any, *rest: Any, **more: Any) -> Any:
    """A resolver that knows this machine, and no other name."""
    if host not in ("127.0.0.1", "localhost", None):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    return RESOLVE(host, *rest, **more)


def _stand_ins(crowd: Crowd, ports: Ports, *, patch: pytest.MonkeyPatch, folder: Path) -> None:
    patch.setattr(socket, "getaddrinfo", only_here)
    patch.setattr("django.conf.settings.FETCH_WITNESS", crowd.hosting.removeprefix("http://"))
    patch.setattr("django.conf.settings.BUNDLE_DIR", folder / "bundles")
    patch.setattr("django.conf.settings.DEMO", True)
    for clock in ("core.clock.now", "django.utils.timezone.now"):
        patch.setattr(clock, lambda: crowd.at)
    patch.setattr("core.machine.registry.CONNECTED.send", lambda *words, **named: None)
    patch.setattr(engine, "kick_due", lambda model, **_: 0)  # `look` finds by itself what is due
    patch.setattr(engine, "heal", lambda model, **_: 0)  # no clock is wrong
    patch.setattr(runs, "provider_named", lambda name: ports)
    patch.setattr(source_audits, "origin", lambda: Trees(crowd.players))
    limits = replace(scanning.LIMITS, cpu_seconds=6, wall_seconds=90.0)
    patch.setattr(scanning, "scan", partial(scanning.scan, limits=limits))
    for name, seconds in (("poll", SOON_S), ("submit", SOON_S), ("collect", REST_S)):
        patch.setattr(batch, name, partial(getattr(batch, name), patience_s=seconds))
    patch.setattr(channels, "PATIENCE", Patience(total_s=0.4, connect_s=0.3, idle_s=0.2))


@contextmanager
def hosting(files: Mapping[str, bytes]) -> Iterator[str]:
    """The miners' files, by their paths, at an address of this machine."""

    class Visit(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            data = files.get(self.path)
            self.send_response(404 if data is None else 200)
            self.send_header("Content-Length", str(len(data or b"")))
            self.end_headers()
            self.wfile.write(data or b"")

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    host = ThreadingHTTPServer(("127.0.0.1", 0), Visit)
    threading.Thread(target=host.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{host.server_port}"
    finally:
        host.shutdown()
        host.server_close()
