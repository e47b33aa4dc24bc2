"""Do the rows that decide across rounds still equal what the ledger recorded when they were written?

A round's bundle holds only the round's own part of the ledger.  Reigns, carried bankrolls and drawn prompts reach
further back, so they are compared here, with the whole of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db import transaction

from competition.attempts import FIRST_TO_LAST
from competition.models import Bankroll, Competition, FreshPrompt, LedgerEvent, Reign, RoundPrompt
from competition.rounds import reign_event
from core import ledger

SHOWN = 5


def differences(competition: Competition) -> str:
    """Which rows differ from the ledger, the first few by name; "" where none does."""
    with transaction.atomic():
        ledger.hold(competition.pk)  # whoever writes such a row writes its event under this lock
        lines = [*_reigns(competition), *_bankrolls(competition), *_prompts(competition)]
    more = f"; and {len(lines) - SHOWN} more" if len(lines) > SHOWN else ""
    return "; ".join(lines[:SHOWN]) + more


def _bodies(competition: Competition, kind: str) -> list[dict[str, Any]]:
    events = LedgerEvent.objects.filter(competition=competition, kind=kind).order_by("seq")
    bodies = events.values_list("body", flat=True)
    return [{name: value for name, value in body.items() if name != "at"} for body in bodies]


def _differs(what: str, row: object, event: object) -> Iterator[str]:
    if row != event:
        yield f"{what}: the row says {row}, the ledger {event}"


def _reigns(competition: Competition) -> Iterator[str]:
    in_ledger = {body["sequence"]: body for body in _bodies(competition, "reign")}
    rows = Reign.objects.filter(competition=competition).select_related("miner", "supersedes")
    written = {row.sequence: reign_event(row) for row in rows}
    for sequence in sorted(in_ledger.keys() | written.keys()):
        yield from _differs(f"reign {sequence}", written.get(sequence), in_ledger.get(sequence))


def _bankrolls(competition: Competition) -> Iterator[str]:
    in_ledger = {(body["round"], body["commit"]): body for body in _bodies(competition, "bankroll")}
    rows = Bankroll.objects.filter(round__competition=competition).select_related("round").order_by(FIRST_TO_LAST)
    written = {(row.round.number, row.commit): bankroll_event(row) for row in rows}
    for number, commit in sorted(in_ledger.keys() | written.keys()):
        place = (number, commit)
        yield from _differs(f"bankroll of {commit} in round {number}", written.get(place), in_ledger.get(place))


def bankroll_event(row: Bankroll) -> dict[str, Any]:
    return {
        "round": row.round.number,
        "commit": row.commit,
        "leader_commit": row.leader_commit,
        "won": row.won,
        "drawn": row.drawn,
        "lost": row.lost,
        "out": row.out,
    }


def _prompts(competition: Competition) -> Iterator[str]:
    """What each round drew for its screens, and for its title matches."""
    for name, model in (("prompts", RoundPrompt), ("fresh", FreshPrompt)):
        rows = model.objects.filter(round__competition=competition).order_by("round__number", "position")
        drawn: dict[int, list[str]] = {}
        for number, sha256 in rows.values_list("round__number", "prompt__sha256"):
            drawn.setdefault(number, []).append(sha256)
        for body in _bodies(competition, "round.miner_generation"):
            if name in body:
                yield from _differs(f"{name} of round {body['round']}", drawn.get(body["round"], []), body[name])
