"""What may a step answer when it has looked at a row?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any


@dataclass(frozen=True)
class StepFailure:
    """A failure that a person may see: whose, a stable code, and a sentence that says what to do."""

    failure_class: str
    code: str
    sentence: str


@dataclass(frozen=True)
class Move:
    """Carry the row to another state.

    `sets`: columns written with the state, `also`: runs in the same transaction, `facts`: more for the ledger's event
    (no floats), `failure`: why, when the new state is a failure.
    """

    to: str
    because: str
    sets: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    also: Callable[[], None] | None = None
    failure: StepFailure | None = None


@dataclass(frozen=True)
class Wait:
    """Nothing to do yet; look again after `delay` (or when a row that moved wakes this one)."""

    delay: timedelta
    because: str
    sets: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Retry:
    """It failed for a reason that may pass; try again after `delay`.  `counts`: as one of the state's tries."""

    delay: timedelta
    failure: StepFailure
    counts: bool = True


Outcome = Move | Wait | Retry
