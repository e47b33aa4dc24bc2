"""A judge, a source check, a pod provider, a notice channel and a chain that the platform does not know."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

from audits.pods.base import Image, Pod, PodFault
from audits.pods.control_service import Service
from audits.source.findings import PERSON, SourceFinding
from audits.source.tree import Tree
from competition.chain.base import ChainFault, RawReveal
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

    def start(self, image: Image, *, name: str) -> Pod:
        if name not in self.servers:
            server = self.servers[name] = ThreadingHTTPServer(("127.0.0.1", 0), type("Fresh", (Service,), {}))
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        host, port = self.servers[name].server_address[:2]
        return Pod(provider=self.name, name=name, address={"host": host, "port": port}, isolation=("none",))

    def start_control(self, *, name: str) -> Pod:
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
