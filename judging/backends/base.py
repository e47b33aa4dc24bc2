"""What must every judge do, and how does it say that it has no answer?

A judge gets the reference picture and the views of two assets, in an order, and says which asset is better.  It knows
neither miners nor rounds.  When it cannot answer it raises `NoAnswer`, which is not a draw and never becomes one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable


class NoAnswer(Exception):
    """The judge could not answer, for a reason that is ours.  Failure class `judge`: retried, then void."""

    failure_class = "judge"

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(f"{code}: {sentence}")
        self.code = code
        self.sentence = sentence


@dataclass(frozen=True)
class Side:
    """One asset, as a judge sees it.  `views`: its PNG files by picture name (`front_left`, `gray_front_left`, ...)."""

    sha256: str
    views: Mapping[str, Path] = field(compare=False, hash=False)


@dataclass(frozen=True)
class Question:
    """`kind` is a name in `judging.panel.questions.QUESTIONS`; the order of the two sides is part of the question."""

    kind: str
    reference: Path
    reference_sha256: str
    first: Side
    second: Side


@dataclass(frozen=True)
class Answer:
    """`score` in [-1, 1], positive when the second side is better.

    `mass`: the share of the judge's probability that lay on allowed answers; 1 for a judge that computes.
    `raw`: whatever lets an outsider check the answer, as JSON.
    """

    score: float
    mass: float = 1.0
    raw: Mapping[str, Any] = field(default_factory=dict)


class Judge(Protocol):
    """`version`: SHA-256 hex of the canonical JSON of all that can change an answer or what is made of it."""

    name: str
    version: str

    def ask(self, question: Question) -> Answer:
        """Raises NoAnswer, nothing else."""
        ...


class Fitness(Protocol):
    """What an examined server turned out to be."""

    def lines(self) -> list[str]: ...

    def to_dict(self) -> dict[str, Any]: ...


@runtime_checkable
class Served(Judge, Protocol):
    """A judge whose model runs behind a server, which can be examined before a round."""

    def examine(self) -> Fitness:
        """Raises NoAnswer, within seconds, where no judge of this version is."""
        ...
