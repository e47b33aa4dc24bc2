"""What does a row need so that any worker can move it, and none can move it twice?"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import ClassVar, Self

from django.db import models

from core.machine.graph import Graph, State

WORKER_DIED = "WORKER_DIED"  # the code of a row that ended one worker after the other


class FailureClass(models.TextChoices):
    """Whose fault a failure is; it decides who must act."""

    MINER = "miner", "the miner's: the miner must act"
    INFRASTRUCTURE = "infrastructure", "ours: retried, then the operator must act"
    JUDGE = "judge", "the judge's: retried, then the operator must act"


class Stateful(models.Model):
    """A row that moves through `graph`.

    `due_at` is when a worker should look next (null: some other row will wake it), `lease` who holds it until
    `leased_until`, `attempts` how often a worker took it up since it entered its state, `kicked_at` when a message
    about it was last sent.
    """

    state = models.CharField(max_length=20, db_index=True)
    since = models.DateTimeField()
    due_at = models.DateTimeField(null=True, blank=True)
    lease = models.UUIDField(null=True, blank=True)
    leased_until = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    kicked_at = models.DateTimeField(null=True, blank=True)
    waiting_for = models.TextField(blank=True, default="")
    failure_class = models.CharField(max_length=16, blank=True, default="", choices=FailureClass.choices)
    failure_code = models.CharField(max_length=40, blank=True, default="")
    failure_reason = models.TextField(blank=True, default="")

    objects: ClassVar[models.Manager[Self]]  # Django adds it to each model; declared here because this one is abstract
    graph: ClassVar[type[Graph]]
    in_ledger: ClassVar[bool] = True
    """Whether the ledger records its moves.  It records no move of a letter, which decides nothing."""

    class Meta:
        abstract = True

    def describe(self) -> dict[str, object]:
        """What identifies this row in the ledger: names and numbers that mean the same in every database."""
        raise NotImplementedError(f"{type(self).__name__} must say how the ledger names it")

    def competition_pk(self) -> int:
        raise NotImplementedError(f"{type(self).__name__} must say whose ledger it writes to")

    def wakes(self) -> Iterable[Stateful]:
        """Rows that may be able to move because this one just did."""
        return ()

    def waiting_rounds(self) -> Iterable[Stateful]:
        """Rounds that cannot go on without this row."""
        return ()

    @property
    def declared(self) -> State:
        return self.graph.states[self.state]

    @property
    def settled(self) -> bool:
        return self.declared.settled

    @property
    def on_last_try(self) -> bool:
        """Is this try, or was one before it, the last that its state allows?"""
        return self.attempts >= self.declared.tries

    @property
    def exhausted(self) -> bool:
        """Tried as often as its state allows: a person must look."""
        return not self.settled and self.on_last_try and bool(self.failure_class)

    @classmethod
    def out_of_tries(cls) -> models.Q:
        """The rows that were tried as often as their state allows, and failed: a person must look."""
        tried = models.Q(pk__in=[])
        for name in cls.graph.active():
            tried |= models.Q(state=name, attempts__gte=cls.graph.states[name].tries)
        died = models.Q(state__in=cls.graph.active(), failure_code=WORKER_DIED)
        return (tried & ~models.Q(failure_class="")) | died

    @classmethod
    def born(cls, *, now: datetime, due: bool = True) -> dict[str, object]:
        """Fields of a new row in its initial state."""
        return {"state": cls.graph.initial, "since": now, "due_at": now if due else None}


def new_lease() -> uuid.UUID:
    return uuid.uuid4()
