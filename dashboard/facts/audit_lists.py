"""Which entries were audited, with which outcome, and how far from the limits?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.urls import reverse

from audits.models import Audit
from competition.models import Competition
from dashboard.facts.addresses import address
from dashboard.facts.appeals import AppealWindow, Objection, Objections, against, moving
from dashboard.facts.audit_pages import KINDS, VERDICTS, Number, measured
from dashboard.facts.audits import AuditFacts, audit_facts
from dashboard.facts.borders import NAMED_BY_URL, row_of, shown_as
from dashboard.facts.people import Who
from dashboard.facts.wording import WAITING, PartLabel, count, labels

PER_PAGE = 50
OUTCOMES = ("gathering", "reviewing", "rejected", "passed", "dropped")  # what waits comes first


@dataclass(frozen=True, kw_only=True)
@row_of(
    AuditFacts,
    but={
        NAMED_BY_URL: "id competition entry version since",
        "`verdict` is it": "state",
        "`limited` is made of it": "limits numbers",
        "the audit's page says it": "code people waiting_for failure_class failure_code failure_reason case_url",
    },
)
class AuditLine:
    """`limited`: what was measured beside what was allowed."""

    round: int
    miner: Who
    kind: str
    verdict: str
    verdict_name: str
    reason: str
    findings: int
    appeals: tuple[Objection, ...]
    appeal_window: AppealWindow | None
    limited: tuple[Number, ...]
    round_url: str
    url: str

    @property
    def name(self) -> str:
        return KINDS[self.kind]

    @property
    def words(self) -> str:
        """The reason, or what the verdict waits for; of a verdict without a reason nothing."""
        return self.reason or WAITING.get(self.verdict, "")


def settled(page: AuditsPage) -> bool:
    """Can only another event of the ledger change it?"""
    return not any(moving(line.appeals, line.appeal_window) for line in page.audits)


@dataclass(frozen=True, kw_only=True)
class AuditsPage:
    """`outcomes`: of all audits in force, how many ended so; `audits`: those of the outcome and the sheet asked for."""

    competition: str
    competition_name: str
    sentence: str
    outcome: str
    outcomes: Mapping[str, int]
    sheet: int
    sheets: int
    audits: tuple[AuditLine, ...]
    labels: tuple[PartLabel, ...]
    url: str

    @property
    def choices(self) -> tuple[tuple[str, str, int], ...]:
        """(outcome, its words, how many) of those there are."""
        return tuple((name, VERDICTS[name].lower(), self.outcomes[name]) for name in OUTCOMES if self.outcomes[name])

    @property
    def every(self) -> int:
        return sum(self.outcomes.values())


def page(
    competition: Competition,
    audits: Sequence[Audit],
    *,
    counts: Mapping[str, int],
    outcome: str,
    sheet: int,
    sheets: int,
    appeals: Objections,
    appeal_windows: Mapping[int, AppealWindow],
) -> AuditsPage:
    query = f"?outcome={outcome}" if outcome else ""
    outcomes = {name: counts.get(name, 0) for name in OUTCOMES}
    lines = []
    for audit in audits:
        facts = audit_facts(audit, round_=audit.round)
        line = shown_as(
            AuditLine,
            facts,
            verdict=facts.state,
            verdict_name=VERDICTS[facts.state],
            findings=audit.finding_count,
            appeals=against(appeals, audit),
            appeal_window=appeal_windows.get(audit.round_id),
            limited=tuple(number for number in measured(facts) if number.limit and number.value is not None),
            round_url=address("round", facts.competition, facts.round),
        )
        lines.append(line)
    waiting = outcomes["gathering"] + outcomes["reviewing"]
    sentence = f"{count(outcomes['passed'], 'audit')} passed, {outcomes['rejected']} rejected; "
    sentence += f"{waiting} open." if waiting else "none is open."
    if not sum(outcomes.values()):
        sentence = "No entry was audited yet: audits come once a challenger qualifies."
    return AuditsPage(
        competition=competition.slug,
        competition_name=competition.name,
        sentence=sentence,
        outcome=outcome,
        outcomes=outcomes,
        sheet=sheet,
        sheets=sheets,
        audits=tuple(lines),
        labels=labels(competition),
        url=reverse("audits", args=[competition.slug]) + query,
    )
