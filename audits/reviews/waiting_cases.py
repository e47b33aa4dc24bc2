"""Which cases wait for people, since when, for whom, and until when should they be decided?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from audits.models import Appeal, Audit, Correction, Ruling
from audits.reviews import appeals, rulings
from audits.reviews.rulings import Case
from competition.models import Round


@dataclass(frozen=True)
class WaitingCase:
    """One case.  `proposal`: what somebody has signed already."""

    case: Case
    round: Round
    since: datetime
    deadline: datetime
    proposal: Ruling | None

    @property
    def kind(self) -> str:
        return rulings.kind_of(self.case)

    @property
    def waits_for(self) -> str:
        """Whom."""
        if self.proposal is None:
            return "anybody with the role"
        return f"a second person (not {self.proposal.first_name})"


def everything() -> list[WaitingCase]:
    """Whatever waits for people, the most urgent first."""
    rounds = "round__competition"
    audits = Audit.objects.filter(state="reviewing", round__source={}).select_related(
        rounds, "attempt", "submission__miner"
    )
    lodged = Appeal.objects.filter(state="lodged").select_related(
        f"audit__{rounds}", "audit__attempt", "audit__submission__miner", "appellant"
    )
    stuck = Q(state="staged") & ~Q(failure_class="")
    corrections = Correction.objects.filter(Q(state="ready") | stuck).select_related(rounds)
    proposals = Ruling.objects.filter(state="proposed").select_related("audit__attempt", "appeal", "correction")
    proposed = {(row.case, row.subject.pk): row for row in proposals}
    cases: Iterable[Case] = (*audits, *lodged, *corrections)
    rows = [_waiting(case, proposed.get((rulings.kind_of(case), case.pk))) for case in cases]
    return sorted(rows, key=lambda row: (row.deadline, row.case.pk))


def of_case(case: Case) -> WaitingCase:
    kind = rulings.kind_of(case)
    return _waiting(case, Ruling.objects.filter(state="proposed", **{kind: case}).first())


def _waiting(case: Case, proposal: Ruling | None) -> WaitingCase:
    round_ = rulings.round_of(case)
    hours = appeals.hours_of(round_.competition).decide_hours
    deadline = case.decide_by if isinstance(case, Appeal) else case.since + timedelta(hours=hours)
    return WaitingCase(case, round_, case.since, deadline, proposal)


def rulings_on(case: Case) -> list[Ruling]:
    """What was proposed about the case so far, and what became of it."""
    return list(Ruling.objects.filter(**{rulings.kind_of(case): case}).order_by("number"))


def decided(*, most: int) -> list[Ruling]:
    """The last decisions of people."""
    rows = Ruling.objects.filter(state="confirmed").select_related("round__competition")
    named = rows.select_related(
        "round__competition",
        "audit__attempt",
        "audit__submission__miner",
        "audit__round",
        "correction__round",
        "appeal__appellant",
        "appeal__audit__attempt",
        "appeal__audit__submission__miner",
        "appeal__audit__round",
    )
    return list(named.order_by("-since")[:most])
