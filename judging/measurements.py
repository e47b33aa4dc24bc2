"""Which files are measured for how sound they are, and what is done then?  Every drawn one, once, by a worker.

A measurement decides nothing and no round waits for it.  One that cannot be made is a fact, too: not measured, and why.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path

from django.db.models import Exists, OuterRef, Q, QuerySet

from competition.models import Asset, Round
from core import store
from core.machine import engine
from core.machine.outcomes import Move, Outcome, Retry, StepFailure
from core.machine.stateful import FailureClass
from core.sandbox.outcomes import Refused, RendererFault
from formats import registry
from formats.integrity import measurement as integrity
from formats.integrity.marks import MARKS
from formats.integrity.measures import VERSION, Integrity
from judging.models import Measurement, Rendering
from judging.renderers import draw_defects

LATELY = timedelta(days=30)
MOST_AT_ONCE = 200
CODE = "NOT_MEASURED"


def drawn_files(now: datetime) -> Iterator[tuple[Round, QuerySet[Asset]]]:
    """The drawn files of each round whose duels have begun; a round needs its pictures first."""
    begun = Q(state__in=("duels", "finalizing")) | Q(state="finished", since__gte=now - LATELY)
    for round_ in Round.objects.filter(begun, source={}).select_related("competition"):
        drawn = Rendering.objects.filter(competition=round_.competition_id, state="rendered").values("sha256")
        yield round_, Asset.objects.filter(submission__round=round_, state="stored", sha256__in=drawn)


def want_measurements(now: datetime) -> None:
    """Once per content."""
    for round_, stored in drawn_files(now):
        known = Exists(Measurement.objects.filter(sha256=OuterRef("sha256"), version=VERSION))
        wanted = set(stored.exclude(known).values_list("sha256", flat=True))
        for sha256 in sorted(wanted)[:MOST_AT_ONCE]:
            named = {"competition": round_.competition, **Measurement.born(now=now)}
            Measurement.objects.get_or_create(sha256=sha256, version=VERSION, defaults=named)


def measure(row: Measurement, now: datetime) -> Outcome:
    """A file that was drawn and cannot be measured is nobody's failure but ours."""
    try:
        wanted = registry.of(row.competition.config).name
        file = store.default().path(row.sha256)
        numbers = integrity.measure(file, file_format=wanted)
    except Refused as refused:
        return _unmeasured(refused.sentence)
    except RendererFault as fault:
        if row.on_last_try:
            return _unmeasured(f"Tried {row.attempts} times: {fault.sentence}")
        failure = StepFailure(FailureClass.INFRASTRUCTURE, fault.code, f"It is not measured yet: {fault.sentence}.")
        return Retry(engine.backoff(row.attempts), failure)
    sets = {"numbers": asdict(numbers), "picture": picture_of(file, numbers, file_format=wanted)}
    return Move("measured", because=f"measured by {VERSION}", sets=sets)


def picture_of(file: Path, numbers: Integrity, *, file_format: str) -> str:
    """The hash of a picture that shows where the defects are; "" where none can be shown, or it cannot be drawn."""
    if not any(getattr(numbers, mark.number, 0) for mark in MARKS):
        return ""
    with tempfile.TemporaryDirectory(prefix="gauntlet-defects-") as out:
        try:
            return store.default().put(draw_defects(file, out=Path(out), file_format=file_format))
        except (Refused, RendererFault):
            return ""  # the numbers are there


def _unmeasured(why: str) -> Move:
    sentence = f"{why} Nothing depends on it; an operator can look at the worker's log."
    return Move("unmeasured", because=why, failure=StepFailure(FailureClass.INFRASTRUCTURE, CODE, sentence))
