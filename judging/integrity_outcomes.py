"""What do measurements of files decide in a round whose rules go by them?  Which files are forfeits, whose a drawn duel
is, and which files the round waits for.

A file whose measurement failed for a reason that is ours is waited for; one that broke the measurement, while a good
file was measured right after it, has no numbers, and its miner must act.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from competition.models import Asset, Round
from competition.rounds import ruleset_of
from competition.rulesets.integrity import COUNTED_AMONG, REPORT, IntegrityRule, Numbers, gate_reason, sounder
from core.machine.stateful import FailureClass
from judging.models import Measurement

BROKEN_BY = "integrity"
COUNTS = tuple(sorted({*COUNTED_AMONG, *COUNTED_AMONG.values()}))
OUTCOMES = {1: "challenger", 0: "draw", -1: "defender"}


def rule_of(round_: Round) -> IntegrityRule:
    return ruleset_of(round_).rules.integrity


def decides(round_: Round) -> bool:
    """Does anything in this round follow from measurements?"""
    return not round_.source and rule_of(round_).mode != REPORT


def settled(measure: str) -> QuerySet[Measurement]:
    """What may be decided by, in this version: measured, or not to be measured by the file's own fault."""
    known = Q(state="measured") | Q(state="unmeasured", failure_class=FailureClass.MINER)
    return Measurement.objects.filter(known, version=measure)


def counts_of(row: Measurement) -> dict[str, int] | None:
    """Its numbers that rules may bound, and what they are counted among; None of a file that broke the measurement."""
    if row.state != "measured":
        return None
    return {name: row.numbers[name] for name in COUNTS if name in row.numbers}


def numbers_by_file(round_: Round, hashes: Iterable[str]) -> dict[str, Numbers | None]:
    """By the hashes of those that are settled; empty where measurements decide nothing."""
    if not decides(round_):
        return {}
    rows = settled(rule_of(round_).measure).filter(sha256__in={sha256 for sha256 in hashes if sha256})
    return {row.sha256: counts_of(row) for row in rows}


def forfeit_reason(round_: Round, sha256: str) -> str:
    """Why this file is a forfeit; "" where it is none.  Raises LookupError of a file that is still to be measured."""
    if not decides(round_):
        return ""
    return gate_reason(rule_of(round_), numbers_by_file(round_, [sha256])[sha256])


def with_tie_broken(
    round_: Round, outcome: str, detail: Mapping[str, Any], *, left: str, right: str
) -> tuple[str, dict[str, Any]]:
    """What a duel comes to that the judge ended so: a draw goes to the sounder file where the rules say so.

    `left`, `right`: hashes of the defender's and of the challenger's file.  Raises LookupError of a file that is still
    to be measured.
    """
    if outcome != "draw" or not decides(round_):
        return outcome, dict(detail)
    numbers = numbers_by_file(round_, [left, right])
    sign = sounder(rule_of(round_), defender=numbers[left], challenger=numbers[right])
    return OUTCOMES[sign], {**detail, "tie_broken_by": BROKEN_BY} if sign else dict(detail)


def judges_own(outcome: str, detail: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """What the judge said, before a tie was broken."""
    own = {name: value for name, value in detail.items() if name != "tie_broken_by"}
    return ("draw" if "tie_broken_by" in detail else outcome), own


def waited_for(round_: Round, assets: QuerySet[Asset]) -> QuerySet[Asset]:
    """Of these drawn files those that are still to be measured before the round can go by them."""
    if not decides(round_):
        return assets.none()
    return assets.filter(~Exists(settled(rule_of(round_).measure).filter(sha256=OuterRef("sha256"))))
