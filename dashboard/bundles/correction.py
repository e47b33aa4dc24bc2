"""What does a bundle say of verdicts that were taken back, and of the decision that a corrected one replaces?"""

from __future__ import annotations

from typing import Any

from django.db.models import Q

from audits.models import Audit, Correction
from audits.reviews import corrections
from audits.source import evidence
from competition.decisions.attempts import number_of, numbered, regeneration_of
from competition.models import Asset, Round
from competition.rounds import ruleset_of
from dashboard.bundles import counts
from dashboard.bundles.matches import match_document
from dashboard.facts.audits import audit_facts
from dashboard.models import Reissue
from judging.models import Match

OF_AN_AUDIT = ("entry", "kind", "code", "reason", "version", "numbers", "limits")
OF_A_FINDING = ("severity", "rule", "file", "line", "sentence", "check", "tool", "tool_version")


def audit_document(audit: Audit, *, round_: Round) -> dict[str, Any]:
    facts = audit_facts(audit, round_=round_)
    return {
        **{name: getattr(facts, name) for name in OF_AN_AUDIT},
        "verdict": facts.state,
        "people": list(facts.people),
        **evidence.summary(audit),
        "findings": [{name: getattr(finding, name) for name in OF_A_FINDING} for finding in facts.findings],
    }


def document(round_: Round) -> dict[str, Any]:
    """Of the newest edition: why, what it replaces, and every verdict that counts no more."""
    correction = round_.corrections.filter(state="applied").order_by("-number")[0]
    reign, defended = corrections.last_reign(round_), round_.defending
    earlier = Reissue.objects.filter(correction__round=round_, correction__number__lt=correction.number)
    newest = earlier.order_by("-edition").first()
    replaced = correction.preview["leader_changes"]  # else the reign is one that an earlier correction began
    before = {name: correction.before[name] for name in ("winner", "leader", "weight", "effective_block", "headline")}
    in_force = {audit.pk for audit in counts.audits_of(round_)}
    once = round_.audits.exclude(correction__state__in=("staged", "ready", "discarded"))
    aside = once.filter(state__in=("passed", "rejected")).exclude(pk__in=in_force)
    aside = aside.select_related("submission__miner", "attempt").prefetch_related("findings")
    set_aside = sorted(aside, key=lambda audit: (audit.submission.key, audit.kind, number_of(audit.attempt)))
    return {
        "edition": corrections.edition(round_),
        "correction": correction.number,
        "scope": correction.scope,
        "code": correction.code,
        "reason": correction.sentence,
        "corrects": newest.bundle_hash if newest else str(round_.publication.bundle_hash),
        "defended": defended.sequence if defended else 0,
        "supersedes": reign.supersedes.sequence if replaced and reign and reign.supersedes else None,
        "before": {**before, "ladder": correction.before["ladder"]},
        "set_aside": [audit_document(audit, round_=round_) for audit in set_aside],
        "choice": correction.choice,
        "matches": [match_document(match, round_=round_) for match in matches_aside(round_)],
    }


def matches_aside(round_: Round) -> list[Match]:
    """What counted once and counts no more: the attempts before those that are told, and what the decision before the
    newest rested on beside them."""
    in_force = counts.matches_of(round_)
    before = round_.corrections.filter(state="applied").order_by("-number")[0].before["ladder"]
    pairs = {_pair(match) for match in in_force}
    kind = ruleset_of(round_).step_kind
    pairs |= {(kind, rung["defender"], rung["challenger"]) for rung in before}
    once = Q(attempt=None) | Q(attempt__correction__state="applied")
    rows = Match.objects.filter(once, round=round_, state="decided")
    named = rows.exclude(pk__in=[match.pk for match in in_force]).select_related(
        "round", "attempt", "defender__miner", "challenger__miner"
    )
    aside = [match for match in named if _pair(match) in pairs]
    return sorted(aside, key=lambda match: (*_pair(match), number_of(match.attempt)))


def _pair(match: Match) -> tuple[str, str, str]:
    return (match.kind, match.defender.key, match.challenger.key)


def given_up(round_: Round) -> list[str]:
    """Outputs that were generated again for a correction that was not applied."""
    rows = round_.corrections.filter(scope=Correction.Scope.GENERATION).exclude(state="applied")
    numbers = (regeneration_of(row.attempt) for row in rows.select_related("attempt"))
    return [numbered(Asset.Origin.GENERATED, number) for number in numbers]
