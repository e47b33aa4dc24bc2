"""On which audits and matches does a round's decision rest?  What was begun on a guess, or taken back, is left out."""

from __future__ import annotations

from audits import steps
from audits.models import Audit
from audits.reviews import in_force
from competition.models import Round
from competition.rounds import rules_of
from competition.rulesets import RoundDecision
from competition.rulesets.base import SCREEN
from judging import matches
from judging.models import Match


def matches_of(round_: Round) -> list[Match]:
    """Screens, the matches that the decision follows from, and those of its audits; and what it would follow from, had
    every audit passed, which is what was played before any was decided.
    """
    rows = round_.matches.select_related("attempt", "defender__miner", "challenger__miner", "round")
    decisions = (matches.round_decision(round_, audits={}), steps.decide(round_))
    rests_on = decisions[0].rests_on | decisions[1].rests_on
    generated = {a.submission.key for a in _audits(round_, decisions[1]) if a.kind == Audit.Kind.GENERATION}

    def needed(match: Match) -> bool:
        if match.audits:
            return match.challenger.key in generated
        return match.kind == SCREEN or (match.kind, match.defender.key, match.challenger.key) in rests_on

    return sorted(filter(needed, rows), key=lambda match: (match.kind, match.defender.key, match.challenger.key))


def audits_of(round_: Round) -> list[Audit]:
    """The verdicts that count, of those whose audits the decision follows from.

    Of each entry up to the first that did not pass: what was audited before an earlier verdict was taken back counts
    for nothing.
    """
    return _audits(round_, steps.decide(round_))


def _audits(round_: Round, decision: RoundDecision) -> list[Audit]:
    kinds, in_force_ = rules_of(round_).audits, in_force.verdicts(round_)
    rows = []
    for entry in sorted({entry for entry, _ in in_force_} & {str(key) for key in decision.audited}):
        for kind in kinds:
            if (entry, kind) in in_force_:
                rows.append(in_force_[entry, kind])
            if (entry, kind) not in in_force_ or in_force_[entry, kind].state != "passed":
                break
    return sorted(rows, key=lambda audit: (audit.submission.key, audit.kind))
