"""What is an answer of a model, and where is it stored?  It is given once and serves every match that asks the same.

A failed attempt is not an answer: only a whole answer of a back end is stored, and it is never overwritten.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True)
class Reply:
    """One answer of a model.

    `probabilities`: of the allowed labels; `mass`: their sum before anything was left out; `text`: the answer where
    words were asked for; `raw`: enough for an outsider to check it; `attempt`: which one succeeded, from 1.
    """

    probabilities: Mapping[str, float]
    mass: float
    text: str = ""
    raw: Mapping[str, Any] = field(default_factory=dict)
    latency_ms: int = 0
    attempt: int = 1


class AnswerStore(Protocol):
    """Stores answers by the key of their call."""

    def read(self, keys: list[str]) -> dict[str, Reply]: ...

    def write(self, key: str, reply: Reply, *, kind: str, judge: str) -> Reply:
        """Stores the first answer to a question; returns the one that is stored."""


class Remembered:
    """An answer store in memory, for checks and benchmarks."""

    def __init__(self) -> None:
        self.replies: dict[str, Reply] = {}
        self.kinds: dict[str, str] = {}
        self._writing = threading.Lock()

    def read(self, keys: list[str]) -> dict[str, Reply]:
        return {key: self.replies[key] for key in keys if key in self.replies}

    def write(self, key: str, reply: Reply, *, kind: str, judge: str) -> Reply:
        with self._writing:
            self.kinds[key] = kind
            return self.replies.setdefault(key, reply)

    def as_json(self) -> dict[str, dict[str, Any]]:
        """All that was answered, by key."""
        return {
            key: {
                **vars(reply),
                "kind": self.kinds[key],
                "probabilities": dict(reply.probabilities),
                "raw": dict(reply.raw),
            }
            for key, reply in self.replies.items()
        }
