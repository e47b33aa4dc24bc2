"""Which files lie in a repository that nobody announced?"""

from __future__ import annotations

import re

from verify.findings import Book
from verify.reading import Repository
from verify.rounds import LEADER, Round

TOP = frozenset({"config.json", "state.json", "leader.json", "prompts.txt", "README.md"})
OF_ROUND = frozenset(
    {
        *("schedule.json", "seed.json", "prompts.txt", "submissions.json", "builds.json", "winner.json"),
        *(
            "rules.json",
            "fresh_prompts.txt",
            "matches_matrix.csv",
            "judge_progress.json",
            "require_audit.json",
            "source_audit.json",
        ),
        *("generation_audits.json", "generation_reports.json", "audit_matrix.csv"),
    }
)
OF_MINER = re.compile(
    r"submitted\.json|generated(_\d+)?\.json|pod_stats\.json|duels(_[\w-]{1,60})?\.json|generations\.json"
    r"|audit_[A-Za-z0-9]{1,10}_\d{1,4}\.json",
    re.A,
)


def check_unknown_files(files: Repository, rounds: list[Round], *, book: Book) -> None:
    for name in files.files(""):
        if name not in TOP and not name.startswith("."):
            _tell(name, book=book)
    known = {str(round.number): round for round in rounds}
    for name in files.folders("rounds"):
        if name in known:
            _round(files, known[name], book=book)
        else:
            _tell(f"rounds/{name}", book=book)


def _round(files: Repository, round: Round, *, book: Book) -> None:
    for name in files.files(round.folder):
        if name not in OF_ROUND:
            _tell(round.file(name), book=book)
    for hotkey in files.folders(round.folder):
        if hotkey != LEADER and hotkey not in round.submissions:
            _tell(round.file(hotkey), book=book)
            continue
        for name in files.files(round.file(hotkey)):
            if not OF_MINER.fullmatch(name):
                _tell(round.file(f"{hotkey}/{name}"), book=book)


def _tell(file: str, *, book: Book) -> None:
    book.note("unknown-file", file=file, sentence="Nobody announced this file; it was not examined.")
