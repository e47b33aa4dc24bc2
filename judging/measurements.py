"""Which files are measured for how sound they are, and what is done then?  Every drawn one, once, by a worker.

Where a round's rules go by measurements its files are measured as soon as they are drawn, and it waits for them; one
that cannot be made for a reason that is ours is tried again, and then pauses the round.  No other decision waits: there
a measurement that cannot be made is a fact, too: not measured, and why.  A bundle waits, for a bounded time, until it
can say one or the other of every drawn file.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from competition.models import Asset, Competition, Round
from core import store
from core.machine import engine
from core.machine.outcomes import Move, Outcome, Retry, StepFailure
from core.machine.stateful import WORKER_DIED, FailureClass
from core.sandbox.metering import ProcessorMeter, metered
from core.sandbox.outcomes import Refused, RendererFault
from formats import registry
from formats.integrity import measurement as integrity
from formats.integrity.marks import MARKS
from formats.integrity.measures import VERSION, Integrity
from judging import integrity_outcomes
from judging.models import Match, Measurement, Rendering, UnmeasuredFile
from judging.renderers import draw_defects

LATELY = timedelta(days=30)
MOST_AT_ONCE = 200
MOST_WAITED = timedelta(hours=1)
CODE, LATE, ANOTHER_MEASURE = "NOT_MEASURED", "NOT_MEASURED_IN_TIME", "ANOTHER_MEASURE"


def drawn_files(now: datetime) -> Iterator[tuple[Round, QuerySet[Asset]]]:
    """The drawn files of each round whose duels have begun, as a round needs its pictures first; and, before that, of
    each that decides by measurements."""
    begun = Q(state__in=("duels", "finalizing")) | Q(state="finished", since__gte=now - LATELY)
    waiting = Q(state__in=("miner_generation", "downloading")) | Q(matches__state__in=Match.graph.active())
    rounds = Round.objects.filter(begun | waiting & Q(rules__has_key="integrity"), source={}).distinct()
    for round_ in rounds.select_related("competition"):
        yield round_, drawn_files_of(round_)


def drawn_files_of(round_: Round) -> QuerySet[Asset]:
    drawn = Rendering.objects.filter(competition=round_.competition_id, state="rendered").values("sha256")
    return Asset.objects.filter(submission__round=round_, state="stored", sha256__in=drawn)


def want_measurements(now: datetime) -> None:
    """Once per content."""
    for round_, stored in drawn_files(now):
        if integrity_outcomes.decides(round_):
            _want_again(round_, stored)
        known = Exists(Measurement.objects.filter(sha256=OuterRef("sha256"), version=VERSION))
        _want(round_.competition, stored.exclude(known).values_list("sha256", flat=True), now=now)


def _want(competition: Competition, hashes: Iterable[str], *, now: datetime) -> None:
    """Some of them: who asks asks again."""
    rows = (
        Measurement(competition=competition, sha256=sha256, version=VERSION, **Measurement.born(now=now))
        for sha256 in sorted(set(hashes))[:MOST_AT_ONCE]
    )
    Measurement.objects.bulk_create(rows, ignore_conflicts=True)


def settle(round_: Round, *, edition: int, since: datetime, now: datetime) -> int:
    """How many drawn files are waited for before this edition of a round's bundle can be written; 0 once it can.

    What cannot be measured for a reason that is ours, however often it is tried or within MOST_WAITED of `since`, is
    written down as not measured.  Whatever else is measured or found at fault stays so: a bundle that is written again
    has the same bytes.
    """
    if not round_.measure:
        return 0
    files = set(drawn_files_of(round_).values_list("sha256", flat=True))
    files -= set(round_.unmeasured_files.filter(edition=edition).values_list("sha256", flat=True))
    settled = integrity_outcomes.settled(round_.measure).filter(sha256__in=files)
    files -= set(settled.values_list("sha256", flat=True))
    known = {row.sha256: row for row in Measurement.objects.filter(sha256__in=files, version=round_.measure)}
    late = now - since >= MOST_WAITED
    codes = {sha256: _code_of_ours(known.get(sha256), measure=round_.measure, late=late) for sha256 in files}
    rows = (
        UnmeasuredFile(round=round_, edition=edition, sha256=sha256, code=code)
        for sha256, code in sorted(codes.items())
        if code
    )
    UnmeasuredFile.objects.bulk_create(rows, ignore_conflicts=True)
    waited_for = {sha256 for sha256, code in codes.items() if not code}
    _want(round_.competition, waited_for - set(known), now=now)
    return len(waited_for)


def _code_of_ours(row: Measurement | None, *, measure: str, late: bool) -> str:
    """Why a file that is not settled never will be, so far as this bundle goes; "" where it is waited for.

    A row at its last try that somebody holds is still being tried.
    """
    if row is not None and row.lease is None and (row.settled or row.exhausted or row.failure_code == WORKER_DIED):
        return row.failure_code or CODE
    if measure != VERSION:
        return ANOTHER_MEASURE
    return LATE if late else ""


def _want_again(round_: Round, stored: QuerySet[Asset]) -> None:
    """What nobody waited for, and what could not be measured for another competition, is measured for this round."""
    ours = Measurement.objects.filter(
        sha256__in=stored.values("sha256"), version=VERSION, failure_class=FailureClass.INFRASTRUCTURE
    )
    ours.filter(state="unmeasured").delete()
    ours.filter(state="measuring").exclude(competition=round_.competition_id).update(competition=round_.competition_id)


def stuck(round_: Round) -> Measurement | None:
    """A file by which the round decides, and which cannot be measured however often it is tried."""
    if not integrity_outcomes.decides(round_):
        return None
    stored = Asset.objects.filter(submission__round=round_, state="stored")
    failing = Measurement.objects.filter(Measurement.out_of_tries(), failure_class=FailureClass.INFRASTRUCTURE)
    return failing.filter(sha256__in=stored.values("sha256"), version=VERSION).first()


def measure(row: Measurement, now: datetime) -> Outcome:
    """A file that breaks the measurement, while a good file is measured right afterwards, is its miner's failure;
    whatever else keeps a file from being measured is ours."""
    with metered() as meter:
        outcome = _measured(row)
    return with_processor_time(outcome, meter)


def with_processor_time(outcome: Outcome, meter: ProcessorMeter) -> Outcome:
    """What the try that settled a row took of a processor stands in the row; tries that failed are not counted."""
    if not isinstance(outcome, Move):
        return outcome
    return replace(outcome, sets={**outcome.sets, "processor_ms": meter.milliseconds})


def _measured(row: Measurement) -> Outcome:
    try:
        wanted = registry.of(row.competition.config).name
        file = store.default().path(row.sha256)
        numbers = integrity.measure(file, file_format=wanted)
    except Refused as refused:
        return _unmeasured(refused.sentence, FailureClass.MINER)
    except RendererFault as fault:
        if row.on_last_try and not any(row.waiting_rounds()):
            return _unmeasured(f"Tried {row.attempts} times: {fault.sentence}", FailureClass.INFRASTRUCTURE)
        failure = StepFailure(FailureClass.INFRASTRUCTURE, fault.code, f"It is not measured yet: {fault.sentence}.")
        return Retry(engine.backoff(row.attempts), failure)
    sets: dict[str, Any] = {"numbers": asdict(numbers), **defect_files(file, numbers, file_format=wanted)}
    return Move("measured", because=f"measured by {VERSION}", sets=sets)


def defect_files(file: Path, numbers: Integrity, *, file_format: str) -> dict[str, str]:
    """The hashes of a `picture` that shows where the defects are, and of a file of their `positions`; nothing where
    there are none to be shown, or they cannot be drawn."""
    if not any(getattr(numbers, mark.number, 0) for mark in MARKS):
        return {}
    with tempfile.TemporaryDirectory(prefix="gauntlet-defects-") as out:
        try:
            drawn = draw_defects(file, out=Path(out), file_format=file_format)
        except (Refused, RendererFault):
            return {}  # the numbers are there
        return {"picture": store.default().put(drawn.picture), "positions": store.default().put(drawn.positions)}


def _unmeasured(why: str, whose: FailureClass) -> Move:
    """`whose`: an operator can look at the worker's log; a miner mends the file."""
    if whose == FailureClass.MINER:
        must = "Mend the file: where the rules go by measurements it counts as beyond every bound."
    else:
        must = "Nothing depends on it; an operator can look at the worker's log."
    return Move("unmeasured", because=why, failure=StepFailure(whose, CODE, f"{why} {must}"))
