"""How well was the judge of a round?  By the very measure that paused the round, or let it pass."""

from __future__ import annotations

from fractions import Fraction

from django.db.models import Count, Q

from competition.decisions.attempts import number_of
from competition.models import Round
from dashboard.api.rows import judging as rows
from dashboard.facts.borders import shown_as
from judging.health import controls
from judging.models import Duel


def of(round_: Round) -> rows.JudgeHealth:
    current = list(controls.current(round_))
    measured = controls.measured(round_) if current else None
    duels = Duel.objects.filter(match__round=round_, match__counts=True, state__in=("judged", "void"))
    counts = duels.aggregate(asked=Count("pk"), void=Count("pk", filter=Q(state="void")))
    return rows.JudgeHealth(
        competition=round_.competition.slug,
        round=round_.number,
        judge=round_.competition.judge,
        computed=not current,
        well=measured.well if measured else None,
        take=number_of(current[0].attempt) if current else 0,
        gates=tuple(shown_as(rows.GateRow, finding) for finding in (measured.findings if measured else ())),
        controls=tuple(rows.control_row(control) for control in current),
        void_share=Fraction(counts["void"], counts["asked"]) if counts["asked"] else Fraction(0),
    )
