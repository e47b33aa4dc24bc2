"""Does leader.json follow from the rounds: who, from which block, at which weight?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import isclose

from verify.bundles.shapes import form
from verify.reading import RecordRow, Repository
from verify.records.winners import solution
from verify.rounds import LEADER, RecordedRound

FILE = "leader.json"
SOLUTION = ("repo", "commit", "docker")
REIGN = form(text="hotkey repo commit docker", number="weight", whole="effective_block", optional_anything="hardware")


def load_reigns(files: Repository) -> list[RecordRow]:
    """The entries of leader.json; out of order is an error, for the leader at a block is the last entry up to it."""
    if not files.has(FILE):
        files.log.note("missing-file", file=FILE, sentence="Who leads is not recorded.")
    whole = ("hotkey", "weight", "effective_block")
    reigns = [row for row in files.rows(FILE, REIGN, kind=list).values() if all(row[key] is not None for key in whole)]
    for before, after in pairwise(reigns):
        if after["effective_block"] <= before["effective_block"]:
            wanted = f"> {before['effective_block']}"
            after.note("reign-order", "effective_block", found=after["effective_block"], expected=wanted)
    return reigns


def leader_of(round: RecordedRound, reigns: Sequence[RecordRow]) -> RecordRow | None:
    """Who defends in a round: the last entry in effect at the end of its reveal window."""
    if round.window is None:
        return None
    last = round.window["latest_reveal_block"]
    return next((reign for reign in reversed(reigns) if reign["effective_block"] <= last), None)


def solution_of(reign: RecordRow | None) -> dict[str, str]:
    return {key: reign[key] for key in SOLUTION if reign[key] is not None} if reign else {}


def check_reigns(rounds: Sequence[RecordedRound], reigns: Sequence[RecordRow], winners: Mapping[int, str]) -> None:
    """`winners`: the recorded winner of each decided round. Its entry takes effect when the next window ends.

    Whoever led when the first round began needs no round; every later entry does.
    """
    ends = {round.number: round.window["latest_reveal_block"] for round in rounds if round.window}
    explained: set[int] = set()
    for round in rounds:
        block = ends.get(round.number + 1)
        if round.number not in winners or block is None:
            continue
        explained.add(block)
        entry = next((reign for reign in reigns if reign["effective_block"] == block), None)
        if entry is None:
            round.log.note("reign-missing", file=FILE, round=round.number, expected=block)
            continue
        round.log.count("reigns recomputed")
        _check_entry(round, entry, winners[round.number], before=leader_of(round, reigns))
    later = [reign for reign in reigns if ends and reign["effective_block"] > min(ends.values())]
    for reign in later:
        if reign["effective_block"] not in explained:
            reign.note("reign-unexplained", "effective_block", found=reign["effective_block"])


def _check_entry(round: RecordedRound, entry: RecordRow, winner: str, *, before: RecordRow | None) -> None:
    """A defence lowers the weight by the decay, down to the floor; a new leader starts at 1."""
    if winner == LEADER and before is None:
        return
    hotkey, weight, wanted = winner, 1.0, solution(round, winner)
    if winner == LEADER and before is not None:
        weight = max(round.config.floor, before["weight"] - round.config.decay)
        hotkey, wanted = before["hotkey"], solution_of(before)
    if isclose(entry["weight"], weight, rel_tol=0.0, abs_tol=1e-9):  # an exporter may round 0.6000000000000001 to 0.6
        weight = entry["weight"]
    expected = {"hotkey": hotkey} | ({"weight": weight, **wanted} if entry["hotkey"] == hotkey else {})
    kinds = {"hotkey": "reign-hotkey", "weight": "reign-weight", "": "reign-solution"}
    entry.compare(kinds, expected, round=round.number)
