"""What follows from a decision of two people, for each kind of case?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from audits.decisions import appeals
from audits.models import Appeal, Audit, Correction, Ruling
from audits.reviews import corrections, in_force
from competition.models import Attempt
from core.machine import engine
from core.machine.outcomes import Move

By = list[dict[str, str]]


class Impossible(Exception):
    """The decision cannot be carried out now; the sentence says why and what must happen first."""


def signed_by(audit: Audit) -> frozenset[str]:
    """The people who signed this verdict; empty where a tool gave it."""
    ruling = audit.rulings.filter(state="confirmed").first()
    return frozenset({ruling.first_name, ruling.second_name}) if ruling else frozenset()


def carry_out(case: Any, *, ruling: Ruling, by: By, now: datetime) -> None:
    """Move the case as the ruling says.  Raises Impossible; call it in the ruling's transaction."""
    CARRIED_OUT[ruling.case](case, ruling, by, now)


def decide_audit(audit: Audit, ruling: Ruling, by: By, now: datetime) -> None:
    _move(
        audit,
        ruling.outcome,
        because=ruling.sentence,
        now=now,
        sets={"code": ruling.code, "reason": ruling.sentence, "people": names(by)},
        facts={"code": ruling.code, "by": by},
    )


def names(by: By) -> list[str]:
    return [person["name"] for person in by]


def decide_appeal(appeal: Appeal, ruling: Ruling, by: By, now: datetime) -> None:
    """Upheld: makes another attempt at the verdict; of a decided round, opens a correction."""
    _move(
        appeal,
        ruling.outcome,
        because=ruling.sentence,
        now=now,
        sets={"code": ruling.code, "reason": ruling.sentence},
        facts={"code": ruling.code, "by": by},
    )
    if ruling.outcome != "upheld":
        return
    old = appeal.audit
    if not in_force.is_in_force(old):
        raise Impossible("The verdict is superseded meanwhile; dismiss the appeal, a new one may be lodged.")
    correction = None
    if old.round.state == "finished":
        try:
            correction = corrections.stage(
                old.round,
                scope=Correction.Scope.DECISION,
                code="appeal_upheld",
                sentence=ruling.sentence,
                opened_by=by[-1]["name"],
                now=now,
            )
        except corrections.NotNow as error:
            raise Impossible(str(error)) from error
    new = in_force.another(old, cause=Attempt.Cause.APPEAL, correction=correction, now=now, due=False)
    in_force.copy_findings(old, to=new)
    _move(
        new,
        appeals.overturned(old.state),
        because=ruling.sentence,
        now=now,
        sets={"code": "appeal_upheld", "reason": ruling.sentence, "people": names(by)},
        facts={"code": "appeal_upheld", "by": by, "appellant": appeal.appellant.hotkey},
    )


def settle_correction(correction: Correction, ruling: Ruling, by: By, now: datetime) -> None:
    try:
        if ruling.outcome == "applied":
            corrections.apply(correction, because=ruling.sentence, code=ruling.code, by=by, now=now)
        else:
            corrections.discard(correction, because=ruling.sentence, code=ruling.code, by=by, now=now)
    except corrections.NotNow as error:
        raise Impossible(str(error)) from error


def _move(row: Any, to: str, *, because: str, sets: dict[str, Any], facts: dict[str, Any], now: datetime) -> None:
    if not engine.move(row, Move(to, because=because, sets=sets, facts=facts), now=now):
        raise Impossible("Somebody else decided it meanwhile.")


CARRIED_OUT: Mapping[str, Callable[..., None]] = {
    "audit": decide_audit,
    "appeal": decide_appeal,
    "correction": settle_correction,
}
