"""Does a public state repository agree with itself and with the rules of its era?"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from verify.bundles.shapes import form
from verify.findings import FindingLog, LoggedFinding, VerifierReport
from verify.loading import load_config, load_round, round_numbers
from verify.reading import RecordRow, Repository
from verify.records import audits, fragile_results, matches, winners
from verify.records.layout import OF_MINER, OF_ROUND, TOP
from verify.records.reigns import check_reigns, leader_of, load_reigns, solution_of
from verify.records.submissions import check_copies, check_prompts, check_windows
from verify.records.winners import Decision, decide, followed
from verify.rounds import LEADER, RecordedRound

CHECKS: tuple[Callable[[RecordedRound, Decision], None], ...] = (
    matches.sums,
    matches.duels,
    matches.matrix,
    matches.all_played,
    matches.files_shown,
    winners.ladder_matches,
    winners.title_matches,
    winners.progress,
    audits.repeats,
    audits.regenerated_once,
    fragile_results.outages,
    fragile_results.near_the_bar,
    fragile_results.given_to_challengers,
    fragile_results.order,
    fragile_results.times,
)
"""Of every round that has begun."""
AUDITS = (audits.keys, audits.source, audits.generation, audits.critical_prompts)
"""Of a round with audits, by rules that are climbed here."""
STAGES = ("open", "miner_generation", "downloading", "duels", "finalizing", "finished", "paused")
OLD_STAGES = ("collecting", "generating")
UNFINISHED = "it is not finished, so nothing is decided yet"
BEFORE_FIRST_ROUND = -1
"""The current round of a competition that has been founded and has begun none."""


def is_repository(path: Path) -> bool:
    """A founded competition has no folder `rounds` before its first round."""
    begun = (path / "rounds").is_dir() or (path / "state.json").is_file()
    return begun and (path / "config.json").is_file()


def check(path: Path) -> list[LoggedFinding]:
    return examine(path).findings


def examine(path: Path, *, prefix: str = "") -> VerifierReport:
    """Every disagreement in one state repository. `prefix` goes before file names, to tell several apart."""
    log = FindingLog(prefix=prefix)
    with log.finishing("rounds", kind="unreadable-file"):
        check_repository(Repository(path, log=log))
    return log.report()


def check_repository(files: Repository) -> None:
    """Every disagreement, into the log of the files."""
    log, config = files.log, load_config(files)
    if config is None:
        log.note("missing-file", "config.json", sentence="Without its rules a repository cannot be checked.")
        return
    current = current_round(files)
    rounds = [load_round(files, number, config=config, current=current) for number in round_numbers(files)]
    reigns = load_reigns(files)
    check_windows(rounds)
    decided: dict[int, str] = {}
    for before, round in zip([None, *rounds], rounds, strict=False):
        if before is not None and round.number > before.number + 1:
            log.note("missing-file", f"rounds/{round.number - 1}", sentence="The round after it is there.")
        check_prompts(round, before if before and before.number == round.number - 1 else None)
        winner = check_round(round, reigns)
        if winner is not None and round.finished:
            decided[round.number] = winner
    check_reigns(rounds, reigns, decided)
    check_unknown_files(files, rounds)


def current_round(files: Repository) -> int | None:
    """The number of the first round that is not finished."""
    row = files.row("state.json", form(whole="current_round", text="stage", optional_anything="next_stage_eta"))
    if row is None:
        files.log.note("missing-file", file="state.json", sentence="The current round is not known.")
        return None
    row.one_of("stage", (*STAGES, *OLD_STAGES))
    current: int | None = row["current_round"]
    if current is not None and current != BEFORE_FIRST_ROUND and not files.has(f"rounds/{current}/schedule.json"):
        row.note("state-round", "current_round", found=current)
    return current + 1 if current is not None and row["stage"] == "finished" else current


def check_round(round: RecordedRound, reigns: list[RecordRow]) -> str | None:
    """The recorded winner."""
    begun = f"{round.log.prefix}round {round.number} (era {round.era})"
    if not (round.matches or round.matrix or round.winner or round.finished):
        round.log.rounds.append(f"{begun}: {UNFINISHED}.")
        return None
    round.log.count("rounds")
    leader, decision = leader_of(round, reigns), decide(round)
    for check_rule in CHECKS + (AUDITS if round.era > 0 and followed(round) else ()):
        check_rule(round, decision)
    winners.recorded_winner(round, decision, leader=solution_of(leader))
    hotkey, commit = (leader["hotkey"], leader["commit"]) if leader else (None, None)
    check_copies(round, leader=hotkey, leader_commit=commit)
    recorded = round.recorded_winner
    round.log.rounds.append(f"{begun}: {summary(round, decision, recorded)}.")
    return recorded


def summary(round: RecordedRound, decision: Decision, recorded: str | None) -> str:
    """What was played, how far each came, and whether the winner follows."""
    reruns = sum(matches.repeat_of(defender) is not None for defender, _ in round.matches)
    played = f"{len(round.submissions)} submissions, {len(round.matches) - reruns} matches"
    played += f", {reruns} matches of audits" if reruns else ""
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
    return f"{played}; {turns}; {outcome}"


def check_unknown_files(files: Repository, rounds: list[RecordedRound]) -> None:
    """Whatever nobody announced is told, and was not examined."""
    numbers = {str(round.number) for round in rounds}
    unknown = [name for name in files.files("") if name not in TOP and not name.startswith(".")]
    unknown += [f"rounds/{name}" for name in files.folders("rounds") if name not in numbers]
    for round in rounds:
        unknown += [round.file(name) for name in files.files(round.folder) if name not in OF_ROUND]
        miners = sorted({LEADER, *round.submissions})
        unknown += [round.file(name) for name in files.folders(round.folder) if name not in miners]
        for hotkey in miners:
            names = [name for name in files.files(round.file(hotkey)) if not OF_MINER.fullmatch(name)]
            unknown += [round.file(f"{hotkey}/{name}") for name in names]
    for file in unknown:
        files.log.note("unknown-file", file)
