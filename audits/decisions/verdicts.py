"""Did the source audit pass?  Pure: the same findings give the same verdict, for ever.

Three outcomes.  `passed` and `failed` are about the miner; `unknown` is about us: something of ours is missing, so the
audit is to be run again, and nobody is rejected for it.  A fourth, `review`, leaves the decision to a person.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from competition.rulesets.regenerations import FAILED as FAILED
from competition.rulesets.regenerations import PASSED as PASSED
from competition.rulesets.regenerations import UNKNOWN as UNKNOWN
from competition.rulesets.regenerations import AuditVerdict as AuditVerdict

REVIEW = "review"
BLOCKING, PERSON, NOTICE, UNCHECKED = "blocking", "person", "notice", "unchecked"
SEVERITIES = (BLOCKING, PERSON, NOTICE, UNCHECKED)


class FindingLike(Protocol):
    @property
    def severity(self) -> str: ...
    @property
    def rule(self) -> str: ...
    @property
    def sentence(self) -> str: ...


def source(findings: Iterable[FindingLike]) -> AuditVerdict:
    """One blocking finding rejects.  A check that could not run is never a rejection, and never a pass."""
    listed = list(findings)
    by = {severity: [f for f in listed if f.severity == severity] for severity in SEVERITIES}
    if strange := sorted({f.severity for f in listed} - set(SEVERITIES)):
        raise ValueError(f"no such severity: {strange[0]}")
    if by[BLOCKING]:
        first, more = by[BLOCKING][0], len(by[BLOCKING]) - 1
        also = f" {more} more finding{'s' if more > 1 else ''} of that weight." if more else ""
        outcome, reason, sentence = FAILED, first.rule, first.sentence + also
    elif by[UNCHECKED]:
        first = by[UNCHECKED][0]
        outcome, reason = UNKNOWN, first.rule
        sentence = f"{first.sentence} The check runs again; nobody is rejected for it."
    elif by[PERSON]:
        first, number = by[PERSON][0], len(by[PERSON])
        outcome, reason = REVIEW, first.rule
        sentence = f"{number} finding{'s need' if number > 1 else ' needs'} a person. First: {first.sentence}"
    else:
        outcome, reason = PASSED, "nothing_blocking"
        sentence = f"No finding is blocking ({len(by[NOTICE])} to note)."
    return AuditVerdict(
        outcome=outcome,
        reason=reason,
        sentence=sentence,
        numbers={severity: len(of_it) for severity, of_it in by.items()},
        limits={BLOCKING: 0, PERSON: 0},
    )
