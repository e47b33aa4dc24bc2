"""Who met whom on the ladder, and what followed?  Computed again from the rows, so a page shows what the rules say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from audits.models import Audit
from competition.decisions import ladder as climbing
from competition.decisions.rulesets import Rules
from competition.decisions.tally import Tally
from competition.models import Submission
from dashboard.facts.figures import Figures, figures
from dashboard.facts.people import Who, entrant, plain
from judging.matches import tally_of
from judging.models import Match

NEXT: Mapping[str, str] = {
    "advanced": "new defender",
    "held": "the defender stays",
    "pending": "its audits are open",
    "rejected": "audit rejected",
}
FOR_THE_TITLE = {**NEXT, "advanced": "earned the title", "held": "the leader stays"}


@dataclass(frozen=True, kw_only=True)
class RungFacts:
    challenger: Who
    defender: Who
    verdict: str
    reason: str
    url: str
    audit_url: str
    tally: Figures
    for_the_title: bool = False

    @property
    def outcome(self) -> str:
        return (FOR_THE_TITLE if self.for_the_title else NEXT)[self.verdict]

    @property
    def short_reason(self) -> str:
        return plain(self.reason, names={self.defender.hotkey: self.defender.name})


def audited(audits: Sequence[Audit], *, rules: Rules) -> dict[climbing.Key, climbing.Audited]:
    """Entry -> what its audits amount to: one rejection rejects, all of the rules' kinds must have passed."""
    verdicts: dict[str, dict[str, str]] = {}
    for audit in audits:
        verdicts.setdefault(audit.submission.key, {})[audit.kind] = audit.state
    return {key: _together(kinds, rules=rules) for key, kinds in verdicts.items()}


def _together(kinds: Mapping[str, str], *, rules: Rules) -> climbing.Audited:
    if "rejected" in kinds.values():
        return "rejected"
    return "passed" if all(kinds.get(kind) == "passed" for kind in rules.audits) else None


def climb(
    submissions: Sequence[Submission], matches: Sequence[Match], audits: Sequence[Audit], *, rules: Rules | None
) -> climbing.Ladder | None:
    """The ladder so far; None before a screen is decided, or under rules this version cannot read."""
    decided = [match for match in matches if match.state == "decided"]
    screens: dict[climbing.Key, Tally | None] = {
        m.challenger.key: tally_of(m) for m in decided if m.kind == Match.Kind.SCREEN
    }
    if rules is None or not screens:
        return None
    met: dict[tuple[climbing.Key, climbing.Key], Tally] = {
        (m.defender.key, m.challenger.key): tally_of(m) for m in decided if m.kind == Match.Kind.LADDER
    }
    entries = [
        climbing.Entry(
            key=s.key, hotkey=s.miner.hotkey, reveal_block=s.reveal_block or 0, extrinsic_index=s.extrinsic_index or 0
        )
        for s in submissions
        if s.role == Submission.Role.CHALLENGER and s.eligible
    ]
    return climbing.climb(entries, screen=screens, met=met, audits=audited(audits, rules=rules), rules=rules)


def recorded(told: Mapping[str, Any] | None, matches: Sequence[Match]) -> climbing.Ladder | None:
    """The ladder of a round that was played elsewhere, as it was climbed when its files were read: the rules of its era
    may not be ours."""
    tallies = {(m.defender.key, m.challenger.key): tally_of(m) for m in matches if not m.audits}
    steps = [step for step in (told or {}).get("ladder", ()) if (step["defender"], step["challenger"]) in tallies]
    climbed = tuple(
        climbing.Rung(
            challenger=step["challenger"],
            defender=step["defender"],
            verdict=step["verdict"],
            reason=step["reason"],
            tally=tallies[step["defender"], step["challenger"]],
        )
        for step in steps
    )
    return climbing.Ladder(
        rungs=climbed, leader=climbing.LEADER, wanted_screens=(), wanted_matches=(), wanted_audits=()
    )


def rungs(
    ladder: climbing.Ladder | None,
    submissions: Sequence[Submission],
    *,
    rules: Rules | None,
    urls: Mapping[tuple[str, str], str],
    audit_urls: Mapping[str, str],
) -> tuple[RungFacts, ...]:
    """`urls`: (defender key, challenger key) -> the match's page; `audit_urls`: key -> the audit's."""
    if ladder is None:
        return ()
    people, played = {s.key: entrant(s) for s in submissions}, "title" if rules and rules.title else ""
    return tuple(
        RungFacts(
            challenger=people[str(rung.challenger)],
            defender=people[str(rung.defender)],
            verdict=rung.verdict,
            reason=rung.reason,
            url=urls.get((str(rung.defender), str(rung.challenger)), ""),
            audit_url=audit_urls.get(str(rung.challenger), ""),
            tally=figures(rung.tally, rules=rules, kind=played if rung.verdict != "rejected" else ""),
            for_the_title=bool(played),
        )
        for rung in ladder.rungs
        if str(rung.challenger) in people and str(rung.defender) in people
    )
