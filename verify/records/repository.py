"""Does a public state repository agree with itself and with the rules of its era?"""

from __future__ import annotations

from pathlib import Path

from verify.findings import Book, Finding, Report
from verify.loading import STAGES, load_config, load_round, round_numbers
from verify.reading import Repository
from verify.records.audits import check_audits
from verify.records.copies import check_copies
from verify.records.fragile_results import check_fragile_results
from verify.records.matches import check_matches, repeat_of
from verify.records.prompts import check_prompts
from verify.records.reigns import Reign, check_reigns, leader_of, load_reigns
from verify.records.repeats import check_again, check_repeats
from verify.records.unknown_files import check_unknown_files
from verify.records.windows import check_windows
from verify.records.winners import Decision, check_winner, decide, followed
from verify.rounds import Round

UNFINISHED = "it is not finished, so nothing is decided yet"
FOUNDING = -1
"""The current round of a competition that has been founded and has begun none."""


def is_repository(path: Path) -> bool:
    """A founded competition has no folder `rounds` before its first round."""
    begun = (path / "rounds").is_dir() or (path / "state.json").is_file()
    return begun and (path / "config.json").is_file()


def check(path: Path) -> list[Finding]:
    return examine(path).findings


def examine(path: Path, *, prefix: str = "") -> Report:
    """Every disagreement in one state repository. `prefix` goes before file names, to tell several apart."""
    book = Book(prefix=prefix)
    files = Repository(path, book=book)
    config = load_config(files)
    if config is None:
        said = "Without its rules a repository cannot be checked."
        book.note("missing-file", file="config.json", sentence=said)
        return book.report()
    current = _state(files, book=book)
    rounds = [load_round(files, number, config=config, current=current) for number in round_numbers(files)]
    reigns = load_reigns(files, book=book)
    check_windows(rounds, book=book)
    check_reigns(rounds, reigns, _check_rounds(rounds, reigns, book=book), book=book)
    check_unknown_files(files, rounds, book=book)
    return book.report()


def _state(files: Repository, *, book: Book) -> int | None:
    row = files.row("state.json")
    if row is None:
        book.note("missing-file", file="state.json", sentence="The current round is not known.")
        return None
    row.only(frozenset({"current_round", "stage", "next_stage_eta"}))
    stage, current = row.text("stage"), row.whole("current_round")
    if stage is not None and stage not in STAGES:
        said = "No such stage."
        book.note("unknown-value", file="state.json", field="stage", found=stage, sentence=said)
    if current is not None and current != FOUNDING and not files.has(f"rounds/{current}/schedule.json"):
        said = "The current round has no schedule."
        book.note("state-round", file="state.json", field="current_round", found=current, sentence=said)
    return current + 1 if current is not None and stage == "finished" else current


def _check_rounds(rounds: list[Round], reigns: list[Reign], *, book: Book) -> dict[int, str]:
    """Each round by itself; returns the recorded winners of the decided ones."""
    winners: dict[int, str] = {}
    before: Round | None = None
    for round in rounds:
        if before is not None and round.number > before.number + 1:
            said = f"Round {round.number} is there and the one before it is not."
            book.note("missing-file", file=f"rounds/{round.number - 1}", sentence=said)
        check_prompts(round, before if before and before.number == round.number - 1 else None, book=book)
        before = round
        if not (round.matches or round.matrix or round.winner or round.finished):
            book.rounds.append(f"{book.prefix}round {round.number} (era {round.era}): {UNFINISHED}.")
            continue
        book.count("rounds")
        winner = _check_round(round, leader_of(round, reigns), book=book)
        if winner is not None and round.finished:
            winners[round.number] = winner
    return winners


def _check_round(round: Round, leader: Reign | None, *, book: Book) -> str | None:
    decision = decide(round)
    check_matches(round, book=book)
    check_winner(round, decision, leader=leader.solution if leader else {}, book=book)
    if round.era > 0 and followed(round):
        check_audits(round, decision, book=book)
    if round.era == 2:
        check_repeats(round, decision, book=book)
    if round.era == 3:
        check_again(round, book=book)
    check_fragile_results(round, decision, book=book)
    commit = leader.solution.get("commit") if leader else None
    check_copies(round, leader=leader.hotkey if leader else None, leader_commit=commit, book=book)
    row, key = (round.progress, "leader") if round.era == 0 else (round.winner, "winner_hotkey")
    recorded = row.values.get(key) if row else None
    book.rounds.append(book.prefix + told(round, decision, recorded))
    return recorded if isinstance(recorded, str) else None


def told(round: Round, decision: Decision, recorded: object) -> str:
    """The round in one line of the summary."""
    audits = sum(repeat_of(defender) is not None for defender, _ in round.matches)
    played = f"{len(round.submissions)} submissions, {len(round.matches) - audits} matches"
    played += f", {audits} matches of audits" if audits else ""
    steps = " -> ".join(["leader", *decision.final.winners])
    turns = f"{len(decision.queue)} had a turn, {len(decision.candidates)} won one; last ladder {steps}"
    if not round.finished:
        outcome = UNFINISHED
    elif decision.winner is None or recorded is None:
        outcome = "nothing is decided yet"
    elif decision.winner == recorded:
        outcome = f"winner {recorded}, as recorded"
    else:
        outcome = f"the rules give {decision.winner}, the files say {recorded}"
    return f"round {round.number} (era {round.era}): {played}; {turns}; {outcome}."
