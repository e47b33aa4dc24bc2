"""How do people decide a case?  One proposes, another confirms exactly that, and the ledger records both.

A person is shown what will be written before signing: the same code runs in a transaction that is rolled back, its
events are shown with their digest, and the digest comes back with the signature.  Only times and block numbers are
added afterwards.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import rfc8785
from django.contrib.auth.models import User
from django.db import transaction

from audits.decisions import people
from audits.decisions.people import Person
from audits.models import Appeal, Audit, Correction, Ruling
from audits.reviews import outcomes
from competition.models import LedgerEvent, Round
from core import ledger
from core.machine import engine
from core.machine.outcomes import Move

Case = Audit | Appeal | Correction


class RulingRefused(Exception):
    """It is not written.  `field`: of the form, or "" for what no field can mend."""

    def __init__(self, sentence: str, *, field: str = "") -> None:
        super().__init__(sentence)
        self.field, self.sentence = field, sentence


@dataclass(frozen=True)
class Signer:
    """A person who is signed in."""

    user: User
    person: Person

    @classmethod
    def of(cls, user: User, *, second_factor: bool) -> Signer:
        roles = frozenset(user.groups.filter(name__in=people.ROLES).values_list("name", flat=True))
        return cls(user, Person(name=user.get_username(), roles=roles, second_factor=second_factor))

    @property
    def role(self) -> str:
        """The highest."""
        return next((role for role in reversed(people.ROLES) if role in self.person.roles), "")


@dataclass(frozen=True)
class RulingPreview:
    """The events that would be written, and the digest that names them."""

    events: tuple[tuple[str, dict[str, Any]], ...]

    @property
    def digest(self) -> str:
        return hashlib.sha256(bytes(rfc8785.dumps([list(event) for event in self.events]))).hexdigest()


def kind_of(case: Case) -> str:
    return str(case._meta.model_name)


def round_of(case: Case) -> Round:
    return case.audit.round if isinstance(case, Appeal) else case.round


OPEN = {"audit": ("reviewing",), "appeal": ("lodged",), "correction": ("ready", "staged")}
"""In which states people may decide a case.  What is still staged can be discarded, and nothing else."""


def propose(
    case: Case, *, signer: Signer, outcome: str, code: str, sentence: str, now: datetime, shown: str | None = None
) -> Ruling:
    """Write down what this person would decide.  Raises RulingRefused."""
    kind = kind_of(case)
    if why := people.stranger(signer.person, case=kind):
        raise RulingRefused(why)
    if bad := people.unfit(case=kind, outcome=outcome, code=code, sentence=sentence):
        raise RulingRefused(bad[1], field=bad[0])
    with _writing(case, shown=shown):
        _still_open(case, outcome=outcome)
        if Ruling.objects.filter(state="proposed", **{kind: case}).exists():
            raise RulingRefused("Somebody has proposed a decision already: confirm it, or decline it.")
        round_ = round_of(case)
        made = Ruling.objects.create(
            case=kind,
            round=round_,
            number=round_.rulings.count() + 1,
            outcome=outcome,
            code=code,
            sentence=sentence.strip(),
            first=signer.user,
            first_name=signer.person.name,
            first_role=signer.role,
            **{kind: case},
            **Ruling.born(now=now),
        )
        body = {**made.describe(), "outcome": outcome, "code": code, "because": made.sentence, "by": [_by(signer)]}
        ledger.append(made.competition_pk(), kind="ruling.proposed", body=body, at=now)
    return made


def confirm(ruling: Ruling, *, signer: Signer, now: datetime, shown: str | None = None) -> None:
    """Sign as the second person, and carry the decision out.  Raises RulingRefused."""
    case: Any = ruling.subject
    with _writing(case, shown=shown):
        _still_open(case, outcome=ruling.outcome)
        why = people.not_second(
            signer.person,
            first=ruling.first_name,
            first_roles={ruling.first_role},
            case=ruling.case,
            contested=outcomes.signed_by(case.audit) if isinstance(case, Appeal) else (),
        )
        if ruling.first_id == signer.user.pk:
            why = why or "You proposed this: somebody else must confirm it."
        if why:
            raise RulingRefused(why)
        by = [{"name": ruling.first_name, "role": ruling.first_role}, _by(signer)]
        settle = {"second": signer.user, "second_name": signer.person.name}
        _settle(ruling, "confirmed", because=ruling.sentence, sets=settle, by=by, now=now)
        try:
            outcomes.carry_out(case, ruling=ruling, by=by, now=now)
        except outcomes.Impossible as error:
            raise RulingRefused(str(error)) from error


def decline(ruling: Ruling, *, signer: Signer, sentence: str, now: datetime) -> None:
    """The second person does not agree; whoever proposed takes it back; the case waits again.  Raises
    RulingRefused.
    """
    own = ruling.first_id == signer.user.pk
    if why := people.stranger(signer.person, case=ruling.case):
        raise RulingRefused(why)
    if not people.LEAST <= len(sentence.strip()) <= len(sentence) <= people.MOST:
        raise RulingRefused(f"Say why in {people.LEAST} to {people.MOST} characters.", field="sentence")
    case: Any = ruling.subject
    with _writing(case, shown=None):
        sets = {"second": signer.user, "second_name": signer.person.name}
        to = "withdrawn" if own else "declined"
        _settle(ruling, to, because=sentence.strip(), sets=sets, by=[_by(signer)], now=now)


def preview(write: Callable[[], object], *, competition_pk: int) -> RulingPreview:
    """What `write` would put into the ledger.  It runs to its end and is rolled back."""
    with transaction.atomic():
        ledger.hold(competition_pk)
        head = _head(competition_pk)
        write()
        consequences = _since(competition_pk, head)
        transaction.set_rollback(True)
    return consequences


@contextmanager
def _writing(case: Case, *, shown: str | None) -> Iterator[None]:
    """A transaction that is undone where it would write anything but what was shown."""
    with transaction.atomic():
        ledger.hold(case.competition_pk())
        head = _head(case.competition_pk())
        yield
        if shown is not None and _since(case.competition_pk(), head).digest != shown:
            raise RulingRefused("The case moved on since you were shown what would be written. Look again.")


def _head(competition_pk: int) -> int:
    head = LedgerEvent.objects.filter(competition=competition_pk).order_by("-seq").first()
    return head.seq if head else 0


def _since(competition_pk: int, seq: int) -> RulingPreview:
    rows = LedgerEvent.objects.filter(competition=competition_pk, seq__gt=seq).order_by("seq")
    timeless: Sequence[tuple[str, dict[str, Any]]] = [
        (row.kind, {name: value for name, value in row.body.items() if name != "at"}) for row in rows
    ]
    return RulingPreview(tuple(timeless))


def _still_open(case: Case, *, outcome: str) -> None:
    case.refresh_from_db()
    if case.state not in OPEN[kind_of(case)]:
        raise RulingRefused(f"This case waits for nobody any more: it is {case.state}.")
    if case.state == "staged" and outcome != "discarded":
        raise RulingRefused(
            "What would change is not known yet: until then it can only be discarded.", field="decision"
        )


def _by(signer: Signer) -> dict[str, str]:
    return {"name": signer.person.name, "role": signer.role}


def _settle(
    ruling: Ruling, to: str, *, because: str, sets: dict[str, Any], by: list[dict[str, str]], now: datetime
) -> None:
    facts = {"outcome": ruling.outcome, "code": ruling.code, "by": by}
    if ruling.state != "proposed" or not engine.move(
        ruling, Move(to, because=because, sets=sets, facts=facts), now=now
    ):
        raise RulingRefused(f"This proposal waits for nobody any more: it is {ruling.state}.")
