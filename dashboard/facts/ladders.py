"""Who met whom on the ladder, and what followed?  Computed again from the rows, so a page shows what the rules say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from audits.models import Audit
from competition.models import Round, Submission
from competition.rulesets import Rules, ruleset
from competition.rulesets.base import DecisionStep, KnownRound, Pairing
from competition.rulesets.ladder import Audited, Key, LadderEntry, combined
from competition.rulesets.tally import Tally
from dashboard.facts.addresses import address
from dashboard.facts.figures import MatchFigures, figures, rules_of
from dashboard.facts.matches import match_url
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
    tally: MatchFigures
    for_the_title: bool = False

    @property
    def outcome(self) -> str:
        return (FOR_THE_TITLE if self.for_the_title else NEXT)[self.verdict]

    @property
    def short_reason(self) -> str:
        return plain(self.reason, names={self.defender.hotkey: self.defender.name})


@dataclass(frozen=True, kw_only=True)
class PlayedStep:
    """A step of the explanation, with the match that it tells of."""

    step: DecisionStep
    match: Match


def audited(audits: Sequence[Audit], *, rules: Rules) -> dict[Key, Audited]:
    """Entry -> what its audits amount to."""
    verdicts: dict[str, dict[str, str]] = {}
    for audit in audits:
        verdicts.setdefault(audit.submission.key, {})[audit.kind] = audit.state
    return {key: combined(kinds, rules=rules) for key, kinds in verdicts.items()}


def steps(
    submissions: Sequence[Submission], matches: Sequence[Match], audits: Sequence[Audit], *, rules: Rules | None
) -> tuple[PlayedStep, ...]:
    """The steps so far; none before a screen is decided, or under rules this version cannot read."""
    decided = [match for match in matches if match.state == "decided"]
    if rules is None or not any(match.kind == Match.Kind.SCREEN for match in decided):
        return ()
    entries = [
        LadderEntry(
            key=s.key, hotkey=s.miner.hotkey, reveal_block=s.reveal_block or 0, extrinsic_index=s.extrinsic_index or 0
        )
        for s in submissions
        if s.role == Submission.Role.CHALLENGER and s.eligible
    ]
    tallies: dict[Pairing, Tally] = {(m.kind, m.defender.key, m.challenger.key): tally_of(m) for m in decided}
    known = KnownRound(entries=entries, tallies=tallies, audits=audited(audits, rules=rules))
    return _with_matches(ruleset(rules).decide(known).steps, matches)


def recorded(decision: Mapping[str, Any] | None, matches: Sequence[Match]) -> tuple[PlayedStep, ...]:
    """The steps as they were written when the round was decided, or read: the rules of its era may not be ours."""
    names = ("challenger", "defender", "verdict", "reason")
    written = [DecisionStep(**{name: step[name] for name in names}) for step in (decision or {}).get("ladder", ())]
    return _with_matches(written, matches)


def _with_matches(steps: Iterable[DecisionStep], matches: Sequence[Match]) -> tuple[PlayedStep, ...]:
    """Those whose match is known."""
    met = {(m.defender.key, m.challenger.key): m for m in matches if not m.audits}
    pairs = [(step, met.get((str(step.defender), str(step.challenger)))) for step in steps]
    return tuple(PlayedStep(step=step, match=match) for step, match in pairs if match is not None)


def rungs(
    played: Sequence[PlayedStep],
    submissions: Sequence[Submission],
    *,
    round_: Round,
    audits: Sequence[Audit],
) -> tuple[RungFacts, ...]:
    """`submissions`, `audits`: all of the round's."""
    rules, people = rules_of(round_), {s.key: entrant(s) for s in submissions}
    at = [round_.competition.slug, round_.number]
    audit_urls = {a.submission.key: address("audit", *at, a.submission.miner.hotkey) for a in audits}
    kind = ruleset(rules).step_kind if rules else ""
    fresh = rules is not None and ruleset(rules).kind(kind).fresh
    return tuple(
        RungFacts(
            challenger=people[str(step.challenger)],
            defender=people[str(step.defender)],
            verdict=step.verdict,
            reason=step.reason,
            url=match_url(round_, one.match),
            audit_url=audit_urls.get(str(step.challenger), ""),
            tally=figures(tally_of(one.match), rules=rules, kind=kind if step.verdict != "rejected" else ""),
            for_the_title=fresh,
        )
        for one in played
        if str((step := one.step).challenger) in people and str(step.defender) in people
    )
