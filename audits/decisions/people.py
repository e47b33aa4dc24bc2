"""Who may decide a case, with which outcome and for which reason, and when are two people two?

Every decision of a person here can move a reign, so each takes two: one proposes, another confirms exactly that.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

REVIEWER, LEAD, OPERATOR = "reviewer", "lead", "operator"
ROLES = (REVIEWER, LEAD, OPERATOR)

OUTCOMES: Mapping[str, tuple[str, ...]] = {
    "audit": ("passed", "rejected"),
    "appeal": ("upheld", "dismissed"),
    "correction": ("applied", "discarded"),
}
REASONS: Mapping[str, Mapping[str, str]] = {
    "passed": {
        "licence_allows": "the licence allows this use",
        "author_agreed": "the author has agreed, as the evidence shows",
        "false_alarm": "what a tool found is not there",
        "harmless": "it is there, and does no harm",
    },
    "rejected": {
        "licence_forbids": "the licence forbids this use, or there is none",
        "not_reproducible": "the code cannot give what was submitted",
        "foreign_work": "it is somebody else's work",
        "network_at_run_time": "it asks the network while it generates",
        "embedded_outputs": "outputs lie in the code or the weights",
        "hidden_behaviour": "it behaves otherwise where it is watched",
    },
    "upheld": {
        "fact_was_wrong": "the verdict rested on something that is not so",
        "rule_was_misread": "the rule says something else",
        "evidence_was_faulty": "the evidence was made by a fault of ours",
        "new_evidence": "the appeal brings evidence that was not there before",
    },
    "dismissed": {
        "fact_stands": "what the verdict rests on is so",
        "rule_stands": "the rule was read as it is written",
        "no_evidence": "the appeal shows nothing that could be checked",
    },
    "applied": {
        "fault_confirmed": "the fault is certain, and the new result follows from the rules",
        "appeal_upheld": "it follows from an appeal that was upheld",
    },
    "discarded": {
        "no_fault": "there was no such fault",
        "nothing_changes": "the new result is the old one",
        "overtaken": "a later round has moved the reign on",
        "cannot_be_done": "what it needs cannot be made any more",
    },
}
"""outcome -> code -> what it means.  A closed list: a reason that is not here is added here first."""

NEEDED: Mapping[str, frozenset[str]] = {
    "audit": frozenset(ROLES),
    "appeal": frozenset(ROLES),
    "correction": frozenset({LEAD, OPERATOR}),
}
"""Who may sign a case of this kind at all."""

LEAST, MOST = 10, 600  # characters of the sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    name: str
    roles: Collection[str]
    second_factor: bool = True


def stranger(person: Person, *, case: str) -> str | None:
    """Why this person may decide no case of this kind; None where it may."""
    if not person.second_factor:
        return "Sign in with your second factor first."
    if not set(person.roles) & NEEDED[case]:
        return f"This needs the role {' or '.join(sorted(NEEDED[case]))}; an operator gives it."
    return None


def unfit(*, case: str, outcome: str, code: str, sentence: str) -> tuple[str, str] | None:
    """(field, why) where the decision is not of the form that every decision has."""
    if outcome not in OUTCOMES[case]:
        return "outcome", f"Give one of {', '.join(OUTCOMES[case])}."
    if code not in REASONS[outcome]:
        return "code", f"Give one of {', '.join(REASONS[outcome])}."
    if not LEAST <= len(sentence.strip()) <= len(sentence) <= MOST:
        return "sentence", f"Say why in {LEAST} to {MOST} characters; the miner reads it."
    return None


def not_second(
    person: Person, *, first: str, case: str, first_roles: Collection[str], contested: Collection[str] = ()
) -> str | None:
    """Why this person may not be the second to sign what `first` proposed.

    `contested`: who signed the verdict that an appeal is about: one of the two must not have.
    """
    if why := stranger(person, case=case):
        return why
    if person.name == first:
        return "You proposed this: somebody else must confirm it."
    if case == "appeal" and not (set(person.roles) | set(first_roles)) & {LEAD, OPERATOR}:
        return "One of the two who decide an appeal is a lead or an operator."
    if {person.name, first} <= set(contested):
        return "Both of you signed the verdict that is objected to: one of the two must be somebody else."
    return None
