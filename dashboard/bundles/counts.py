"""On which audits and matches does a round's decision rest?  What was begun on a guess, or taken back, is left out."""

from __future__ import annotations

from collections.abc import Callable

from audits.models import Audit
from audits.reviews import in_force
from audits.steps import audited
from competition.models import Round
from competition.rounds import rules_of
from judging import matches
from judging import titles as judging
from judging.models import Match


def titled(round_: Round) -> bool:
    return "title" in round_.rules


def matches_of(round_: Round) -> list[Match]:
    """Screens; the ladder as it stood before any audit, and as it stood at the end; matches of its audits.

    Of title-1 screens, audits that count, and the title matches of the finalists that count.
    """
    rows = list(round_.matches.select_related("defender__miner", "challenger__miner", "round"))
    return sorted(_titles(round_, rows) if titled(round_) else _climbed(round_, rows), key=_place)


def _place(match: Match) -> tuple[str, str, str]:
    return (match.kind, match.defender.key, match.challenger.key)


def _titles(round_: Round, rows: list[Match]) -> list[Match]:
    again, finalists = _generated(round_), judging.settled(round_, audited=audited(round_)).standings
    needed: dict[Match.Kind, Callable[[Match], bool]] = {
        Match.Kind.SCREEN: lambda m: True,
        Match.Kind.AUDIT: lambda m: m.challenger.key in again,
        Match.Kind.TITLE: lambda m: m.challenger.key in finalists,
    }
    return [match for match in rows if needed[Match.Kind(match.kind)](match)]


def _generated(round_: Round) -> set[str]:
    return {audit.submission.key for audit in audits_of(round_) if audit.kind == Audit.Kind.GENERATION}


def _climbed(round_: Round, rows: list[Match]) -> list[Match]:
    as_if_all_pass, climbed = matches.ladder(round_, audited={}), matches.ladder(round_, audited=audited(round_))
    met = {(rung.defender, rung.challenger) for rung in (*as_if_all_pass.rungs, *climbed.rungs)}
    again = _generated(round_)

    def needed(match: Match) -> bool:
        if match.audits:
            return match.challenger.key in again
        return match.kind == Match.Kind.SCREEN or (match.defender.key, match.challenger.key) in met

    return [match for match in rows if needed(match)]


def audits_of(round_: Round) -> list[Audit]:
    """The verdicts that count, of whoever won a rung in the end; of title-1 those of all who were a finalist.

    Of each entry up to the first that did not pass: what was audited before an earlier verdict was taken back counts
    for nothing.
    """
    kinds, found = rules_of(round_).audits, in_force.verdicts(round_)
    entries = {entry for entry, _ in found}
    if titled(round_):  # who passed and is no finalist was one before its screen was judged again
        standings = judging.settled(round_, audited=audited(round_)).standings
        entries = {e for e in entries if e in standings or "rejected" in {found[k].state for k in found if k[0] == e}}
    else:
        rungs = matches.ladder(round_, audited=audited(round_)).rungs
        entries &= {str(rung.challenger) for rung in rungs if rung.verdict in ("advanced", "rejected")}
    counting = []
    for entry in sorted(entries):
        for kind in kinds:
            if (entry, kind) in found:
                counting.append(found[entry, kind])
            if (entry, kind) not in found or found[entry, kind].state != "passed":
                break
    return sorted(counting, key=_whose)


def _whose(audit: Audit) -> tuple[str, str]:
    return (audit.submission.key, audit.kind)
