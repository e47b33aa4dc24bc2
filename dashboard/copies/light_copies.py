"""Which files get a light copy for the pages, and when?  Heavy ones, once their pictures are drawn; by a worker.

A copy decides nothing: the judge, the audits and the bundle know the original only.  Where none can be made the page
keeps its pictures and offers the original.
"""

from __future__ import annotations

from datetime import datetime

from django.db.models import Exists, OuterRef

from core import store
from core.machine import engine
from core.machine.outcomes import Move, Outcome, Retry, StepFailure
from core.machine.stateful import FailureClass
from core.sandbox.outcomes import Refused, RendererFault
from dashboard.models import LightCopy
from formats import light_copy, registry
from judging.measurements import drawn_files

MOST_AT_ONCE = 200


def want_light_copies(now: datetime) -> None:
    """Heavy drawn files of rounds whose duels have begun, once per content."""
    for round_, stored in drawn_files(now):
        least = registry.of(round_.competition.config).light_above  # lighter files are turned as they are
        heavy = stored.filter(bytes__gt=least)
        there = Exists(LightCopy.objects.filter(original=OuterRef("sha256")))
        wanted = heavy.filter(~there).values_list("sha256", flat=True)
        for original in sorted(set(wanted))[:MOST_AT_ONCE]:
            named = {"competition": round_.competition, **LightCopy.born(now=now)}
            LightCopy.objects.get_or_create(original=original, defaults=named)


def lighten(copy: LightCopy, now: datetime) -> Outcome:
    """A file that cannot be made light is no failure of anybody's: it has its pictures, and can be downloaded."""
    try:
        wanted = registry.of(copy.competition.config).name
        made = light_copy.lighten(store.default().path(copy.original), file_format=wanted)
    except Refused as refused:
        return Move("refused", because=refused.sentence)
    except RendererFault as fault:
        if copy.on_last_try:
            return Move("refused", because=f"Tried {copy.attempts} times: {fault.sentence}")
        failure = StepFailure(
            FailureClass.INFRASTRUCTURE, fault.code, f"No light copy could be made: {fault.sentence}."
        )
        return Retry(engine.backoff(copy.attempts), failure)
    columns = {"sha256": store.default().put(made.content), "bytes": len(made.content), "triangles": made.triangles}
    return Move("made", because=f"{len(made.content)} bytes, {made.triangles} triangles", sets=columns)
