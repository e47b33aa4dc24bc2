"""Are the rows that a decision is made from still what the ledger recorded?

A verdict that somebody edited past the application must not become the outcome of a match or a round: the round pauses
while the row can still be put right.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from competition.decisions.attempts import number_of
from competition.models import LedgerEvent, Round
from competition.steps import pause
from core.machine import engine
from core.machine.outcomes import Retry, StepFailure
from core.machine.stateful import FailureClass
from judging.models import Duel, Match

CODE = "ROWS_EDITED"
SHOWN = 5
DUEL_KINDS = ("duel.judged", "duel.forfeited", "duel.void")
FIELDS = ("outcome", "score_micro", "left_sha256", "right_sha256")


def edited_duels(match: Match, duels: Iterable[Duel]) -> list[str]:
    """The settled duels, by prompt, of which the ledger recorded something else."""
    events = _by_prompt(match)
    differences = []
    for duel in duels:
        row = _ledger_values(duel.state, {name: getattr(duel, name) for name in FIELDS})
        expected = events.get(duel.prompt.stem, [])
        if duel.state in ("judged", "forfeited", "void") and row not in expected:
            differences.append(f"duel {named(match)} {duel.prompt.stem}: the row says {row}, the ledger {expected}")
    return differences


def edited_matches(round_: Round) -> list[str]:
    """The decided matches that count, and their duels, of which the ledger recorded something else."""
    differences: list[str] = []
    matches = Match.in_force.filter(round=round_, state="decided").select_related(
        "defender__miner", "challenger__miner"
    )
    for match in matches.prefetch_related("duels__prompt"):
        events = _events(match, ("match.decided",)).filter(body__contains=match.describe())
        body: dict[str, Any] = next(
            (event.body for event in events if event.body.get("version", 1) == number_of(match.attempt)), {}
        )
        row = {"margin_micro": match.margin_micro, "stopped_after": match.stopped_after}
        if any(name in body and body[name] != value for name, value in row.items()) or not body:
            expected = {name: body.get(name) for name in row}
            differences.append(f"match {named(match)}: the row says {row}, the ledger {expected}")
        differences += edited_duels(match, match.duels.all())
    return differences


def sentence(edited: Sequence[str]) -> str:
    more = f"; and {len(edited) - SHOWN} more" if len(edited) > SHOWN else ""
    return f"Rows were edited past the application: {'; '.join(edited[:SHOWN])}{more}. Put back what the ledger says."


def refuse(match: Match, edited: Sequence[str], *, now: datetime) -> Retry:
    """Pause the round, where it runs; the match is looked at again once it is resumed."""
    round_, why = Round.objects.get(pk=match.round_id), sentence(edited)
    if round_.declared.queue:
        # one that moved meanwhile is paused at the next look
        engine.move(round_, pause(round_, why, code=CODE, now=now), now=now)
    return Retry(engine.backoff(1), StepFailure(FailureClass.INFRASTRUCTURE, CODE, f"{why} The operator must act."))


def named(match: Match) -> str:
    return f"{match.kind} {match.defender.key} {match.challenger.key}"


def _ledger_values(state: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a duel that its ledger event holds: fewer for one that was not asked, or not answered."""
    names = {"judged": FIELDS, "forfeited": ("outcome", "left_sha256", "right_sha256")}.get(state, ())
    return {"state": state, **{name: values.get(name) for name in names}}


def _by_prompt(match: Match) -> dict[str, list[dict[str, Any]]]:
    """The ledger's events of the pair's duels, in any attempt: one that is judged again begins as a copy."""
    pair = {name: value for name, value in match.describe().items() if name != "version"}
    by_prompt: dict[str, list[dict[str, Any]]] = {}
    for event in _events(match, DUEL_KINDS).filter(body__contains=pair):
        if event.body.get("version", 1) <= number_of(match.attempt):
            by_prompt.setdefault(event.body["prompt"], []).append(_ledger_values(event.body["to"], event.body))
    return by_prompt


def _events(match: Match, kinds: Sequence[str]) -> Any:
    """Since the round was announced: nothing earlier is read."""
    events = LedgerEvent.objects.filter(competition=match.round.competition_id)
    opened = events.filter(kind="round.open", body__round=match.round.number).order_by("seq").first()
    return events.filter(kind__in=kinds, seq__gt=opened.seq if opened else 0).order_by("seq")
