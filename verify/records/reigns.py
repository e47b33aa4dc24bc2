"""Does leader.json follow from the rounds: who, from which block, at which weight?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isclose

from verify.findings import Book
from verify.reading import Repository, Row
from verify.records.winners import solution
from verify.rounds import LEADER, Config, Round

FILE = "leader.json"
KEYS = frozenset({"hotkey", "repo", "commit", "docker", "weight", "effective_block", "hardware"})


@dataclass(frozen=True)
class Reign:
    hotkey: str
    weight: float
    block: int
    solution: dict[str, str]
    at: str


def load_reigns(files: Repository, *, book: Book) -> list[Reign]:
    """The entries of leader.json; out of order is an error, for the leader at a block is the last entry up to it."""
    if not files.has(FILE):
        book.note("missing-file", file=FILE, sentence="Who leads is not recorded.")
    reigns = [reign for row in files.items(FILE) if (reign := _reign(row))]
    for before, after in pairwise(reigns):
        if after.block <= before.block:
            said = "Entries are appended: each takes effect after the one before."
            place, wanted = f"{after.at}.effective_block", f"> {before.block}"
            book.note("reign-order", file=FILE, field=place, found=after.block, expected=wanted, sentence=said)
    return reigns


def _reign(row: Row) -> Reign | None:
    row.only(KEYS)
    hotkey, weight, block = row.text("hotkey"), row.number("weight"), row.whole("effective_block")
    texts = {key: row.text(key) for key in ("repo", "commit", "docker")}
    if hotkey is None or weight is None or block is None:
        return None
    return Reign(hotkey, weight, block, {key: text for key, text in texts.items() if text is not None}, row.at)


def leader_of(round: Round, reigns: Sequence[Reign]) -> Reign | None:
    """Who defends in a round: the last entry in effect at the end of its reveal window."""
    if round.window is None:
        return None
    latest = round.window.latest
    return next((reign for reign in reversed(reigns) if reign.block <= latest), None)


def check_reigns(rounds: Sequence[Round], reigns: Sequence[Reign], winners: Mapping[int, str], *, book: Book) -> None:
    """`winners`: the recorded winner of each decided round. Its entry takes effect when the next window ends."""
    by_number = {round.number: round for round in rounds}
    explained: set[int] = set()
    for number, winner in winners.items():
        after = by_number.get(number + 1)
        if after is None or after.window is None:
            continue
        block = after.window.latest
        entry = next((reign for reign in reigns if reign.block == block), None)
        explained.add(block)
        if entry is None:
            said = f"Round {number} was decided and no entry takes effect at the end of the next window."
            book.note("reign-missing", file=FILE, round=number, expected=block, sentence=said)
            continue
        book.count("reigns recomputed")
        _check_entry(by_number[number], entry, winner, before=leader_of(by_number[number], reigns), book=book)
    _unexplained(rounds, reigns, explained, book=book)


def _check_entry(round: Round, entry: Reign, winner: str, *, before: Reign | None, book: Book) -> None:
    defended = winner == LEADER
    if defended and before is None:
        return

    def differs(key: str, found: object, wanted: object, said: str, *, kind: str) -> None:
        place, number = f"{entry.at}.{key}", round.number
        book.note(kind, file=FILE, round=number, field=place, found=found, expected=wanted, sentence=said)

    hotkey = before.hotkey if before and defended else winner
    if entry.hotkey != hotkey:
        said = f"Round {round.number} was won by {hotkey}."
        differs("hotkey", entry.hotkey, hotkey, said, kind="reign-hotkey")
        return
    weight = decayed(before.weight, config=round.config) if before and defended else 1.0
    if not same_weight(entry.weight, weight):
        said = "A defence lowers the weight by the decay, down to the floor; a new leader starts at 1."
        differs("weight", entry.weight, weight, said, kind="reign-weight")
    wanted = before.solution if before and defended else solution(round, winner)
    for key, value in wanted.items():
        if entry.solution.get(key) != value:
            said = f"The solution of {hotkey} is another."
            differs(key, entry.solution.get(key), value, said, kind="reign-solution")


def decayed(weight: float, *, config: Config) -> float:
    return max(config.floor, weight - config.decay)


def same_weight(found: float, wanted: float) -> bool:
    """Within 1e-9: an exporter may round 0.6000000000000001 to 0.6, and no rule turns on the difference."""
    return isclose(found, wanted, rel_tol=0.0, abs_tol=1e-9)


def _unexplained(rounds: Sequence[Round], reigns: Sequence[Reign], explained: set[int], *, book: Book) -> None:
    """Whoever led when the first round began needs no round; every later entry does."""
    ends = [round.window.latest for round in rounds if round.window]
    first = min(ends, default=None)
    for reign in reigns:
        if first is not None and reign.block > first and reign.block not in explained:
            said = "No decided round ends in this entry."
            place = f"{reign.at}.effective_block"
            book.note("reign-unexplained", file=FILE, field=place, found=reign.block, sentence=said)
