"""How far is a round?  What its page tells while it runs, in a constant number of queries."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Count

from audits import queries as auditing
from competition import queries
from competition.models import Round
from dashboard import gathering
from dashboard.presenting import stages
from dashboard.presenting.stages import Tracker, Work
from judging import queries as judging


def tracker(round_: Round, *, now: datetime) -> Tracker:
    return gathering.tracker(round_, now=now, work=work(round_))


def work(round_: Round) -> Work:
    """Counts of a round's rows by state; of a finished round nothing is left to count."""
    if round_.state == "finished":
        return stages.NOTHING
    by_state = round_.matches.order_by().values("state").annotate(n=Count("pk"))
    return Work(
        assets=queries.asset_counts(round_),
        renderings=judging.rendering_counts(round_),
        duels=judging.duel_counts(round_),
        matches={row["state"]: row["n"] for row in by_state},
        audits=tuple(auditing.audits_of(round_)),
    )
