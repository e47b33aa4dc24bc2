"""Which function runs for which row in which state?  Each app hands over its table (`<app>/registrations.py`) as it
loads.

The engine reads it here and knows none of the functions; how a worker is told of a row is handed over, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeAlias

from core.machine.outcomes import Outcome, Retry
from core.machine.stateful import Stateful

Step: TypeAlias = Callable[[Any, datetime], Outcome]
Sweep: TypeAlias = Callable[[datetime], object]
StepTable: TypeAlias = Mapping[tuple[type[Stateful], str], Step]

STEPS: dict[tuple[str, str], Step] = {}
SWEEPS: list[Sweep] = []


class Send(Protocol):
    """Tells a worker of the kind `queue` to look at a row.  It may be lost, and never fails."""

    def __call__(self, label: str, pk: int, *, queue: str) -> None: ...


class StoreFaultAnswer(Protocol):
    """What follows where a step met a stored file that is lost or rotten."""

    def __call__(self, row: Stateful, fault: Any, *, now: datetime) -> Retry: ...


@dataclass
class Connections:
    """What the engine needs of the parts around it."""

    send: Send | None = None
    on_store_fault: StoreFaultAnswer | None = None


CONNECTED = Connections()


def register(steps: StepTable, *, sweeps: Iterable[Sweep] = ()) -> None:
    """Take over an app's table.

    `sweeps` look for rows that should exist and do not; they derive, so they are safe to repeat.  Raises ValueError
    for a state in which no worker acts, and for one that has a step already.
    """
    for (model, state), function in steps.items():
        if not model.graph.states[state].queue:
            raise ValueError(f"{model.__name__}.{state} has no queue: no worker acts in it")
        key = (model._meta.label, state)
        if key in STEPS:
            raise ValueError(f"{key} already has a step: {STEPS[key].__module__}")
        STEPS[key] = function
    SWEEPS.extend(sweeps)


def connect(*, send: Send, on_store_fault: StoreFaultAnswer) -> None:
    CONNECTED.send, CONNECTED.on_store_fault = send, on_store_fault
