"""Who leads after a round of margin-2?  The ladder of margin-1, where a winner must win again on regenerated outputs.

A winner of a rung is generated again `audit_repeats` times.  Each repeat must be no worse than what was submitted
(margin at least -win_margin), and must beat the defender of that rung (margin at least win_margin).  A margin counts
against the defender it was reached against and nobody else: when an audit takes that defender away, the challenger
meets, and is audited against, the one before.  A rejected challenger does not advance the chain.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from competition.decisions.ladder import Audited, Entry, Key, Ladder, climb
from competition.decisions.rulesets import Rules
from competition.decisions.tally import Tally, reaches


def numbered(name: str, repeat: int) -> str:
    """audit, audit_1, audit_2: what a repeat's pod run, outputs and matches go by, as in the public records."""
    return f"{name}_{repeat}" if repeat else name


def plain(name: str) -> str:
    """Without the number of the repeat."""
    return name.partition("_")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """One regeneration of a winner, as challenger: against its own submitted outputs, and against the defender."""

    submitted: Tally
    defender: Tally


def shortfall(repeats: Sequence[Repeat], *, rules: Rules) -> str | None:
    """The first repeat that misses a bar, as a sentence; None: every repeat so far holds."""
    bar = rules.win_margin
    for number, repeat in enumerate(repeats):
        if not reaches(repeat.submitted, win_margin=-bar, least_counted=rules.least_counted):
            return f"Repeat {number} is worse than the submitted outputs: {repeat.submitted.margin}, not {-bar}."
        if not reaches(repeat.defender, win_margin=bar, least_counted=rules.least_counted):
            return f"Repeat {number} does not beat the defender: {repeat.defender.margin}, not {bar}."
    return None


def verdict(repeats: Sequence[Repeat], *, source: Audited, rules: Rules) -> Audited:
    """One repeat that misses a bar rejects at once; passing takes all of them, and the source audit."""
    if source == "rejected" or shortfall(repeats, rules=rules):
        return "rejected"
    enough = "generation" not in rules.audits or len(repeats) >= rules.audit_repeats
    read = "source" not in rules.audits or source == "passed"
    return "passed" if enough and read else None


def climb_again(
    entries: Iterable[Entry],
    *,
    screen: Mapping[Key, Tally | None],
    met: Mapping[tuple[Key, Key], Tally],
    repeats: Mapping[tuple[Key, Key], Sequence[Repeat]],
    sources: Mapping[Key, Audited],
    rules: Rules,
) -> Ladder:
    """The ladder of margin-2.  `met` and `repeats` are by (defender, challenger).

    Climbed anew after each rung is settled, from the bottom: the defenders below a rung never change again, so its
    audit is against the right one.
    """
    queue, audits = tuple(entries), dict[Key, Audited]()
    while True:
        climbed = climb(queue, screen=screen, met=met, audits=audits, rules=rules)
        pending = next((rung for rung in climbed.rungs if rung.verdict == "pending"), None)
        if pending is None:
            return climbed
        found = repeats.get((pending.defender, pending.challenger), ())
        settled = verdict(found, source=sources.get(pending.challenger), rules=rules)
        if settled is None:
            return climbed
        audits[pending.challenger] = settled


def wanted_repeats(
    climbed: Ladder, *, repeats: Mapping[tuple[Key, Key], Sequence[Repeat]], rules: Rules
) -> tuple[tuple[Key, Key, int], ...]:
    """(defender, challenger, repeat) of the lowest open rung: higher ones may yet meet somebody else."""
    pending = next((rung for rung in climbed.rungs if rung.verdict == "pending"), None)
    if pending is None or "generation" not in rules.audits:
        return ()
    pair = (pending.defender, pending.challenger)
    return tuple((*pair, number) for number in range(len(repeats.get(pair, ())), rules.audit_repeats))
