"""How far is a round?  What its page tells while it runs, in a constant number of queries."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime

from django.db.models import Count

from audits import queries as auditing
from competition import queries
from competition.models import Round
from dashboard.facts import page_queries, stages
from dashboard.facts.stages import RoundWork, Tracker
from dashboard.facts.twins import twin
from judging import queries as judging


def tracker(round_: Round, *, now: datetime) -> Tracker:
    return page_queries.tracker(round_, now=now, work=work(round_))


def tag(current: Tracker) -> str:
    """A weak ETag: the same until something moves.  Minutes and blocks that pass are no movement: all of it
    counts but how far away the awaited block is, and the sentence that says it."""
    awaited = current.clock.ends_block if current.clock else None
    moving = {**twin(current), "clock": awaited, "sentence": ""}
    return f'W/"{hashlib.sha256(json.dumps(moving, default=str).encode()).hexdigest()[:32]}"'


def work(round_: Round) -> RoundWork:
    """Counts of a round's rows by state; of a finished round nothing is left to count."""
    if round_.state == "finished":
        return stages.NOTHING
    by_state = round_.matches.order_by().values("state").annotate(n=Count("pk"))
    return RoundWork(
        assets=queries.asset_counts(round_),
        renderings=judging.rendering_counts(round_),
        duels=judging.duel_counts(round_),
        matches={row["state"]: row["n"] for row in by_state},
        audits=tuple(auditing.audits_of(round_)),
    )
