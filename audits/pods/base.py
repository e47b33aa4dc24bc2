"""What is a pod, and who can start one?  A pod is a machine (or a sandbox on this one) that runs a miner's service."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, Self

STEM = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
MINER = "miner"
INFRASTRUCTURE = "infrastructure"
UNCLEAR = "unclear"  # the service may have done it itself: a control pod shows whose doing it was


class PodFault(Exception):
    """A pod could not be started, reached or used.

    `failure_class` says who must act: `miner` (their code, or what it answered), `infrastructure` (us: retry), or
    `unclear`, until a control pod has shown which of the two.
    `code` is stable, `sentence` is written for the miner.
    """

    def __init__(self, failure_class: str, code: str, sentence: str) -> None:
        self.failure_class, self.code, self.sentence = failure_class, code, sentence
        super().__init__(f"{failure_class}/{code}: {sentence}")


@dataclass(frozen=True, kw_only=True)
class Image:
    """What to run: the code a miner revealed."""

    repo: str
    commit: str


@dataclass(frozen=True, kw_only=True)
class Pod:
    """Enough to find a pod again from the database after every process of ours was killed.

    `address` is {"unix": path}, {"host": name, "port": number} or {"url": address}, with {"key": whose} where a proxy
    asks for one; `place` belongs to the provider that wrote it.  `card` is the kind of machine, by which times may be
    compared, "" where nobody says; `usd_per_hour` its price as its provider states it, None where it has none.
    """

    provider: str
    name: str
    address: Mapping[str, Any]
    isolation: tuple[str, ...] = ()
    place: Mapping[str, Any] = field(default_factory=dict)
    card: str = ""
    usd_per_hour: float | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "provider": self.provider,
            "name": self.name,
            "address": dict(self.address),
            "isolation": list(self.isolation),
            "place": dict(self.place),
            "card": self.card,
            "usd_per_hour": self.usd_per_hour,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        return cls(
            provider=value["provider"],
            name=value["name"],
            address=value["address"],
            isolation=tuple(value["isolation"]),
            place=value["place"],
            card=value.get("card", ""),
            usd_per_hour=value.get("usd_per_hour"),
        )


def picture_name(stem: str, path: Path) -> str:
    """Under which name a pod is handed the picture of a prompt.  Raises ValueError for no stem of a prompt."""
    if not STEM.fullmatch(stem):
        raise ValueError(f"{stem!r} is not the stem of a prompt")
    return f"{stem}{path.suffix.lower() or '.png'}"


class PodProvider(Protocol):
    """Who runs miners' images.  Each call takes seconds, raises PodFault only, and may be repeated."""

    name: str
    needs_image: bool
    """Does it start images, which are built before?"""

    def start(self, image: Image, *, name: str, beside: Pod | None = None) -> Pod:
        """A pod of that name; the one already running, if there is one.  On the same kind of card as `beside`."""

    def start_control(self, *, name: str, beside: Pod | None = None) -> Pod:
        """The same for a small service of ours (`audits.pods.control_pod`), which is known to work.

        It runs where `beside` ran, which was lost: elsewhere it would show nothing of an outage there.
        """

    def offer(self, pod: Pod, *, pictures: Mapping[str, Path]) -> dict[str, str]:
        """Make the prompts' pictures (stem -> file) reachable from inside the pod: stem -> image_url."""

    def alive(self, pod: Pod) -> bool:
        """Is the service's process running?  It may not answer yet."""

    def fault(self, pod: Pod) -> PodFault | None:
        """Why a pod that is no longer alive ended."""

    def stop(self, pod: Pod) -> None:
        """End the pod and everything in it.  No error if it has ended."""

    def log(self, pod: Pod) -> bytes:
        """The last part of what the service printed: hostile bytes, with a cap."""

    def sweep(self, known_names: Callable[[], set[str]]) -> list[str]:
        """End every pod that no row knows; their names.  The names are asked for after looking which pods there are."""
