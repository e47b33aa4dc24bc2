"""What does the bundle of a round say about its fresh prompts?"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from audits.reviews import in_force
from competition import prompts
from competition.models import Round
from competition.rounds import ruleset_of
from judging import matches
from judging.models import Match


def documents(round_: Round) -> dict[str, dict[str, Any]]:
    """What the ruleset adds to the bundle, with the prompts that it was played on."""
    observed = matches.RoundObservation(round_, audits=in_force.audited(round_))
    added = ruleset_of(round_).documents(observed)
    if not added:
        return {}
    drawn = round_.fresh.select_related("prompt")
    played_on = {
        "fresh": [{"position": f.position, "stem": f.prompt.stem, "sha256": f.prompt.sha256} for f in drawn],
        "seen": sorted(prompts.seen_before(round_)),
        "leader_commit": matches.leader_commit(round_),
    }
    return {name: {**played_on, **document} for name, document in added.items()}


def places(round_: Round) -> dict[int, int]:
    """Prompt -> its place among the round's fresh ones."""
    return dict(round_.fresh.values_list("prompt_id", "position"))


def reach(rows: Iterable[Match]) -> dict[int, int]:
    """Submission -> on how many fresh prompts these matches were decided; the leader's furthest counts."""
    reached: dict[int, int] = {}
    for match in (match for match in rows if matches.kind_of(match.round, match.kind).fresh):
        for side in (match.defender_id, match.challenger_id):
            reached[side] = max(reached.get(side, 0), match.stopped_after or 0)
    return reached
