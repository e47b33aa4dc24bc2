"""Which files lie in a repository that nobody announced?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from verify.reading import Repository
from verify.rounds import LEADER, Round

TOP = ("config.json", "state.json", "leader.json", "prompts.txt", "README.md")
OF_ROUND = frozenset(
    [
        "schedule.json",
        "seed.json",
        "prompts.txt",
        "submissions.json",
        "builds.json",
        "winner.json",
        "rules.json",
        "fresh_prompts.txt",
        "matches_matrix.csv",
        "judge_progress.json",
        "require_audit.json",
        "source_audit.json",
        "generation_audits.json",
        "generation_reports.json",
        "audit_matrix.csv",
    ]
)
OF_MINER = re.compile(
    r"submitted\.json|generated(_\d+)?\.json|pod_stats\.json|duels(_[\w-]{1,60})?\.json|generations\.json"
    r"|audit_[A-Za-z0-9]{1,10}_\d{1,4}\.json",
    re.A,
)


def check_unknown_files(files: Repository, rounds: list[Round]) -> None:
    for file in unknown(files, {str(round.number): round for round in rounds}):
        files.book.note("unknown-file", file=file)


def unknown(files: Repository, rounds: dict[str, Round]) -> Iterator[str]:
    yield from (name for name in files.files("") if name not in TOP and not name.startswith("."))
    yield from (f"rounds/{name}" for name in files.folders("rounds") if name not in rounds)
    for round in rounds.values():
        yield from (round.file(name) for name in files.files(round.folder) if name not in OF_ROUND)
        for hotkey in files.folders(round.folder):
            if hotkey == LEADER or hotkey in round.submissions:
                names = (name for name in files.files(round.file(hotkey)) if not OF_MINER.fullmatch(name))
                yield from (round.file(f"{hotkey}/{name}") for name in names)
            else:
                yield round.file(hotkey)
