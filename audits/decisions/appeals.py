"""May this miner object to this verdict now, and is the document an appeal?  Two tables of rules answer it.

An appeal is a document signed by the miner's hotkey: `gauntlet-appeal/1`, a newline, and the RFC 8785 form of the
document.  It stays in the ledger and in the bundle with its signature, so that anybody can see who objected to what.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

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
class VerdictFacts:
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


def is_text(value: object) -> bool:
    """A text without NUL and without half of a surrogate pair: neither can be stored, or signed."""
    return isinstance(value, str) and "\0" not in value and not any("\ud800" <= sign <= "\udfff" for sign in value)


def is_number(value: object) -> bool:
    return type(value) is int and 0 <= value < MOST


class FormRule(NamedTuple):
    """What the value of one field must be, in every appeal, and what to answer where it is not."""

    field: str
    holds: Callable[[Any], bool]
    reason: str
    fix: str


TEXTS = ("format", "competition", "entry", "audit", "ground", "statement", "evidence", "appellant")
NOT_TYPED, TYPED = "not of its type.", "Numbers are small and whole, the rest is text."
FORM_RULES = (
    *(FormRule(name, is_text, NOT_TYPED, TYPED) for name in TEXTS),
    *(FormRule(name, is_number, NOT_TYPED, TYPED) for name in ("round", "version")),
    FormRule("finding", lambda value: value is None or is_number(value), NOT_TYPED, TYPED),
    FormRule("format", lambda text: text == FORMAT, "another form.", f"Write {FORMAT}."),
    FormRule("ground", lambda text: text in GROUNDS, "no such ground.", f"Give one of {', '.join(GROUNDS)}."),
    FormRule(
        "statement",
        lambda text: SHORTEST <= len(text.strip()) <= len(text) <= LONGEST,
        "too short or too long.",
        f"{SHORTEST} to {LONGEST} characters.",
    ),
    FormRule(
        "evidence",
        lambda text: not text or HEX64.fullmatch(text) is not None,
        "not a SHA-256.",
        "Give 64 lower-case hex digits, or nothing.",
    ),
)


def malformed(document: Mapping[str, Any]) -> Refusal | None:
    """Why this is not a document of the form that each appeal has; None where it is."""
    if set(document) != set(FIELDS):
        odd = sorted(set(document) ^ set(FIELDS))
        return Refusal(field=odd[0], reason="missing, or not of the form.", fix=f"Give exactly: {', '.join(FIELDS)}.")
    for rule in FORM_RULES:
        if not rule.holds(document[rule.field]):
            return Refusal(field=rule.field, reason=rule.reason, fix=rule.fix)
    return None


class ObjectionRule(NamedTuple):
    """When a well-formed appeal is not taken, and what to answer; `fix` may name a fact: {facts.findings}."""

    field: str
    broken: Callable[[Mapping[str, Any], VerdictFacts], bool]
    reason: str
    fix: str


OBJECTION_RULES = (
    ObjectionRule(
        "version",
        lambda document, facts: not facts.in_force,
        "this verdict is superseded.",
        "Object to the newest version.",
    ),
    ObjectionRule(
        "audit",
        lambda document, facts: facts.verdict not in ("passed", "rejected"),
        "there is no verdict yet.",
        "Wait until it is decided.",
    ),
    ObjectionRule(
        "finding",
        lambda document, facts: document["finding"] is not None and document["finding"] >= facts.findings,
        "no such finding.",
        "Count from 0; there are {facts.findings}.",
    ),
    ObjectionRule(
        "appellant",
        lambda document, facts: facts.verdict == "rejected" and document["appellant"] != facts.entry_hotkey,
        "not the rejected miner.",
        "Only the miner itself may object.",
    ),
    ObjectionRule(
        "appellant",
        lambda document, facts: facts.verdict == "passed" and document["appellant"] == facts.entry_hotkey,
        "not another miner of this round.",
        "A pass is objected to by another miner of the round.",
    ),
    ObjectionRule(
        "appellant",
        lambda document, facts: facts.verdict == "passed" and document["appellant"] not in facts.entrants,
        "not another miner of this round.",
        "A pass is objected to by another miner of the round.",
    ),
    ObjectionRule(
        "appellant",
        lambda document, facts: document["appellant"] in facts.appealed_by,
        "you have objected to this verdict before.",
        "A verdict is objected to once; a new verdict may be objected to again.",
    ),
    ObjectionRule(
        "round",
        lambda document, facts: facts.last_block is not None and facts.block > facts.last_block,
        "the time for appeals is over.",
        "The window closed at block {facts.last_block}; it is block {facts.block}.",
    ),
)


def objection(document: Mapping[str, Any], *, facts: VerdictFacts) -> Refusal | None:
    """Why this appeal, which is not `malformed`, is not taken; None where it is."""
    named = {name: getattr(facts, name) for name in ("competition", "round", "entry", "audit", "version")}
    wrong = next((name for name, value in named.items() if document[name] != value), None)
    if wrong:
        return Refusal(field=wrong, reason="not that of the verdict.", fix=f"It is {named[wrong]!r}.")
    for rule in OBJECTION_RULES:
        if rule.broken(document, facts):
            return Refusal(field=rule.field, reason=rule.reason, fix=rule.fix.format(facts=facts))
    return None


def overturned(verdict: str) -> str:
    """What an upheld appeal makes of a verdict."""
    return {"passed": "rejected", "rejected": "passed"}[verdict]
