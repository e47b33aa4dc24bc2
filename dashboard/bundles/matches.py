"""What does a bundle say of a match and its duels?  A first version, and a first take, go without a number."""

from __future__ import annotations

from typing import Any

from competition.models import Asset, Round
from dashboard.facts.matches import match_facts
from judging import matches
from judging.models import Duel, Match, Rendering


def failure_document(row: Asset | Rendering | Duel) -> dict[str, str] | None:
    if not row.failure_class:
        return None
    return {"class": row.failure_class, "code": row.failure_code}


AS_THEY_ARE = (
    "kind",
    "defender_origin",
    "challenger_origin",
    "judge",
    "judge_name",
    "margin_micro",
    "stopped",
    "stopped_after",
)
COUNTS = ("won", "drawn", "lost", "void", "forfeits_challenger", "forfeits_defender")


def match_document(match: Match, *, round_: Round) -> dict[str, Any]:
    facts = match_facts(match, round_=round_)
    return {
        **{name: getattr(facts, name) for name in AS_THEY_ARE},
        "defender": facts.defender.key,
        "challenger": facts.challenger.key,
        "tally": {name: getattr(facts.counted, name) for name in COUNTS},
        "margin": str(facts.counted.margin),
        **({"version": facts.version} if facts.version > 1 else {}),
        "duels": [_duel(duel, match) for duel in played(match)],
    }


def played(match: Match) -> list[Duel]:
    """How far a title match was prepared beyond its end is a matter of luck."""
    duels = list(match.duels.select_related("prompt").order_by("position"))
    return duels[: match.stopped_after] if matches.kind_of(match.round, match.kind).fresh else duels


def _duel(duel: Duel, match: Match) -> dict[str, Any]:
    """A duel beyond the point where the match was certain is `unneeded`, whether a worker got to it or not."""
    named = {"position": duel.position, "prompt": duel.prompt.stem}
    if matches.beyond(match, duel):
        return {**named, "state": "unneeded"}
    return {
        **named,
        "state": duel.state,
        "outcome": duel.outcome,
        "score_micro": duel.score_micro,
        "left": duel.left_sha256,
        "right": duel.right_sha256,
        "detail": duel.detail,
        "failure": failure_document(duel),
        **({"take": duel.take} if duel.take > 1 else {}),
    }
