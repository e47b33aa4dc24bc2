"""What did a miner do in a round?  The rows that its standing and its diagnostics are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Q

from audits import queries as auditing
from audits.models import Audit, PodRun
from competition import queries
from competition.models import Miner, Round, Submission
from judging.models import Match

SIDES = ("defender__miner", "challenger__miner", "round__competition")


@dataclass(frozen=True, kw_only=True)
class RoundParticipation:
    """What a miner did in a round; `entries` are all eligible challengers, in queue order."""

    round: Round
    miner: Miner
    submission: Submission | None
    entries: Sequence[Submission]
    matches: Sequence[Match]
    audits: Sequence[Audit]
    runs: Sequence[PodRun]


def participation(round_: Round, miner: Miner) -> RoundParticipation:
    """In a constant number of queries; without an entry where the miner has none."""
    everyone = queries.entries_so_far(round_) if round_.takes_reveals else queries.submissions_of(round_)
    for entry in everyone:
        entry.round = round_
    own = [entry for entry in everyone if entry.miner_id == miner.pk]
    pks = [entry.pk for entry in own if entry.pk]
    matches = Match.in_force.filter(round=round_).filter(Q(defender__in=pks) | Q(challenger__in=pks))
    return RoundParticipation(
        round=round_,
        miner=miner,
        submission=next(iter(sorted(own, key=lambda s: s.role != "challenger")), None),
        entries=[entry for entry in everyone if entry.role == "challenger" and entry.eligible],
        matches=list(matches.select_related(*SIDES).order_by("pk")) if pks else [],
        audits=auditing.audits_on(pks),
        runs=auditing.pod_runs_on(pks),
    )
