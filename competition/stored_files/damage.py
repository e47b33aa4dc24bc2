"""What of ours is damaged?  One row per stored file, or published bundle, that is not what its hash says.

Whoever stumbles over one writes it down here, with the rounds that cannot go on without it; `mending` mends
it.  A damaged file is ours: class `infrastructure`, never a miner's forfeit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.db import models

from competition.states import DamageStates
from core.machine import engine
from core.machine.outcomes import Move, Retry, StepFailure
from core.machine.stateful import FailureClass, Stateful
from core.store import StoreFault

FILE, BUNDLE = "file", "bundle"
PAUSED_BY = "STORED_FILE"  # the code of a round that waits for a damaged file
LOOK_AGAIN = timedelta(seconds=2)


class Damage(Stateful):
    """`sha256`: of the file, or of the bundle's manifest.  `problem`: `missing`, `rotten` or `cut`.  `rounds` cannot go
    on until it is mended."""

    graph = DamageStates
    in_ledger = False
    sha256 = models.CharField(max_length=64)
    what = models.CharField(max_length=8, default=FILE)
    problem = models.CharField(max_length=20)
    found_at = models.DateTimeField()
    rounds = models.ManyToManyField("competition.Round", related_name="damages")

    class Meta:
        app_label = "competition"
        verbose_name = "damaged file"
        constraints = [models.UniqueConstraint(fields=["what", "sha256"], name="one_row_per_damaged_file")]
        indexes = [models.Index(fields=["state", "due_at"], name="damage_due")]

    def __str__(self) -> str:
        return f"{self.what} {self.sha256}"

    def describe(self) -> dict[str, object]:
        return {"what": self.what, "sha256": self.sha256}

    def competition_pk(self) -> int:
        """Of no single one: two competitions may share a file."""
        return 0


class Scrub(models.Model):
    """What a walk over the whole store found: counts of files and published bundles."""

    began_at = models.DateTimeField()
    ended_at = models.DateTimeField()
    files = models.PositiveIntegerField()
    bytes = models.PositiveBigIntegerField()
    bundles = models.PositiveIntegerField()
    rotten = models.PositiveIntegerField()
    missing = models.PositiveIntegerField()
    unknown = models.PositiveIntegerField()
    mended = models.PositiveIntegerField()

    class Meta:
        app_label = "competition"
        ordering = ["-pk"]


@dataclass(frozen=True, kw_only=True)
class Mender:
    """One kind of thing that may be damaged.

    `expected`: every hash that the database names; `problem`: what is wrong with it, or ""; `restore`: put the same
    bytes back, True where that was possible.  `restore` may raise ValueError, which says why it never will be.
    """

    expected: Callable[[], Iterable[str]]
    problem: Callable[[str], str]
    restore: Callable[[str], bool]


MENDERS: dict[str, Mender] = {}
REFERENCES: list[Callable[[], Iterable[str]]] = []
SOURCES: list[Callable[[str], bytes | Path | None]] = []


def register(
    *,
    references: Iterable[Callable[[], Iterable[str]]] = (),
    sources: Iterable[Callable[[str], bytes | Path | None]] = (),
    menders: Mapping[str, Mender] | None = None,
) -> None:
    """Take over an app's part of the store.

    `references`: the rows that name stored files, by hash; "" is no file · `sources`: where a lost file may still be
    had; what comes is compared, and only the same bytes are kept · `menders`: kinds of things that may be damaged.
    """
    REFERENCES.extend(references)
    SOURCES.extend(sources)
    MENDERS.update(menders or {})


def referenced() -> Iterator[str]:
    """Every stored file that the database names; some more than once."""
    for function in REFERENCES:
        yield from filter(None, function())


def damaged() -> models.QuerySet[Damage]:
    return Damage.objects.filter(state="damaged")


def report(sha256: str, *, problem: str, now: datetime, what: str = FILE, rounds: Iterable[Any] = ()) -> Damage:
    """Write down that it is damaged, and let a worker try to mend it."""
    row, made = Damage.objects.get_or_create(
        what=what, sha256=sha256, defaults={"problem": problem, "found_at": now, **Damage.born(now=now)}
    )
    row.rounds.add(*rounds)
    if not made and row.state == "mended":
        sets = {"problem": problem, "found_at": now}
        engine.move(row, Move("damaged", because="it was found damaged again", sets=sets), now=now)
    engine.announce(Damage, now=now)
    return row


def wait_for_mending(row: Stateful, fault: StoreFault, *, now: datetime) -> Retry:
    """The answer of a step that met a damaged file: `mending` pauses its rounds, and no try is counted against the row.

    Where no round waits, as for a bundle, tries are counted, so that a person hears of it.
    """
    rounds = list(row.waiting_rounds())
    report(fault.sha256, problem=fault.problem, now=now, rounds=rounds)
    failure = StepFailure(FailureClass.INFRASTRUCTURE, fault.code, str(fault))
    return Retry(LOOK_AGAIN, failure, counts=not rounds)
