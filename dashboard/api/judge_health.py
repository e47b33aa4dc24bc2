"""How well was the judge of a round?  From the controls that were kept, by the rule that paused or passed the round."""

from __future__ import annotations

from fractions import Fraction

from django.db.models import Count, Q, Sum

from competition.models import Round
from dashboard.api.rows import judging as rows
from judging.decisions import health
from judging.decisions.ballots import Ballot
from judging.models import Answer, Control, Duel


def of(round_: Round) -> rows.JudgeHealth:
    controls = list(round_.controls.select_related("prompt").order_by("pk"))
    take = max((control.take for control in controls), default=0)
    current = [control for control in controls if control.take == take]
    calls = Answer.objects.filter(asked_for__match__round=round_).aggregate(n=Count("pk"), tries=Sum("attempt"))
    tries = calls["tries"] or 0
    found = health.health(map(_control, _judged(current)), calls=tries, failed_calls=tries - calls["n"], gates=GATES)
    return rows.JudgeHealth(
        competition=round_.competition.slug,
        round=round_.number,
        judge=round_.competition.judge,
        computed=not controls,
        well=found.well if controls else None,
        take=take,
        gates=tuple(
            rows.Gate(gate=f.gate, state=f.state, measured=f.measured, needed=f.needed, of=f.of)
            for f in (found.findings if controls else ())
        ),
        controls=tuple(rows.control(control) for control in current),
        void_share=_void(round_),
    )


GATES = health.Gates()


def _judged(controls: list[Control]) -> list[Control]:
    return [control for control in controls if control.state == "judged"]


def _control(row: Control) -> health.Control:
    stages = row.detail.get("stages", [])
    ballots = tuple(Ballot(str(s["kind"]), ab=int(s["ab"]), ba=int(s["ba"])) for s in stages)
    return health.Control(row.kind, row.prompt.stem, row.score_micro or 0, row.before_micro or 0, ballots)


def _void(round_: Round) -> Fraction:
    rows = Duel.objects.filter(match__round=round_, state__in=("judged", "void"))
    counts = rows.aggregate(asked=Count("pk"), void=Count("pk", filter=Q(state="void")))
    return Fraction(counts["void"], counts["asked"]) if counts["asked"] else Fraction(0)
