"""How is an attempt spelled, where something of a round is done more than once?

An attempt is numbered: what is done for the first time is attempt 1, and has no row.  `competition.models.Attempt` is
the row of every later one; matches, duels, controls, audits, pod runs and bankrolls point to theirs.  Published
documents have their own words for the number: `version` of a match or a verdict, `take` of a duel or a control, and
`repeat` of a pod run, counted from 0.

A ruleset that has a winner's code run more than once asks for different outputs, and each regeneration has names of
its own: the first brings `generated` by the run `audit`, judged in the match `audit`; the second `generated_1` by
`audit_1`.  They are no attempts at one thing: all of them count.  A correction, which has the code run once more in its
attempt, names what comes of it the same way.
"""

from __future__ import annotations

from typing import Protocol

FIRST = 1
OUTPUTS = "generated"  # `competition.models.Asset.Origin`
RUN = "audit"  # `audits.models.PodRun.Purpose`
NUMBERED = r"(_[1-9][0-9]{0,8})?"  # what `numbered` adds to a name, as a pattern


class Numbered(Protocol):
    number: int


def number_of(attempt: Numbered | None) -> int:
    """From 1; what points to no attempt is the first.  A match's and a verdict's `version`, a duel's `take`."""
    return attempt.number if attempt else FIRST


def repeat_of(attempt: Numbered | None) -> int:
    """How often a pod run was made before: its `repeat` in the ledger and in the API."""
    return number_of(attempt) - FIRST


def regeneration_of(attempt: Numbered | None) -> int:
    """Under which number a correction has a winner's code run once more, in the attempt that it asks for."""
    return repeat_of(attempt)


def number_document(name: str, attempt: Numbered | None) -> dict[str, int]:
    """What a document has of it: a first attempt goes without a number."""
    return {name: attempt.number} if attempt else {}


def numbered(name: str, regeneration: int) -> str:
    """The name that the outputs of a regeneration, their run and their matches go by; 0 is the first."""
    return f"{name}_{regeneration}" if regeneration else name


def plain(name: str) -> str:
    """Without the number of the regeneration."""
    return name.partition("_")[0]


def regeneration_in(name: str) -> int:
    """The number of the regeneration that goes by this name; 0 is the first."""
    return int(name.partition("_")[2] or 0)


def outputs_of(run: str) -> str:
    """The origin of what a pod run of this purpose brings."""
    return run.replace(RUN, OUTPUTS) if plain(run) == RUN else OUTPUTS
