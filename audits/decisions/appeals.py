"""May this miner object to this verdict, now?  And what exactly does an objection say?

An appeal is a document signed by the miner's hotkey: `gauntlet-appeal/1`, a newline, and the RFC 8785 form of the
document.  It stays in the ledger and in the bundle with its signature, so that anybody can see who objected to what.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from competition.decisions import numbers

FORMAT = "gauntlet-appeal/1"
FIELDS = (
    "format",
    "competition",
    "round",
    "entry",
    "audit",
    "version",
    "finding",
    "ground",
    "statement",
    "evidence",
    "appellant",
)
GROUNDS: Mapping[str, str] = {
    "wrong_fact": "what a finding says is not so",
    "licence": "the licence allows it, or the author has granted it",
    "not_applied": "a rule was applied otherwise than it is written",
    "platform_fault": "the evidence was made by a fault of the platform",
    "overlooked": "something was overlooked that rejects this entry",
}
SHORTEST, LONGEST = 20, 2000
MOST = 30_000  # of any number in a document
HEX64 = re.compile(r"[0-9a-f]{64}")
REVIEWERS_SHARE = 3
"""The last third of the next round's reveal window is for the reviewers: what is lodged can be decided in it."""


@dataclass(frozen=True, kw_only=True)
class Hours:
    """`appeals` of a competition's configuration: how long people have."""

    decide_hours: float = field(
        default=72, metadata={"unit": "hours", "means": "until an appeal, or any case of people, should be decided"}
    )
    remind_hours: float = field(
        default=24, metadata={"unit": "hours", "means": "before that deadline the case is announced as `review.due`"}
    )

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Raises BadRules, which names the field and the fix."""
        return numbers.read(cls, value, part="appeals")


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Which field, what is wrong with it, and what to do."""

    field: str
    reason: str
    fix: str

    def __str__(self) -> str:
        return f"{self.field}: {self.reason} {self.fix}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of the verdict when somebody objects.  `last_block`: None while the round is not decided."""

    competition: str
    round: int
    entry: str
    entry_hotkey: str
    audit: str
    version: int
    in_force: bool
    verdict: str
    findings: int
    entrants: Collection[str]
    appealed_by: Collection[str]
    block: int
    last_block: int | None


def last_block(*, latest_reveal_block: int, earliest_reveal_block: int) -> int:
    """Until when the decision before may be objected to, from the next round's window."""
    opened = latest_reveal_block - earliest_reveal_block + 1
    return latest_reveal_block - opened // REVIEWERS_SHARE


def malformed(document: Mapping[str, Any]) -> Refusal | None:
    """Is it a document of this form at all?"""
    if set(document) != set(FIELDS):
        odd = sorted(set(document) ^ set(FIELDS))
        return Refusal(field=odd[0], reason="missing, or not of the form.", fix=f"Give exactly: {', '.join(FIELDS)}.")
    texts = ("format", "competition", "entry", "audit", "ground", "statement", "evidence", "appellant")
    wrong = next((name for name in texts if not isinstance(document[name], str)), None)
    wrong = wrong or next((name for name in ("round", "version") if type(document[name]) is not int), None)
    if not wrong and document["finding"] is not None and type(document["finding"]) is not int:
        wrong = "finding"
    wrong = wrong or next((name for name in texts if not _plain(document[name])), None)
    wrong = wrong or next((n for n in ("round", "version", "finding") if not 0 <= (document[n] or 0) < MOST), None)
    if wrong:
        return Refusal(field=wrong, reason="not of its type.", fix="Numbers are small and whole, the rest is text.")
    if document["format"] != FORMAT:
        return Refusal(field="format", reason="another form.", fix=f"Write {FORMAT}.")
    if document["ground"] not in GROUNDS:
        return Refusal(field="ground", reason="no such ground.", fix=f"Give one of {', '.join(GROUNDS)}.")
    if not SHORTEST <= len(document["statement"].strip()) <= len(document["statement"]) <= LONGEST:
        return Refusal(field="statement", reason="too short or too long.", fix=f"{SHORTEST} to {LONGEST} characters.")
    if document["evidence"] and not HEX64.fullmatch(document["evidence"]):
        return Refusal(field="evidence", reason="not a SHA-256.", fix="Give 64 lower-case hex digits, or nothing.")
    return None


def _plain(text: str) -> bool:
    """No NUL, no half of a surrogate pair: neither can be kept, or signed."""
    return "\0" not in text and not any("\ud800" <= sign <= "\udfff" for sign in text)


def objection(document: Mapping[str, Any], *, facts: Facts) -> Refusal | None:
    """Why this appeal is not taken; None where it is."""
    named = {name: getattr(facts, name) for name in ("competition", "round", "entry", "audit", "version")}
    wrong = next((name for name, value in named.items() if document[name] != value), None)
    if wrong:
        return Refusal(field=wrong, reason="not that of the verdict.", fix=f"It is {named[wrong]!r}.")
    if not facts.in_force:
        return Refusal(field="version", reason="this verdict is superseded.", fix="Object to the newest version.")
    if facts.verdict not in ("passed", "rejected"):
        return Refusal(field="audit", reason="there is no verdict yet.", fix="Wait until it is decided.")
    if document["finding"] is not None and not 0 <= document["finding"] < facts.findings:
        return Refusal(field="finding", reason="no such finding.", fix=f"Count from 0; there are {facts.findings}.")
    # a rejection is objected to by whom it rejects; a pass by anybody else of the round
    who, own = document["appellant"], document["appellant"] == facts.entry_hotkey
    if facts.verdict == "rejected" and not own:
        return Refusal(field="appellant", reason="not the rejected miner.", fix="Only the miner itself may object.")
    if facts.verdict == "passed" and (own or who not in facts.entrants):
        fix = "A pass is objected to by another miner of the round."
        return Refusal(field="appellant", reason="not another miner of this round.", fix=fix)
    if who in facts.appealed_by:
        fix = "A verdict is objected to once; a new verdict may be objected to again."
        return Refusal(field="appellant", reason="you have objected to this verdict before.", fix=fix)
    if facts.last_block is not None and facts.block > facts.last_block:
        fix = f"The window closed at block {facts.last_block}; it is block {facts.block}."
        return Refusal(field="round", reason="the time for appeals is over.", fix=fix)
    return None


def overturned(verdict: str) -> str:
    """What an upheld appeal makes of a verdict."""
    return {"passed": "rejected", "rejected": "passed"}[verdict]
