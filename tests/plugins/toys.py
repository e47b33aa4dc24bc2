"""A judge, a ruleset, a source check, a pod provider, a notice channel and a chain that the platform does not know."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from fractions import Fraction
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np

from audits.pods.base import Image, Pod, PodFault
from audits.pods.control_service import Service
from audits.source.findings import PERSON, SourceFinding
from audits.source.tree import Tree
from competition.chain.base import ChainFault, RawReveal
from competition.rulesets import MARGIN_1, Observation, RoundDecision, Rules, Ruleset
from competition.rulesets.bankroll import BankrollTally
from competition.rulesets.base import SCREEN, DecisionStep, MatchEnd
from competition.rulesets.ladder import LEADER, in_reveal_order
from competition.rulesets.regenerations import AuditVerdict, Regeneration
from competition.rulesets.tally import DuelResult, Tally
from competition.simulation.matches import Start
from competition.simulation.population import Lots, SimulatedField
from competition.simulation.rounds import LEADER as LEADS_ON
from competition.simulation.rounds import RoundOutcomes
from judging.backends import Answer, Question
from tests.competition import made


class LengthJudge:
    """Likes the file whose hash is smaller."""

    def __init__(self, argument: str) -> None:
        self.name = f"toy:{argument}"
        self.version = hashlib.sha256(self.name.encode()).hexdigest()

    def ask(self, question: Question) -> Answer:
        return Answer(1.0 if question.second.sha256 < question.first.sha256 else -1.0)


def judge(argument: str) -> LengthJudge:
    return LengthJudge(argument)


class MostWins(Ruleset):
    """Whoever wins the most duels against the leader, and more than it loses; among equals the first."""

    defaults = replace(MARGIN_1, name="most-wins", audits=())
    about = "A toy: the most wins against the leader."

    def decide(self, observed: Observation) -> RoundDecision:
        ordered = in_reveal_order(observed.entries)
        screens = {entry.key: observed.tallies.get((SCREEN, LEADER, entry.key)) for entry in ordered}
        open_ = [key for key, tally in screens.items() if tally is None]
        ahead = [(key, tally) for key, tally in screens.items() if tally is not None and tally.net > 0]
        leader = max(ahead, key=lambda pair: pair[1].wins)[0] if ahead and not open_ else LEADER
        return RoundDecision(
            leader=leader,
            steps=tuple(
                DecisionStep(
                    challenger=key,
                    defender=LEADER,
                    verdict="advanced" if key == leader else "held",
                    reason=f"It won {tally.wins} duels.",
                )
                for key, tally in screens.items()
                if tally is not None
            ),
            wanted_matches=tuple((SCREEN, LEADER, key) for key in open_),
            wanted_audits=(),
            screening=f"{len(open_)} screens are open" if open_ else "",
            screened="every screen is decided; nobody is audited",
            waiting="",
            rests_on=frozenset(),
            audited=frozenset(),
        )

    def match_end(
        self, kind: str, results: Sequence[DuelResult | None], *, total: int, carried: BankrollTally | None = None
    ) -> MatchEnd | None:
        played = [result for result in results if result]
        return MatchEnd(after=total, because="", tally=Tally.of(played)) if len(played) == total else None

    def regeneration_verdict(self, rows: Sequence[Regeneration], *, generation_s: int) -> AuditVerdict | None:
        raise AssertionError("nobody is audited")

    def flip_distance(self, kind: str, tally: Tally) -> int | None:
        return None

    def round_flip_distance(self, documents: Mapping[str, Any]) -> int | None:
        return None


def most_wins_rounds(field: SimulatedField, lots: Lots, *, rules: Rules, carried: Start) -> RoundOutcomes:
    """Its rounds, simulated: the screens alone decide."""
    net = field.screens.net
    wins, losses = (net > 0).sum(-1), (net < 0).sum(-1)
    ahead = np.where(wins > losses, wins, -1)
    winner = np.where(ahead.max(axis=1) >= 0, ahead.argmax(axis=1), LEADS_ON)
    every = np.ones(len(net))
    duels = every * net.shape[1] * net.shape[2]
    return RoundOutcomes(winner, every * net.shape[2], duels, duels)


def swearing(code: Tree) -> Iterator[SourceFinding]:
    for file in code.files:
        if "damn" in (file.text or ""):
            yield SourceFinding(severity=PERSON, rule="swearing", sentence="It swears.", file=file.path, line=1)


class ThreadPods:
    """Runs a known service in a thread of this process; the miner's code is not looked at."""

    name = "toy"
    needs_image = False

    def __init__(self) -> None:
        self.servers: dict[str, ThreadingHTTPServer] = {}

    def start(self, image: Image, *, name: str, beside: Pod | None = None) -> Pod:
        if name not in self.servers:
            server = self.servers[name] = ThreadingHTTPServer(("127.0.0.1", 0), type("Fresh", (Service,), {}))
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        host, port = self.servers[name].server_address[:2]
        return Pod(provider=self.name, name=name, address={"host": host, "port": port}, isolation=("none",))

    def start_control(self, *, name: str, beside: Pod | None = None) -> Pod:
        return self.start(Image(repo="ours/control", commit="0" * 40), name=name)

    def offer(self, pod: Pod, *, pictures: Mapping[str, Path]) -> dict[str, str]:
        return {stem: path.as_uri() for stem, path in pictures.items()}

    def alive(self, pod: Pod) -> bool:
        return pod.name in self.servers

    def fault(self, pod: Pod) -> PodFault | None:
        return None

    def stop(self, pod: Pod) -> None:
        server = self.servers.pop(pod.name, None)
        if server is not None:
            server.shutdown()
            server.server_close()

    def log(self, pod: Pod) -> bytes:
        return b""

    def sweep(self, known_names: Callable[[], set[str]]) -> list[str]:
        over = sorted(set(self.servers) - known_names())
        for name in over:
            self.stop(Pod(provider=self.name, name=name, address={}))
        return over


LETTERS: list[tuple[str, str]] = []


def pigeon(subscription: Any, letter: Any, *, now: datetime) -> int:
    LETTERS.append((subscription.address, letter.subject))
    return 200


def any_address(address: str) -> None:
    """Pigeons fly anywhere."""


class Diary:
    """A chain that is written beforehand: one block a second, and one reveal."""

    sets_weights = False

    def __init__(self, name: str) -> None:
        self.name = f"toy:{name}"

    def block(self, *, now: datetime) -> int:
        return int((now - made.START).total_seconds())

    def block_hash(self, number: int, *, now: datetime) -> str:
        if number > self.block(now=now):
            raise ChainFault(f"block {number} has not come yet")
        return hashlib.sha256(f"{self.name} {number}".encode()).hexdigest()

    def time_of(self, number: int, *, now: datetime) -> datetime:
        return made.START + timedelta(seconds=number)

    def reveals(self, *, first: int, last: int, now: datetime) -> Sequence[RawReveal]:
        told = RawReveal(made.key("diarist").ss58_address, 7, 0, b"no commitment")
        return [told] if first <= told.block <= last else []

    def uids(self) -> Mapping[str, int]:
        return {made.key("diarist").ss58_address: 3}

    def alpha(self) -> Mapping[str, int]:
        return {}

    def owner_uid(self) -> int:
        return 0

    def set_weights(self, vector: Mapping[int, Fraction], *, block: int) -> None:
        raise ChainFault("a diary pays nobody")

    def weights(self) -> Mapping[int, Fraction]:
        return {}
