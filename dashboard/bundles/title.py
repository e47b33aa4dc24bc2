"""What does the bundle of a round of title-1 say beyond the others'?  Fresh prompts, entries, bankrolls."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from audits.steps import audited
from competition import prompts
from competition.decisions import title as titles
from competition.decisions.bankroll import Bankroll, credits, flip_distance, titled
from competition.decisions.entries import Candidate, Solution
from competition.decisions.rulesets import Rules
from competition.models import Round
from competition.rounds import rules_of
from judging import titles as judging
from judging.models import Match


def document(round_: Round) -> dict[str, Any]:
    rules, field = rules_of(round_), judging.entered(round_)
    title = judging.settled(round_, audited=audited(round_))
    candidates = {c.key: c for solution in field.solutions for c in solution.candidates}
    carried = judging.carried(round_, {key: c.commit for key, c in candidates.items()})
    return {
        "fresh": [
            {"position": f.position, "stem": f.prompt.stem, "sha256": f.prompt.sha256}
            for f in round_.fresh.select_related("prompt")
        ],
        "seen": sorted(prompts.seen_before(round_)),
        "leader_commit": judging.leader_commit(round_),
        "entries": [[_member(solution, one) for one in solution.candidates] for solution in field.solutions],
        "canaries": [candidate.key for candidate in field.canaries],
        "finalists": list(title.finalists),
        "bankrolls": [
            _bankroll(title, candidates[key], carried.get(key, Bankroll()), rules=rules) for key in title.standings
        ],
    }


def places(round_: Round) -> dict[int, int]:
    """Prompt -> its place among the round's fresh ones."""
    return dict(round_.fresh.values_list("prompt_id", "position"))


def reach(told: Iterable[Match]) -> dict[int, int]:
    """Submission -> on how many fresh prompts these title matches were decided; the leader's furthest counts."""
    reached: dict[int, int] = {}
    for match in (match for match in told if match.kind == Match.Kind.TITLE):
        for side in (match.defender_id, match.challenger_id):
            reached[side] = max(reached.get(side, 0), match.stopped_after or 0)
    return reached


def _member(solution: Solution, candidate: Candidate) -> dict[str, Any]:
    return {"entry": candidate.key, "same": "" if candidate == solution.first else solution.why(candidate)}


def _bankroll(title: titles.Title, candidate: Candidate, start: Bankroll, *, rules: Rules) -> dict[str, Any]:
    standing = title.standings[candidate.key]
    return {
        "entry": candidate.key,
        "commit": candidate.commit,
        "carried": _counts(start),
        "left": _counts(standing.bankroll),
        "credits": str(credits(standing.bankroll, title=titled(rules))),
        "ending": standing.ending,
        "duels": standing.duels,
        "flip_distance": flip_distance(standing.bankroll, rules=rules),
    }


def _counts(bankroll: Bankroll) -> dict[str, Any]:
    return {"won": bankroll.won, "drawn": bankroll.drawn, "lost": bankroll.lost, "out": bankroll.out}
