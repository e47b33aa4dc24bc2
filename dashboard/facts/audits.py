"""What is an audit, as anybody may know it?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from audits.models import Audit
from competition.decisions.attempts import number_of
from competition.models import Round
from dashboard.facts.addresses import address
from dashboard.facts.borders import shown_as
from dashboard.facts.people import Who, entrant


@dataclass(frozen=True, kw_only=True)
class FindingFacts:
    """One observation of a source audit.  `excerpt` is a miner's text: shown as text, never run."""

    check: str
    tool: str
    tool_version: str
    severity: str
    rule: str
    file: str
    line: int | None
    excerpt: str
    sentence: str


@dataclass(frozen=True, kw_only=True)
class AuditFacts:
    """A source audit or a generation audit of one entry.

    The pages of a round, an audit and all audits, the API and the bundle make their rows of this.  `state` is the
    verdict, or what it waits for; `numbers` are held against `limits`; `people` decided where tools could not.
    """

    id: str
    competition: str
    round: int
    entry: str
    miner: Who
    kind: str
    version: int
    state: str
    code: str
    reason: str
    people: tuple[str, ...]
    limits: Mapping[str, Any]
    numbers: Mapping[str, Any]
    waiting_for: str
    failure_class: str
    failure_code: str
    failure_reason: str
    since: datetime
    _row: Audit

    @property
    def findings(self) -> tuple[FindingFacts, ...]:
        """Only who shows them reads them."""
        return tuple(shown_as(FindingFacts, row, check=row.check_name) for row in self._row.findings.all())

    @property
    def case_url(self) -> str:
        name = f"{self.entry}-{self.kind}-{self.version}"
        return address("case", self.competition, self.round, "audit", name)

    @property
    def url(self) -> str:
        return address("audit", self.competition, self.round, self.miner.hotkey)


def audit_facts(audit: Audit, *, round_: Round) -> AuditFacts:
    """`round_`: its round, read with the competition; the audit was read with the entry's miner, and with its findings
    where they are shown."""
    slug, whose = round_.competition.slug, audit.submission
    return shown_as(
        AuditFacts,
        audit,
        id=f"{slug}/{round_.number}/{whose.key}/{audit.kind}/{number_of(audit.attempt)}",
        competition=slug,
        round=round_.number,
        entry=whose.key,
        miner=entrant(whose),
        version=number_of(audit.attempt),
        people=tuple(audit.people),
        _row=audit,
    )
