"""What is said of an imported round: its headline, its marks, its line in the terminal?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from competition.records.ladders import RecordedRung, percent
from competition.records.played import PlayedMatch
from competition.records.rounds import ReadRound
from verify.rounds import LEADER

LONGEST_SEED = 64


def marks(record: ReadRound) -> dict[str, dict[str, Any]]:
    """`<defender>-vs-<challenger>` -> what the files state of a match, and whether its duels say the same."""
    return {f"{match.defender}-vs-{match.challenger}": _mark(record, match) for match in record.matches}


def audits_agree(record: ReadRound) -> list[bool]:
    """Of each match of an audit: do its file and the matrix state what its duels say?"""
    return [_mark(record, match)["agrees"] for match in record.repeats]


def _mark(record: ReadRound, match: PlayedMatch) -> dict[str, Any]:
    pair, ours = (match.defender, match.challenger), match.recomputed
    matrix = record.matrix.get(pair, record.audit_matrix.get(pair))
    stated = [value for value in (match.margin, matrix) if value is not None]
    agrees = bool(stated) and all(value == ours for value in stated) and match.score in (None, match.tally.net)
    return {
        "file": match.file,
        "score": match.score,
        "margin": match.margin,
        "matrix": matrix,
        "recomputed": ours,
        "agrees": agrees,
    }


def elsewhere(record: ReadRound, stage: str) -> dict[str, Any]:
    """Columns of a round that is still played at its source."""
    reason = f"This round is played elsewhere and stood at {stage.replace('_', ' ')} when it was imported."
    return {"state": "paused", "paused_from": stage, "failure_code": "ELSEWHERE", "failure_reason": reason}


def headline(record: ReadRound, rungs: Sequence[RecordedRung], *, stage: str) -> str:
    if stage != "finished":
        return (
            f"Round {record.number} was not finished when it was imported: its source says {stage.replace('_', ' ')}."
        )
    if record.winner is None:
        return f"Round {record.number} is over, and its files name no winner that can be read."
    if record.winner == LEADER:
        fates = {"rejected": "rejected by an audit", "pending": "never audited", "advanced": "dethroned in turn"}
        counted = [(sum(rung.verdict == verdict for rung in rungs), words) for verdict, words in fates.items()]
        words = ", ".join(f"{number} {fate}" for number, fate in counted if number)
        reached = f"; of those who reached the bar: {words}" if words else ""
        return f"The leader defended against {_count(len(record.entries), 'challenger')}{reached}."
    won = next((rung for rung in reversed(rungs) if rung.challenger == record.winner), None)
    against = "" if won is None else " against the leader" if won.defender == LEADER else f" against {won.defender}"
    margin = "" if won is None else f" with a margin of {percent(won.tally.margin)}{against}"
    return f"{record.winner} took the lead{margin}. {_count(len(record.entries), 'challenger')} entered."


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def line(record: ReadRound, fields: Mapping[str, Any]) -> str:
    """For a terminal."""
    audits = audits_agree(record)
    wrong = sum(not mark["agrees"] for mark in fields["source"]["matches"].values()) + audits.count(False)
    margins = "all margins agree" if not wrong else f"{wrong} margins disagree"
    duels = sum(len(match.duels) for match in (*record.matches, *record.repeats))
    played = f"{len(record.matches)} matches" + (f", {len(audits)} matches of audits" if audits else "")
    return f"round {record.number} (era {record.era}): {played}, {duels} duels, {margins}"


def seed_text(seed: int) -> str:
    """As a number where it is one of the records, as 64 hex digits where it is one of ours."""
    text = str(seed)
    return text if len(text) <= 20 else f"{seed:064x}"[:LONGEST_SEED]
