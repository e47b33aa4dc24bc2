"""What does a bundle say of a match and its duels?  What was done at the first attempt goes without a number."""

from __future__ import annotations

from typing import Any

from competition.models import Round
from dashboard.facts.assets import AssetFacts
from dashboard.facts.matches import DuelFacts, duel_facts, match_facts
from judging import matches
from judging.models import Duel, Match, Rendering


def failure_document(row: AssetFacts | Rendering | DuelFacts) -> dict[str, str] | None:
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
        "duels": [_duel(duel_facts(duel, match=match, round_=round_)) for duel in played(match)],
    }


def played(match: Match) -> list[Duel]:
    """How far a title match was prepared beyond its end is a matter of luck."""
    duels = list(match.duels.select_related("prompt", "attempt").order_by("position"))
    return duels[: match.stopped_after] if matches.kind_of(match.round, match.kind).fresh else duels


def _duel(facts: DuelFacts) -> dict[str, Any]:
    """A duel beyond the point where the match was certain is `unneeded`, whether a worker got to it or not."""
    if facts.beyond:
        return {"position": facts.position, "prompt": facts.prompt, "state": "unneeded"}
    same = ("position", "prompt", "state", "outcome", "score_micro", "detail")
    return {
        **{name: getattr(facts, name) for name in same},
        "left": facts.defender_sha256,
        "right": facts.challenger_sha256,
        "failure": failure_document(facts),
        **({"take": facts.take} if facts.take > 1 else {}),
    }
