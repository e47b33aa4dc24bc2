"""Which pods run while matches on fresh prompts are open?

The leader and each challenger of such a match generate the fresh prompts in batches, each on a pod of its own.  The
pod stays until the last of these matches is decided, so that it is not warmed up again for each batch.
"""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q

from audits.models import PodRun
from audits.pods import runs
from competition.models import Round, Submission
from core.machine.stateful import FailureClass


def keep_running(round_: Round, *, now: datetime) -> None:
    """One run for each side of an open match on fresh prompts.

    What a run that failed by its owner's doing was still to bring is forfeited.
    """
    for side in sides_of_open_matches(round_):
        run = runs.want(side, purpose=PodRun.ON_FRESH_PROMPTS, now=now)
        if run.state == "failed" and run.failure_class == FailureClass.MINER:
            runs.forfeit(run)


def sides_of_open_matches(round_: Round) -> list[Submission]:
    still = runs.open_fresh_matches(round_)
    playing = Q(defended__in=still) | Q(challenged__in=still)
    return list(round_.submissions.filter(playing).select_related("miner").distinct())
