"""Which attempt at something of a round is a row of?  See `competition.decisions.attempts` for what that means."""

from __future__ import annotations

from django.db.models import F, Q

from competition.decisions.attempts import FIRST, numbered
from competition.models import Attempt, Round, Submission

FIRST_TO_LAST = F("attempt__number").asc(nulls_first=True)
LAST_TO_FIRST = F("attempt__number").desc(nulls_last=True)


def nth(
    round_: Round, number: int, *, of: str, cause: Attempt.Cause, entry: Submission | None = None
) -> Attempt | None:
    """The attempt of this number, made when it is first wanted; None is the first, which has no row."""
    return None if number == FIRST else later(round_, number, of=of, cause=cause, entry=entry)


def later(round_: Round, number: int, *, of: str, cause: Attempt.Cause, entry: Submission | None = None) -> Attempt:
    """One that is not the first.  Two workers that want it get the same row."""
    key = {"round": round_, "of": of, "entry": entry, "number": number}
    return Attempt.objects.get_or_create(**key, defaults={"cause": cause})[0]


def is_nth(number: int) -> Q:
    """The rows of the attempt of this number."""
    return Q(attempt=None) if number == FIRST else Q(attempt__number=number)


def goes_by(field: str, name: str) -> Q:
    """The rows whose `field` is this name, of whichever regeneration."""
    return Q(**{field: name}) | Q(**{f"{field}__startswith": numbered(name, 1).removesuffix("1")})
