"""Which files are measured for how sound they are, and what is done then?  Every drawn one, once, by a worker.

A measurement decides nothing and no round waits for it.  One that cannot be made is a fact, too: not measured, and why.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta

from django.db.models import Q

from competition.models import Asset, Round
from core import store
from core.machine import engine
from core.machine.outcomes import Move, Outcome, Retry, StepFailure
from core.machine.stateful import FailureClass
from core.sandbox.outcomes import Refused, RendererFault
from formats import registry
from formats.integrity import measurement as integrity
from formats.integrity.measures import VERSION
from judging.models import Measurement, Rendering

LATELY = timedelta(days=30)
MOST_AT_ONCE = 200
CODE = "NOT_MEASURED"


def want_measurements(now: datetime) -> None:
    """Drawn files of rounds whose duels have begun, once per content; a round needs its pictures first."""
    begun = Q(state__in=("duels", "finalizing")) | Q(state="finished", since__gte=now - LATELY)
    for round_ in Round.objects.filter(begun, source={}).select_related("competition"):
        drawn = Rendering.objects.filter(competition=round_.competition_id, state="rendered").values("sha256")
        stored = Asset.objects.filter(submission__round=round_, state="stored", sha256__in=drawn)
        known = Measurement.objects.filter(version=VERSION).values("sha256")
        wanted = set(stored.exclude(sha256__in=known).values_list("sha256", flat=True))
        for sha256 in sorted(wanted)[:MOST_AT_ONCE]:
            named = {"competition": round_.competition, **Measurement.born(now=now)}
            Measurement.objects.get_or_create(sha256=sha256, version=VERSION, defaults=named)


def measure(row: Measurement, now: datetime) -> Outcome:
    """A file that was drawn and cannot be measured is nobody's failure but ours."""
    try:
        wanted = registry.of(row.competition.config).name
        numbers = integrity.measure(store.default().path(row.sha256), file_format=wanted)
    except Refused as refused:
        return _unmeasured(refused.sentence)
    except RendererFault as fault:
        if row.on_last_try:
            return _unmeasured(f"Tried {row.attempts} times: {fault.sentence}")
        failure = StepFailure(FailureClass.INFRASTRUCTURE, fault.code, f"It is not measured yet: {fault.sentence}.")
        return Retry(engine.backoff(row.attempts), failure)
    return Move("measured", because=f"measured by {VERSION}", sets={"numbers": asdict(numbers)})


def _unmeasured(why: str) -> Move:
    sentence = f"{why} Nothing depends on it; an operator can look at the worker's log."
    return Move("unmeasured", because=why, failure=StepFailure(FailureClass.INFRASTRUCTURE, CODE, sentence))
