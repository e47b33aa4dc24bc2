"""What does a bundle say of a match and its duels?  A first version, and a first take, go without a number."""

from __future__ import annotations

from typing import Any

from competition.models import Asset
from judging import matches
from judging.models import Duel, Match, Rendering


def failure_told(row: Asset | Rendering | Duel) -> dict[str, str] | None:
    if not row.failure_class:
        return None
    return {"class": row.failure_class, "code": row.failure_code}


def match_told(match: Match) -> dict[str, Any]:
    tally = matches.tally_of(match)
    fields = ("won", "drawn", "lost", "void", "forfeits_challenger", "forfeits_defender")
    return {
        "kind": match.kind,
        "defender": match.defender.key,
        "defender_origin": match.defender_origin,
        "challenger": match.challenger.key,
        "challenger_origin": match.challenger_origin,
        "judge": match.judge,
        "judge_name": match.judge_name,
        "tally": {name: getattr(tally, name) for name in fields},
        "margin": str(tally.margin),
        "margin_micro": match.margin_micro,
        "stopped": match.stopped,
        "stopped_after": match.stopped_after,
        **({"version": match.version} if match.version > 1 else {}),
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
        "failure": failure_told(duel),
        **({"take": duel.take} if duel.take > 1 else {}),
    }
